"""What a colleague of one clinic, or a person, can do to others on the same server: nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from bandsense.errors import StoreError
from bandsense.samples import concatenate
from bandsense.store.edits import Edits
from bandsense.store.store import Store
from tests.support.postgresql import PostgresServer

Make = Callable[..., Any]

REFUSED = (psycopg.errors.InsufficientPrivilege, psycopg.errors.GeneratedAlways)


@dataclass(frozen=True)
class Clinics:
    """Two clinics with a session each, and a person of the first."""

    north: str
    south: str
    ada: str
    owner: str
    stream: int
    """Of north's session."""


@pytest.fixture(scope="module")
def clinics(
    postgresql: PostgresServer,
    new_session: Make,
    samples: Make,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Clinics]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BANDSENSE_HOME", str(tmp_path_factory.mktemp("home")))
        database = postgresql.database()
        north, south = postgresql.clinic("north", database), postgresql.clinic("south", database)
        ada = postgresql.clinic("north", database, person="ada")
        stream = 0
        for url, people in ((north, ("ada", "bob")), (south, ("ada",))):
            store = Store.open(url)
            for person in people:
                store.people.put(person, {"name": f"{person} of {url.partition('//')[2][:5]}"})
                with store.record(replace(new_session(), person=person)) as recorder:
                    recorder.write(samples(0, 16))
                    recorder.note_input("tare", {})
                    recorder.note_event("x", {})
                    recorder.note_set({"reps": 1})
            store.bands.put("red", {"of": url[:18]})
            Edits(store.database).set_fields(store.session("last").id, {"band": "red"})
            stream = stream or store.sessions()[-1].streams[0].id
        yield Clinics(north, south, ada, postgresql.url(database), stream)


@pytest.fixture
def hostile(clinics: Clinics) -> Iterator[psycopg.Connection[Any]]:
    """A colleague of the clinic south with a program of their own."""
    with psycopg.connect(clinics.south, autocommit=True, options="-c search_path=bandsense") as connection:
        yield connection


def everything(clinics: Clinics) -> list[Any]:
    """All rows of the clinic north, as the owner sees them."""
    with psycopg.connect(clinics.owner, options="-c search_path=bandsense") as connection:
        found: list[Any] = []
        for table in ("people", "bands", "sessions", "streams", "edits"):
            found += connection.execute(
                f"SELECT * FROM {table} WHERE clinic = 'north' ORDER BY id"
            ).fetchall()
        for table in ("chunks", "inputs", "events", "sets"):
            found += connection.execute(
                f"SELECT {table}.* FROM {table} JOIN streams ON streams.id = stream WHERE clinic = 'north' "
                "ORDER BY stream, number"
            ).fetchall()
        return found


@pytest.mark.slow
def test_each_clinic_works_with_its_own(clinics: Clinics) -> None:
    north, south = Store.open(clinics.north), Store.open(clinics.south)
    assert [session.person for session in north.sessions()] == ["bob", "ada"]
    assert [session.person for session in south.sessions()] == ["ada"]
    assert north.people.get("ada") == {"name": "ada of north"}
    assert south.people.get("ada") == {"name": "ada of south"}
    with pytest.raises(StoreError, match="there is no session"):
        south.session(north.session("last").id)


def test_nothing_of_another_clinic_can_be_read(clinics: Clinics, hostile: psycopg.Connection[Any]) -> None:
    for table in ("people", "bands", "sessions", "streams", "edits"):
        assert {row[0] for row in hostile.execute(f"SELECT clinic FROM {table}")} == {"south"}
    for table in ("chunks", "inputs", "events", "sets"):
        (count,) = hostile.execute(
            f"SELECT count(*) FROM {table} WHERE stream = %s", (clinics.stream,)
        ).fetchone() or (None,)
        assert count == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        hostile.execute("SELECT * FROM members")
    # A function that tells what it is shown is not shown what the policies hide.
    hostile.execute(
        "CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS "
        "'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END'"
    )
    told: list[str] = []
    hostile.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
    hostile.execute("SELECT * FROM people WHERE pg_temp.tell(data)")
    assert told == ['{"name": "ada of south"}']
    for view in ("pg_stats", "pg_stats_ext"):
        found = hostile.execute(f"SELECT * FROM {view} WHERE schemaname = 'bandsense'").fetchall()
        assert "north" not in str(found)


