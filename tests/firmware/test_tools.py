"""The tools that sign, pack and weigh the firmware."""

from __future__ import annotations

import hashlib
import io
import struct
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from intelhex import IntelHex
from smpclient.mcuboot import ImageInfo

from bandsense.errors import FileFormatError
from bandsense.link.dfu.firmware_file import read_firmware_file
from bandsense.wire.bandsense.codes import CrashKind
from tests.firmware.updates import KEY, SLOTS, image, update_file
from tests.needs import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "firmware" / "tools"))
import board_only
import budget
import crash
import pack
import panics
import qemu
import sbom
import sign
from elf import Elf, Section

LOWEST_UF2_END = 0xA_D000
"""Some releases of the board's UF2 boot loader write only below this address."""


def segments() -> pack.Segments:
    return pack.factory_segments((0x2_7000, bytes(25_000)), image("1.2.3", 0, size=300_000), SLOTS[0])


def test_an_image_is_one_for_others_that_read_the_format(tmp_path: Path) -> None:
    path = tmp_path / "image.bin"
    path.write_bytes(image("1.2.3.4", 0))
    info = ImageInfo.load_file(str(path))
    assert (info.header.ver.major, info.header.ver.minor, info.header.ver.revision) == (1, 2, 3)
    assert info.header.ver.build_num == 4
    hashed = path.read_bytes()[: 256 + info.header.img_size + info.header.protect_tlv_size]
    digest = hashlib.sha256(hashed).digest()
    assert info.get_tlv(0x10).value == digest
    KEY.public_key().verify(info.get_tlv(0x24).value, digest)


def test_the_uf2_file_is_whole_and_writable_by_every_loader() -> None:
    raw = pack.to_uf2(segments())
    blocks = [raw[at : at + 512] for at in range(0, len(raw), 512)]
    memory: dict[int, bytes] = {}
    for number, block in enumerate(blocks):
        start0, start1, flags, address, size, index, count, family = struct.unpack_from("<8I", block)
        assert (start0, start1, block[508:]) == (0x0A324655, 0x9E5D5157, struct.pack("<I", 0x0AB16F30))
        assert (flags, size, index, count, family) == (0x2000, 256, number, len(blocks), 0xADA52840)
        assert 0x2_7000 <= address <= LOWEST_UF2_END - 256
        memory[address] = block[32 : 32 + size]
    for address, data in segments():
        for at in range(0, len(data), 256):
            assert memory[address + at].startswith(data[at : at + 256])


def test_the_hex_file_holds_the_segments() -> None:
    read = IntelHex(io.StringIO(pack.to_intel_hex(segments())))
    for address, data in segments():
        assert read.tobinstr(start=address, size=len(data)) == data


def test_an_update_file_is_read_back(tmp_path: Path) -> None:
    path = update_file(tmp_path, "2.0.1")
    file = read_firmware_file(path)
    assert [found.slot for found in file.images] == [0, 1]
    assert file.images[0].version_text == "2.0.1"
    assert path.read_bytes() == update_file(tmp_path, "2.0.1").read_bytes()


def test_a_damaged_or_foreign_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "image.bin"
    good = image("1.0.0", 0)
    for bad in (good[:-1], good[:3000], b"", b"PK\3\4 not a zip", good[:400] + b"\1" + good[401:]):
        path.write_bytes(bad)
        with pytest.raises(FileFormatError, match="image"):
            read_firmware_file(path)


def test_versions() -> None:
    assert sign.parse_version("1.2.3") == (1, 2, 3, 0)
    for bad in ("1.2", "1.2.3.4.5", "1.-2.3", "a.b.c"):
        with pytest.raises(ValueError, match=r"version|invalid literal"):
            sign.parse_version(bad)


def test_frames_and_calls_are_read_from_the_disassembly() -> None:
    listing = "\n".join(
        [
            "00001000 <outer>:",
            "    1000:      \tpush\t{r4, r5, r6, r7, lr}",
            "    1002:      \tpush.w\t{r8, r9, r10, r11}",
            "    1006:      \tsub.w\tsp, sp, #1024",
            "    100a:      \tbl\t0x2000 <inner> @ imm = #4082",
            "00001010 <$d.1>:",
            "    1014:      \tblx\tr3",
            "00002000 <inner>:",
            "    2000:      \tvpush\t{d8, d9}",
            "    2004:      \tsub\tsp, #16",
        ]
    )
    functions, _ = budget.read_functions(listing)
    assert functions[0x1000].frame == 4 * 9 + 1024
    assert functions[0x1000].calls == {0x2000}
    assert functions[0x1000].indirect
    assert functions[0x2000].frame == 16 + 16


