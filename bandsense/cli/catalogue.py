"""The commands: what each does, and the module of `commands` that is it.

Only the command that is asked for is imported: the help of all of them needs no more than this table.
"""

from __future__ import annotations

__all__ = ["COMMANDS", "module_of"]

COMMANDS = {
    "live": "train: connect to a sensor or two, count and measure live, save the session",
    "serve": "serve the page: choose, pair, train, rest, finish, again",
    "both": "the former name of `live LEFT RIGHT`: train with two sensors at once",
    "test": "test isometric strength: three trials a side, symmetry, and what changed",
    "demo": "see it work in two minutes, without a sensor",
    "analyze": "count and measure the repetitions of a recorded force trace",
    "replay": "replay a recording, a raw capture or a stored session",
    "sessions": "list the stored sessions, newest first",
    "show": "show the sets of a session, repetition by repetition",
    "rate": "rate a set after the session: effort, pain and a note",
    "history": "show how an exercise has gone over the weeks",
    "report": "write a report of a session, or of some weeks, to print or to send",
    "export": "write sessions as CSV, JSON, Parquet, FIT, training logs or clinical records",
    "import": "import sessions: JSON, CSV, Parquet of bandsense, FIT, Strong, Hevy, force traces",
    "upload": "send a session to intervals.icu as a FIT activity",
    "edit": "edit stored sessions: change person or band, merge, split, delete, undo",
    "reanalyze": "recompute sessions from raw samples: with another calibration, band or version",
    "store": "look after the file with all sessions, or prepare a clinic's database",
    "push": "send sessions and profiles to a clinic's database",
    "mcp": "let an assistant read the store and the live session (Model Context Protocol)",
    "exercises": "list the exercises, or show how one is done",
    "profile": "show, set, export or import people, bands and set-ups",
    "plan": "prescriptions: write, sign, show or import one, and report what was done",
    "band": "list, add, show, measure or remove your bands",
    "pair": "pair with a sensor, make it blink, name and remember it",
    "sensors": "list, show, rename, blink, zero or forget sensors",
    "calibrate": "calibrate a sensor with known masses, step by step",
    "firmware": "update the firmware of a sensor",
    "bringup": "test a sensor that you have built, and write a report",
    "scan": "list the sensors in range",
    "sim": "write the force trace of a simulated set, and its ground truth",
    "contribute": "check a labelled recording and pack it for the project",
    "doctor": "say what works on this machine, and what to do about what does not",
    "completion": "print a script with which the shell completes commands and options",
}
"""What a person types, with a line (without a full stop) on what it does, in the order of the help."""


def module_of(command: str) -> str:
    """Return the name of the module of a command; each has `add(commands)`."""
    module = "importing" if command == "import" else command  # a keyword names no module
    return f"bandsense.cli.commands.{module}"
