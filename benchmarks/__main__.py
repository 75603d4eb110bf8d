"""Run every benchmark in its quick form: `python -m benchmarks`."""

from __future__ import annotations

import subprocess
import sys

QUICK = {
    "accuracy": ["--quick"],
    "archive": ["--quick"],
    "calibration": ["--quick"],
    "coaching": ["--quick"],
    "elastic": [],
    "live": ["--seconds", "5"],
    "many_bands": ["--seconds", "10"],
    "speed": ["--quick"],
}


def main() -> int:
    """Run them one after the other; the exit status is the number that failed."""
    failed = 0
    for name, options in QUICK.items():
        print(f"── {name} " + "─" * (90 - len(name)), flush=True)
        failed += (
            subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=False).returncode
            != 0
        )
    return failed


if __name__ == "__main__":
    sys.exit(main())
