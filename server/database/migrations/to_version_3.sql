-- Who teaches, researches and runs the server; learners who keep a code; classes.
CREATE TABLE accounts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (length(name) > 0),
    password    TEXT NOT NULL,               -- libsodium's text: algorithm, limits, salt, hash
    role        TEXT NOT NULL CHECK (role IN ('educator', 'researcher', 'admin')),
    created_at  TEXT NOT NULL,
    disabled_at TEXT                         -- NULL: may log in
) STRICT;

CREATE TABLE account_sessions (
    token_sha256 TEXT PRIMARY KEY CHECK (length(token_sha256) = 64),
    account_id   INTEGER NOT NULL REFERENCES accounts (id),
    created_at   TEXT NOT NULL,
    last_used_at TEXT NOT NULL               -- to within five minutes
) STRICT, WITHOUT ROWID;
CREATE INDEX account_sessions_by_account ON account_sessions (account_id);

CREATE TABLE invitations (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    token_sha256 TEXT NOT NULL UNIQUE CHECK (length(token_sha256) = 64),
    purpose      TEXT NOT NULL CHECK (purpose IN ('first_admin', 'invite', 'reset')),
    role         TEXT NOT NULL CHECK (role IN ('educator', 'researcher', 'admin')),
    account_id   INTEGER REFERENCES accounts (id), -- of a reset; of the others once they are used
    created_at   TEXT NOT NULL,
    expires_at   TEXT NOT NULL,
    used_at      TEXT,
    CHECK (purpose <> 'reset' OR account_id IS NOT NULL)
) STRICT;

CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         TEXT NOT NULL,
    account_id INTEGER REFERENCES accounts (id), -- NULL: the operator, by the admin token or on the machine
    action     TEXT NOT NULL,                -- account.disable
    object     TEXT NOT NULL,                -- account:12
    detail     TEXT NOT NULL                 -- JSON
) STRICT;
CREATE TRIGGER audit_never_replaces BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
CREATE TRIGGER audit_never_shrinks BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;

CREATE TABLE learners (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    code_sha256 TEXT NOT NULL UNIQUE CHECK (length(code_sha256) = 64),
    created_at  TEXT NOT NULL
) STRICT;

CREATE TABLE classes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    code       TEXT NOT NULL UNIQUE CHECK (length(code) = 10),
    deck       TEXT NOT NULL,                -- its name
    title      TEXT NOT NULL,
    account_id INTEGER REFERENCES accounts (id), -- NULL: the operator
    created_at TEXT NOT NULL,
    closed_at  TEXT                          -- NULL: sessions may be started
) STRICT;

CREATE TABLE session_learners (
    session_id TEXT PRIMARY KEY REFERENCES sessions (id),
    learner_id INTEGER REFERENCES learners (id),
    class_id   INTEGER REFERENCES classes (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_learners_by_learner ON session_learners (learner_id);
CREATE INDEX session_learners_by_class ON session_learners (class_id);
