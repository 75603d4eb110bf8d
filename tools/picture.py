"""Draw docs/live-view.svg, the README's picture: the terminal's live view in a simulated set."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console
from rich.panel import Panel

from bandsense.live.state import ViewState
from bandsense.live.terminal import render
from bandsense.samples import SampleBlock, Unit
from bandsense.signal.calibration import Calibration
from bandsense.sim.scenario import Scenario
from bandsense.workout.workout import Workout, WorkoutSettings

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "live-view.svg"
WIDTH, HEIGHT = 96, 26
REPS_SHOWN = 6


def main() -> None:
    """Follow a simulated set until the sixth repetition is counted, and export that frame."""
    felt = Scenario(4, reps=8).simulate()
    workout = Workout(WorkoutSettings(Calibration.identity(), "seated-row"))
    state = ViewState(title="bandsense-BA5E · seated-row", link="streaming", battery_percent=87)
    for at in range(felt.time_s.size):
        block = SampleBlock(felt.time_s[at : at + 1], felt.tension_n[at : at + 1], Unit.NEWTON)
        for event in workout.push(block):
            state.update(event)
        if state.reps == REPS_SHOWN:
            break
    console = Console(
        width=WIDTH, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(
        Panel(render(state, WIDTH - 4, HEIGHT - 2), title="bandsense", title_align="left", height=HEIGHT)
    )
    # The reader's own monospaced font will do: nothing is fetched from elsewhere.
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title="bandsense live"), flags=re.DOTALL)
    PICTURE.write_text(re.sub(r"<!--.*?-->\s*", "", drawn, flags=re.DOTALL))


if __name__ == "__main__":
    main()
