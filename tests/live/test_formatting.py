from __future__ import annotations

import pytest

from bandsense.language import speaking
from bandsense.live.formatting import (
    advice_text,
    asymmetry_words,
    format_log_line,
    format_notice,
    lag_words,
    set_words,
    summary_words,
    tension_words,
)
from bandsense.signal.events import (
    Phase,
    PhaseChanged,
    Rep,
    RepCompleted,
    RepCounted,
    SignalWarning,
    WarningKind,
)
from bandsense.signal.metrics import Asymmetry, Difference, RepMetrics, RepTempo, set_metrics
from bandsense.workout.advice import Advice, Reason, Rule, SlackAction
from bandsense.workout.bilateral import Lag
from bandsense.workout.cues import CueKind
from bandsense.workout.events import (
    BatteryChanged,
    CueGiven,
    Event,
    SetDone,
    SetEnd,
    SetResult,
    SlackAdvised,
    SlackAnswered,
    Tared,
    TemperatureChanged,
    TensionTick,
)
from bandsense.workout.tempo import set_tempo
from bandsense.workout.workout import Summary

REP = Rep(1, 1.0, 1.5, 2.0, 2.6, 1.7, 60.0, 3.0, 4.0)
PARTIAL = Rep(2, 4.0, 4.5, 5.0, 5.6, 4.7, 40.0, 3.0, 4.0, partial=True, range_fraction=0.45)


@pytest.mark.parametrize(
    ("tension_n", "uncertainty_n", "words"),
    [
        (61.86, 3.1, "62 ± 3 N"),
        (512.3, 25.6, "512 ± 26 N"),
        (3.04, 0.05, "3.04 ± 0.05 N"),
        (-1.0, 0.25, "-1.0 ± 0.2 N"),
        (-0.01, 0.25, "0.0 ± 0.2 N"),
        (9.4, 0.949, "9.4 ± 0.9 N"),
        (9.4, 0.951, "9 ± 1 N"),
        (9.4, 0.001, "9.40 ± 0.01 N"),
        (9.44, 0.0, "9.4 N"),
        (61.86, float("nan"), "62 N"),
    ],
)
def test_digits_follow_the_uncertainty(tension_n: float, uncertainty_n: float, words: str) -> None:
    assert tension_words(tension_n, uncertainty_n) == words


def a_set() -> SetResult:
    figures = (figure(1, 60.0), figure(2, 40.0, partial=True))
    reps, hand = (REP, PARTIAL), set_tempo((REP, PARTIAL))
    return SetResult(1, 1.0, 5.6, reps, reps, figures, set_metrics(figures), SetEnd.REST, hand_tempo=hand)


def figure(index: int, peak_n: float, *, partial: bool = False) -> RepMetrics:
    rest_s = 1.4 if index == 1 else None
    return RepMetrics(
        index,
        partial,
        False,
        peak_n,
        3.0,
        30.0,
        1.5,
        48.0,
        1.6,
        RepTempo(0.5, 0.5, 0.6, rest_s),
        50.0,
        50.0,
        1.0,
        1.0,
    )


def test_a_set_in_words() -> None:
    assert set_words(a_set()) == (
        "set 1: 2 reps: 1 full, 1 partial, peak 60 ± 3 N, 3.2 s under tension, "
        "tempo about 0.8-0.0-1.0-1.1 s (partial: less than 60 % of the way; from 60 to 75 % it is unsure)"
    )


def test_a_session_in_words() -> None:
    assert summary_words(Summary(0, 0, 0, (), 3, 0.0, 0.0, 0.2, 800, 10.0)) == "no repetition in 10 s"
    words = summary_words(Summary(9, 1, 2, (4, 4), 3, 20.0, 60.0, 3.0, 800, 40.0, full=8))
    assert words == "9 reps in 2 sets: 8 full, 1 partial, peak 60 ± 3 N, 20.0 s under tension"
    turns = summary_words(Summary(24, 0, 4, (6, 6), 2, 74.6, 109.9, 5.5, 24000, 303.0, full=24))
    assert turns == "24 reps in 4 half-sets, peak 110 ± 6 N, 74.6 s under tension"


def test_a_log_says_what_to_do_about_a_low_battery() -> None:
    def line(percent: int) -> str:
        return str(format_log_line(BatteryChanged(0.0, percent, 0.0), None))

    assert line(87).endswith("battery 87 %")
    assert line(8).endswith("the sensor's battery is at 8 %; charge it")


