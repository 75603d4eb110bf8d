"""Prescriptions and doses: the two small files that go between a clinician and a person who trains.

A prescription says which exercises, how much, how often and when to stop; a dose says, in the same form, what
was done of it. Both are TOML or JSON documents that a person can read and write, checked on reading, and in
SI units. They travel by whatever way files travel; nothing here needs a network. A prescription may be signed
(`profiles.signing`). The formats are described for people in docs/prescriptions.md and for programs by the
JSON Schemas beside it.
"""

from __future__ import annotations

import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from bandsense.errors import ConfigError
from bandsense.exercises.model import Exercise, Tempo, faults_in
from bandsense.files import atomic_write
from bandsense.language import Message
from bandsense.profiles.base import Key, Name, ProfileModel, harmless, require_unique
from bandsense.workout.feedback import MOST_SCORE, StopRules
from bandsense.workout.plan import Plan, TensionZone

__all__ = [
    "Dose",
    "DoseOfExercise",
    "DoseWeek",
    "HandTempo",
    "PrescribedExercise",
    "Prescription",
    "Signature",
    "Stop",
    "read_document",
    "write_document",
]


_Harmless = AfterValidator(harmless)

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), _Harmless]
Seconds = Annotated[float, Field(ge=0.0, le=30.0)]
Moving = Annotated[float, Field(ge=0.2, le=30.0)]
Zone = tuple[Annotated[float, Field(gt=0.0, le=2000.0)], Annotated[float, Field(gt=0.0, le=2000.0)]]
Count = Annotated[int, Field(ge=0)]

LARGEST_BYTES = 1 << 20
"""A file beyond this is no prescription."""


class HandTempo(ProfileModel):
    """Seconds of the hand in one repetition, as they are counted aloud."""

    pull_s: Moving = 1.5
    hold_s: Seconds = 0.5
    return_s: Moving = 2.5
    rest_s: Seconds = 0.5


class Stop(ProfileModel):
    """When an exercise is to be stopped for the day.

    Attributes:
        pain: least score of pain after a set, of 10, that stops it; left out for never.
        snapped_band: whether a band that snaps or slips off stops it.
    """

    pain: Annotated[int, Field(ge=1, le=MOST_SCORE)] | None = None
    snapped_band: bool = True


class PrescribedExercise(ProfileModel):
    """One exercise of a prescription.

    Attributes:
        exercise: its id, as `bandsense exercises` lists it.
        sets, reps: how much in a session; full repetitions, at least.
        reps_top: repetitions at which a set is ended; `reps` + 4 where left out.
        days_per_week: how often.
        rest_s: between sets.
        tempo: of the hand; that of the exercise where left out.
        zone_n: peak tension to aim at, newtons, low and high; any where left out.
        note: a line for the person.
    """

    exercise: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
    sets: Annotated[int, Field(ge=1, le=10)] = 3
    reps: Annotated[int, Field(ge=1, le=100)] = 8
    reps_top: Annotated[int, Field(ge=1, le=100)] | None = None
    days_per_week: Annotated[int, Field(ge=1, le=7)] = 3
    rest_s: Annotated[float, Field(ge=0.0, le=1800.0)] = 90.0
    tempo: HandTempo | None = None
    zone_n: Zone | None = None
    note: Text = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.reps_top is not None and self.reps_top < self.reps:
            raise ValueError(f"reps_top is {self.reps_top}, less than reps, which is {self.reps}")
        if self.zone_n is not None and not self.zone_n[0] < self.zone_n[1]:
            raise ValueError("zone_n must be two tensions in newtons, the lower one first")
        return self

    @property
    def most_reps(self) -> int:
        """Repetitions at which a set is ended."""
        return min(100, self.reps + 4) if self.reps_top is None else self.reps_top

    def plan(self, exercise: Exercise, stop: Stop, zone: TensionZone | None = None) -> Plan:
        """Turn it into the plan of a session.

        Args:
            exercise: the one that is meant; its own tempo is taken where none is prescribed.
            stop: the stop rules of the prescription.
            zone: the person's own zone, where none is prescribed.
        """
        return Plan(
            sets=self.sets,
            reps=self.reps,
            reps_top=self.most_reps,
            tempo=self.tempo_of(exercise),
            rest_s=self.rest_s,
            zone=zone if self.zone_n is None else TensionZone(*self.zone_n),
            stop=StopRules(stop.pain, stop.snapped_band),
        )

    def tempo_of(self, exercise: Exercise) -> Tempo:
        """Give the tempo with the phases that tension shows."""
        if self.tempo is None:
            return exercise.tempo_by_tension
        tempo = Tempo(
            concentric_s=self.tempo.pull_s,
            hold_s=self.tempo.hold_s,
            eccentric_s=self.tempo.return_s,
            rest_s=self.tempo.rest_s,
        )
        return exercise.model_copy(update={"tempo": tempo}).tempo_by_tension


