"""Draw docs/live-view.svg, the README's picture: the terminal's live view in a simulated set."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console

from bandsense.calibration.curve import Calibration
from bandsense.exercises.catalogue import get_exercise
from bandsense.live.actions import Action
from bandsense.live.state import ViewState
from bandsense.live.terminal import TerminalView
from bandsense.samples import SampleBlock, Unit
from bandsense.sim.physics.scenario import Scenario
from bandsense.workout.inputs import LinkChange
from bandsense.workout.plan import Plan, TensionZone
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "live-view.svg"
WIDTH, HEIGHT = 96, 26
REPS_SHOWN = 6
ZONE_N = (55.0, 70.0)


def trained() -> ViewState:
    """A simulated set up to the moment at which the sixth repetition is counted."""
    row = get_exercise("seated-row")
    felt = Scenario(4, exercise=row.id, reps=8).simulate()
    zone = TensionZone(*ZONE_N)
    settings = WorkoutSettings(Calibration.identity(), row, Plan(tempo=row.tempo, zone=zone))
    workout = Workout(settings)
    state = ViewState(title=row.name, settings=settings, battery_percent=87, clock=lambda: 0.0)
    events = workout.apply(LinkChange("streaming", "streaming"))
    for at in range(felt.time_s.size):
        events += workout.push(
            SampleBlock(felt.time_s[at : at + 1], felt.tension_n[at : at + 1], Unit.NEWTON)
        )
        for event in events:
            state.update(event)
        events = []
        if state.reps == REPS_SHOWN:
            break
    return state


def drawn(state: ViewState) -> str:
    """The live view as SVG."""
    console = Console(
        width=WIDTH,
        height=HEIGHT,
        record=True,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
    )
    actions = {"e": Action("end set", print), "q": Action("quit", print)}
    console.print(TerminalView([state], console, actions=actions).frame())
    # The reader's own monospaced font will do: nothing is fetched from elsewhere.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title="bandsense live"), flags=re.DOTALL)
    return re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    PICTURE.write_text(drawn(trained()), encoding="utf-8")
