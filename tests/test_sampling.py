"""Daily work takes a few cases of each table of parameters (`pytest --sample`)."""

from __future__ import annotations

from tests.support.sampling import sampled


def test_of_each_table_the_first_and_the_last_case_and_some_between() -> None:
    names = [*(f"a.py::test_one[{n}]" for n in range(10)), "a.py::test_two", "b.py::test_one[x[0]]"]
    assert list(sampled(names, 3)) == [
        *("a.py::test_one[0]", "a.py::test_one[4]", "a.py::test_one[9]"),
        *("a.py::test_two", "b.py::test_one[x[0]]"),
    ]
    assert list(sampled(names, 2)) == ["a.py::test_one[0]", "a.py::test_one[9]", *names[-2:]]
    assert list(sampled(names, 10)) == names
