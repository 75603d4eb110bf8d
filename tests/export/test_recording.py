from __future__ import annotations

import codecs
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandsense.errors import FileFormatError
from bandsense.export.recording import Recording, read_recording
from bandsense.samples import Unit


def read(folder: Path, text: str | bytes) -> Recording:
    path = folder / "trace.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_recording(path)


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    recording = read(tmp_path, "Time (micros);Force(N)\n0;2,9\n988;3,05\n2080;-3\n")
    assert recording.block.time_s.tolist() == pytest.approx([0.0, 988e-6, 2080e-6], abs=1e-12)
    assert recording.block.values.tolist() == [2.9, 3.05, -3.0]
    assert recording.block.unit is Unit.NEWTON
    assert recording.notes == ()
    assert recording.started_unix_s is None


@pytest.mark.parametrize(
    ("header", "time_scale", "force_scale"),
    [
        ("time_s,tension_n", 1.0, 1.0),
        ("time_ms,force_kgf", 1e-3, 9.80665),
        ("Time (s),Force (lbf)", 1.0, 4.4482216152605),
        ("Time [µs],Weight [kg]", 1e-6, 9.80665),
        ("t_s,load_kN", 1.0, 1000.0),
        ("Zeit (ms);Kraft (N)", 1e-3, 1.0),
        ("# time_s tension_n, as np.savetxt writes it\n# time_s,tension_n", 1.0, 1.0),
        ("# made by a programme\n\ntime_s,force_n", 1.0, 1.0),
    ],
)
def test_units_come_from_the_header(
    tmp_path: Path, header: str, time_scale: float, force_scale: float
) -> None:
    rows = "1;2.5\n3;4\n" if ";" in header else "1,2.5\n3,4\n"
    block = read(tmp_path, f"{header}\n{rows}").block
    assert block.time_s.tolist() == pytest.approx([0.0, 2.0 * time_scale])
    assert block.values.tolist() == pytest.approx([2.5 * force_scale, 4.0 * force_scale])


def test_latin_1_and_windows_line_ends(tmp_path: Path) -> None:
    assert len(read(tmp_path, "Time [µs];Force [N]\r\n0;1,5\r\n10;2\r\n".encode("latin-1")).block) == 2


def test_a_quoted_file_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    block = read(tmp_path, 'sep=;\n"Time (s)";"Force (N)"\n"0,0";"1,5"\n"0,1";"2,5"\n').block
    assert block.time_s.tolist() == [0.0, 0.1]
    assert block.values.tolist() == [1.5, 2.5]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path, encoding: str) -> None:
    text = "Time [µs]\tForce [N]\n0\t1.5\n10\t2.5\n"
    assert read(tmp_path, text.encode(encoding)).block.values.tolist() == [1.5, 2.5]


def test_trailing_separators_are_no_columns(tmp_path: Path) -> None:
    assert read(tmp_path, "time_s,tension_n\n0,1,,\n1,2,,\n").block.values.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(("sign", "noted"), [(1, False), (-1, True)])
def test_a_pull_that_counts_as_negative_is_noted(tmp_path: Path, sign: int, noted: bool) -> None:
    rows = "".join(f"{n},{sign * value}\n" for n, value in enumerate([-4, 20, 50, 20, -4]))
    recording = read(tmp_path, f"time_s,tension_n\n{rows}")
    assert any("mostly below zero" in note for note in recording.notes) == noted


def test_the_files_own_time_of_the_first_sample_is_kept(tmp_path: Path) -> None:
    assert read(tmp_path, "time_ms,tension_n\n1500,1\n1510,2\n").first_time_s == 1.5


def test_wall_clock_times_keep_their_start(tmp_path: Path) -> None:
    recording = read(tmp_path, "unix_s,load_kg\n1623842395.41,-0.0\n1623842395.50,1.0\n")
    assert recording.started_unix_s == 1623842395.41
    assert recording.block.time_s.tolist() == pytest.approx([0.0, 0.09])
    assert recording.block.values.tolist() == pytest.approx([0.0, 9.80665])


