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
