-- People, bands and sensors are documents: their form is validated where they are used.
CREATE TABLE people (
    id TEXT PRIMARY KEY,
    data TEXT NOT NULL
);

CREATE TABLE bands (
    id TEXT PRIMARY KEY,
    data TEXT NOT NULL
);

CREATE TABLE sensors (
    id TEXT PRIMARY KEY,
    data TEXT NOT NULL
);

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started_unix_s REAL NOT NULL,
    ended_unix_s REAL,
    state TEXT NOT NULL CHECK (state IN ('open', 'complete', 'recovered')),
    source TEXT NOT NULL,
    person TEXT,
    exercise TEXT,
    software TEXT NOT NULL,
    summary TEXT
);

-- One per sensor: a session with a left and a right sensor has two.
CREATE TABLE streams (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sensor TEXT NOT NULL,
    side TEXT,
    unit TEXT NOT NULL,
    settings TEXT NOT NULL
);

CREATE TABLE chunks (
    stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    first_time_s REAL NOT NULL,
    last_time_s REAL NOT NULL,
    arrived_unix_s REAL NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (stream, number)
);

-- What happened to the stream besides samples, and after how many of them, so that a replay is exact.
CREATE TABLE inputs (
    stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    after_samples INTEGER NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (stream, number)
);

CREATE TABLE events (
    stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (stream, number)
);

CREATE TABLE sets (
    stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (stream, number)
);

CREATE INDEX streams_of_session ON streams (session);