def test_our_own_export_is_read_by_its_names(tmp_path: Path) -> None:
    block = read(
        tmp_path,
        "time_s,raw,tension_uncertainty_n,tension_n,gap_before\n0,120,0.5,12.25,0\n1,130,0.5,13.5,0\n",
    ).block
    assert block.values.tolist() == [12.25, 13.5]


# The form, not the content, of a genuine export: Simon10937/Tindeq-Leaderboard, calculation-contract.md.
TINDEQ = """date,tag,comment,unit,critical force,reps,Rest time,Work time
2026-29-07,test,,SI,20.1,24,3,7

rep,mean
1,30.5

time,weight
0.054,0.5
0.06535,1.0
"""


def test_tindeq_exports_are_kilogram_force(tmp_path: Path) -> None:
    block = read(tmp_path, TINDEQ).block
    assert block.time_s.tolist() == pytest.approx([0.0, 0.01135])
    assert block.values.tolist() == pytest.approx([0.5 * 9.80665, 9.80665])


def test_tindeq_exports_in_an_unknown_unit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"line 2: the unit 'stone' is not known"):
        read(tmp_path, TINDEQ.replace(",SI,", ",stone,"))


def test_values_that_are_no_numbers_leave_a_marked_gap(tmp_path: Path) -> None:
    recording = read(tmp_path, "time_s,tension_n\n0,1\n1,nan\n2,\n3,inf\n4,5\n5,6\n")
    assert recording.block.time_s.tolist() == [0.0, 4.0, 5.0]
    assert recording.block.gap_before.tolist() == [False, True, False]
    assert recording.notes == (
        "3 lines (the first is line 3) without a finite number left out and marked as a gap",
    )


def test_long_intervals_are_gaps_and_one_skipped_sample_is_not(tmp_path: Path) -> None:
    times = [0, 10, 20, 40, 50, 60, 100, 110]
    text = "".join(f"{time},1\n" for time in times)
    gap = read(tmp_path, f"time_ms,force_n\n{text}").block.gap_before
    assert [time for time, marked in zip(times, gap, strict=True) if marked] == [100]


def test_repeated_times_are_left_out_and_told(tmp_path: Path) -> None:
    recording = read(tmp_path, "time_s,tension_n\n0,1\n1,2\n1,3\n2,4\n")
    assert recording.block.values.tolist() == [1.0, 2.0, 4.0]
    assert recording.notes == ("line 4 with the time of the line before left out",)


@pytest.mark.parametrize("decimals", [1, 0])
def test_samples_with_rounded_times_are_kept_and_spread_and_told(tmp_path: Path, decimals: int) -> None:
    lines = "".join(f"{i / 80.0:.{decimals}f},{i % 50}\n" for i in range(1600))
    recording = read(tmp_path, f"time_s,tension_n\n{lines}")
    assert len(recording.block) == 1600
    assert not recording.block.gap_before.any()
    assert np.diff(recording.block.time_s)[200:] == pytest.approx(1.0 / 80.0, rel=0.15)
    (note,) = recording.notes
    assert "spread evenly" in note


def test_lines_that_are_written_twice_are_left_out(tmp_path: Path) -> None:
    lines = "".join(2 * f"{i / 80.0},{i % 50}\n" for i in range(800))
    recording = read(tmp_path, f"time_s,tension_n\n{lines}")
    assert len(recording.block) == 800
    assert recording.notes == ("800 lines (the first is line 3) with the time of the line before left out",)


def test_a_file_with_one_time_for_all_is_refused(tmp_path: Path) -> None:
    lines = "".join(f"7,{i}\n" for i in range(100))
    with pytest.raises(FileFormatError, match="all lines have one time"):
        read(tmp_path, f"time_s,tension_n\n{lines}")


