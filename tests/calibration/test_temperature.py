from __future__ import annotations

import pytest

from bandsense.calibration.temperature import fit_temperature_on_zero
from bandsense.errors import CalibrationError


def test_two_soaks_give_the_slope_and_its_uncertainty() -> None:
    fit = fit_temperature_on_zero([10.0, 30.0], [0.5, 1.5], 0.02)
    assert fit.newton_per_kelvin == pytest.approx(0.05)
    assert fit.reference_temperature_c == 20.0
    assert fit.standard_uncertainty == pytest.approx(0.02 * 2**0.5 / 20)


@pytest.mark.parametrize("temperatures", [[20.0], [20.0, 22.0]])
def test_soaks_too_close_together_are_refused(temperatures: list[float]) -> None:
    with pytest.raises(CalibrationError):
        fit_temperature_on_zero(temperatures, [0.0] * len(temperatures))
