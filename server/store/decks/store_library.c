#include "server/store/decks/store_library.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/store/store_audit.h"

/* ---- adding ---- */

static void add_image(struct db_transaction *t, int64_t collection, const struct srv_library_set *set,
                      const struct srv_library_row *row)
{
    db_run(t,
           "INSERT INTO library_images (collection_id, file, sha256, class, patient_id, split, side, width,"
           " columns, mask_sha256, middle_x, middle_y) VALUES (?,?,?,?,?,?,?,?,?,nullif(?, ''),?,?)",
           "ittttttittrr", collection, row->file, row->sha256, row->class_name, row->patient, row->split,
           row->side, (int64_t)row->width, row->columns, row->mask_sha256,
           row->has_middle ? row->middle_x : NAN, row->has_middle ? row->middle_y : NAN); /* stored as NULL */
    int64_t id = db_last_id(t);
    for (const char *finding = row->class_name, *next; finding; finding = next) {
        int length;
        char text[NN_CLASS_NAME_MAX];
        next = srv_library_finding(set, finding, &length);
        snprintf(text, sizeof text, "%.*s", length, finding);
        db_run(t, "INSERT INTO library_findings (image_id, finding) VALUES (?,?)", "it", id, text);
    }
}

enum db_status srv_store_collection_add(struct db *db, const struct srv_collection *collection,
                                        const struct srv_library_set *set)
{
    static const struct srv_account operator= {0};
    struct db_transaction t;
    char now[SRV_TIME_TEXT];
    srv_clock_format(srv_clock_utc_ms(), now);
    db_begin_write(&t, db);
    db_run(&t,
           "INSERT INTO collections (name, training_data, provenance, folder, dataset_sha256, imported_at)"
           " VALUES (?,?,?,?,?,?)",
           "tttttt", collection->name, set->simulated ? "simulated" : "real", set->provenance,
           collection->folder, collection->dataset_sha256, now);
    int64_t id = db_last_id(&t);
    for (int i = 0; i < set->count; i++) add_image(&t, id, set, &set->rows[i]);
    srv_audit_add_id(&t, &operator, "library.add", "collection", id,
                     json_pack("{s:s,s:i,s:s}", "name", collection->name, "images", set->count,
                               "dataset_sha256", collection->dataset_sha256));
    return db_end(&t);
}

/* ---- finding ---- */

int64_t srv_store_collection_id(struct db_transaction *t, const char *name)
{
    struct db_rows *rows =
        db_query(t, "SELECT id FROM collections WHERE name = ? AND removed_at IS NULL", "t", name);
    int64_t id = db_next(rows) ? db_int(rows, 0) : 0;
    db_finish(rows);
    return id;
}

enum db_status srv_store_collection_find(struct db *db, const char *name, char folder[LIBRARY_FOLDER_TEXT],
                                         bool *found)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows =
        db_query(&t, "SELECT folder FROM collections WHERE name = ? AND removed_at IS NULL", "t", name);
    *found = db_next(rows);
    if (*found) db_copy(rows, 0, folder, LIBRARY_FOLDER_TEXT);
    db_finish(rows);
    return db_end(&t);
}

enum db_status srv_store_collection_simulated(struct db *db, const char *name, bool *simulated)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows = db_query(&t,
                                    "SELECT 1 FROM collections WHERE name = ? AND removed_at IS NULL"
                                    " AND training_data = 'simulated'",
                                    "t", name);
    *simulated = db_next(rows);
    db_finish(rows);
    return db_end(&t);
}

enum db_status srv_store_collection_known(struct db *db, const char *folder, bool *known)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows =
        db_query(&t, "SELECT 1 FROM collections WHERE folder = ? AND removed_at IS NULL", "t", folder);
    *known = db_next(rows);
    db_finish(rows);
    return db_end(&t);
}

/* ---- removing ---- */

static void find_study(struct db_transaction *t, const char *name, char study[DECK_ID_TEXT])
{
    struct db_rows *rows =
        db_query(t,
                 "SELECT s.name FROM studies s JOIN study_decks k ON k.study_id = s.id"
                 " JOIN deck_versions v ON v.id = k.deck_version_id"
                 " JOIN json_each(v.definition, '$.sources') j"
                 " WHERE s.state IN ('open', 'closed') AND j.value ->> 'collection' = ? LIMIT 1",
                 "t", name);
    snprintf(study, DECK_ID_TEXT, "%s", db_next(rows) ? db_text(rows, 0) : "");
    db_finish(rows);
}

enum db_status srv_store_collection_remove(struct db *db, const char *name, char study[DECK_ID_TEXT])
{
    static const struct srv_account operator= {0};
    struct db_transaction t;
    char now[SRV_TIME_TEXT];
    srv_clock_format(srv_clock_utc_ms(), now);
    db_begin_write(&t, db);
    int64_t id = srv_store_collection_id(&t, name);
    find_study(&t, name, study);
    if (*study) return db_end(&t);
    db_run(&t, "UPDATE collections SET removed_at = ? WHERE id = ?", "ti", now, id);
    db_run(&t,
           "DELETE FROM library_images WHERE collection_id = ? AND id NOT IN"
           " (SELECT library_image_id FROM items WHERE library_image_id IS NOT NULL)"
           " AND id NOT IN (SELECT library_image_id FROM study_test_items)",
           "i", id);
    srv_audit_add_id(&t, &operator, "library.remove", "collection", id, json_pack("{s:s}", "name", name));
    return db_end(&t);
}

/* ---- lists ---- */