PARTS = ("boot-flash", "application-flash", "application-ram", "application-stack")


def weighed(monkeypatch: pytest.MonkeyPatch, budgets: dict[str, int]) -> int:
    """Exit status of the budget's check of an image that takes 100 bytes of everything."""
    sizes = {".data": 50, ".bss": 40, ".uninit": 10}
    sections = {name: Section(name, 0, size, b"") for name, size in sizes.items()}
    lines = ["[budget]", *(f"{name} = {budgets.get(name, 100)}" for name in PARTS)]
    lines += ["[available]", *(f"{name} = 1000" for name in PARTS), "[interrupt-priorities]"]
    monkeypatch.setattr(budget, "read_elf", lambda _: Elf(0, bytes(100), sections, {}))
    monkeypatch.setattr(budget, "worst_stack", lambda *_: (100, {"thread": 100}))
    monkeypatch.setattr(budget, "_BUDGET", SimpleNamespace(read_text=lambda encoding: "\n".join(lines)))
    monkeypatch.setattr(sys, "argv", ["budget.py", "--boot", "boot.elf", "--application", "slot-a.elf"])
    with pytest.raises(SystemExit) as ended:
        budget.main()
    return int(ended.value.code or 0)


def test_an_image_within_its_budget_passes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert weighed(monkeypatch, {}) == 0
    assert "OVER BUDGET" not in capsys.readouterr().out


@pytest.mark.parametrize("part", PARTS)
def test_one_byte_over_the_budget_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], part: str
) -> None:
    assert weighed(monkeypatch, {part: 99}) == 1
    out = capsys.readouterr().out
    assert out.count("OVER BUDGET") == 1
    assert "stack: thread 100" in out


def test_the_budget_lies_within_what_there_is() -> None:
    settings = tomllib.loads((REPOSITORY / "firmware" / "budget.toml").read_text())
    assert settings["budget"].keys() == settings["available"].keys()
    assert all(settings["budget"][name] < settings["available"][name] for name in settings["budget"])


def test_the_deepest_stack_counts_calls_tasks_and_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = {
        0x10: budget.Function("Reset", frame=8, calls={0x20}),
        0x20: budget.Function("executor::poll", frame=100, indirect=True),
        0x30: budget.Function("TaskStorage<a>::poll", frame=1000, calls={0x40}),
        0x40: budget.Function("leaf", frame=50),
        0x50: budget.Function("TaskStorage<b>::poll", frame=700),
        0x60: budget.Function("RADIO", frame=30, calls={0x40}),
    }
    words = struct.pack("<2I", 0x31, 0x51)
    elf = Elf(
        0, b"", {".rodata": Section(".rodata", 0, 8, words)}, {f.name: at for at, f in functions.items()}
    )
    monkeypatch.setattr(budget, "read_elf", lambda _: elf)
    monkeypatch.setattr(budget, "disassemble", lambda _: "")
    monkeypatch.setattr(budget, "read_functions", lambda _: (functions, set()))
    total, parts = budget.worst_stack(Path("image"), {"RADIO": 0})
    assert parts == {"thread": 8 + 100 + 1000 + 50, "priority 0": 30 + 50 + 108}
    assert total == sum(parts.values())


def test_calls_of_panicking_functions_are_found() -> None:
    listing = "\n".join(
        [
            "    1000:      \tbl\t0x2000 <core::slice::index::slice_index_fail> @ imm = #4082",
            "    1004:      \tbl\t0x2000 <core::panicking::panic_const::panic_const_async_fn_resumed> @ imm",
            "    1008:      \tbl\t0x2000 <bandsense_core::sampler::Sampler::push> @ imm = #4082",
            "    100c:      \tbl\t0x2000 <core::panicking::panic_bounds_check> @ imm = #4082",
        ]
    )
    assert list(panics.panic_calls(listing)) == [0x1000, 0x100C]


