-- The tables of the SQLite file of the same number, for many clinics in one database. Whose a row is is never said
-- by the one who writes it: it follows from the login, and row-level security holds everyone to it.

-- Which login is whose: of a clinic's colleague (person is null), or of a person who sees their own sessions only.
CREATE TABLE members (
    login TEXT PRIMARY KEY,
    clinic TEXT NOT NULL,
    person TEXT
);

CREATE TABLE store (
    id TEXT PRIMARY KEY DEFAULT replace(gen_random_uuid()::text, '-', ''),
    version INTEGER NOT NULL
);

-- session_user is who has logged in; unlike current_user it is not changed by SET ROLE.
CREATE FUNCTION my_clinic() RETURNS TEXT LANGUAGE sql STABLE SECURITY DEFINER SET search_path = bandsense, pg_temp
    AS 'SELECT clinic FROM members WHERE login = session_user';
CREATE FUNCTION my_person() RETURNS TEXT LANGUAGE sql STABLE SECURITY DEFINER SET search_path = bandsense, pg_temp
    AS 'SELECT person FROM members WHERE login = session_user';

CREATE TABLE people (
    id TEXT NOT NULL,
    data TEXT NOT NULL,
    clinic TEXT NOT NULL DEFAULT my_clinic(),
    PRIMARY KEY (clinic, id)
);
CREATE TABLE bands (LIKE people INCLUDING ALL);
CREATE TABLE sensors (LIKE people INCLUDING ALL);

CREATE TABLE sessions (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_unix_s DOUBLE PRECISION NOT NULL,
    ended_unix_s DOUBLE PRECISION,
    state TEXT NOT NULL CHECK (state IN ('open', 'complete', 'recovered')),
    source TEXT NOT NULL,
    person TEXT,
    exercise TEXT,
    software TEXT NOT NULL,
    summary TEXT,
    band TEXT,
    binned_unix_s DOUBLE PRECISION,
    identity TEXT NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', ''),
    clinic TEXT NOT NULL DEFAULT my_clinic(),
    UNIQUE (clinic, identity)
);
CREATE INDEX sessions_by_time ON sessions (clinic, started_unix_s);

CREATE TABLE streams (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session BIGINT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sensor TEXT NOT NULL,
    side TEXT,
    unit TEXT NOT NULL,
    settings TEXT NOT NULL,
    identity TEXT NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', ''),
    clinic TEXT NOT NULL DEFAULT my_clinic(),
    UNIQUE (clinic, identity)
);
CREATE INDEX streams_of_session ON streams (session);

CREATE TABLE chunks (
    stream BIGINT NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    first_time_s DOUBLE PRECISION NOT NULL,
    last_time_s DOUBLE PRECISION NOT NULL,
    arrived_unix_s DOUBLE PRECISION NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (stream, number)
);
ALTER TABLE chunks ALTER data SET STORAGE EXTERNAL; -- it is compressed already

CREATE TABLE inputs (
    stream BIGINT NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    after_samples BIGINT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (stream, number)
);

CREATE TABLE events (
    stream BIGINT NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (stream, number)
);

CREATE TABLE sets (
    stream BIGINT NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (stream, number)
);

CREATE TABLE analyses (
    stream BIGINT NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    made_unix_s DOUBLE PRECISION NOT NULL,
    software TEXT NOT NULL,
    settings TEXT NOT NULL,
    summary TEXT NOT NULL,
    sets TEXT NOT NULL,
    PRIMARY KEY (stream, digest)
);

-- Each login undoes its own changes.
CREATE TABLE edits (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made_unix_s DOUBLE PRECISION NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    clinic TEXT NOT NULL DEFAULT my_clinic(),
    login TEXT NOT NULL DEFAULT session_user
);

CREATE TABLE pushed (
    target TEXT NOT NULL,
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    digest TEXT NOT NULL,
    clinic TEXT NOT NULL DEFAULT my_clinic(),
    PRIMARY KEY (clinic, target, kind, item)
);

