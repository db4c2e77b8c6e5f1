-- The database of roentgymd. The daemon carries this text in its binary and runs it on an empty file.
-- Times are UTC, RFC 3339 with milliseconds. No network address and no browser name is stored.
-- Accounts are of those who teach, research and run the server. Learners have none: nothing here joins an
-- answer to a name. Of every secret there is only its SHA-256, of passwords an Argon2id hash.
-- user_version is the schema's version: the daemon refuses a newer one than it knows, and brings an older one
-- up to this one by the steps in server/database/migrations.
-- What keeps the rows of a frozen study as they are stands apart: server/database/frozen_studies.sql.

PRAGMA application_id = 1919903604; -- the letters "rogt"
PRAGMA user_version = 8;

-- Checkpoints that sessions were drawn for. A file is known by its hash, whatever its name.
CREATE TABLE models (
    id            INTEGER PRIMARY KEY,
    sha256        TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
    name          TEXT NOT NULL,
    resolution    INTEGER NOT NULL CHECK (resolution > 0),
    training_data TEXT NOT NULL CHECK (training_data IN ('simulated', 'real')),
    provenance    TEXT NOT NULL,
    first_used_at TEXT NOT NULL
) STRICT;

-- Decks by their names.
CREATE TABLE decks (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE,
    built_in    INTEGER NOT NULL CHECK (built_in IN (0, 1)), -- 1: the configuration's, which alone changes it
    account_id  INTEGER REFERENCES accounts (id), -- who made it; NULL: the configuration or the operator
    created_at  TEXT NOT NULL,
    archived_at TEXT                         -- NULL: sessions may be started
) STRICT;

-- What is asked. Saving a deck makes a new row here; sessions that run under an old one keep it.
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
CREATE TRIGGER deck_versions_never_change
BEFORE UPDATE OF id, deck_id, version, definition, account_id, created_at ON deck_versions
BEGIN SELECT RAISE(ABORT, 'a version of a deck never changes'); END;
CREATE TRIGGER deck_versions_stay_once_used BEFORE DELETE ON deck_versions WHEN OLD.first_used_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'sessions ran under this version of the deck'); END;

CREATE TABLE accounts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (length(name) > 0),
    password    TEXT NOT NULL,               -- libsodium's text: algorithm, limits, salt, hash
    role        TEXT NOT NULL CHECK (role IN ('educator', 'researcher', 'admin')),
    created_at  TEXT NOT NULL,
    disabled_at TEXT                         -- NULL: may log in
) STRICT;

-- Who is logged in: one row a browser. The cookie holds the secret.
CREATE TABLE account_sessions (
    token_sha256 TEXT PRIMARY KEY CHECK (length(token_sha256) = 64),
    account_id   INTEGER NOT NULL REFERENCES accounts (id),
    created_at   TEXT NOT NULL,
    last_used_at TEXT NOT NULL               -- to within five minutes
) STRICT, WITHOUT ROWID;
CREATE INDEX account_sessions_by_account ON account_sessions (account_id);

-- One-time links: for a new account of that role, or for a new password of that account.
CREATE TABLE invitations (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    token_sha256 TEXT NOT NULL UNIQUE CHECK (length(token_sha256) = 64),
    purpose      TEXT NOT NULL CHECK (purpose IN ('first_admin', 'invite', 'reset')),
    role         TEXT NOT NULL CHECK (role IN ('educator', 'researcher', 'admin')),
    account_id   INTEGER REFERENCES accounts (id), -- of a reset; of the others once they are used
    created_at   TEXT NOT NULL,
    expires_at   TEXT NOT NULL,
    used_at      TEXT,
    made_by      INTEGER REFERENCES accounts (id), -- NULL: the operator
    CHECK (purpose <> 'reset' OR account_id IS NOT NULL)
) STRICT;

-- Every change of accounts, decks, studies and classes, and every export: who, what, when. Written in the
-- transaction of the change, never changed afterwards.
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

