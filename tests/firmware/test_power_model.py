from __future__ import annotations

import importlib.util
import itertools
import subprocess
import sys
from types import ModuleType

import pytest

from tests.needs import REPOSITORY

TOOL = REPOSITORY / "firmware" / "tools" / "power_model.py"


@pytest.fixture(scope="module")
def model() -> ModuleType:
    spec = importlib.util.spec_from_file_location("power_model", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_document_is_current() -> None:
    subprocess.run([sys.executable, TOOL, "--check"], check=True)


def test_a_changed_figure_is_noticed(model: ModuleType) -> None:
    document = model.DOCUMENT.read_text()
    assert model.fill(document.replace("| off | 0.026 |", "| off | 0.025 |")) == document
    with pytest.raises(ValueError, match="markers"):
        model.fill("no tables here")


def test_the_page_s_summary_is_its_table_s(model: ModuleType) -> None:
    best = max(model.rows(), key=lambda row: row.off_months)
    assert (best.bridge_ohm, best.capacity_mah) == (1000.0, 400)
    months = f"{best.standby_months:.0f} to {best.off_months:.0f} months"
    assert f"{best.streaming_h:.0f} hours of measuring, or {months}" in model.DOCUMENT.read_text()


def test_arithmetic_in_closed_form(model: ModuleType) -> None:
    # One hour in ten at 10 mA, the rest at 0: 1 mA on average, so that 85 mAh last 85 h.
    average_ua = model.average_ua({"streaming": 3600.0, "off": 32_400.0}, {"streaming": 10_000.0, "off": 0.0})
    assert average_ua == pytest.approx(1000.0)
    assert model.life_h(100, average_ua) == pytest.approx(85.0)
    # 3 V over 1 kΩ is 3 mA.
    assert model.bridge_ua(1000.0) == pytest.approx(5100.0)


@pytest.mark.parametrize("sent_to_sleep", [False, True])
def test_a_week_is_complete(model: ModuleType, sent_to_sleep: bool) -> None:
    times_s = model.week_s(sent_to_sleep=sent_to_sleep)
    assert sum(times_s.values()) == pytest.approx(604_800.0)
    assert times_s["streaming"] == 3600.0
    assert set(times_s) <= set(model.state_currents_ua(350.0))


def test_life_grows_with_the_cell(model: ModuleType) -> None:
    rows = list(model.rows())
    for smaller, larger in itertools.pairwise(rows):
        if smaller.bridge_ohm == larger.bridge_ohm:
            assert smaller.capacity_mah < larger.capacity_mah
            assert smaller.streaming_h < larger.streaming_h
            assert smaller.standby_months < larger.standby_months < larger.off_months


@pytest.mark.parametrize(("bridge_ohm", "least_h", "most_h"), [(350.0, 29.0, 31.0), (1000.0, 54.0, 62.0)])
def test_streaming_agrees_with_the_board_budget(
    model: ModuleType, bridge_ohm: float, least_h: float, most_h: float
) -> None:
    # The board's budget is without the timer that stamps conversions.
    streaming_ua = model.state_currents_ua(bridge_ohm)["streaming"] - model.STAMPING_UA
    assert least_h <= model.life_h(400, streaming_ua) <= most_h


def test_the_times_are_the_firmware_s(model: ModuleType) -> None:
    source = "\n".join(
        (REPOSITORY / "firmware" / path).read_text()
        for path in (
            "core/src/power.rs",
            "app/src/advertising_payload.rs",
            "core/src/nau7802.rs",
            "app/src/sampling.rs",
            "app/src/session.rs",
        )
    )
    assert (model.FAST_S, model.UNCONNECTED_S, model.STANDBY_S, model.PEEK_EVERY_S) == (30, 600, 604_800, 10)
    intervals_s = (model.FAST_INTERVAL_S, model.SLOW_INTERVAL_S, model.STANDBY_INTERVAL_S)
    assert intervals_s == (0.020, 1.0225, 1.285)
    assert (model.STREAMING_INTERVAL_S, model.RELAXED_INTERVAL_S) == (0.0225, 0.1125)
    assert pytest.approx(0.042875) == model.PEEK_S
    for line in (
        "fast_us: 30 * SECOND_US",
        "unconnected_us: 10 * 60 * SECOND_US",
        "standby_us: 7 * 24 * 3600 * SECOND_US",
        "peek_us: 10 * SECOND_US",
        "FAST: Duration = Duration::from_millis(20)",
        "STANDBY: Duration = Duration::from_micros(1_285_000)",
        "min_connection_interval: Duration::from_millis(15)",
        "max_connection_interval: Duration::from_millis(30)",
        "min_connection_interval: Duration::from_millis(105)",
        "max_connection_interval: Duration::from_millis(120)",
        "SLOW: Duration = Duration::from_micros(1_022_500)",
        "REGULATOR_SETTLE_MS: u32 = 20",
        "SETTLING_CONVERSIONS: usize = 6",
        "PEEK_RATE: Rate = Rate::Hz320",
    ):
        assert line in source


def test_standby_keeps_to_its_budget(model: ModuleType) -> None:
    for bridge_ohm in model.BRIDGES_OHM:
        assert model.state_currents_ua(bridge_ohm)["standby"] <= 100.0
