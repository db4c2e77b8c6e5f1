-- A file of schema version 1, as the daemon wrote it: two sessions of three items, two answered each.
PRAGMA application_id = 1919903604;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
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
    UNIQUE (session_id, item),
    UNIQUE (session_id, key),
    FOREIGN KEY (session_id, item) REFERENCES items (session_id, n)
) STRICT;
INSERT INTO "answers" VALUES(1,'1aec00fe1737118a321d9ef29de742a1',1,'00000000-0000-4000-8000-000000000001','fracture',2,5,0,1234.5,'2026-11-23T04:47:12.296Z');
INSERT INTO "answers" VALUES(2,'1aec00fe1737118a321d9ef29de742a1',2,'00000000-0000-4000-8000-000000000002','fracture',2,5,1,1234.5,'2026-11-23T04:47:12.297Z');
INSERT INTO "answers" VALUES(3,'77ef29ad1ec74a3294a6d797a4284f81',1,'00000000-0000-4000-8000-000000000011','fracture',2,5,0,1234.5,'2026-11-23T04:47:12.331Z');
INSERT INTO "answers" VALUES(4,'77ef29ad1ec74a3294a6d797a4284f81',2,'00000000-0000-4000-8000-000000000012','fracture',2,5,1,1234.5,'2026-11-23T04:47:12.336Z');
CREATE TABLE decks (
    id            INTEGER PRIMARY KEY,
    name          TEXT NOT NULL,             -- the deck's id in the configuration
    definition    TEXT NOT NULL,             -- JSON, every key written out, keys sorted
    first_used_at TEXT NOT NULL,
    UNIQUE (name, definition)
) STRICT;
INSERT INTO "decks" VALUES(1,'default','{"choices":[{"id":"no_fracture","label":"No"},{"id":"fracture","label":"Yes"}],"feedback":"truth","id":"default","items":3,"model":"default","prevalence":0.5,"question":"Is there a fracture?","strength":1.0,"title":"Hips","truncation":1.0}','2026-11-23T04:47:12.280Z');
CREATE TABLE items (
    session_id   TEXT NOT NULL REFERENCES sessions (id),
    n            INTEGER NOT NULL CHECK (n >= 1),
    image        TEXT NOT NULL UNIQUE CHECK (length(image) = 48),
    class        TEXT NOT NULL,              -- the class the generator is told to draw: the truth
    seed         TEXT NOT NULL,              -- decimal, 0 .. 2^64-1, too wide for INTEGER
    strength     REAL NOT NULL CHECK (strength BETWEEN 0 AND 1),
    truncation   REAL NOT NULL CHECK (truncation BETWEEN 0 AND 1),
    image_sha256 TEXT CHECK (length(image_sha256) = 64), -- of the PNG first sent; NULL: never sent
    PRIMARY KEY (session_id, n)
) STRICT, WITHOUT ROWID;
INSERT INTO "items" VALUES('1aec00fe1737118a321d9ef29de742a1',1,'597dc1323812782e9d5d63d448c0f200cd72b4e98ca0285f','no_fracture','14682653903292649711',1.0,1.0,'5373afbb5a934f8d533beb5d376bfddb5c607255daf9ee6ef16b5c22401568e0');
INSERT INTO "items" VALUES('1aec00fe1737118a321d9ef29de742a1',2,'3ef6fd6be3a0eabd9512728c30dba0fba7576d1f6797135f','fracture','1595391255799874080',1.0,1.0,NULL);
INSERT INTO "items" VALUES('1aec00fe1737118a321d9ef29de742a1',3,'5ae9b5adc8c3e3375c24e16786ccd4359e81c546c5f2b513','fracture','15191219252857480580',1.0,1.0,NULL);
INSERT INTO "items" VALUES('77ef29ad1ec74a3294a6d797a4284f81',1,'5e51338a6b9c983ff0fff59d36f14e401500bab4eaca2520','no_fracture','7933318077630570780',1.0,1.0,'7ebc98d8071b81bbf16a543e96b73508779fb4114bbe4358412192d16639cbcc');
INSERT INTO "items" VALUES('77ef29ad1ec74a3294a6d797a4284f81',2,'4c76d8c769618a655b1c6ab57728c0f32d8406af7004f60f','fracture','14406375194457847013',1.0,1.0,NULL);
INSERT INTO "items" VALUES('77ef29ad1ec74a3294a6d797a4284f81',3,'db408b44ec7df0c5a29848ee74ddcaf3b5e396187cb1d316','fracture','4360322132869366468',1.0,1.0,NULL);
CREATE TABLE models (
    id            INTEGER PRIMARY KEY,
    sha256        TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
    name          TEXT NOT NULL,
    resolution    INTEGER NOT NULL CHECK (resolution > 0),
    training_data TEXT NOT NULL CHECK (training_data IN ('simulated', 'real')),
    provenance    TEXT NOT NULL,
    first_used_at TEXT NOT NULL
) STRICT;
INSERT INTO "models" VALUES(1,'aa8febec1a0f435aa39464a1547c1b79a4f60ddd0a7729bd2af10b8e5a1cdf4f','hip-phantom-1024',1024,'simulated','data set hip-phantom-1024 (sha256 39e6fecc32a66e6f4d8a6a005eedf8be8cf65c8cf1aa4a2ffdc1614cd447e13a, 1266 training images), 112.1 kimg, loss nonsat-r1 with classifier, seed 23','2026-11-23T04:47:12.280Z');
CREATE TABLE sessions (
    id             TEXT PRIMARY KEY CHECK (length(id) = 32),  -- 128 random bits, hex
    secret_sha256  TEXT NOT NULL CHECK (length(secret_sha256) = 64),
    deck_id        INTEGER NOT NULL REFERENCES decks (id),
    model_id       INTEGER NOT NULL REFERENCES models (id),
    server_version TEXT NOT NULL,
    created_at     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "sessions" VALUES('1aec00fe1737118a321d9ef29de742a1','42c489ef5586ba561baa4b8c8f421786e506de93fc97b9ac674292b8dbb28d10',1,1,'0.1.0','2026-11-23T04:47:12.280Z');
INSERT INTO "sessions" VALUES('77ef29ad1ec74a3294a6d797a4284f81','be3043fba13c940a6c2a91696e27beba424f60a6a77956704eb2a490a94e666f',1,1,'0.1.0','2026-11-23T04:47:12.300Z');
CREATE INDEX sessions_by_deck ON sessions (deck_id);
CREATE INDEX sessions_by_model ON sessions (model_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('answers',4);
COMMIT;
