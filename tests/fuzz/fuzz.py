"""Look for bytes that a parser answers with anything but a value or a `BandsenseError`.

    .venv/bin/python tests/fuzz/fuzz.py 600            ten minutes for every target, two at a time
    .venv/bin/python tests/fuzz/fuzz.py 600 capture    for one

Atheris (libFuzzer) follows which lines an input reaches. What reaches new ones is kept in tests/fuzz/corpus,
which the ordinary tests play again; an input that fails is kept there as well, so that it stays mended.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
MOST_KEPT = 150
LONGEST = 8192


def kept(target: str) -> list[bytes]:
    """The corpus of a target."""
    path = CORPUS / f"{target}.zip"
    if not path.exists():
        return []
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in sorted(archive.namelist())]


def keep(target: str, inputs: list[bytes]) -> None:
    """Replace the corpus of a target; the same inputs give the same bytes."""
    with zipfile.ZipFile(CORPUS / f"{target}.zip", "w") as archive:
        for number, data in enumerate(sorted(set(inputs), key=lambda each: (len(each), each))[:MOST_KEPT]):
            archive.writestr(
                zipfile.ZipInfo(f"{number:03}", (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED
            )


def _child(target: str, arguments: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["bandsense"]):
        from targets import TARGETS, run

    again = f"{sys.executable} {__file__} --child {target}"  # how merging starts it anew
    atheris.Setup([again, *arguments], lambda data: run(TARGETS[target], data))
    atheris.Fuzz()


def _fuzz(target: str, seconds: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        old, new, found = (Path(folder) / name for name in ("old", "new", "found"))
        for each in (old, new, found):
            each.mkdir()
        for number, data in enumerate(kept(target)):
            (old / str(number)).write_bytes(data)
        command = [sys.executable, __file__, "--child", target]
        limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=20", "-rss_limit_mb=2048"]
        done = subprocess.run(
            [*command, *limits, f"-artifact_prefix={found}/", str(old)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        subprocess.run([*command, "-merge=1", str(new), str(old)], capture_output=True, check=False)
        faults = sorted(found.iterdir())
        merged = [path.read_bytes() for path in new.iterdir()] or kept(target)
        keep(target, [*(path.read_bytes() for path in faults), *merged])
        runs = [line for line in done.stderr.splitlines() if line.startswith("Done ")]
        said = runs[-1] if runs else "\n".join(done.stderr.splitlines()[-30:])
        return f"{target}: {len(faults)} faults, {len(merged)} inputs kept. {said}"


def main(seconds: int, names: list[str]) -> int:
    """Fuzz each target for so long; 1 if one failed."""
    from targets import TARGETS

    with ThreadPoolExecutor(2) as pool:
        lines = []
        for line in pool.map(lambda name: _fuzz(name, seconds), names or list(TARGETS)):
            print(line, flush=True)
            lines.append(line)
    return int(any(": 0 faults" not in line for line in lines))


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        _child(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
