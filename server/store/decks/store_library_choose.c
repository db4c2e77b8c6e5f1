#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "server/store/decks/store_library.h"

/* What an image is to who asks: drawn for none of their sessions, for one that has not shown it yet, or
 * shown; WITHHELD is not to be had. */
enum { NEW, PROMISED, SHOWN, WITHHELD };

struct candidate {
    int64_t id;
    uint8_t standing;
    bool excluded;
};

/* Images of one collection, split and class, or of a class of a checked list; of a list the id is the place
 * in it, from 1. */
struct pool {
    struct candidate *images; /* heap; first by their ids, then (settle) by standing */
    int count, capacity, of[WITHHELD + 1];
};

static bool add(struct pool *pool, struct candidate image)
{
    if (pool->count == pool->capacity) {
        int capacity = pool->capacity ? 2 * pool->capacity : 256;
        struct candidate *images = realloc(pool->images, (size_t)capacity * sizeof *images);
        if (!images) return false;
        pool->images = images;
        pool->capacity = capacity;
    }
    pool->images[pool->count++] = image;
    return true;
}

static int by_id(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* A label's images come by their ids, so those of a data set with one label each are in order. */
static void order_by_id(struct pool *pool)
{
    int i = 1;
    while (i < pool->count && pool->images[i - 1].id < pool->images[i].id) i++;
    if (i < pool->count) qsort(pool->images, (size_t)pool->count, sizeof *pool->images, by_id);
}

/* Ready to be taken from; false when memory ran out. */
static bool settle(struct pool *pool, const struct srv_library_asker *asker)
{
    int end[WITHHELD + 1] = {0}, next = 0;
    struct candidate *settled = malloc((size_t)(pool->count + 1) * sizeof *settled);
    if (!settled) return false;
    for (int i = 0; i < pool->count; i++) pool->of[pool->images[i].standing]++;
    for (int s = NEW; s <= WITHHELD; next += pool->of[s++]) end[s] = next;
    for (int i = 0; i < pool->count; i++) settled[end[pool->images[i].standing]++] = pool->images[i];
    free(pool->images);
    pool->images = settled;
    pool->capacity = pool->count + 1;
    pool->of[WITHHELD] = 0;
    if (!asker->shown_again) pool->of[SHOWN] = 0;
    return true;
}

/* ---- what an image shows ---- */

/* The classes that an image of this choice must not show beside its own, as JSON: those of a yes, when it is
 * a no. Heap; NULL when memory ran out. */
static char *contradicting(const struct srv_drawn_item *item)
{
    const struct srv_deck_source *source = item->source;
    json_t *list = json_array();
    for (int i = 0; item->truth == DECK_NO && i < source->class_count[DECK_YES]; i++)
        json_array_append_new(list, json_string(source->classes[DECK_YES][i].name));
    char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

#define HAS(image, findings)                                                                                 \
    "EXISTS (SELECT 1 FROM library_findings f WHERE f.image_id = " image " AND f.finding IN " findings ")"

/* The pictures that are not given: ?3 is `tests`, ?4 `spared`. */
#define RESERVED                                                                                             \
    "SELECT sha256 FROM reserved_pictures WHERE NOT ?3 UNION ALL SELECT r.sha256 FROM json_each(?4) j"       \
    " JOIN library_images r ON r.id = j.value ->> 2"

static bool is_of_library(const struct srv_session_item *item)
{
    return *item->drawn.source->collection;
}

/* Of a deck that shows chosen images none is. */
static bool is_of_list(const struct srv_session_item *item)
{
    return item->drawn.source->checked;
}

/* By the index library_images_by_class alone: what the first image of a label shows all of them show, and
 * there are few labels. */
static bool read_pool(struct db_transaction *t, int64_t collection, const struct srv_drawn_item *like,
                      struct pool *pool)
{
    char *against = contradicting(like);
    bool kept = against;
    struct db_rows *rows = db_query(
        t,
        "WITH RECURSIVE labels (label) AS (SELECT min(class) FROM library_images WHERE collection_id = ?1"
        " UNION ALL SELECT (SELECT min(class) FROM library_images WHERE collection_id = ?1 AND class > label)"
        " FROM labels WHERE label IS NOT NULL), firsts (label, id) AS (SELECT label,"
        " (SELECT id FROM library_images WHERE collection_id = ?1 AND class = label LIMIT 1) FROM labels)"
        " SELECT i.id FROM firsts s CROSS JOIN library_images i ON i.collection_id = ?1 AND i.class = s.label"
        " AND i.split = ?4 WHERE " HAS("s.id", "(?2)") " AND NOT " HAS("s.id",
                                                                       "(SELECT value FROM json_each(?3))"),
        "ittt", collection, like->class_name, against, like->source->test ? "test" : "train");
    while (kept && db_next(rows)) kept = add(pool, (struct candidate){.id = db_int(rows, 0)});
    db_finish(rows);
    free(against);
    order_by_id(pool);
    return kept;
}

/* [[collection, file], ...] of what the deck excludes. Heap; NULL when memory ran out. */
static char *excluded_files(const struct srv_deck *deck)
{
    json_t *list = json_array();
    for (int i = 0; i < deck->exclude_count; i++)
        if (*deck->exclude[i].file)
            json_array_append_new(list, json_pack("[s,s]", deck->sources[deck->exclude[i].source].collection,
                                                  deck->exclude[i].file));
    char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

/* The ids of the items' images. Heap; NULL when memory ran out. */
static char *images_of(const struct srv_session_item *items, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        if (items[i].library_image) json_array_append_new(list, json_integer(items[i].library_image));
    char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

/* What is not as all other images are. A picture is known by its pixels: a collection may be there under two
 * names, or be taken in again. */
static bool judge_images(struct db_transaction *t, int64_t collection, const struct srv_library_asker *asker,
                         const struct srv_deck *deck, const struct srv_session_item *items, int count,
                         struct pool *pool)
{
    char *taken = images_of(items, count), *files = excluded_files(deck);
    bool kept = taken && files;
    struct db_rows *rows = db_query(
        t,
        "SELECT i.id, max(m.standing), max(m.excluded)"
        " FROM (SELECT sha256, ?2 AS standing, 0 AS excluded FROM (" RESERVED ")"
        " UNION ALL SELECT r.sha256, ?2, 0 FROM json_each(?5) j JOIN library_images r ON r.id = j.value"
        " UNION ALL SELECT r.sha256, 1 + (k.image_sha256 IS NOT NULL), 0 FROM session_learners s"
        " JOIN items k ON k.session_id = s.session_id JOIN library_images r ON r.id = k.library_image_id"
        " WHERE s.learner_id = ?6"
        " UNION ALL SELECT r.sha256, 0, 1 FROM json_each(?7) j"
        " JOIN collections c ON c.name = j.value ->> 0 AND c.removed_at IS NULL"
        " JOIN library_images r ON r.collection_id = c.id AND r.file = j.value ->> 1) m"
        " CROSS JOIN library_images i ON i.collection_id = ?1 AND i.sha256 = m.sha256 GROUP BY i.id",
        "iiittit", collection, (int64_t)WITHHELD, (int64_t)asker->tests, asker->spared, taken,
        asker->learner_id, files);
    while (kept && db_next(rows)) {
        const struct candidate like = {.id = db_int(rows, 0)};
        struct candidate *image =
            pool->count ? bsearch(&like, pool->images, (size_t)pool->count, sizeof like, by_id) : NULL;
        if (!image) continue;
        image->standing = (uint8_t)db_int(rows, 1);
        image->excluded = db_int(rows, 2);
    }
    db_finish(rows);
    free(files);
    free(taken);
    return kept;
}

static void fill(struct db_transaction *t, const struct srv_library_asker *asker, const struct srv_deck *deck,
                 const struct srv_session_item *items, int count, const struct srv_drawn_item *like,
                 struct pool *pool)
{
    int64_t collection = srv_store_collection_id(t, like->source->collection);
    if (!read_pool(t, collection, like, pool) ||
        !judge_images(t, collection, asker, deck, items, count, pool) || !settle(pool, asker))
        db_abandon(t, DB_UNAVAILABLE);
}

static const struct srv_checked_class *class_of(const struct srv_library_asker *asker,
                                                const struct srv_drawn_item *item)
{
    return srv_checked_class_find(&asker->checked[item->source->model], item->class_name);
}

/* What of a list the asker has been drawn, under whatever deck. */
static void judge_seeds(struct db_transaction *t, const struct srv_library_asker *asker,
                        const struct srv_drawn_item *like, const struct srv_checked_class *class,
                        struct pool *pool)
{
    struct db_rows *rows = db_query(
        t,
        "SELECT i.seed, max(1 + (i.image_sha256 IS NOT NULL)) FROM session_learners s"
        " JOIN items i ON i.session_id = s.session_id"
        " JOIN session_models p ON p.session_id = i.session_id AND p.place = i.model"
        " JOIN models m ON m.id = p.model_id"
        " WHERE s.learner_id = ? AND m.sha256 = ? AND i.class = ? AND i.source = 'gan' GROUP BY i.seed",
        "itt", asker->learner_id, asker->checked[like->source->model].model_sha256, like->class_name);
    while (db_next(rows)) {
        int place = srv_checked_seed_find(class, strtoull(db_text(rows, 0), NULL, 10));
        if (place >= 0) pool->images[place].standing = (uint8_t)db_int(rows, 1);
    }
    db_finish(rows);
}

static void fill_of_list(struct db_transaction *t, const struct srv_library_asker *asker,
                         const struct srv_deck *deck, const struct srv_drawn_item *like, struct pool *pool)
{
    const struct srv_checked_class *class = class_of(asker, like);
    for (int i = 0; class && i < class->count; i++)
        if (!add(pool, (struct candidate){.id = i + 1})) {
            db_abandon(t, DB_UNAVAILABLE);
            return;
        }
    if (!class) return;
    judge_seeds(t, asker, like, class, pool);
    for (int i = 0; i < deck->exclude_count; i++) {
        const struct srv_deck_exclusion *image = &deck->exclude[i];
        int place = *image->file || strcmp(image->class_name, like->class_name) ||
                            deck->sources[image->source].model != like->source->model
                        ? -1
                        : srv_checked_seed_find(class, image->seed);
        if (place >= 0) pool->images[place].excluded = true;
    }
    if (!settle(pool, asker)) db_abandon(t, DB_UNAVAILABLE);
}

/* 0 when there is none, or one of another class. */
static int64_t find_file(struct db_transaction *t, const struct srv_library_asker *asker,
                         const struct srv_drawn_item *item)
{
    char *against = contradicting(item);
    struct db_rows *rows =
        db_query(t,
                 "SELECT i.id FROM library_images i WHERE i.collection_id = ?1 AND i.file = ?2 AND"
                 " i.sha256 NOT IN (" RESERVED
                 ") AND " HAS("i.id", "(?5)") " AND NOT " HAS("i.id", "(SELECT value FROM json_each(?6))"),
                 "itittt", srv_store_collection_id(t, item->source->collection), item->file,
                 (int64_t)asker->tests, asker->spared, item->class_name, against);
    int64_t id = against && db_next(rows) ? db_int(rows, 0) : 0;
    db_finish(rows);
    if (!against) db_abandon(t, DB_UNAVAILABLE);
    free(against);
    return id;
}

/* ---- choosing ---- */

/* Two sources may name the same images. */
static bool same_pool(const struct srv_session_item *a, const struct srv_session_item *b)
{
    if (is_of_list(a) || is_of_list(b))
        return is_of_list(a) && is_of_list(b) && a->drawn.source->model == b->drawn.source->model &&
               !strcmp(a->drawn.class_name, b->drawn.class_name);
    return is_of_library(a) && is_of_library(b) && a->drawn.source->test == b->drawn.source->test &&
           a->drawn.truth == b->drawn.truth && !strcmp(a->drawn.class_name, b->drawn.class_name) &&
           !strcmp(a->drawn.source->collection, b->drawn.source->collection);
}

/* One of the best standing that is left: these lie first. */
static struct candidate take(struct pool *pool, uint64_t seed)
{
    int best = NEW;
    while (best < WITHHELD && !pool->of[best]) best++;
    if (best == WITHHELD) return (struct candidate){0};
    int last = --pool->of[best], at = (int)(seed % (uint64_t)(last + 1));
    struct candidate image = pool->images[at];
    pool->images[at] = pool->images[last];
    pool->count--;
    memmove(&pool->images[last], &pool->images[last + 1],
            (size_t)(pool->count - last) * sizeof *pool->images);
    return image;
}

/* All items from `first` on that draw from its pool. What is excluded is drawn with the others, and then
 * again from what is left, so that an exclusion moves no other image. False when there were too few. */
static bool choose(struct srv_session_item *items, int count, int first, struct pool *pool)
{
    bool again[DECK_ITEMS_MAX] = {false}, enough = true;
    for (int k = first; k < count; k++) {
        if (!same_pool(&items[first], &items[k])) continue;
        struct candidate image = take(pool, items[k].drawn.seed);
        items[k].library_image = image.id;
        again[k] = image.excluded;
    }
    for (int k = first; k < count; k++) {
        struct candidate image = {.id = items[k].library_image, .excluded = again[k]};
        while (image.excluded) image = take(pool, items[k].drawn.seed);
        if (again[k]) items[k].library_image = image.id;
        if (same_pool(&items[first], &items[k])) enough = enough && image.id;
    }
    return enough;
}

/* Those that the session has. */
static int read_taken(struct db_transaction *t, const char *session_id, struct srv_session_item *taken)
{
    int count = 0;
    struct db_rows *rows = db_query(
        t, "SELECT library_image_id FROM items WHERE session_id = ? AND library_image_id IS NOT NULL", "t",
        session_id);
    while (count < DECK_ITEMS_MAX && db_next(rows)) taken[count++].library_image = db_int(rows, 0);
    db_finish(rows);
    return count;
}

int64_t srv_store_library_next(struct db_transaction *t, const char *session_id,
                               const struct srv_library_asker *asker, const struct srv_deck *deck,
                               const struct srv_drawn_item *item)
{
    struct pool pool = {0};
    struct candidate image = {.excluded = true};
    struct srv_session_item taken[DECK_ITEMS_MAX];
    if (item->file) return find_file(t, asker, item);
    fill(t, asker, deck, taken, read_taken(t, session_id, taken), item, &pool);
    while (image.excluded) image = take(&pool, item->seed);
    free(pool.images);
    return image.id;
}

const struct srv_drawn_item *srv_store_library_give(struct db_transaction *t,
                                                    const struct srv_library_asker *asker,
                                                    const struct srv_deck *deck,
                                                    struct srv_session_item *items, int count)
{
    for (int i = 0; i < count; i++) {
        bool enough;
        struct pool pool = {0};
        if ((!is_of_library(&items[i]) && !is_of_list(&items[i])) || items[i].library_image) continue;
        if (items[i].drawn.file) {
            items[i].library_image = find_file(t, asker, &items[i].drawn);
            enough = items[i].library_image;
        } else {
            if (is_of_list(&items[i]))
                fill_of_list(t, asker, deck, &items[i].drawn, &pool);
            else
                fill(t, asker, deck, items, count, &items[i].drawn, &pool);
            enough = choose(items, count, i, &pool);
            free(pool.images);
        }
        if (!enough) return &items[i].drawn;
    }
    for (int i = 0; i < count; i++) {
        if (!is_of_list(&items[i])) continue;
        items[i].drawn.seed = class_of(asker, &items[i].drawn)->seeds[items[i].library_image - 1];
        items[i].library_image = 0;
    }
    return NULL;
}

enum db_status srv_store_library_choose(struct db *db, const struct srv_library_asker *asker,
                                        const struct srv_deck *deck, struct srv_session_item *items,
                                        int count, const struct srv_drawn_item **lacking)
{
    struct db_transaction t;
    db_begin(&t, db);
    *lacking = srv_store_library_give(&t, asker, deck, items, count);
    return db_end(&t);
}

/* [[collection, file], ...] of the deck's list, null for what is drawn. Heap; NULL when memory ran out. */
static char *listed_files(const struct srv_deck *deck)
{
    json_t *list = json_array();
    for (int i = 0; i < deck->list_count; i++) {
        const struct srv_deck_pick *pick = &deck->list[i];
        json_array_append_new(
            list, *pick->file ? json_pack("[s,s]", deck->sources[pick->source].collection, pick->file)
                              : json_null());
    }
    char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

enum db_status srv_store_library_repeated(struct db *db, const struct srv_deck *deck, bool *repeated,
                                          int places[2])
{
    struct db_transaction t;
    char *files = listed_files(deck);
    db_begin(&t, db);
    if (!files) db_abandon(&t, DB_UNAVAILABLE);
    struct db_rows *rows =
        db_query(&t,
                 "SELECT min(j.key), max(j.key) AS last FROM json_each(?) j"
                 " JOIN collections c ON c.name = j.value ->> 0 AND c.removed_at IS NULL"
                 " JOIN library_images i ON i.collection_id = c.id AND i.file = j.value ->> 1"
                 " GROUP BY i.sha256 HAVING count(*) > 1 ORDER BY last LIMIT 1",
                 "t", files);
    *repeated = db_next(rows);
    for (int k = 0; k < 2 && *repeated; k++) places[k] = (int)db_int(rows, k);
    db_finish(rows);
    free(files);
    return db_end(&t);
}

enum db_status srv_store_library_seen(struct db *db, const json_t *images, struct srv_library_seen *seen)
{
    struct db_transaction t;
    char *text = json_dumps(images, JSON_COMPACT);
    *seen = (struct srv_library_seen){0};
    db_begin(&t, db);
    if (!text) db_abandon(&t, DB_UNAVAILABLE);
    struct db_rows *rows =
        db_query(&t,
                 "SELECT count(DISTINCT CASE WHEN i.image_sha256 IS NOT NULL THEN i.library_image_id END),"
                 " count(DISTINCT CASE WHEN a.id IS NULL AND p.session_id IS NULL THEN i.session_id END),"
                 " count(DISTINCT CASE WHEN a.id IS NULL AND NOT p.tests AND p.finished_at IS NULL"
                 " THEN i.session_id END)"
                 " FROM json_each(?) j JOIN items i ON i.library_image_id = j.value ->> 2"
                 " LEFT JOIN answers a ON a.session_id = i.session_id AND a.item = i.n"
                 " LEFT JOIN participant_sessions p ON p.session_id = i.session_id",
                 "t", text);
    if (db_next(rows)) *seen = (struct srv_library_seen){db_int(rows, 0), db_int(rows, 1), db_int(rows, 2)};
    db_finish(rows);
    free(text);
    return db_end(&t);
}
