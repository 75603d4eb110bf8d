"""From one set of eight towards three."""

from __future__ import annotations

from bandsense.workout.plan import Plan
from bandsense.workout.progression import SessionRecord, next_plan

ONE = Plan(sets=1)


def test_one_good_session_is_encouraged_two_add_a_set():
    once = next_plan(ONE, [SessionRecord((8,), 1)])
    assert once.plan == ONE
    assert (
        once.reason == "Every set had at least 8 full repetitions; once more like this, and a set is added."
    )
    twice = next_plan(ONE, [SessionRecord((8,), 1), SessionRecord((9,), 1)])
    assert twice.plan == Plan(sets=2)
    assert twice.reason == "Two sessions running, every set had at least 8 full repetitions: do 2 sets."


def test_one_thing_at_a_time():
    twice = [SessionRecord((10,), 1)] * 2
    assert next_plan(ONE, twice).plan.sets == 2
    held = next_plan(ONE, twice, less_slack=True)
    assert held.plan == ONE
    assert held.reason == (
        "Every set had at least 8 full repetitions. Take slack out as advised, and stay at 1 set until that "
        "has settled."
    )
    weak = [*twice, SessionRecord((7,), 1)]
    assert next_plan(ONE, weak, less_slack=True).reason.startswith("Stay at 1 set until each")


def test_a_weak_session_in_between_starts_the_count_again():
    sessions = [SessionRecord((8,), 1), SessionRecord((7,), 1), SessionRecord((8,), 1)]
    assert next_plan(ONE, sessions).plan == ONE
    weak = next_plan(ONE, sessions[:2])
    assert weak.plan == ONE
    assert weak.reason == "Stay at 1 set until each has at least 8 full repetitions."


def test_sets_left_out_are_not_reached():
    two = Plan(sets=2)
    assert next_plan(two, [SessionRecord((9, 8), 2), SessionRecord((9,), 2)]).plan == two
    assert next_plan(two, [SessionRecord((9, 8), 2), SessionRecord((9, 9), 2)]).plan.sets == 3


def test_sessions_of_another_plan_do_not_count():
    assert next_plan(Plan(sets=2), [SessionRecord((9,), 1), SessionRecord((9,), 1)]).plan.sets == 2


def test_it_ends_at_three_sets():
    done = [SessionRecord((12, 12, 12), 3)] * 4
    assert next_plan(Plan(), done).plan == Plan()
    assert next_plan(Plan(sets=5), done).plan.sets == 5
    assert next_plan(Plan(), done).reason == (
        "Every set had at least 8 full repetitions. Stay at 3 sets; from here on less slack makes it harder, "
        "once the advice says so."
    )
    weak = [*done, SessionRecord((12, 6, 6), 3)]
    assert next_plan(Plan(), weak).reason == "Stay at 3 sets until each has at least 8 full repetitions."


def test_nothing_done_yet():
    assert next_plan(ONE, []).plan == ONE


def test_the_way_from_one_set_to_three():
    plan, sessions = ONE, []
    sets = []
    for _ in range(6):
        sessions.append(SessionRecord((9,) * plan.sets, plan.sets))
        plan = next_plan(plan, sessions).plan
        sets.append(plan.sets)
    assert sets == [1, 2, 2, 3, 3, 3]
