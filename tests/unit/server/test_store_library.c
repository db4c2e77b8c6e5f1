/* Images of the library: which of them a session is given, and that a collection stays while a study shows
 * it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/decks/session.h"
#include "server/store/decks/store_decks.h"
#include "server/store/decks/store_library.h"
#include "server/store/studies/store_studies.h"
#include "tests/unit/server/scratch_db.h"

enum { IMAGES = 12, DRAWS = 1200 };

/* ---- collections and decks ---- */

/* IMAGES pictures, the same in every collection: "0.png" and all even ones show nothing, of the others every
 * second one has the label `other`. */
static void add_labelled(struct db *db, const char *name, const char *other)
{
    static struct srv_library_row rows[IMAGES];
    static char files[IMAGES][16];
    char provenance[] = "{\"name\": \"n\"}", columns[] = "{}";
    struct srv_library_set set = {.provenance = provenance, .rows = rows, .count = IMAGES, .multi = true};
    struct srv_collection collection = {.name = name};
    for (int i = 0; i < IMAGES; i++) {
        snprintf(files[i], sizeof files[i], "%d.png", i);
        rows[i] = (struct srv_library_row){.file = files[i],
                                           .class_name = i % 2 == 0   ? "none"
                                                         : i % 4 == 1 ? other
                                                                      : "fracture",
                                           .patient = files[i],
                                           .split = "train",
                                           .columns = columns,
                                           .width = 64};
        snprintf(rows[i].sha256, sizeof rows[i].sha256, "%064d", i);
    }
    srv_random_hex(collection.folder, sizeof collection.folder);
    srv_random_hex(collection.dataset_sha256, sizeof collection.dataset_sha256);
    assert_int_equal(srv_store_collection_add(db, &collection, &set), DB_OK);
}

static void add_collection(struct db *db, const char *name)
{
    add_labelled(db, name, "fracture");
}

static struct srv_deck deck_of(int items, const char *first, const char *second)
{
    struct srv_deck_source source = {.weight = 1,
                                     .strength = {1, 1},
                                     .truncation = {1, 1},
                                     .classes = {{{"none", 1}}, {{"fracture", 1}}},
                                     .class_count = {1, 1}};
    struct srv_deck deck = {.id = "d",
                            .title = "T",
                            .question = "Q?",
                            .models = {"default"},
                            .model_count = 1,
                            .items = items,
                            .prevalence = 0.5,
                            .sources = {source, source},
                            .source_count = second ? 2 : 1,
                            .choices = {{"no", "No"}, {"yes", "Yes"}}};
    snprintf(deck.sources[0].collection, sizeof deck.sources->collection, "%s", first);
    if (second) snprintf(deck.sources[1].collection, sizeof deck.sources->collection, "%s", second);
    return deck;
}

/* Gives the deck's items of that seed their images, as in `pictures`: places in the collections. */
static void give(struct db *db, const struct srv_deck *deck, uint64_t key, int *pictures)
{
    struct srv_session_item items[IMAGES];
    const struct srv_drawn_item *lacking;
    const struct srv_library_asker nobody = {0};
    int count = srv_session_draw(deck, key, items);
    assert_int_equal(srv_store_library_choose(db, &nobody, deck, items, count, &lacking), DB_OK);
    assert_null(lacking);
    for (int i = 0; i < count; i++) pictures[i] = (int)((items[i].library_image - 1) % IMAGES);
}

static void count(const int *pictures, int of, int counts[IMAGES])
{
    memset(counts, 0, IMAGES * sizeof *counts);
    for (int i = 0; i < of; i++) counts[pictures[i]]++;
}

/* ---- which images ---- */

static void a_picture_of_two_collections_is_shown_once(void **state)
{
    struct db *db = scratch_db(state, "twins.db");
    struct srv_deck deck = deck_of(IMAGES, "hips", "twins");
    add_collection(db, "hips");
    add_collection(db, "twins");
    for (uint64_t key = 0; key < 20; key++) {
        int pictures[IMAGES], counts[IMAGES];
        give(db, &deck, key, pictures);
        count(pictures, IMAGES, counts);
        for (int i = 0; i < IMAGES; i++) assert_int_equal(counts[i], 1);
    }
    db_close(db);
}