/* {"fracture": {"test": 3, "train": 9}, ...} */
static json_t *counts_of(struct db_transaction *t, int64_t collection, int64_t *total)
{
    json_t *classes = json_object();
    struct db_rows *rows = db_query(t,
                                    "SELECT f.finding, i.split, count(*) FROM library_images i"
                                    " JOIN library_findings f ON f.image_id = i.id WHERE i.collection_id = ?1"
                                    " GROUP BY f.finding, i.split ORDER BY f.finding, i.split",
                                    "i", collection);
    *total = 0;
    while (db_next(rows)) {
        json_t *class = json_object_get(classes, db_text(rows, 0));
        if (!class) {
            json_object_set_new(classes, db_text(rows, 0), json_pack("{s:i,s:i}", "train", 0, "test", 0));
            class = json_object_get(classes, db_text(rows, 0));
        }
        json_object_set_new(class, db_text(rows, 1), json_integer(db_int(rows, 2)));
    }
    db_finish(rows);
    rows = db_query(t, "SELECT count(*) FROM library_images WHERE collection_id = ?", "i", collection);
    if (db_next(rows)) *total = db_int(rows, 0);
    db_finish(rows);
    return classes;
}

enum db_status srv_store_collections(struct db *db, json_t *list)
{
    struct db_transaction t;
    db_begin(&t, db);
    struct db_rows *rows = db_query(&t,
                                    "SELECT id, name, training_data, provenance, dataset_sha256, imported_at"
                                    " FROM collections WHERE removed_at IS NULL ORDER BY name",
                                    "");
    while (db_next(rows)) {
        int64_t total;
        json_t *classes = counts_of(&t, db_int(rows, 0), &total);
        json_array_append_new(list, json_pack("{s:s,s:s,s:o,s:s,s:s,s:I,s:o}", "name", db_text(rows, 1),
                                              "training_data", db_text(rows, 2), "provenance",
                                              json_loads(db_text(rows, 3), 0, NULL), "dataset_sha256",
                                              db_text(rows, 4), "imported_at", db_text(rows, 5), "images",
                                              (json_int_t)total, "classes", classes));
    }
    db_finish(rows);
    return db_end(&t);
}

#define CHOSEN                                                                                               \
    " FROM library_images i JOIN collections c ON c.id = i.collection_id"                                    \
    " WHERE c.name = ?1 AND c.removed_at IS NULL AND ?3 IN ('', i.split) AND (?2 = '' OR EXISTS"             \
    " (SELECT 1 FROM library_findings f WHERE f.image_id = i.id AND f.finding = ?2))"

static json_t *image_json(struct db_rows *rows, const char *collection)
{
    char url[160];
    snprintf(url, sizeof url, "/api/v1/library/%s/images/%lld.png", collection, (long long)db_int(rows, 0));
    json_t *json = json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "id", (json_int_t)db_int(rows, 0), "file",
                             db_text(rows, 1), "sha256", db_text(rows, 2), "class", db_text(rows, 3),
                             "patient_id", db_text(rows, 4), "split", db_text(rows, 5), "width",
                             (json_int_t)db_int(rows, 7), "image", url);
    json_object_set_new(json, "side", *db_text(rows, 6) ? json_string(db_text(rows, 6)) : json_null());
    json_object_set_new(json, "columns", json_loads(db_text(rows, 8), 0, NULL));
    return json;
}

enum db_status srv_store_library_images(struct db *db, const char *collection, const char *class_name,
                                        const char *split, int page, json_t *list, int64_t *total)
{
    struct db_transaction t;
    *total = 0;
    db_begin(&t, db);
    struct db_rows *rows = db_query(&t, "SELECT count(*)" CHOSEN, "ttt", collection, class_name, split);
    if (db_next(rows)) *total = db_int(rows, 0);
    db_finish(rows);
    rows = db_query(
        &t,
        "SELECT i.id, i.file, i.sha256, i.class, i.patient_id, i.split, i.side, i.width, i.columns" CHOSEN
        " ORDER BY i.id LIMIT ?4 OFFSET ?5",
        "tttii", collection, class_name, split, (int64_t)LIBRARY_PAGE, (int64_t)(page - 1) * LIBRARY_PAGE);
    while (db_next(rows)) json_array_append_new(list, image_json(rows, collection));
    db_finish(rows);
    return db_end(&t);
}

enum db_status srv_store_library_image(struct db *db, const char *collection, int64_t id,
                                       struct srv_library_image *image, bool *found)
{
    struct db_transaction t;
    *image = (struct srv_library_image){0};
    db_begin(&t, db);
    struct db_rows *rows = db_query(&t,
                                    "SELECT c.folder, i.sha256, i.width, i.file, i.class, i.split,"
                                    " c.provenance ->> 'name', c.training_data = 'simulated'"
                                    " FROM library_images i JOIN collections c ON c.id = i.collection_id"
                                    " WHERE c.name = ? AND c.removed_at IS NULL AND i.id = ?",
                                    "ti", collection, id);
    *found = db_next(rows);
    if (*found) {
        db_copy(rows, 0, image->ref.folder, sizeof image->ref.folder);
        db_copy(rows, 1, image->ref.sha256, sizeof image->ref.sha256);
        image->ref.width = (int)db_int(rows, 2);
        db_copy(rows, 3, image->file, sizeof image->file);
        db_copy(rows, 4, image->class_name, sizeof image->class_name);
        db_copy(rows, 5, image->split, sizeof image->split);
        db_copy(rows, 6, image->dataset, sizeof image->dataset);
        image->simulated = db_int(rows, 7);
    }
    db_finish(rows);
    return db_end(&t);
}