class Signature(ProfileModel):
    """Who vouches for a prescription: an Ed25519 signature (RFC 8032), see `profiles.signing`.

    Attributes:
        key: public key, 32 bytes in Base64.
        value: signature, 64 bytes in Base64.
    """

    algorithm: Literal["ed25519"] = "ed25519"
    key: Annotated[str, StringConstraints(max_length=60)]
    value: Annotated[str, StringConstraints(max_length=120)]


class _Document(ProfileModel):
    def content(self, *, whole: bool = True) -> dict[str, Any]:
        """Give it as plain values.

        Args:
            whole: with what has its default; without, two documents of the same content give the same.
        """
        plain: dict[str, Any] = self.model_dump(mode="json", exclude_defaults=not whole, exclude_none=True)
        # A reader must see what kind of file it is, though the kind is the default of its class.
        fields = type(self).model_fields
        return {"format": fields["format"].default, "version": fields["version"].default} | plain


class Prescription(_Document):
    """What a clinician asks of a person.

    Attributes:
        id: of this prescription: a dose names it.
        person: whom it is for, in whatever words the two use; no name is needed.
        prescriber: who wrote it.
        issued: on which day.
        until: the last day it holds; for good where left out.
        stop: when to stop.
        exercises: what to do; in the file each is an `[[exercise]]`.
        note: a line for the person.
        signature: where it is signed.
    """

    format: Literal["bandsense-prescription"] = "bandsense-prescription"
    version: Literal[1] = 1
    id: Annotated[Key, _Harmless]
    person: Annotated[Name, _Harmless]
    prescriber: Text = ""
    issued: date
    until: date | None = None
    note: Text = ""
    stop: Stop = Stop()
    exercise: Annotated[tuple[PrescribedExercise, ...], Field(min_length=1, max_length=50)]
    signature: Signature | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        require_unique((each.exercise for each in self.exercise), "exercise")
        if self.until is not None and self.until < self.issued:
            raise ValueError(f"it ends on {self.until}, before it was issued on {self.issued}")
        return self

    def prescribed(self, exercise: str, today: date) -> PrescribedExercise | None:
        """Find what is asked of an exercise; None where it is not prescribed, or no longer."""
        if self.until is not None and today > self.until:
            return None
        return next((each for each in self.exercise if each.exercise == exercise), None)


class DoseWeek(ProfileModel):
    """One week of one exercise, as it was done.

    Attributes:
        monday: the first day of the week.
        days: on how many days it was done.
        sets, full_reps, time_under_tension_s: done; what one side of two does counts half. The time is left
            out where no set tells it.
        untimed_sets: sets whose time under tension the sensor could not tell and which are not in the sum;
            left out where there are none.
        worst_pain: greatest score that was given; left out where none was.
        hardest_effort: likewise.
    """

    monday: date
    days: Annotated[int, Field(ge=0, le=7)]
    sets: Annotated[float, Field(ge=0.0)]
    full_reps: Annotated[float, Field(ge=0.0)]
    time_under_tension_s: Annotated[float, Field(ge=0.0)] | None = None
    untimed_sets: Annotated[float, Field(gt=0.0)] | None = None
    worst_pain: Annotated[int, Field(ge=0, le=MOST_SCORE)] | None = None
    hardest_effort: Annotated[int, Field(ge=0, le=MOST_SCORE)] | None = None


