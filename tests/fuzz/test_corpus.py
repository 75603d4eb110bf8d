"""Inputs that fuzzing kept (`make fuzz`): each parser answers with a value or an error of ours."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.fuzz import kept
from tests.fuzz.targets import TARGETS, run


@pytest.mark.parametrize("name", TARGETS)
def test_kept_inputs_are_answered(name: Any) -> None:
    inputs = kept(name)
    assert inputs, f"tests/fuzz/corpus/{name}.zip is missing; `make fuzz` writes it"
    for data in inputs:
        run(TARGETS[name], data)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_their_mutations_are_answered(name: Any, data: Any) -> None:
    original = data.draw(st.sampled_from(kept(name)))
    at = data.draw(st.integers(0, max(len(original) - 1, 0)))
    inserted = data.draw(st.binary(max_size=8))
    cut = data.draw(st.integers(0, 8))
    run(TARGETS[name], original[:at] + inserted + original[at + cut :])
