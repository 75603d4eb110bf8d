"""No class is a god: more than 15 attributes or 25 methods need a sentence that says why."""

from __future__ import annotations

import ast
from functools import cache

from tests.needs import REPOSITORY

MOST_ATTRIBUTES, MOST_METHODS = 15, 25

LARGE = {
    "Sensor": "The facade that a caller holds: reconnecting, clock and queue are one life cycle.",
    "VirtualBand": "What its parts (`sim.devices.body`) are in: power, GATT, security and advertising.",
    "ProgressorTwin": "A whole sensor of another make, with the habits of its firmware.",
    "VirtualBleakClient": "Implements the abstract client of bleak, method by method.",
    "SequencedStream": "Counters that wrap, a reorder window and the statistics of one stream are one state.",
    "Workout": "The one door of a workout: a step for each kind of input.",
    "ViewState": "The latest of everything that a view shows: a record, with the words for it.",
    "Rep": "A record: a column of an export for each.",
    "RepMetrics": "A record: a column of an export for each.",
    "SetMetrics": "A record: a column of an export for each.",
    "Exercise": "A record: what a file of exercises says of each.",
    "SimulatedSensor": "A record: what is chosen of a simulated sensor.",
}


@cache
def classes() -> list[ast.ClassDef]:
    paths = sorted((REPOSITORY / "bandsense").rglob("*.py"))
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return [node for node in nodes if isinstance(node, ast.ClassDef)]


def methods(found: ast.ClassDef) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in found.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def attributes(found: ast.ClassDef) -> set[str]:
    """Names that are declared in the class or assigned to `self`."""
    declared = (node.target for node in found.body if isinstance(node, ast.AnnAssign))
    return {target.id for target in declared if isinstance(target, ast.Name)} | {
        node.attr
        for method in methods(found)
        for node in ast.walk(method)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }


def test_large_classes_say_why() -> None:
    sizes = {found.name: (len(attributes(found)), len(methods(found))) for found in classes()}
    large = {
        name: size for name, size in sizes.items() if size[0] > MOST_ATTRIBUTES or size[1] > MOST_METHODS
    }
    assert large.keys() <= LARGE.keys(), {name: large[name] for name in large.keys() - LARGE.keys()}


def test_the_measure_sees_attributes_and_methods() -> None:
    body = "    c: int\n"
    body += "".join(f"    def m{n}(self):\n        self.a{n} = self.b = 0\n" for n in range(30))
    (found,) = (node for node in ast.parse("class Big:\n" + body).body if isinstance(node, ast.ClassDef))
    assert (len(attributes(found)), len(methods(found))) == (32, 30)
