-- Decks by name, each with its versions. The rows of before are versions, counted by name.
ALTER TABLE decks RENAME TO decks_before;

CREATE TABLE decks (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE,
    built_in    INTEGER NOT NULL CHECK (built_in IN (0, 1)), -- 1: the configuration's, which alone changes it
    account_id  INTEGER REFERENCES accounts (id), -- who made it; NULL: the configuration or the operator
    created_at  TEXT NOT NULL,
    archived_at TEXT                         -- NULL: sessions may be started
) STRICT;

CREATE TABLE deck_versions (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    deck_id       INTEGER NOT NULL REFERENCES decks (id),
    version       INTEGER NOT NULL CHECK (version >= 1),
    definition    TEXT NOT NULL,             -- JSON, every key written out, keys sorted
    account_id    INTEGER REFERENCES accounts (id), -- who saved it; NULL as above
    created_at    TEXT NOT NULL,
    first_used_at TEXT,                      -- NULL: no session yet
    UNIQUE (deck_id, version)
) STRICT;

INSERT INTO decks (name, built_in, created_at)
SELECT name, 1, min(first_used_at) FROM decks_before GROUP BY name ORDER BY min(id);
INSERT INTO deck_versions (id, deck_id, version, definition, created_at, first_used_at)
SELECT b.id, d.id, (SELECT count(*) FROM decks_before v WHERE v.name = b.name AND v.id <= b.id), b.definition,
       b.first_used_at, b.first_used_at
FROM decks_before b JOIN decks d ON d.name = b.name ORDER BY b.id;
CREATE TRIGGER deck_versions_never_change
BEFORE UPDATE OF id, deck_id, version, definition, account_id, created_at ON deck_versions
BEGIN SELECT RAISE(ABORT, 'a version of a deck never changes'); END;
CREATE TRIGGER deck_versions_stay_once_used BEFORE DELETE ON deck_versions WHEN OLD.first_used_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'sessions ran under this version of the deck'); END;

CREATE TABLE sessions_after (
    id             TEXT PRIMARY KEY CHECK (length(id) = 32),  -- 128 random bits, hex
    secret_sha256  TEXT NOT NULL CHECK (length(secret_sha256) = 64),
    deck_version_id INTEGER NOT NULL REFERENCES deck_versions (id),
    model_id       INTEGER NOT NULL REFERENCES models (id),
    server_version TEXT NOT NULL,
    created_at     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sessions_after SELECT id, secret_sha256, deck_id, model_id, server_version, created_at FROM sessions;
DROP TABLE sessions;
DROP TABLE decks_before;
ALTER TABLE sessions_after RENAME TO sessions;
CREATE INDEX sessions_by_deck ON sessions (deck_version_id);
CREATE INDEX sessions_by_model ON sessions (model_id);