static void a_picture_that_is_excluded_is_so_in_every_collection(void **state)
{
    struct db *db = scratch_db(state, "excluded.db");
    struct srv_deck deck = deck_of(IMAGES - 2, "hips", "twins");
    deck.exclude_count = 2;
    deck.exclude[0] = (struct srv_deck_exclusion){.class_name = "none", .source = 0, .file = "0.png"};
    deck.exclude[1] = (struct srv_deck_exclusion){.class_name = "fracture", .source = 1, .file = "5.png"};
    add_collection(db, "hips");
    add_collection(db, "twins");
    for (uint64_t key = 0; key < 20; key++) {
        int pictures[IMAGES], counts[IMAGES];
        give(db, &deck, key, pictures);
        count(pictures, IMAGES - 2, counts);
        assert_true(counts[0] == 0 && counts[5] == 0);
    }
    db_close(db);
}

/* They come from the data base label by label, and are looked for by their ids. */
static void an_exclusion_finds_an_image_of_any_label(void **state)
{
    struct db *db = scratch_db(state, "labels.db");
    add_labelled(db, "hips", "fracture|rod");
    for (int k = 1; k < IMAGES; k += 2) {
        struct srv_deck deck = deck_of(IMAGES - 2, "hips", NULL);
        deck.exclude_count = 1;
        deck.exclude[0] = (struct srv_deck_exclusion){.class_name = "fracture", .source = 0};
        snprintf(deck.exclude[0].file, sizeof deck.exclude[0].file, "%d.png", k);
        for (uint64_t key = 0; key < 20; key++) {
            int pictures[IMAGES], counts[IMAGES];
            give(db, &deck, key, pictures);
            count(pictures, IMAGES - 2, counts);
            assert_int_equal(counts[k], 0);
        }
    }
    db_close(db);
}

/* Of six, each should come 100 times in 600 draws, with a standard deviation of 9. */
static void a_seed_gives_the_same_images_and_all_are_as_likely(void **state)
{
    static int pictures[DRAWS];
    int counts[IMAGES], again[2];
    struct db *db = scratch_db(state, "chance.db");
    struct srv_deck deck = deck_of(2, "hips", NULL);
    add_collection(db, "hips");
    for (uint64_t key = 0; key < DRAWS / 2; key++) give(db, &deck, key, &pictures[2 * key]);
    count(pictures, DRAWS, counts);
    for (int i = 0; i < IMAGES; i++) assert_in_range(counts[i], 60, 140);
    give(db, &deck, 7, again);
    assert_memory_equal(again, &pictures[14], sizeof again);
    db_close(db);
}

static void what_a_learner_has_been_promised_or_shown_comes_last_or_not_at_all(void **state)
{
    struct srv_session_item items[IMAGES];
    const struct srv_drawn_item *lacking;
    struct srv_library_asker learner = {.learner_id = 1};
    struct db *db = scratch_db(state, "learner.db");
    struct srv_deck deck = deck_of(6, "twins", NULL), all = deck_of(IMAGES, "twins", NULL);
    add_collection(db, "hips");
    add_collection(db, "twins");
    assert_int_equal(srv_store_decks_configure(db, &deck, 1), DB_OK);
    scratch_run(db, "INSERT INTO learners (code_sha256, created_at) VALUES (printf('%064d', 0), 'now')");
    scratch_run(db, "INSERT INTO sessions (id, secret_sha256, deck_version_id, server_version, created_at)"
                    " VALUES (printf('%032d', 0), printf('%064d', 0), 1, '', 'now')");
    scratch_run(db, "INSERT INTO session_learners VALUES (printf('%032d', 0), 1, NULL)");
    /* Of hips: 0 to 2 are shown, 3 to 5 are not yet. */
    scratch_run(db,
                "INSERT INTO items (session_id, n, image, class, seed, strength, truncation, source,"
                " library_image_id, image_sha256) SELECT printf('%032d', 0), id, printf('%048d', id), class,"
                " '1', 1, 1, 'library', id, CASE WHEN id <= 3 THEN sha256 END FROM library_images"
                " WHERE id <= 6");
    for (uint64_t key = 0; key < 20; key++) {
        int drawn = srv_session_draw(&deck, key, items);
        assert_int_equal(srv_store_library_choose(db, &learner, &deck, items, drawn, &lacking), DB_OK);
        for (int i = 0; i < drawn; i++) assert_in_range(items[i].library_image, IMAGES + 7, 2 * IMAGES);
        drawn = srv_session_draw(&all, key, items);
        learner.shown_again = false;
        assert_int_equal(srv_store_library_choose(db, &learner, &all, items, drawn, &lacking), DB_OK);
        assert_non_null(lacking);
        learner.shown_again = true;
        assert_int_equal(srv_store_library_choose(db, &learner, &all, items, drawn, &lacking), DB_OK);
        assert_null(lacking);
    }
    db_close(db);
}

