ALTER TABLE sessions ADD COLUMN band TEXT;

-- When the session was put into the bin, from which it can be taken back; NULL while it is not there.
ALTER TABLE sessions ADD COLUMN binned_unix_s REAL;

-- What was changed afterwards and how it was before, so that each change can be undone, the last one first.
CREATE TABLE edits (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    made_unix_s REAL NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
);

-- Samples analysed again with another calibration, band or version; what was seen live stays beside it.
CREATE TABLE analyses (
    stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    made_unix_s REAL NOT NULL,
    software TEXT NOT NULL,
    settings TEXT NOT NULL,
    summary TEXT NOT NULL,
    sets TEXT NOT NULL,
    PRIMARY KEY (stream, digest)
);

CREATE INDEX sessions_by_time ON sessions (started_unix_s);