@pytest.mark.parametrize(
    ("chain", "is_to_blame"),
    [
        (["firmware/core/src/sampler.rs:9:1"], True),
        (["/usr/library/core/src/slice/index.rs:9:1", "firmware/core/src/bytes.rs:1:1"], True),
        (["x/heapless-0.9.3/src/vec/mod.rs:9:1", "firmware/core/src/nau7802.rs:1:1"], True),
        (["x/embassy-sync-0.8.0/src/channel.rs:845:38", "firmware/app/src/sampling.rs:1:1"], False),
        (["firmware/app/src/table.rs:9:1"], False),
    ],
)
def test_the_hot_loop_is_blamed_for_what_it_causes(chain: list[str], is_to_blame: bool) -> None:
    assert (panics.blame(chain) == chain[-1]) == is_to_blame


# -- what a release is made of -----------------------------------------------------------------------------


def test_the_security_counter_is_in_the_protected_field() -> None:
    made = sign.build_image(
        b"body", version=(1, 0, 0, 0), load_address=SLOTS[0], board="host", key=KEY, security_counter=7
    )
    assert struct.unpack_from("<H", made, 10) == (12,)
    assert made[256 + 4 : 256 + 4 + 12] == bytes.fromhex("08690c00 50000400 07000000")
    with pytest.raises(ValueError, match="security counter"):
        sign.build_image(
            b"", version=(1, 0, 0, 0), load_address=0, board="", key=KEY, security_counter=1 << 24
        )


def test_the_hex_file_makes_the_board_start_it() -> None:
    """As `bootloader_app_is_valid` of Adafruit's boot loader reads its settings."""
    with_settings = [*segments(), (pack.SETTINGS_ADDRESS, pack.loader_settings())]
    read = IntelHex(io.StringIO(pack.to_intel_hex(with_settings)))
    bank_0, bank_0_crc, bank_1 = struct.unpack("<3H", read.tobinstr(start=0xFF000, size=6))
    assert (bank_0, bank_0_crc, bank_1) == (0x01, 0, 0xFF)