/* ---- studies ---- */

/* A study whose arms train with the deck of one collection. */
static struct srv_study_opening add_study(struct db *db, const char *collection, struct srv_study *study)
{
    const struct srv_account operator= {0};
    struct nn_error err;
    struct srv_study_change change;
    struct srv_deck deck = deck_of(2, collection, NULL);
    json_t *json = json_loads("{\"format\": 1, \"id\": \"s\", \"title\": \"S\", \"contact\": \"c\", "
                              "\"consent\": {\"text\": \"t\"}, \"blocks\": [2],"
                              " \"arms\": [{\"id\": \"a\", \"label\": \"A\", \"deck\": \"d\"},"
                              " {\"id\": \"b\", \"label\": \"B\", \"deck\": \"d\"}],"
                              " \"phases\": [{\"id\": \"p\", \"kind\": \"training\"}]}",
                              0, NULL);
    assert_int_equal(srv_store_decks_configure(db, &deck, 1), DB_OK);
    if (srv_study_read(json, "study", study, &err)) fail_msg("%s", err.text);
    json_decref(json);
    assert_int_equal(srv_store_study_add(db, &operator, study, &change), DB_OK);
    return (struct srv_study_opening){
        .decks = {{.version_id = 1}}, .deck_count = 1, .test_items = json_array()};
}

static enum srv_study_outcome open_study(struct db *db, const struct srv_study_opening *opening)
{
    const struct srv_account operator= {0};
    struct srv_study_change change;
    assert_int_equal(srv_store_study_open(db, &operator, "s", 1, opening, &change), DB_OK);
    return change.outcome;
}

static void a_collection_is_not_removed_while_a_study_shows_it(void **state)
{
    char name[DECK_ID_TEXT];
    struct srv_study study;
    struct db *db = scratch_db(state, "kept.db");
    add_collection(db, "hips");
    struct srv_study_opening opening = add_study(db, "hips", &study);
    assert_int_equal(open_study(db, &opening), STUDY_DONE);
    assert_int_equal(srv_store_collection_remove(db, "hips", name), DB_OK);
    assert_string_equal(name, "s");
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM collections WHERE removed_at IS NULL"), 1);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM library_images"), IMAGES);
    json_decref(opening.test_items);
    db_close(db);
}

static void a_study_is_not_opened_on_a_collection_that_was_removed_meanwhile(void **state)
{
    char name[DECK_ID_TEXT];
    struct srv_study study;
    struct db *db = scratch_db(state, "removed.db");
    add_collection(db, "hips");
    struct srv_study_opening opening = add_study(db, "hips", &study);
    assert_int_equal(srv_store_collection_remove(db, "hips", name), DB_OK);
    assert_string_equal(name, "");
    assert_int_equal(open_study(db, &opening), STUDY_IMAGES_GONE);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM studies WHERE state = 'draft'"), 1);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM study_decks"), 0);
    json_decref(opening.test_items);
    db_close(db);
}

static void a_study_of_drawn_images_needs_no_library(void **state)
{
    struct srv_study study;
    struct db *db = scratch_db(state, "drawn.db");
    struct srv_study_opening opening = add_study(db, "", &study);
    assert_int_equal(open_study(db, &opening), STUDY_DONE);
    json_decref(opening.test_items);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_of_two_collections_is_shown_once),
        cmocka_unit_test(a_picture_that_is_excluded_is_so_in_every_collection),
        cmocka_unit_test(an_exclusion_finds_an_image_of_any_label),
        cmocka_unit_test(a_seed_gives_the_same_images_and_all_are_as_likely),
        cmocka_unit_test(what_a_learner_has_been_promised_or_shown_comes_last_or_not_at_all),
        cmocka_unit_test(a_collection_is_not_removed_while_a_study_shows_it),
        cmocka_unit_test(a_study_is_not_opened_on_a_collection_that_was_removed_meanwhile),
        cmocka_unit_test(a_study_of_drawn_images_needs_no_library),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
