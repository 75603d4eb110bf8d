"""From one set of eight towards three."""

from __future__ import annotations

from bandsense.live.formatting import next_time_words
from bandsense.workout.plan import Plan
from bandsense.workout.progression import NextTime, SessionRecord, next_plan

ONE = Plan(sets=1)


def test_one_good_session_is_encouraged_two_add_a_set() -> None:
    once = next_plan(ONE, [SessionRecord((8,), 1)])
    assert (once.plan, once.reason) == (ONE, NextTime.ONCE_MORE)
    assert next_time_words(once) == (
        "1 set again. Today it had 8 or more; once more like this, and a set is added."
    )
    twice = next_plan(ONE, [SessionRecord((8,), 1), SessionRecord((9,), 1)])
    assert twice.plan == Plan(sets=2)
    assert next_time_words(twice) == "2 sets. Two sessions in a row every set had 8 or more."


def test_one_thing_at_a_time() -> None:
    twice = [SessionRecord((10,), 1)] * 2
    assert next_plan(ONE, twice).plan.sets == 2
    held = next_plan(ONE, twice, less_slack=True)
    assert (held.plan, held.reason) == (ONE, NextTime.LESS_SLACK)
    assert next_time_words(held) == "Less slack as advised, and 1 set again."
    weak = [*twice, SessionRecord((7,), 1)]
    assert next_plan(ONE, weak, less_slack=True).reason is NextTime.NOT_REACHED


def test_what_is_open_is_never_contradicted() -> None:
    done = [SessionRecord((12, 12, 12), 3)]
    harder, easier = next_plan(Plan(), done, less_slack=True), next_plan(Plan(), done, more_slack=True)
    assert next_time_words(harder) == "Less slack as advised, and 3 sets again."
    assert next_time_words(easier) == "More slack as advised; aim for 3 sets of 8."
    weak = next_plan(Plan(), [SessionRecord((8, 6, 4), 3)], more_slack=True)
    assert next_time_words(weak) == "More slack as advised; aim for 3 sets of 8. Today it was 1."
    check = next_plan(Plan(), done, to_check=True, less_slack=True)
    assert next_time_words(check) == "Check band, clip and anchor first; then 3 sets of 8."


def test_a_weak_session_in_between_starts_the_count_again() -> None:
    sessions = [SessionRecord((8,), 1), SessionRecord((7,), 1), SessionRecord((8,), 1)]
    assert next_plan(ONE, sessions).plan == ONE
    weak = next_plan(ONE, sessions[:2])
    assert weak.plan == ONE
    assert next_time_words(weak) == "Aim for 1 set of 8. Today no set had 8."


def test_sets_left_out_are_not_reached() -> None:
    two = Plan(sets=2)
    assert next_plan(two, [SessionRecord((9, 8), 2), SessionRecord((9,), 2)]).plan == two
    assert next_plan(two, [SessionRecord((9, 8), 2), SessionRecord((9, 9), 2)]).plan.sets == 3


def test_sessions_of_another_plan_do_not_count() -> None:
    assert next_plan(Plan(sets=2), [SessionRecord((9,), 1), SessionRecord((9,), 1)]).plan.sets == 2


def test_it_ends_at_three_sets() -> None:
    done = [SessionRecord((12, 12, 12), 3)] * 4
    assert next_plan(Plan(), done).plan == Plan()
    assert next_plan(Plan(sets=5), done).plan.sets == 5
    assert next_time_words(next_plan(Plan(), done)) == "3 sets again. Today each had 8 or more."
    weak = [*done, SessionRecord((12, 6, 6), 3)]
    assert next_time_words(next_plan(Plan(), weak)) == "Aim for 3 sets of 8. Today it was 1."


def test_nothing_done_yet() -> None:
    assert next_plan(ONE, []).plan == ONE


def test_the_way_from_one_set_to_three() -> None:
    plan, sessions = ONE, []
    sets = []
    for _ in range(6):
        sessions.append(SessionRecord((9,) * plan.sets, plan.sets))
        plan = next_plan(plan, sessions).plan
        sets.append(plan.sets)
    assert sets == [1, 2, 2, 3, 3, 3]