-- Somebody who keeps a random code, to go on with a drill elsewhere.
CREATE TABLE learners (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    code_sha256 TEXT NOT NULL UNIQUE CHECK (length(code_sha256) = 64),
    created_at  TEXT NOT NULL,
    simulated   INTEGER NOT NULL DEFAULT 0 CHECK (simulated IN (0, 1)), -- 1: a program that rehearses
    draw_seed   TEXT                         -- of a simulated learner, what its sessions are drawn by: decimal
) STRICT;

-- An educator's link to a deck; what is answered through it is counted together.
CREATE TABLE classes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    code       TEXT NOT NULL UNIQUE CHECK (length(code) = 10),
    deck       TEXT NOT NULL,                -- its name
    title      TEXT NOT NULL,
    account_id INTEGER REFERENCES accounts (id), -- NULL: the operator
    created_at TEXT NOT NULL,
    closed_at  TEXT                          -- NULL: sessions may be started
) STRICT;

-- Data sets of real or phantom images that decks may show. One that has been removed keeps its row, and those
-- of its images that a session refers to.
CREATE TABLE collections (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    name           TEXT NOT NULL,
    training_data  TEXT NOT NULL CHECK (training_data IN ('simulated', 'real')),
    provenance     TEXT NOT NULL,            -- JSON, the data set's dataset.json
    folder         TEXT NOT NULL UNIQUE CHECK (length(folder) = 32), -- within the library's
    dataset_sha256 TEXT NOT NULL CHECK (length(dataset_sha256) = 64),
    imported_at    TEXT NOT NULL,
    account_id     INTEGER REFERENCES accounts (id), -- NULL: the operator, on the machine
    removed_at     TEXT                      -- NULL: it is there
) STRICT;
CREATE UNIQUE INDEX collections_by_name ON collections (name) WHERE removed_at IS NULL;

CREATE TABLE library_images (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collections (id),
    file          TEXT NOT NULL,             -- in the data set
    sha256        TEXT NOT NULL CHECK (length(sha256) = 64), -- of the pixels: width x width, 8 bits each
    class         TEXT NOT NULL,             -- the data set's label, or labels: the truth
    patient_id    TEXT NOT NULL,
    split         TEXT NOT NULL CHECK (split IN ('train', 'test')),
    side          TEXT,                      -- of the body, where the data set tells
    width         INTEGER NOT NULL CHECK (width BETWEEN 4 AND 1024),
    columns       TEXT NOT NULL,             -- JSON, the other cells of its line in labels.csv
    mask_sha256   TEXT CHECK (length(mask_sha256) = 64), -- of pixels as the image's, 0 where its finding is not;
                                             -- NULL: the data set has none
    middle_x      REAL CHECK (middle_x BETWEEN 0 AND 1), -- of the finding, in parts of the width, from the left
    middle_y      REAL CHECK (middle_y BETWEEN 0 AND 1), -- and the top; NULL: not told
    UNIQUE (collection_id, file),
    UNIQUE (collection_id, sha256)
) STRICT;
CREATE INDEX library_images_by_class ON library_images (collection_id, class, split);
CREATE INDEX library_images_by_sha256 ON library_images (sha256);

-- What an image of a library shows: its label, or each of them, or "none" of a data set with several.
CREATE TABLE library_findings (
    image_id INTEGER NOT NULL REFERENCES library_images (id) ON DELETE CASCADE,
    finding  TEXT NOT NULL,
    PRIMARY KEY (image_id, finding)
) STRICT, WITHOUT ROWID;