def test_a_board_takes_its_own_blocks_of_a_uf2_file_as_a_whole() -> None:
    families = pack.UF2_FAMILIES["xiao-nrf52840"]
    raw = pack.to_uf2(segments(), families)
    blocks = [struct.unpack_from("<8I", raw, at) for at in range(0, len(raw), 512)]
    for family in families:
        own = [block for block in blocks if block[7] == family]
        assert [block[5] for block in own] == list(range(own[0][6]))
        assert {block[6] for block in own} == {len(blocks) // len(families)}


def test_the_manifest_has_what_both_phone_apps_read() -> None:
    """Keys and types as in McuMgrManifest.swift (iOS) and ZipPackage.java (Android) of Device Manager."""
    images = {slot: image("1.2.3", slot) for slot in (0, 1)}
    made = pack.manifest(images, board="host", version="1.2.3", development=False)
    assert isinstance(made["format-version"], int)
    assert isinstance(made["time"], int)
    files = made["files"]
    assert isinstance(files, list)
    for slot, entry in enumerate(files):
        for key, kind in {
            "size": int,
            "file": str,
            "modtime": int,
            "type": str,
            "board": str,
            "soc": str,
            "load_address": int,
            "image_index": str,
            "slot": str,
            "version_MCUBOOT": str,
        }.items():
            assert isinstance(entry[key], kind), key
        assert (int(entry["slot"]), entry["size"]) == (slot, len(images[slot]))
        assert entry["load_address"] == SLOTS[slot]
        assert int(entry["image_index"]) == 0


def test_the_key_is_put_in_when_packing() -> None:
    public = sign.public_bytes(KEY)
    program = b"code" + sign.KEY_PLACEHOLDER + b"more code"
    assert sign.with_key(program, public) == b"code" + public + b"more code"
    taken_apart = program + sign.KEY_PLACEHOLDER[8:12]
    for bad in (b"code", taken_apart):
        with pytest.raises(ValueError, match="placeholder"):
            sign.with_key(bad, public)


def test_a_crash_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    program = b"\0" * 16 + b"firmware/app/src/lib.rs" + b"next"
    monkeypatch.setattr(crash, "read_elf", lambda _: Elf(0x1000, program, {}, {}))
    monkeypatch.setattr(crash, "source_lines", lambda _path, at: [f"push at {at:#x}"])
    path = Path("slot-a.elf")
    assert crash.explain(path, 1, 0x1010, 42) == ["panic", "firmware/app/src/lib.rs:42"]
    assert crash.explain(path, 2, 0x1004, 1 << 16) == [
        "hard fault",
        "undefined instruction",
        "push at 0x1004",
    ]
    assert "other slot" in crash.explain(path, 2, 0x9000, 0)[-1]
    assert "right one" in crash.explain(path, 1, 0x9000, 7)[-1]
    assert crash.explain(path, 3, 0, 0) == ["watchdog", "no place was noted"]
    assert crash.explain(path, 5, 0, 0) == ["Bluetooth controller", "no place was noted"]
    assert set(crash.KINDS) == {kind.value for kind in CrashKind if kind}


def test_a_doubling_of_instructions_fails() -> None:
    measured = {"frame": 100, "boot": 1000}
    assert qemu.complaints(measured, {"frame": 130, "boot": 1300}) == []
    assert qemu.complaints(measured, {"frame": 99, "boot": 1300}) == ["frame: 100 instructions, 99 allowed"]
    assert "lower the budget" in qemu.complaints(measured, {"frame": 200, "boot": 1300})[0]
    assert "without a budget" in qemu.complaints(measured, {"frame": 130})[0]
    assert "not measured" in qemu.complaints({"frame": 100}, {"frame": 130, "boot": 1})[0]
    assert qemu.measurements("ok x\ninstructions frame 12\n") == {"frame": 12}


def test_registers_that_are_left_out_are_named() -> None:
    log = "\n".join(trace for name, trace in qemu._REGISTERS.items() if name != "watchdog: started")
    assert qemu.missing_registers(log) == ["watchdog: started"]


def test_what_runs_on_the_board_only_is_counted() -> None:
    text = (
        "//! Doc.\n\nfn a() {}\n/* no\n   no */\nfn b() {}\n\n#[cfg(test)]\nmod tests {\n    fn t() {}\n}\n"
    )
    assert board_only.code_lines(text) == 2
    named = dict(board_only.sources(REPOSITORY / "firmware"))
    assert named["boot/src/main.rs"]
    assert named["nrf52840/src/bus.rs"]
    assert not named["core/src/nau7802.rs"]
    assert not named["nrf52840/src/fault.rs"]


def test_the_bill_of_materials_names_what_is_built_in() -> None:
    def package(name: str) -> dict[str, object]:
        return {"id": name, "name": name, "version": "1.0", "license": "MIT/Apache-2.0"}

    def node(name: str, *needs: tuple[str, str | None]) -> dict[str, object]:
        return {"id": name, "deps": [{"pkg": to, "dep_kinds": [{"kind": kind}]} for to, kind in needs]}

    names = ("bandsense-x", "bandsense-boot", "sha2", "cc", "digest")
    metadata = {
        "packages": [package(name) for name in names],
        "resolve": {
            "nodes": [
                node("bandsense-x", ("sha2", None), ("cc", "build")),
                node("bandsense-boot"),
                node("sha2", ("digest", None)),
                node("cc"),
                node("digest"),
            ]
        },
    }
    lock = {"package": [{"name": "sha2", "version": "1.0", "checksum": "ab"}]}
    made = sbom.bill(metadata, lock, board="x", version="2.0")
    assert [component["name"] for component in made["components"]] == ["digest", "sha2"]
    sha2 = made["components"][1]
    assert sha2["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert sha2["hashes"] == [{"alg": "SHA-256", "content": "ab"}]


def test_a_resumption_is_known_by_its_place(tmp_path: Path) -> None:
    source = tmp_path / "a.rs"
    source.write_text("async fn a(x: u32) {\n    b(1 / x).await;\n}\n")
    assert panics.is_resumption("a.rs:1:20", tmp_path)
    assert panics.is_resumption("a.rs:2:14", tmp_path)
    assert not panics.is_resumption("a.rs:2:7", tmp_path), "a division"
    assert not panics.is_resumption("a.rs:9:1", tmp_path)
    assert not panics.is_resumption("gone.rs:1:1", tmp_path)