def test_what_the_person_must_know_is_a_notice() -> None:
    advice = Advice(
        SlackAction.ADD,
        Rule.TOO_HARD,
        (Reason(Rule.TOO_HARD, {"full": 5, "planned": 8}),),
        "Let out 3 cm.",
        3,
    )
    assert format_notice(SlackAdvised(1.0, advice, 1.0)) == (
        "ADD SLACK - Let out 3 cm. You did 5 full repetitions; the plan asks for at least 8."
    )
    assert format_notice(SlackAnswered(1.0, True, 1.0)) == "Noted: the slack was changed."
    assert format_notice(SlackAnswered(1.0, False, 1.0)) == "Noted: it stays as it is."
    assert format_notice(Tared(1.0, 2.5, None, 1.0)) == "zero set: -2.5 N"
    assert format_notice(Tared(1.0, 0.0, "hold it still", 1.0)) == "hold it still"
    assert format_notice(SetDone(5.6, 1, a_set(), 20.0)) == set_words(a_set())
    assert format_notice(TensionTick(1.0, 3.0, 0.2)) is None


def test_lines_of_a_log() -> None:
    def of(event: Event) -> str | None:
        return format_log_line(event, lambda _: 3.0)

    assert of(RepCounted(1.7, 1, 60.0, 1.9, 1)) == "     1.90 s  rep 1: 60 ± 3 N"
    later = format_log_line(RepCounted(1001.7, 1, 60.0, 1001.9, 1), lambda _: 3.0, began_s=1000.0)
    assert later == of(RepCounted(1.7, 1, 60.0, 1.9, 1)), "the sensor may have been on for long"
    assert of(RepCompleted(5.6, 2, PARTIAL, 5.7)) == (
        "     5.70 s         pull about 0.8, hold 0.0, return 1.0 s, partial (45 % of the way)"
    )
    assert of(BatteryChanged(0.0, 55, 0.0)) == "     0.00 s  battery 55 %"
    warm = "     0.00 s  the sensor is at 31.0 °C: +0.75 N are taken off"
    assert of(TemperatureChanged(0.0, 31.0, 0.75, 0.0)) == warm
    assert of(TemperatureChanged(0.0, 31.0, 0.0, 0.0)) is None
    assert of(SignalWarning(1.0, WarningKind.SATURATED, "the sensor is at its limit", 1.0)) == (
        "     1.00 s  the sensor is at its limit"
    )
    assert of(CueGiven(1.0, CueKind.TWO_MORE, 1.0)) == "     1.00 s         (Two more)"
    with speaking("de"):
        assert of(CueGiven(1.0, CueKind.SET_DONE, 1.0)) == "     1,00 s         (Satz fertig)"
    assert of(CueGiven(1.0, CueKind.INHALE, 1.0)) is None
    assert of(TensionTick(1.0, 3.0, 0.2)) is None
    assert of(PhaseChanged(1.0, Phase.CONCENTRIC, 1.0)) is None


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (-0.13, "the band changed, not you."),
        (0.1, "the band changed, not you."),
        (3.79, "it is another band; name it, and each is compared with itself."),
        (-0.6, "it is another band; name it, and each is compared with itself."),
    ],
)
def test_what_no_band_can_do_is_another_band(share: float, said: str) -> None:
    reason = Reason(Rule.BAND_CHANGED, {"share": share, "probability": 0.999})
    advice = Advice(SlackAction.KEEP, Rule.BAND_CHANGED, (reason,))
    assert advice_text(advice).endswith(f"very likely {said}")


def test_which_side_pulls_first_is_told_only_where_it_is_clear() -> None:
    clear = lag_words(Lag(0.2, 0.03, 9, 0.008, 0.005))
    assert clear.startswith("the right side pulls 200 ± 30 ms after the left side (9 reps of both; ")
    assert "left side pulls 200 ± 30 ms after" in lag_words(Lag(-0.2, 0.03, 9, 0.008))
    for doubtful in (Lag(-0.197, 0.663, 2, 0.008), Lag(0.2, 0.03, 9, 0.3, 0.15)):
        assert lag_words(doubtful).startswith("which side pulls first is not clear (")


def test_left_and_right_are_written_by_the_rule_of_every_uncertainty() -> None:
    differences = (
        Difference(0.311, 0.071),
        Difference(-0.226, 0.009),
        Difference(0.4812, 0.0052),
        Difference(0.0, 0.02),
    )
    untold = Asymmetry(*differences[:3], None, {"time_under_tension": "needs 40 samples a second"})
    assert asymmetry_words(untold) == (
        "right against left: peak +31 ± 7 %, impulse -22.6 ± 0.9 %, range +48.1 ± 0.5 %, "
        "time under tension – (needs 40 samples a second); surely different: peak, impulse, range"
    )
    assert asymmetry_words(Asymmetry(*differences)) == (
        "right against left: peak +31 ± 7 %, impulse -22.6 ± 0.9 %, range +48.1 ± 0.5 %, "
        "time under tension 0 ± 2 %; surely different: peak, impulse, range"
    )
