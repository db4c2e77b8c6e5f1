#include "server/store/sessions/store_items.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/store/decks/store_library.h"

void srv_store_item_add(struct db_transaction *t, const struct srv_store_session *session, int n,
                        const struct srv_session_item *item, const char *state)
{
    char seed[24];
    const struct srv_drawn_item *drawn = &item->drawn;
    snprintf(seed, sizeof seed, "%" PRIu64, drawn->seed);
    db_run(t,
           "INSERT INTO items (session_id, n, image, class, seed, strength, truncation, truth, pair, source,"
           " library_image_id, model, schedule_state)"
           " VALUES (?,?,?,?,?,?,?,?,nullif(?, 0),?,nullif(?, 0),?,nullif(?, ''))",
           "titttrrtitiit", session->id, (int64_t)n, item->image, drawn->class_name, seed, drawn->strength,
           drawn->truncation, session->deck.choices[drawn->truth].id, (int64_t)drawn->pair,
           item->library_image ? "library" : "gan", item->library_image, (int64_t)drawn->source->model,
           state);
}

/* ---- one at a time ---- */

/* Who must not see an image again; 0: nobody, as in a fixed deck, which shows everybody the same. */
static int64_t learner_of(struct db_transaction *t, const struct srv_store_session *session)
{
    if (session->deck.fixed) return 0;
    struct db_rows *rows =
        db_query(t, "SELECT learner_id FROM session_learners WHERE session_id = ?", "t", session->id);
    int64_t id = db_next(rows) ? db_int(rows, 0) : 0;
    db_finish(rows);
    return id;
}

/* False when its images are used up. */
static bool find_image(struct db_transaction *t, const struct srv_store_session *session,
                       struct srv_session_item *item)
{
    if (!*item->drawn.source->collection) return true;
    const struct srv_library_asker asker = {.learner_id = learner_of(t, session),
                                            .shown_again = session->study.participant_id};
    item->library_image = srv_store_library_next(t, session->id, &asker, &session->deck, &item->drawn);
    return item->library_image > 0;
}

/* A learner who knew how long the choice took would know where the next image is from, and of which class: to
 * draw takes no time, and to look through a collection takes the longer the more it has of a class. So of
 * every sub-category that was not looked at an image is chosen too, for nobody. */
static void choose_of_others(struct db_transaction *t, const struct srv_store_session *session,
                             const bool *looked_at)
{
    struct srv_drawn_item others[DECK_CATEGORIES_MAX];
    int count = srv_draw_categories(&session->deck, session->key, others);
    for (int i = 0; i < count; i++)
        if (!looked_at[i]) find_image(t, session, &(struct srv_session_item){.drawn = others[i]});
}

/* A sub-category whose images are used up is passed over; an order that was there from the start has no other
 * for its place, and ends. */
bool srv_store_item_decide(struct db_transaction *t, const struct srv_store_session *session,
                           const struct srv_past *past, int count)
{
    bool gone[DECK_CATEGORIES_MAX] = {false}, looked_at[DECK_CATEGORIES_MAX] = {false};
    struct srv_next_item next;
    struct srv_session_item item = {.library_image = 0};
    for (;;) {
        enum srv_next_result result = srv_next_item(&session->deck, session->key, past, count, gone, &next);
        if (result == NEXT_NO_MEMORY) db_abandon(t, DB_UNAVAILABLE);
        if (result != NEXT_ITEM) return false;
        item.drawn = next.drawn;
        if (next.category >= 0) looked_at[next.category] = true;
        if (find_image(t, session, &item)) break;
        if (next.category < 0) return false;
        gone[next.category] = true;
    }
    if (next.pick < 0 && srv_deck_has_collection(&session->deck)) choose_of_others(t, session, looked_at);
    srv_random_hex(item.image, sizeof item.image);
    srv_store_item_add(t, session, count + 1, &item, next.state);
    return true;
}

struct srv_past srv_store_past_read(struct db_rows *rows, int first)
{
    return (struct srv_past){.category = (int)db_int(rows, first),
                             .pick = (int)db_int(rows, first + 1),
                             .strength = db_real(rows, first + 2),
                             .response_ms = db_real(rows, first + 3),
                             .correct = db_int(rows, first + 4)};
}

int srv_store_past(struct db_transaction *t, const char *session_id, int64_t last_answer,
                   struct srv_past *past)
{
    int count = 0;
    struct db_rows *rows =
        db_query(t,
                 "SELECT " STORE_PAST_COLUMNS
                 " FROM answers a JOIN items i ON i.session_id = a.session_id AND i.n = a.item"
                 " WHERE a.session_id = ? AND a.id <= ? ORDER BY a.id",
                 "ti", session_id, last_answer);
    while (count < DECK_ITEMS_MAX && db_next(rows)) past[count++] = srv_store_past_read(rows, 0);
    db_finish(rows);
    return count;
}

int srv_store_item_count(struct db_transaction *t, const char *session_id)
{
    struct db_rows *rows = db_query(t, "SELECT count(*) FROM items WHERE session_id = ?", "t", session_id);
    int count = db_next(rows) ? (int)db_int(rows, 0) : 0;
    db_finish(rows);
    return count;
}

/* ---- the same picture before ---- */

#define SAME_PIXELS                                                                                          \
    "(SELECT l.sha256 FROM library_images l WHERE l.id = o.library_image_id) ="                              \
    " (SELECT l.sha256 FROM library_images l WHERE l.id = i.library_image_id)"
#define SAME_MODEL                                                                                           \
    "(SELECT k.model_id FROM session_models k WHERE k.session_id = o.session_id AND k.place = o.model) ="    \
    " (SELECT k.model_id FROM session_models k WHERE k.session_id = i.session_id AND k.place = i.model)"
#define SAME_LEARNER                                                                                         \
    "o.session_id IN (SELECT i.session_id UNION SELECT p.session_id FROM session_learners m"                 \
    " JOIN session_learners p ON p.learner_id = m.learner_id WHERE m.session_id = i.session_id)"

struct srv_showings srv_store_showings(struct db_transaction *t, const char *session_id, int n)
{
    struct srv_showings showings = {0};
    struct db_rows *rows =
        db_query(t,
                 "SELECT o.image_sha256 IS NOT NULL, EXISTS (SELECT 1 FROM answers a"
                 " WHERE a.session_id = o.session_id AND a.item = o.n) FROM items i JOIN items o"
                 " ON o.source = i.source AND (o.session_id <> i.session_id OR o.n <> i.n)"
                 " WHERE i.session_id = ? AND i.n = ? AND " SAME_LEARNER " AND CASE i.source WHEN 'library'"
                 " THEN " SAME_PIXELS " ELSE o.seed = i.seed AND o.class = i.class AND " SAME_MODEL " END",
                 "ti", session_id, (int64_t)n);
    while (db_next(rows)) {
        showings.sent += db_int(rows, 0);
        showings.answered += db_int(rows, 1);
    }
    db_finish(rows);
    return showings;
}
