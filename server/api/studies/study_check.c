#include "server/api/studies/study_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/decks/checked_lists.h"
#include "server/store/decks/store_decks.h"
#include "server/store/decks/store_library.h"

enum { WHERE_TEXT = 64, SENTENCE_TEXT = 320 };

struct check {
    struct srv_app *app;
    const struct srv_study *study;
    struct srv_study_opening *opening; /* or NULL */
    json_t *warnings;
    struct srv_response *response;
};

static void warn(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void warn(struct check *check, const char *format, ...)
{
    char text[SENTENCE_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_array_append_new(check->warnings, json_string(text));
}

/* ---- one deck ---- */

static bool find_deck(struct check *check, const char *where, const char *name, struct api_deck_version *deck)
{
    *deck = (struct api_deck_version){0};
    enum db_status status = srv_store_deck_version(check->app->db, name, 0, api_keep_deck, deck);
    bool there = deck->id && !deck->archived;
    if (status != DB_OK)
        srv_respond_db_error(check->response, status);
    else if (!there)
        srv_respond_error(check->response, 422, "wrong_study", "%s: there is no deck \"%s\".", where, name);
    return status == DB_OK && there;
}

/* What an open study could not do without is only told of while it is a draft. */
static bool check_model(struct check *check, const char *where, const struct srv_deck *deck)
{
    char gap[DECK_GAP_TEXT];
    if (!api_deck_gap(check->app, deck, gap)) return true;
    if (!check->opening)
        warn(check, "%s: %s", where, gap);
    else
        srv_respond_error(check->response, 409, "deck_unavailable", "%s: %s", where, gap);
    return !check->opening;
}

static void hold(struct srv_study_opening *opening, int64_t version_id, bool tests)
{
    for (int i = 0; i < opening->deck_count; i++)
        if (opening->decks[i].version_id == version_id) return;
    opening->decks[opening->deck_count].version_id = version_id;
    opening->decks[opening->deck_count++].tests = tests;
}

/* A trial of what a session would show: how many items, or -1. */
static int choose(struct check *check, const char *where, const struct srv_deck *deck,
                  struct srv_library_asker asker, struct srv_session_item *items)
{
    char gap[DECK_GAP_TEXT];
    struct api_checked_lists lists;
    const struct srv_drawn_item *lacking;
    if (!api_list_check(check->app, deck, where, check->response)) return -1;
    if (!api_checked_lists(check->app, deck, NULL, &lists, check->response)) return -1;
    asker.checked = lists.of;
    int count = srv_session_draw(deck, srv_session_key(deck), items);
    enum db_status status = srv_store_library_choose(check->app->db, &asker, deck, items, count, &lacking);
    api_checked_lists_release(&lists);
    if (lacking) api_images_missing(deck, lacking, gap);
    if (status != DB_OK)
        srv_respond_db_error(check->response, status);
    else if (lacking)
        srv_respond_error(check->response, 409, "images_missing", "%s: %s%s%s.", where, gap,
                          *lacking->source->collection ? ", or not the listed one" : "",
                          asker.spared ? ", beside those of tests and of the trainings before" : "");
    return status == DB_OK && !lacking ? count : -1;
}

/* ---- tests ---- */

/* Each collection once. */
static bool warn_of_simulated(struct check *check, const char *where, const struct srv_deck *deck)
{
    enum db_status status = DB_OK;
    for (int s = 0; s < deck->source_count && status == DB_OK; s++) {
        bool simulated;
        const char *name = deck->sources[s].collection;
        int first = 0;
        while (strcmp(deck->sources[first].collection, name)) first++;
        if (first < s) continue;
        status = srv_store_collection_simulated(check->app->db, name, &simulated);
        if (status == DB_OK && simulated)
            warn(check, "%s: the images of the collection \"%s\" are simulated, not real.", where, name);
    }
    if (status != DB_OK) srv_respond_db_error(check->response, status);
    return status == DB_OK;
}

static bool take_test_items(struct check *check, const char *where, const struct api_deck_version *deck)
{
    struct srv_session_item items[DECK_ITEMS_MAX];
    const struct srv_library_asker asker = {.tests = true};
    struct srv_study_opening *opening = check->opening;
    for (int i = 0; i < opening->deck_count; i++)
        if (opening->decks[i].version_id == deck->id) return true; /* another test has the same deck */
    if (choose(check, where, &deck->deck, asker, items) < 0) return false;
    for (int i = 0; i < deck->deck.items; i++)
        json_array_append_new(opening->test_items, json_pack("[I,i,I]", (json_int_t)deck->id, i + 1,
                                                             (json_int_t)items[i].library_image));
    hold(opening, deck->id, true);
    return true;
}

static bool check_test(struct check *check, int phase)
{
    char where[WHERE_TEXT];
    struct api_deck_version deck;
    snprintf(where, sizeof where, "study.phases[%d].deck", phase);
    if (!find_deck(check, where, check->study->phases[phase].deck, &deck)) return false;
    const char *flaw = srv_study_test_flaw(&deck.deck);
    if (flaw) {
        srv_respond_error(check->response, 422, "wrong_study", "%s: \"%s\" %s.", where, deck.deck.id, flaw);
        return false;
    }
    if (!check_model(check, where, &deck.deck)) return false;
    return warn_of_simulated(check, where, &deck.deck) &&
           (!check->opening || take_test_items(check, where, &deck));
}

/* Other decks may show them, or have shown them, before the study reserves them. */
static bool warn_of_seen(struct check *check)
{
    struct srv_library_seen seen;
    enum db_status status = srv_store_library_seen(check->app->db, check->opening->test_items, &seen);
    if (status != DB_OK) srv_respond_db_error(check->response, status);
    if (status == DB_OK && seen.images)
        warn(check, "%lld of the tests' images have been shown to learners before.", (long long)seen.images);
    if (status == DB_OK && seen.trainings)
        warn(
            check,
            "%lld trainings of other studies that are not finished come to an image of the tests, and go on.",
            (long long)seen.trainings);
    if (status == DB_OK && seen.sessions)
        warn(check, "%lld sessions that are not finished come to an image of the tests, and end there.",
             (long long)seen.sessions);
    return status == DB_OK;
}

/* ---- arms ---- */

static bool is_test(const struct srv_study *study, const char *deck)
{
    for (int i = 0; i < study->phase_count; i++)
        if (!strcmp(study->phases[i].deck, deck)) return true;
    return false;
}

/* Pixels of the images' side; 0 while it is not known. */
static int resolution(struct check *check, const struct srv_deck *deck)
{
    struct srv_model_entry entry;
    bool known = srv_models_find(check->app->models, deck->models[0], &entry) && entry.described;
    return known ? entry.info.resolution : 0;
}

/* What participants could tell their arm by. */
static void warn_of_difference(struct check *check, int arm, const struct srv_deck *a,
                               const struct srv_deck *b)
{
    const struct {
        bool differs;
        const char *what;
    } shown[] = {
        {strcmp(a->question, b->question), "question"},
        {strcmp(a->choices[DECK_NO].label, b->choices[DECK_NO].label) ||
             strcmp(a->choices[DECK_YES].label, b->choices[DECK_YES].label),
         "choices"},
        {a->items != b->items, "number of items"},
        {a->mastery.of != b->mastery.of || a->mastery.correct != b->mastery.correct ||
             a->mastery.within_s != b->mastery.within_s,
         "rule of mastery"},
        {srv_deck_stepwise(a) != srv_deck_stepwise(b), "order"}, /* whose next image comes later */
        {a->two_buttons != b->two_buttons, "rating"},
        {a->feedback != b->feedback, "feedback"},
        {a->time_limit_s != b->time_limit_s, "time limit"},
        {resolution(check, a) != resolution(check, b), "size of images"},
    };
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (shown[i].differs)
            warn(check,
                 "study.arms[%d].deck: its %s differs from the first arm's, by which participants may tell "
                 "their arm.",
                 arm, shown[i].what);
    if (b->feedback == DECK_TELLS_LOCATION)
        warn(check,
             "study.arms[%d].deck: its feedback tells a location by a mask or by what a model changed, and "
             "so what "
             "an image is drawn from.",
             arm);
}

/* There are images for all trainings: a fresh deck shows others in each. */
static bool check_trainings(struct check *check, const char *where, const struct srv_deck *deck)
{
    bool fresh = !deck->fixed && !deck->list_count, enough = true;
    struct srv_session_item items[DECK_ITEMS_MAX];
    json_t *spared = json_copy(check->opening->test_items);
    for (int k = 0; k < check->study->phase_count && enough; k++) {
        if (check->study->phases[k].kind == STUDY_TEST) continue;
        char *text = json_dumps(spared, JSON_COMPACT);
        const struct srv_library_asker asker = {.spared = text};
        int count = choose(check, where, deck, asker, items);
        enough = count >= 0;
        for (int i = 0; i < count && fresh; i++)
            if (items[i].library_image)
                json_array_append_new(spared, json_pack("[n,n,I]", (json_int_t)items[i].library_image));
        free(text);
    }
    json_decref(spared);
    return enough;
}

static bool check_arm(struct check *check, int arm, struct srv_deck *first)
{
    char where[WHERE_TEXT];
    struct api_deck_version deck;
    snprintf(where, sizeof where, "study.arms[%d].deck", arm);
    if (is_test(check->study, check->study->arms[arm].deck)) {
        srv_respond_error(check->response, 422, "wrong_study", "%s: is the deck of a test.", where);
        return false;
    }
    if (!find_deck(check, where, check->study->arms[arm].deck, &deck) ||
        !check_model(check, where, &deck.deck))
        return false;
    if (arm == 0) *first = deck.deck;
    warn_of_difference(check, arm, first, &deck.deck);
    if (!check->opening) return true;
    hold(check->opening, deck.id, false);
    return check_trainings(check, where, &deck.deck);
}

/* ---- all ---- */

static bool check_practice(struct check *check)
{
    struct api_deck_version deck;
    const char *name = check->study->practice_deck, *where = "study.practice_deck";
    if (!*name) return true;
    if (!is_test(check->study, name)) return find_deck(check, where, name, &deck);
    srv_respond_error(check->response, 422, "wrong_study", "%s: is the deck of a test.", where);
    return false;
}

static bool check_decks(struct check *check)
{
    struct srv_deck first;
    for (int i = 0; i < check->study->phase_count; i++)
        if (check->study->phases[i].kind == STUDY_TEST && !check_test(check, i)) return false;
    for (int i = 0; i < check->study->arm_count; i++)
        if (!check_arm(check, i, &first)) return false;
    return check_practice(check) && (!check->opening || warn_of_seen(check));
}

bool api_study_check(struct srv_app *app, const struct srv_study *study, struct srv_study_opening *opening,
                     json_t *warnings, struct srv_response *response)
{
    struct check check = {app, study, opening, warnings, response};
    if (opening) *opening = (struct srv_study_opening){.test_items = json_array()};
    return check_decks(&check);
}