def test_a_deletion_without_conditions_takes_away_ones_own_alone(
    postgresql: PostgresServer, clinics: Clinics
) -> None:
    before = everything(clinics)
    database = clinics.owner.rpartition("/")[2]
    with psycopg.connect(
        postgresql.clinic("east", database), autocommit=True, options="-c search_path=bandsense"
    ) as east:
        for table in ("sessions", "people", "bands", "sensors", "edits", "analyses", "pushed"):
            assert east.execute(f"DELETE FROM {table}").rowcount == 0
        for table in ("sessions", "chunks", "people"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                east.execute(f"TRUNCATE {table} CASCADE")
        assert east.execute("UPDATE sessions SET summary = 'x'").rowcount == 0
        assert east.execute("UPDATE people SET data = 'x'").rowcount == 0
    assert everything(clinics) == before


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO people (id, data, clinic) VALUES ('eve', '{}', 'north')",
        "UPDATE people SET clinic = 'north'",
        "INSERT INTO sessions (started_unix_s, state, source, software, clinic) "
        "VALUES (0, 'complete', '', '', 'north')",
        "UPDATE sessions SET clinic = 'north'",
        "INSERT INTO sessions (id, started_unix_s, state, source, software) OVERRIDING SYSTEM VALUE "
        "VALUES (1, 0, 'complete', '', '')",
        "UPDATE sessions SET id = 1",
        "INSERT INTO streams (session, sensor, unit, settings) "
        "VALUES ((SELECT max(id) FROM sessions) - 1, '', 'count', '')",
        "UPDATE streams SET session = session - 1",
        "INSERT INTO chunks VALUES (%(stream)s, 9, 1, 0, 0, 0, '')",
        "INSERT INTO chunks VALUES (%(stream)s, 0, 1, 0, 0, 0, '') ON CONFLICT DO NOTHING",
        "INSERT INTO chunks VALUES (%(stream)s, 0, 1, 0, 0, 0, '') "
        "ON CONFLICT (stream, number) DO UPDATE SET data = ''",
        "INSERT INTO events VALUES (%(stream)s, 9, 'x', '{}')",
        "INSERT INTO analyses VALUES (%(stream)s, 'd', 0, '', '', '', '')",
        "UPDATE chunks SET data = ''",
        "UPDATE events SET data = ''",
        "INSERT INTO members VALUES ('eve', 'north', NULL)",
        "UPDATE members SET clinic = 'north'",
        "UPDATE store SET version = 0",
        "INSERT INTO edits (made_unix_s, kind, data, login) VALUES (0, 'delete', '{\"session\": 1}', 'x')",
    ],
)
def test_rows_cannot_be_forged(clinics: Clinics, hostile: psycopg.Connection[Any], statement: str) -> None:
    before = everything(clinics)
    with pytest.raises(REFUSED):
        hostile.execute(statement, {"stream": clinics.stream} if "%(" in statement else None)
    assert everything(clinics) == before


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "SET row_security = off; SELECT * FROM sessions",
        "ALTER TABLE sessions DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON sessions USING (true)",
        "DROP POLICY own ON sessions",
        "ALTER TABLE sessions OWNER TO CURRENT_USER",
        "CREATE OR REPLACE FUNCTION my_clinic() RETURNS TEXT LANGUAGE sql AS 'SELECT ''north''::text'",
        "ALTER FUNCTION my_clinic() SET search_path = pg_temp",
        "CREATE FUNCTION bandsense.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TRIGGER mine BEFORE INSERT ON sessions EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "GRANT SELECT ON members TO CURRENT_USER",
        "SELECT nextval('bandsense.sessions_id_seq')",
        "COPY sessions TO PROGRAM 'cat'",
        "SELECT pg_read_file('postgresql.conf')",
    ],
)
def test_no_right_can_be_taken(clinics: Clinics, hostile: psycopg.Connection[Any], statement: str) -> None:
    before = everything(clinics)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        hostile.execute(statement)
    assert everything(clinics) == before


def test_another_name_is_not_taken_for_another_login(
    clinics: Clinics, hostile: psycopg.Connection[Any]
) -> None:
    """`SET ROLE` to the group, a setting, a table of the same name: none changes whose the login is."""
    hostile.execute("CREATE TEMPORARY TABLE members (login TEXT, clinic TEXT, person TEXT)")
    hostile.execute("INSERT INTO pg_temp.members SELECT session_user, 'north', NULL")
    hostile.execute("SET search_path = pg_temp, bandsense")
    hostile.execute("SET ROLE bandsense")
    hostile.execute("SET application_name = 'north'")
    assert hostile.execute("SELECT bandsense.my_clinic()").fetchone() == ("south",)
    assert hostile.execute("SELECT DISTINCT clinic FROM bandsense.sessions").fetchall() == [("south",)]


def test_a_person_sees_and_changes_their_own_alone(
    clinics: Clinics, new_session: Make, samples: Make
) -> None:
    ada = Store.open(clinics.ada)
    assert [session.person for session in ada.sessions()] == ["ada"]
    assert ada.people.all() == {"ada": {"name": "ada of north"}}
    assert ada.bands.all().keys() == {"red"}
    (session,) = ada.sessions()
    assert concatenate(ada.blocks(session.streams[0])) == samples(0, 16)
    with ada.record(replace(new_session(), person="ada")) as recorder:
        recorder.write(samples(0, 16))
    assert ada.session("last").samples == 16
    for attempt in (
        lambda: ada.record(replace(new_session(), person="bob")),
        lambda: ada.people.put("bob", {"name": "eve"}),
        lambda: ada.bands.put("blue", {}),
        lambda: Edits(ada.database).set_fields(session.id, {"person": "bob"}),
    ):
        with pytest.raises(StoreError, match="this login may not do that"):
            attempt()
    assert not ada.bands.remove("red")
    ada.delete(ada.session("last").id)
    assert Store.open(clinics.north).people.get("bob") == {"name": "bob of north"}


def test_each_undoes_their_own_changes(postgresql: PostgresServer, clinics: Clinics) -> None:
    colleague = postgresql.clinic("north", clinics.owner.rpartition("/")[2])
    theirs, mine = Edits(Store.open(colleague).database), Edits(Store.open(clinics.north).database)
    assert theirs.last() is None
    assert mine.last() is not None
