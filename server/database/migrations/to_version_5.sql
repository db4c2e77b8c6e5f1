-- Data sets of real or phantom images, and items that show one of them.
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
    class         TEXT NOT NULL,             -- the data set's label: the truth
    patient_id    TEXT NOT NULL,
    split         TEXT NOT NULL CHECK (split IN ('train', 'test')),
    side          TEXT,                      -- of the body, where the data set tells
    width         INTEGER NOT NULL CHECK (width BETWEEN 4 AND 1024),
    columns       TEXT NOT NULL,             -- JSON, the other cells of its line in labels.csv
    UNIQUE (collection_id, file),
    UNIQUE (collection_id, sha256)
) STRICT;
CREATE INDEX library_images_by_class ON library_images (collection_id, class, split);

ALTER TABLE items ADD COLUMN source TEXT NOT NULL DEFAULT 'gan' CHECK (source IN ('gan', 'library'));
ALTER TABLE items ADD COLUMN library_image_id INTEGER REFERENCES library_images (id);
CREATE INDEX items_by_library_image ON items (library_image_id) WHERE library_image_id IS NOT NULL;
