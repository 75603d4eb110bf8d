-- What tells a session and a sensor's part from all others, in every store that it is copied to. Those that are
-- there already get it from their number and time, so that two copies of one file give them the same.
ALTER TABLE sessions ADD COLUMN identity TEXT;
ALTER TABLE streams ADD COLUMN identity TEXT;
UPDATE sessions SET identity = printf('%d@%.6f', id, started_unix_s);
UPDATE streams SET identity = printf('%d@%.6f', id, (SELECT started_unix_s FROM sessions WHERE sessions.id = session));

CREATE TRIGGER identity_of_session AFTER INSERT ON sessions WHEN NEW.identity IS NULL BEGIN
    UPDATE sessions SET identity = lower(hex(randomblob(16))) WHERE id = NEW.id;
END;
CREATE TRIGGER identity_of_stream AFTER INSERT ON streams WHEN NEW.identity IS NULL BEGIN
    UPDATE streams SET identity = lower(hex(randomblob(16))) WHERE id = NEW.id;
END;

-- How a session or document was when this store and another had the same of it.
CREATE TABLE pushed (
    target TEXT NOT NULL,
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (target, kind, item)
);
