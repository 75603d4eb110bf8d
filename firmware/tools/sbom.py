"""What an image is made of, as CycloneDX 1.5 JSON (https://cyclonedx.org): crates, licences, checksums."""

from __future__ import annotations

import argparse
import json
import subprocess
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pack import build_time_s

_FIRMWARE = Path(__file__).resolve().parents[1]
TARGET = "thumbv7em-none-eabihf"


def crates(metadata: dict[str, Any], roots: set[str]) -> list[dict[str, Any]]:
    """The packages that `roots` are built of, without themselves and what only builds or tests them."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    waiting = [package["id"] for package in packages.values() if package["name"] in roots]
    reached: set[str] = set()
    while waiting:
        at = waiting.pop()
        if at in reached:
            continue
        reached.add(at)
        for dependency in nodes[at]["deps"]:
            waiting += [dependency["pkg"]] if any(k["kind"] is None for k in dependency["dep_kinds"]) else []
    found = [packages[at] for at in reached if packages[at]["name"] not in roots]
    return sorted(found, key=lambda package: (package["name"], package["version"]))


def component(package: dict[str, Any], checksums: dict[tuple[str, str], str]) -> dict[str, Any]:
    """A crate as CycloneDX has it."""
    name, version = package["name"], package["version"]
    described: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"{name}@{version}",
        "name": name,
        "version": version,
        "purl": f"pkg:cargo/{name}@{version}",
    }
    if package["license"]:
        # Old crates write "A/B" where SPDX has "A OR B".
        described["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if checksum := checksums.get((name, version)):
        described["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return described


def bill(metadata: dict[str, Any], lock: dict[str, Any], *, board: str, version: str) -> dict[str, Any]:
    """The bill of materials of a board's boot loader and image."""
    checksums = {
        (package["name"], package["version"]): package["checksum"]
        for package in lock["package"]
        if "checksum" in package
    }
    roots = {f"bandsense-{board}", "bandsense-boot"}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(build_time_s(), UTC).isoformat(),
            "component": {"type": "firmware", "name": f"bandsense-{board}", "version": version},
        },
        "components": [component(package, checksums) for package in crates(metadata, roots)],
    }


def read_metadata(cargo: str) -> dict[str, Any]:
    """What cargo says about the workspace, for the chip."""
    command = [cargo, "metadata", "--format-version=1", f"--filter-platform={TARGET}", "--locked"]
    answer = subprocess.run(command, cwd=_FIRMWARE, check=True, capture_output=True, text=True)  # noqa: S603
    metadata: dict[str, Any] = json.loads(answer.stdout)
    return metadata


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--cargo", default="cargo")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    lock = tomllib.loads((_FIRMWARE / "Cargo.lock").read_text(encoding="utf-8"))
    made = bill(read_metadata(arguments.cargo), lock, board=arguments.board, version=arguments.version)
    arguments.output.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