ALTER TABLE members ENABLE ROW LEVEL SECURITY; -- without a policy: for nobody but the functions above
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
ALTER TABLE bands ENABLE ROW LEVEL SECURITY;
ALTER TABLE sensors ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE streams ENABLE ROW LEVEL SECURITY;
ALTER TABLE chunks ENABLE ROW LEVEL SECURITY;
ALTER TABLE inputs ENABLE ROW LEVEL SECURITY;
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE sets ENABLE ROW LEVEL SECURITY;
ALTER TABLE analyses ENABLE ROW LEVEL SECURITY;
ALTER TABLE edits ENABLE ROW LEVEL SECURITY;
ALTER TABLE pushed ENABLE ROW LEVEL SECURITY;

CREATE POLICY own ON sessions USING (
    clinic = (SELECT my_clinic()) AND ((SELECT my_person()) IS NULL OR person = (SELECT my_person())));
CREATE POLICY own ON people USING (
    clinic = (SELECT my_clinic()) AND ((SELECT my_person()) IS NULL OR id = (SELECT my_person())));
CREATE POLICY read ON bands FOR SELECT USING (clinic = (SELECT my_clinic()));
CREATE POLICY own ON bands USING (clinic = (SELECT my_clinic()) AND (SELECT my_person()) IS NULL);
CREATE POLICY read ON sensors FOR SELECT USING (clinic = (SELECT my_clinic()));
CREATE POLICY own ON sensors USING (clinic = (SELECT my_clinic()) AND (SELECT my_person()) IS NULL);
CREATE POLICY own ON edits USING (clinic = (SELECT my_clinic()) AND login = session_user);
CREATE POLICY own ON pushed USING (clinic = (SELECT my_clinic()));

-- What hangs on a session is for those who see the session: the inner tables are looked at with their own policies.
CREATE POLICY own ON streams USING (
    clinic = (SELECT my_clinic()) AND EXISTS (SELECT FROM sessions WHERE sessions.id = session));
CREATE POLICY own ON chunks USING (EXISTS (SELECT FROM streams WHERE streams.id = stream));
CREATE POLICY own ON inputs USING (EXISTS (SELECT FROM streams WHERE streams.id = stream));
CREATE POLICY own ON events USING (EXISTS (SELECT FROM streams WHERE streams.id = stream));
CREATE POLICY own ON sets USING (EXISTS (SELECT FROM streams WHERE streams.id = stream));
CREATE POLICY own ON analyses USING (EXISTS (SELECT FROM streams WHERE streams.id = stream));

-- Nobody names a number or a clinic: those columns cannot be written. What was recorded can be deleted with its
-- session, and changed by nobody.
GRANT USAGE ON SCHEMA bandsense TO bandsense;
REVOKE EXECUTE ON FUNCTION my_clinic(), my_person() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION my_clinic(), my_person() TO bandsense;
GRANT SELECT ON store, people, bands, sensors, sessions, streams, chunks, inputs, events, sets, analyses, edits, pushed
    TO bandsense;
GRANT DELETE ON people, bands, sensors, sessions, analyses, edits, pushed TO bandsense;
GRANT INSERT ON chunks, inputs, events, sets, analyses TO bandsense;
GRANT INSERT (id, data), UPDATE (id, data) ON people, bands, sensors TO bandsense;
GRANT INSERT (started_unix_s, ended_unix_s, state, source, person, exercise, software, summary, band, binned_unix_s,
    identity) ON sessions TO bandsense;
GRANT UPDATE (ended_unix_s, state, person, exercise, summary, band, binned_unix_s) ON sessions TO bandsense;
GRANT INSERT (session, sensor, side, unit, settings, identity), UPDATE (session) ON streams TO bandsense;
GRANT INSERT (made_unix_s, kind, data) ON edits TO bandsense;
GRANT INSERT (target, kind, item, digest), UPDATE (digest) ON pushed TO bandsense;