class DoseOfExercise(ProfileModel):
    """What was done of one exercise, beside what one week of the prescription asks for.

    Attributes:
        exercise: its id.
        days_per_week, sets_per_week, reps_per_week: as prescribed.
        time_under_tension_s_per_week: what those repetitions take at the prescribed tempo; about, because
            tension is not there over the whole of a movement.
        week: from the first week of the prescription on, weeks without a session included.
    """

    exercise: Annotated[Key, _Harmless]
    days_per_week: Count
    sets_per_week: Count
    reps_per_week: Count
    time_under_tension_s_per_week: Annotated[float, Field(ge=0.0)]
    week: tuple[DoseWeek, ...] = ()


class Dose(_Document):
    """What a person did of a prescription.

    Attributes:
        prescription: id of the prescription.
        digest: SHA-256 of its content in hexadecimal, so that nobody wonders which version it was.
        person: as in the prescription.
        first_day, last_day: what is told, both included.
        simulated: it tells simulated sessions, and nothing that was trained.
        exercise: one entry for each that is prescribed.
    """

    format: Literal["bandsense-dose"] = "bandsense-dose"
    version: Literal[1] = 1
    prescription: Annotated[Key, _Harmless]
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    person: Annotated[Name, _Harmless]
    first_day: date
    last_day: date
    simulated: bool = False
    exercise: tuple[DoseOfExercise, ...]

    @model_validator(mode="after")
    def _days_follow(self) -> Self:
        if self.last_day < self.first_day:
            raise ValueError(f"it ends on {self.last_day}, before it begins on {self.first_day}")
        return self


def read_document(path: Path) -> Prescription | Dose:
    """Read a prescription or a dose, TOML or JSON.

    Raises:
        ConfigError: the file cannot be read, or is neither; it names every fault in plain words.
    """
    data = _parsed(path)
    kind = data.get("format") if isinstance(data, dict) else None
    models: dict[object, type[Prescription] | type[Dose]] = {
        "bandsense-prescription": Prescription,
        "bandsense-dose": Dose,
    }
    model = models.get(kind) if isinstance(kind, str) else None
    if model is None:
        told = Message(
            "{path} is neither a prescription nor a dose: it must say format = "
            '"bandsense-prescription" or "bandsense-dose"',
            path=path,
        )
        raise ConfigError(told if kind is None else Message("{told}, not {kind!r}", told=told, kind=kind))
    if isinstance(version := data.get("version"), int) and version > 1:
        raise ConfigError(
            Message("{path} has version {version}; update bandsense to read it", path=path, version=version)
        )
    try:
        # Through JSON, so that both forms are read alike, and strictly.
        return model.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        raise ConfigError(
            Message("{path} cannot be used: {faults}", path=path, faults=faults_in(error))
        ) from error


def _parsed(path: Path) -> Any:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(Message("{path} cannot be read: {error}", path=path, error=error)) from error
    if len(raw) > LARGEST_BYTES:
        raise ConfigError(Message("{path} is too large for a prescription or a dose", path=path))
    try:
        text = raw.decode("utf-8-sig")
        if text.lstrip().startswith("{"):
            return json.loads(text)
        return tomllib.loads(text.replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        raise ConfigError(Message("{path} is not a text file", path=path)) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            Message("{path} is neither TOML nor JSON: {error}", path=path, error=error)
        ) from error


def write_document(document: Prescription | Dose, path: Path, heading: str = "") -> None:
    """Write a prescription or a dose: JSON where the name ends in `.json`, else TOML; whole or not at all.

    Args:
        document: what is written.
        path: the file; an existing one is replaced.
        heading: lines of comment above it, in TOML.

    Raises:
        ConfigError: the file cannot be written.
    """
    import tomli_w

    content = document.content()
    if path.suffix.lower() == ".json":
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    else:
        comment = "".join(f"# {line}\n" for line in heading.splitlines())
        text = f"{comment}{chr(10) if comment else ''}{tomli_w.dumps(content)}"
    try:
        with atomic_write(path) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            Message("{path} cannot be written: {error}; choose another place", path=path, error=error)
        ) from error