-- One run of one learner through one deck.
CREATE TABLE sessions (
    id             TEXT PRIMARY KEY CHECK (length(id) = 32),  -- 128 random bits, hex
    secret_sha256  TEXT NOT NULL CHECK (length(secret_sha256) = 64),
    deck_version_id INTEGER NOT NULL REFERENCES deck_versions (id),
    server_version TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    draw_seed      TEXT,                     -- what its items are drawn by: decimal, 0 .. 2^64-1; NULL: not known
    simulated      INTEGER NOT NULL DEFAULT 0 CHECK (simulated IN (0, 1)) -- of a simulated learner
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_deck ON sessions (deck_version_id);

-- The models that a session was drawn for: its deck's, in the deck's order.
CREATE TABLE session_models (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    place      INTEGER NOT NULL CHECK (place >= 0), -- among the deck's
    model_id   INTEGER NOT NULL REFERENCES models (id),
    PRIMARY KEY (session_id, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_models_by_model ON session_models (model_id, session_id);

-- Who runs a session, apart from what is answered in it: deleting the row leaves the answers nobody's. No row:
-- a session that is known by its secret alone.
CREATE TABLE session_learners (
    session_id TEXT PRIMARY KEY REFERENCES sessions (id),
    learner_id INTEGER REFERENCES learners (id),
    class_id   INTEGER REFERENCES classes (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_learners_by_learner ON session_learners (learner_id);
CREATE INDEX session_learners_by_class ON session_learners (class_id);

-- The images of a session, drawn when it starts, or each in the transaction of the answer before where the deck
-- decides by the answers. `image` is the name the learner sees: random, so that it tells nothing about class or
-- seed.
CREATE TABLE items (
    session_id   TEXT NOT NULL REFERENCES sessions (id),
    n            INTEGER NOT NULL CHECK (n >= 1),
    image        TEXT NOT NULL UNIQUE CHECK (length(image) = 48),
    class        TEXT NOT NULL,              -- what the generator is told to draw, or the library's label
    seed         TEXT NOT NULL,              -- decimal, 0 .. 2^64-1, too wide for INTEGER
    strength     REAL NOT NULL CHECK (strength BETWEEN 0 AND 1),
    truncation   REAL NOT NULL CHECK (truncation BETWEEN 0 AND 1),
    image_sha256 TEXT CHECK (length(image_sha256) = 64), -- of the PNG first sent; NULL: never sent
    truth        TEXT NOT NULL DEFAULT '',   -- the choice that the class stands for
    pair         INTEGER CHECK (pair >= 1),  -- items of one latent have the same; NULL: there is no other
    source       TEXT NOT NULL DEFAULT 'gan' CHECK (source IN ('gan', 'library')),
    library_image_id INTEGER REFERENCES library_images (id), -- of the library alone; then seed, strength and
                                             -- truncation only belong to what is drawn and thrown away
    model        INTEGER NOT NULL DEFAULT 0, -- the place of its model in session_models
    device       TEXT,                       -- what made the image first sent; NULL: never sent, or not recorded
    prior_exposures INTEGER CHECK (prior_exposures >= 0), -- how often its learner had been sent the same picture
                                             -- before, in all their sessions; NULL as above
    schedule_state TEXT,                     -- JSON, what an adaptive order chose it by; NULL: another order
    PRIMARY KEY (session_id, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX items_by_library_image ON items (library_image_id) WHERE library_image_id IS NOT NULL;

-- One row per answered item. `key` is made by the client, so that a repeated request is one row.
CREATE TABLE answers (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id  TEXT NOT NULL,
    item        INTEGER NOT NULL,
    key         TEXT NOT NULL CHECK (length(key) = 36),
    choice      TEXT NOT NULL,
    confidence  INTEGER NOT NULL CHECK (confidence BETWEEN 1 AND 3),
    rating      INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 6),
    correct     INTEGER NOT NULL CHECK (correct IN (0, 1)),
    response_ms REAL NOT NULL CHECK (response_ms >= 0),
    received_at TEXT NOT NULL,
    at_item_ms  REAL CHECK (at_item_ms >= 0), -- from the answer before, or the start, by a clock of the server
                                              -- that never jumps; NULL: not known
    feedback_shown TEXT CHECK (feedback_shown IN ('none', 'correct', 'truth', 'location')), -- the most that the
                                              -- learner was told right after it
    first_attempt INTEGER NOT NULL DEFAULT 1 CHECK (first_attempt IN (0, 1)), -- 0: the learner had answered the
                                              -- same picture before, in this session or another
    UNIQUE (session_id, item),
    UNIQUE (session_id, key),
    FOREIGN KEY (session_id, item) REFERENCES items (session_id, n)
) STRICT;

-- How an answer came about, as far as its page told. No row: it told nothing. NULL: not told.
CREATE TABLE answer_context (
    answer_id      INTEGER PRIMARY KEY REFERENCES answers (id),
    timed_out      INTEGER CHECK (timed_out IN (0, 1)),
    blur_ms        REAL CHECK (blur_ms >= 0),            -- of the response time, without the page's focus
    viewer_actions TEXT CHECK (length(viewer_actions) <= 8192), -- JSON, what was done to the image
    wl_centre      REAL,                                 -- window level and width at the answer
    wl_width       REAL CHECK (wl_width > 0),
    zoom_max       REAL CHECK (zoom_max > 0),
    viewport_px    TEXT CHECK (length(viewport_px) <= 11), -- WIDTHxHEIGHT, CSS pixels
    dpr            REAL CHECK (dpr > 0),                 -- device pixels in a CSS pixel
    input_type     TEXT CHECK (input_type IN ('keyboard', 'mouse', 'touch', 'pen')),
    ui_version     TEXT CHECK (length(ui_version) <= 40)
) STRICT;

-- Studies. Their definitions are JSON, as server/studies/study.schema.json describes them.
CREATE TABLE studies (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL UNIQUE,
    state         TEXT NOT NULL CHECK (state IN ('draft', 'open', 'closed', 'frozen')),
    seed          TEXT,                      -- of the randomisation: decimal, 0 .. 2^64-1; NULL: a draft
    account_id    INTEGER REFERENCES accounts (id), -- who made it; NULL: the operator
    created_at    TEXT NOT NULL,
    opened_at     TEXT,
    closed_at     TEXT,                      -- nobody new takes part
    frozen_at     TEXT,                      -- nothing changes any more
    export_sha256 TEXT CHECK (length(export_sha256) = 64), -- of what a frozen study exports
    CHECK (state = 'draft' OR seed IS NOT NULL)
) STRICT;

CREATE TABLE study_versions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    study_id   INTEGER NOT NULL REFERENCES studies (id),
    version    INTEGER NOT NULL CHECK (version >= 1),
    definition TEXT NOT NULL,                -- JSON, every key written out, keys sorted
    account_id INTEGER REFERENCES accounts (id),
    created_at TEXT NOT NULL,
    UNIQUE (study_id, version)
) STRICT;
CREATE TRIGGER study_versions_never_change BEFORE UPDATE ON study_versions
BEGIN SELECT RAISE(ABORT, 'a version of a study never changes'); END;

-- What people agreed to, from the study's opening on.
CREATE TABLE consent_texts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    study_id   INTEGER NOT NULL REFERENCES studies (id),
    version    INTEGER NOT NULL CHECK (version >= 1),
    text       TEXT NOT NULL,
    sha256     TEXT NOT NULL CHECK (length(sha256) = 64), -- of the text in UTF-8
    created_at TEXT NOT NULL,
    UNIQUE (study_id, version)
) STRICT;
CREATE TRIGGER consent_texts_never_change BEFORE UPDATE ON consent_texts
BEGIN SELECT RAISE(ABORT, 'a text that people agreed to never changes'); END;

-- The versions of decks that an open study goes on with, whatever is saved later.
CREATE TABLE study_decks (
    study_id        INTEGER NOT NULL REFERENCES studies (id),
    deck_version_id INTEGER NOT NULL REFERENCES deck_versions (id),
    tests           INTEGER NOT NULL CHECK (tests IN (0, 1)), -- of a test: nobody may start it outside the study
    PRIMARY KEY (study_id, deck_version_id)
) STRICT, WITHOUT ROWID;

-- The images of a study's tests: chosen at its opening, the same for everybody, and shown nowhere else until
-- it is frozen.
CREATE TABLE study_test_items (
    study_id         INTEGER NOT NULL REFERENCES studies (id),
    deck_version_id  INTEGER NOT NULL REFERENCES deck_versions (id),
    n                INTEGER NOT NULL CHECK (n >= 1),
    library_image_id INTEGER NOT NULL REFERENCES library_images (id),
    PRIMARY KEY (study_id, deck_version_id, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX study_test_items_by_image ON study_test_items (library_image_id);
-- What tests of studies under way show, which nobody else may see: by its pixels, as a collection may be there
-- under two names, or be taken in again.
CREATE VIEW reserved_pictures AS
SELECT l.sha256 FROM library_images l JOIN study_test_items k ON k.library_image_id = l.id
JOIN studies s ON s.id = k.study_id WHERE s.state IN ('open', 'closed');

-- How many a stratum has been given an arm. Whoever leaves frees no place.
CREATE TABLE study_allocations (
    study_id INTEGER NOT NULL REFERENCES studies (id),
    simulated INTEGER NOT NULL DEFAULT 0 CHECK (simulated IN (0, 1)), -- apart from people, by another seed
    stratum  TEXT NOT NULL,
    count    INTEGER NOT NULL CHECK (count >= 1),
    PRIMARY KEY (study_id, simulated, stratum)
) STRICT, WITHOUT ROWID;

CREATE TABLE participants (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    study_id     INTEGER NOT NULL REFERENCES studies (id),
    simulated    INTEGER NOT NULL DEFAULT 0 CHECK (simulated IN (0, 1)), -- 1: a program rehearses
    code         TEXT NOT NULL UNIQUE CHECK (length(code) = 8), -- random: what an export calls them
    arm          TEXT NOT NULL,
    stratum      TEXT NOT NULL,              -- the ids of the choices, '/' between them; '' without strata
    allocation_n INTEGER NOT NULL CHECK (allocation_n >= 0), -- in the stratum, from 0
    enrolled_at  TEXT NOT NULL,
    ended_at     TEXT,
    ended_how    TEXT CHECK (ended_how IN ('finished', 'stop', 'anonymise')),
    UNIQUE (study_id, simulated, stratum, allocation_n)
) STRICT;

-- Who a participant is: the only row that joins a learner to what is kept of a study.
CREATE TABLE study_participants (
    participant_id INTEGER PRIMARY KEY REFERENCES participants (id),
    study_id       INTEGER NOT NULL REFERENCES studies (id),
    learner_id     INTEGER NOT NULL REFERENCES learners (id),
    UNIQUE (learner_id, study_id)
) STRICT;

-- Who agreed to what, apart from all that they answered.
CREATE TABLE consents (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    learner_id      INTEGER REFERENCES learners (id), -- NULL: it has been made anonymous
    consent_text_id INTEGER NOT NULL REFERENCES consent_texts (id),
    agreed          INTEGER NOT NULL CHECK (agreed IN (0, 1)),
    at              TEXT NOT NULL
) STRICT;
CREATE INDEX consents_by_learner ON consents (learner_id, consent_text_id);

CREATE TABLE participant_sessions (
    session_id     TEXT PRIMARY KEY REFERENCES sessions (id),
    participant_id INTEGER NOT NULL REFERENCES participants (id),
    phase          TEXT NOT NULL,
    tests          INTEGER NOT NULL CHECK (tests IN (0, 1)), -- of a test: its truth is told to nobody
    closes_at      TEXT,                     -- what is answered later does not count; NULL: no limit
    finished_at    TEXT,
    UNIQUE (participant_id, phase)
) STRICT, WITHOUT ROWID;

-- Of the questions at the end; none where one was skipped.
CREATE TABLE participant_answers (
    participant_id INTEGER NOT NULL REFERENCES participants (id),
    question       TEXT NOT NULL,
    answer         TEXT NOT NULL,
    PRIMARY KEY (participant_id, question)
) STRICT, WITHOUT ROWID;

-- That somebody left, and not who.
CREATE TABLE withdrawals (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    study_id INTEGER NOT NULL REFERENCES studies (id),
    simulated INTEGER NOT NULL DEFAULT 0 CHECK (simulated IN (0, 1)),
    at       TEXT NOT NULL,
    form     TEXT NOT NULL CHECK (form IN ('stop', 'delete', 'anonymise')),
    arm      TEXT NOT NULL,
    stratum  TEXT NOT NULL,
    phase    TEXT                            -- the last one that was started; NULL: none
) STRICT;
