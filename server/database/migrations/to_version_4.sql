ALTER TABLE items ADD COLUMN truth TEXT NOT NULL DEFAULT '';
ALTER TABLE items ADD COLUMN pair INTEGER CHECK (pair >= 1);
UPDATE items SET truth = class;
ALTER TABLE answers ADD COLUMN at_item_ms REAL CHECK (at_item_ms >= 0);
