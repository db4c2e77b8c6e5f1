#include <stdlib.h>
#include <string.h>

#include "server/store/store_library.h"

/* Images of one collection, split and class that are still to be had. */
struct pool {
    int64_t *ids; /* heap */
    int count, capacity;
};

static bool add(struct pool *pool, int64_t id)
{
    if (pool->count == pool->capacity) {
        int capacity = pool->capacity ? 2 * pool->capacity : 256;
        int64_t *ids = realloc(pool->ids, (size_t)capacity * sizeof *ids);
        if (!ids) return false;
        pool->ids = ids;
        pool->capacity = capacity;
    }
    pool->ids[pool->count++] = id;
    return true;
}

static void fill(struct db_transaction *t, int64_t learner_id, const struct srv_drawn_item *like,
                 struct pool *pool)
{
    bool kept = true;
    struct db_rows *rows =
        db_query(t,
                 "SELECT i.id FROM library_images i JOIN collections c ON c.id = i.collection_id"
                 " WHERE c.name = ? AND c.removed_at IS NULL AND i.class = ? AND i.split = ? AND i.id NOT IN"
                 " (SELECT seen.library_image_id FROM session_learners s JOIN items seen"
                 " ON seen.session_id = s.session_id WHERE s.learner_id = ? AND seen.source = 'library'"
                 " AND seen.image_sha256 IS NOT NULL) ORDER BY i.id",
                 "ttti", like->source->collection, like->class_name, like->source->test ? "test" : "train",
                 learner_id);
    while (kept && db_next(rows)) kept = add(pool, db_int(rows, 0));
    db_finish(rows);
    if (!kept) db_abandon(t, DB_UNAVAILABLE);
}

static bool is_of_library(const struct srv_session_item *item)
{
    return item->drawn.source && *item->drawn.source->collection;
}

/* 0 when there is none, or one of another class. */
static int64_t find_file(struct db_transaction *t, const struct srv_drawn_item *item)
{
    struct db_rows *rows = db_query(t,
                                    "SELECT i.id FROM library_images i JOIN collections c"
                                    " ON c.id = i.collection_id WHERE c.name = ? AND c.removed_at IS NULL"
                                    " AND i.file = ? AND i.class = ?",
                                    "ttt", item->source->collection, item->file, item->class_name);
    int64_t id = db_next(rows) ? db_int(rows, 0) : 0;
    db_finish(rows);
    return id;
}

/* Two sources may name the same images. */
static bool same_pool(const struct srv_drawn_item *a, const struct srv_drawn_item *b)
{
    return a->source->test == b->source->test && !strcmp(a->class_name, b->class_name) &&
           !strcmp(a->source->collection, b->source->collection);
}

static int64_t take(struct pool *pool, uint64_t seed)
{
    if (!pool->count) return 0;
    int at = (int)(seed % (uint64_t)pool->count);
    int64_t id = pool->ids[at];
    pool->ids[at] = pool->ids[--pool->count];
    return id;
}

enum db_status srv_store_library_choose(struct db *db, int64_t learner_id, struct srv_session_item *items,
                                        int count, const struct srv_drawn_item **lacking)
{
    struct db_transaction t;
    *lacking = NULL;
    db_begin(&t, db);
    for (int i = 0; i < count; i++) {
        struct pool pool = {0};
        if (!is_of_library(&items[i]) || items[i].library_image) continue;
        if (items[i].drawn.file) {
            items[i].library_image = find_file(&t, &items[i].drawn);
            if (!items[i].library_image) *lacking = &items[i].drawn;
            continue;
        }
        fill(&t, learner_id, &items[i].drawn, &pool);
        for (int k = i; k < count; k++) {
            if (!is_of_library(&items[k]) || !same_pool(&items[i].drawn, &items[k].drawn)) continue;
            items[k].library_image = take(&pool, items[k].drawn.seed);
            if (!items[k].library_image) *lacking = &items[k].drawn;
        }
        free(pool.ids);
        if (*lacking) break;
    }
    return db_end(&t);
}