def test_a_rate_that_changes_leaves_no_gap(tmp_path: Path) -> None:
    times = [*np.arange(0.0, 5.0, 0.0125), *np.arange(5.0, 10.0, 0.1)]
    text = "".join(f"{time:.4f},1\n" for time in times)
    assert not read(tmp_path, f"time_s,tension_n\n{text}").block.gap_before.any()


@pytest.mark.parametrize("last", ["2", "2,", "2,1e", "0.5,3", "x", "2,4,"])
def test_a_last_line_that_is_cut_off_is_told(tmp_path: Path, last: str) -> None:
    recording = read(tmp_path, f"time_s,tension_n\n0,1\n1,2\n{last}")
    assert recording.block.values.tolist()[:2] == [1.0, 2.0]
    assert any("line 4" in note for note in recording.notes)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", None, "empty"),
        ("\n \n", None, "empty"),
        ("time_s,tension_n\n", 1, "no sample"),
        ("0,1\n1,2\n", 1, "put a line such as `time_s,tension_n` first"),
        ("time,force\n0,1\n", 1, "with their units"),
        ("hello world\n", 1, "hello world"),
        ("time_s,tension_n\n0,1\n1,two\n2,3\n", 3, "found '1,two'"),
        ("time_s,tension_n\n0,1\n1\n2,3\n", 3, "found '1'"),
        ("time_s,tension_n\n0,1\n2,1\n1,3\n3,4\n", 4, "time goes back from 2 to 1"),
        ("\x89PNG\r\n\x1a\n\0\0\0", None, "not a text file"),
        ("time_s,tension_n\n0,1\n0,0125,54,2\n", 3, "4 columns, but the header names 2; where commas are"),
        ("time_s,tension_n\n0,1\n1,1e308\n", 3, "1e+308 N is not a possible tension"),
        ("time_s,tension_n\n0,1\n1e300,1\n", 3, "1e+300 s is not a possible time"),
        ('time_s,tension_n\n0,1\n"1,2\n', 3, "expected numbers"),
    ],
)
def test_a_wrong_file_is_named_with_line_and_reason(
    tmp_path: Path, text: str, line: int | None, reason: str
) -> None:
    with pytest.raises(FileFormatError) as caught:
        read(tmp_path, text)
    assert caught.value.line == line
    assert reason in str(caught.value)
    assert "trace.csv" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"nowhere\.csv: there is no such file"):
        read_recording(tmp_path / "nowhere.csv")
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_recording(tmp_path)


rows = st.text('0123456789.,;-\neE" \r\t', max_size=200)


@settings(max_examples=300)
@given(
    text=st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=100).map(lambda data: codecs.BOM_UTF16_LE + data),
        st.text(max_size=300).map(str.encode),
        rows.map(lambda text: b"time_s;tension_n\n" + text.encode()),
        rows.map(lambda text: b'sep=,\n"time_s","tension_n"\n' + text.encode()),
        rows.map(lambda text: ("unix_ms\tforce_kN\n" + text).encode("utf-16")),
    )
)
def test_any_file_gives_a_recording_or_the_documented_error(
    tmp_path_factory: pytest.TempPathFactory, text: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(text)
    try:
        block = read_recording(path).block
    except FileFormatError:
        return
    assert np.isfinite(block.values).all()


@pytest.mark.parametrize(
    ("name", "samples"),
    [
        ("band/calibration-1.force.csv", 1618),
        ("band/calibration-3.force.csv", 1499),
        ("band/calibration-5.force.csv", 2525),
        ("band/clean.force.csv", 749),
        ("isometric/hangs-11hz.csv", 697),
    ],
)
def test_real_recordings_are_read_whole(recordings: Path, name: str, samples: int) -> None:
    recording = read_recording(recordings / name)
    assert len(recording.block) == samples
    assert recording.notes == ()


def test_the_gaps_of_the_hanging_recording_are_marked(recordings: Path) -> None:
    block = read_recording(recordings / "isometric" / "hangs-11hz.csv").block
    intervals = np.diff(block.time_s)
    assert block.gap_before[1:][intervals > 0.3].all()
    assert not block.gap_before[1:][intervals < 0.15].any()
