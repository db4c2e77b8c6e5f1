-- Studies, and who takes part in them.
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
CREATE INDEX library_images_by_sha256 ON library_images (sha256);

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

-- Several models in one session, and what was shown beside the image.
CREATE TABLE session_models (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    place      INTEGER NOT NULL CHECK (place >= 0), -- among the deck's
    model_id   INTEGER NOT NULL REFERENCES models (id),
    PRIMARY KEY (session_id, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_models_by_model ON session_models (model_id, session_id);
INSERT INTO session_models SELECT id, 0, model_id FROM sessions;
DROP INDEX sessions_by_model;
ALTER TABLE sessions DROP COLUMN model_id;
ALTER TABLE items ADD COLUMN model INTEGER NOT NULL DEFAULT 0;
ALTER TABLE items ADD COLUMN device TEXT;
ALTER TABLE items ADD COLUMN prior_exposures INTEGER CHECK (prior_exposures >= 0);
ALTER TABLE answers ADD COLUMN feedback_shown TEXT CHECK (feedback_shown IN ('none', 'correct', 'truth', 'location'));
UPDATE answers SET feedback_shown = (SELECT v.definition ->> 'feedback' FROM sessions s
JOIN deck_versions v ON v.id = s.deck_version_id WHERE s.id = answers.session_id);
ALTER TABLE library_images ADD COLUMN mask_sha256 TEXT CHECK (length(mask_sha256) = 64);
ALTER TABLE library_images ADD COLUMN middle_x REAL CHECK (middle_x BETWEEN 0 AND 1);
ALTER TABLE library_images ADD COLUMN middle_y REAL CHECK (middle_y BETWEEN 0 AND 1);
CREATE TABLE library_findings (
    image_id INTEGER NOT NULL REFERENCES library_images (id) ON DELETE CASCADE,
    finding  TEXT NOT NULL,
    PRIMARY KEY (image_id, finding)
) STRICT, WITHOUT ROWID;
INSERT INTO library_findings SELECT id, class FROM library_images;

-- Orders that decide by the answers.
ALTER TABLE sessions ADD COLUMN draw_seed TEXT;
ALTER TABLE items ADD COLUMN schedule_state TEXT;
ALTER TABLE answers ADD COLUMN first_attempt INTEGER NOT NULL DEFAULT 1 CHECK (first_attempt IN (0, 1));
UPDATE answers SET first_attempt = 0 WHERE id NOT IN (SELECT min(a.id) FROM answers a
JOIN items i ON i.session_id = a.session_id AND i.n = a.item JOIN session_models m ON m.session_id = a.session_id
LEFT JOIN session_learners k ON k.session_id = a.session_id
GROUP BY coalesce('l' || k.learner_id, a.session_id), i.source,
(SELECT l.sha256 FROM library_images l WHERE l.id = i.library_image_id),
CASE i.source WHEN 'gan' THEN m.model_id || '/' || i.seed || '/' || i.class END);

-- Learners that a program plays, and their sessions.
ALTER TABLE learners ADD COLUMN simulated INTEGER NOT NULL DEFAULT 0 CHECK (simulated IN (0, 1));
ALTER TABLE learners ADD COLUMN draw_seed TEXT;
ALTER TABLE sessions ADD COLUMN simulated INTEGER NOT NULL DEFAULT 0 CHECK (simulated IN (0, 1));
