/* Learners, each in a browser: what start.js, drill.js and images.js ask for, in their order. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load_run.h"

enum { FILES_MAX = 128, NAME_MAX_BYTES = 96, ITEMS_MAX = 200, API_TIMEOUT_S = 20, IMAGE_TIMEOUT_S = 60 };
enum { SAMPLE_SEED = 1, SAMPLE_PIXELS = 512, ITEM_PIXELS = 1 << 20 }; /* view_start.js */

enum ahead { AHEAD_NOTHING, AHEAD_ITEM, AHEAD_IMAGE, AHEAD_READY };
enum tag { TAG_FILE = 1000, TAG_DECKS, TAG_MODELS, TAG_SAMPLE, TAG_SESSION, TAG_ANSWER, TAG_SUMMARY };

struct learner {
    struct load_run *run;
    struct load_client browser;
    struct nn_rng rng;
    double started, asked; /* the page; the image that is waited for */
    bool files[FILES_MAX]; /* asked for */
    int files_left, lists_left;
    char id[40], secret[72], images[2][96], answer[512];
    char choices[2][64];
    int items, n, attempt;
    enum ahead ahead[2]; /* of items n and n+1, at [their number % 2] */
    bool page_broken, waiting, ended;
};

static void show_item(void *learner);
static void send_answer(void *learner);
static void start_session(void *learner);
static void ask_lists(void *learner);
static void on_item(void *learner, int n, const struct load_reply *reply);
static void on_image(void *learner, int n, const struct load_reply *reply);

/* ---- asking ---- */

static void get(struct learner *l, const char *path, bool secret, double timeout_s, load_done *done, int tag)
{
    char head[512];
    snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nAccept: %s\r\n%s%s%s", path,
             timeout_s == IMAGE_TIMEOUT_S ? "image/*" : "*/*", secret ? "Authorization: Bearer " : "",
             secret ? l->secret : "", secret ? "\r\n" : "");
    load_send(&l->browser, head, NULL, timeout_s, done, l, tag);
}

static void post(struct learner *l, const char *path, const char *body, load_done *done, int tag)
{
    char head[512];
    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nAccept: application/json\r\nContent-Type: application/json\r\n%s%s%s", path,
             l->secret[0] ? "Authorization: Bearer " : "", l->secret, l->secret[0] ? "\r\n" : "");
    load_send(&l->browser, head, body, API_TIMEOUT_S, done, l, tag);
}

static void end(struct learner *l, bool finished)
{
    if (l->ended) return;
    l->ended = true;
    l->run->running--;
    l->run->finished += finished;
    if (l->run->running == 0) load_loop_stop(l->run->loop);
}

/* What the page does with a failure: asks again, or gives up. */
static void again(struct learner *l, const struct load_reply *reply, load_call *call)
{
    if (load_transient(reply))
        load_after(l->run->loop, load_backoff(&l->rng, l->attempt++, reply), call, l);
    else
        end(l, false);
}

/* A person's pause of this median, log-normal, as response times are. */
static double pause_s(struct learner *l, double median_s)
{
    return median_s * exp(l->run->set.sigma * nn_rng_normal(&l->rng, 0, 1)) / l->run->set.compress;
}

/* ---- the page ---- */

static char files[FILES_MAX][NAME_MAX_BYTES];
static int file_count;

static void on_file(void *context, int tag, const struct load_reply *reply);

static void get_file(struct learner *l, const char *name, size_t length)
{
    int i = 0;
    if (length == 0 || length >= NAME_MAX_BYTES) return;
    while (i < file_count && (strncmp(files[i], name, length) || files[i][length])) i++;
    if (i == FILES_MAX || l->files[i]) return;
    if (i == file_count) memcpy(files[file_count++], name, length);
    l->files[i] = true;
    l->files_left++;
    get(l, files[i], false, API_TIMEOUT_S, on_file, i);
}

/* './x.js' or '../x.js' in a module, as the name it has on the server; what is absolute already stays. */
static int server_name(char name[NAME_MAX_BYTES], const char *from, const char *reference, int length)
{
    int folder = (int)(strrchr(from, '/') - from);
    if (*reference == '/') return snprintf(name, NAME_MAX_BYTES, "%.*s", length, reference);
    while (length >= 3 && strncmp(reference, "../", 3) == 0) {
        reference += 3;
        length -= 3;
        while (folder > 0 && from[--folder] != '/') {
        }
    }
    if (length >= 2 && strncmp(reference, "./", 2) == 0) {
        reference += 2;
        length -= 2;
    }
    return snprintf(name, NAME_MAX_BYTES, "%.*s/%.*s", folder, from, length, reference);
}

/* What index.html links and what a module imports. */
static void get_references(struct learner *l, int file, const char *text)
{
    char name[NAME_MAX_BYTES];
    static const char *const page_marks[] = {"href=\"", "src=\"", NULL}, *const module_marks[] = {"from '",
                                                                                                  NULL};
    for (const char *const *mark = file == 0 ? page_marks : module_marks; *mark; mark++) {
        for (const char *at = strstr(text, *mark); at; at = strstr(at, *mark)) {
            at += strlen(*mark);
            int length = server_name(name, files[file], at, (int)strcspn(at, "\"'"));
            get_file(l, name, (size_t)length);
        }
    }
}

/* Whose page is broken reloads it. */
static void open_page(void *context)
{
    struct learner *l = context;
    memset(l->files, 0, sizeof l->files);
    l->page_broken = false;
    get_file(l, "/", 1);
}

static void on_file(void *context, int tag, const struct load_reply *reply)
{
    struct learner *l = context;
    if (!load_expect(l->run, KIND_FILE, reply, 200))
        l->page_broken = true;
    else if (tag == 0 || strstr(files[tag], ".js"))
        get_references(l, tag, reply->text);
    if (--l->files_left > 0) return;
    if (l->page_broken)
        load_after(l->run->loop, load_backoff(&l->rng, l->attempt++, reply), open_page, l);
    else
        ask_lists(l);
}

/* ---- the start page ---- */

static void on_list(void *context, int tag, const struct load_reply *reply);

static void ask_decks(void *context)
{
    get(context, "/api/v1/decks", false, API_TIMEOUT_S, on_list, TAG_DECKS);
}

static void ask_models(void *context)
{
    get(context, "/api/v1/models", false, API_TIMEOUT_S, on_list, TAG_MODELS);
}

static void ask_lists(void *context)
{
    struct learner *l = context;
    l->lists_left = 2;
    l->attempt = 0;
    ask_decks(l);
    ask_models(l);
}

static void on_start_sample(void *context, int tag, const struct load_reply *reply)
{
    struct learner *l = context;
    (void)tag;
    load_expect(l->run, KIND_SAMPLE, reply, 200);
}

static void show_start(struct learner *l)
{
    char path[256];
    load_record(l->run, KIND_PAGE, load_now() - l->started);
    snprintf(path, sizeof path, "/api/v1/samples/%s/%s/%d.png?size=%d", l->run->model, l->run->classes[0],
             SAMPLE_SEED, load_size(l->run, SAMPLE_PIXELS));
    get(l, path, false, IMAGE_TIMEOUT_S, on_start_sample, TAG_SAMPLE);
    load_after(l->run->loop, pause_s(l, l->run->set.feedback_s), start_session, l);
}

static void on_list(void *context, int tag, const struct load_reply *reply)
{
    struct learner *l = context;
    if (!load_expect(l->run, KIND_LIST, reply, 200)) {
        again(l, reply, tag == TAG_DECKS ? ask_decks : ask_models);
        return;
    }
    json_t *json = load_json(l->run, KIND_LIST, reply);
    if (tag == TAG_MODELS && !l->run->model[0])
        load_note_model(l->run, json_array_get(json_object_get(json, "models"), 0));
    json_decref(json);
    if (--l->lists_left == 0) show_start(l);
}

static bool note_session(struct learner *l, const json_t *json)
{
    const char *id, *secret, *choices[2];
    if (json_unpack((json_t *)(size_t)json, "{s:{s:s,s:s,s:{s:i,s:[{s:s},{s:s}]}}}", "session", "id", &id,
                    "secret", &secret, "deck", "items", &l->items, "choices", "id", &choices[0], "id",
                    &choices[1]))
        return false;
    snprintf(l->id, sizeof l->id, "%s", id);
    snprintf(l->secret, sizeof l->secret, "%s", secret);
    for (int i = 0; i < 2; i++) snprintf(l->choices[i], sizeof l->choices[i], "%s", choices[i]);
    return strlen(l->id) > 15 && strlen(l->secret) > 15 && l->items >= 1 && l->items <= ITEMS_MAX;
}

static void on_session(void *context, int tag, const struct load_reply *reply)
{
    struct learner *l = context;
    (void)tag;
    if (!load_expect(l->run, KIND_SESSION, reply, 201)) {
        again(l, reply, start_session);
        return;
    }
    json_t *json = load_json(l->run, KIND_SESSION, reply);
    bool right = note_session(l, json);
    json_decref(json);
    if (!right) {
        load_error(l->run, "session: wrong fields");
        end(l, false);
        return;
    }
    l->attempt = 0;
    l->n = 1;
    l->asked = load_now();
    show_item(l);
}

static void start_session(void *context)
{
    post(context, "/api/v1/sessions", "{\"deck\":\"default\"}", on_session, TAG_SESSION);
}

/* ---- items ---- */

static void load_ahead(struct learner *l, int n)
{
    char path[128];
    if (l->ahead[n % 2] != AHEAD_NOTHING) return;
    l->ahead[n % 2] = AHEAD_ITEM;
    snprintf(path, sizeof path, "/api/v1/sessions/%s/items/%d", l->id, n);
    get(l, path, true, API_TIMEOUT_S, on_item, n);
}

/* Ahead of its time a failure is forgotten; the next call tries again. */
static void not_loaded(struct learner *l, int n, const struct load_reply *reply)
{
    l->ahead[n % 2] = AHEAD_NOTHING;
    if (l->waiting && l->n == n) again(l, reply, show_item);
}

static void on_item(void *context, int n, const struct load_reply *reply)
{
    struct learner *l = context;
    int number = 0;
    const char *image = NULL;
    if (!load_expect(l->run, KIND_ITEM, reply, 200)) {
        not_loaded(l, n, reply);
        return;
    }
    json_t *json = load_json(l->run, KIND_ITEM, reply);
    if (json_unpack(json, "{s:{s:i,s:s}}", "item", "n", &number, "image", &image) || number != n ||
        image[0] != '/' || strlen(image) >= sizeof l->images[0]) {
        load_error(l->run, "item: wrong fields");
        end(l, false);
    } else {
        snprintf(l->images[n % 2], sizeof l->images[0], "%s", image);
        l->ahead[n % 2] = AHEAD_IMAGE;
        get(l, image, false, IMAGE_TIMEOUT_S, on_image, n);
    }
    json_decref(json);
}

static void image_shown(struct learner *l)
{
    l->waiting = false;
    l->attempt = 0;
    l->ahead[l->n % 2] = AHEAD_NOTHING;
    if (l->n > 1) load_record(l->run, KIND_WAIT, load_now() - l->asked);
    if (l->n < l->items) load_ahead(l, l->n + 1);
    double seconds = pause_s(l, l->run->set.read_s);
    char key[40];
    unsigned r[4];
    for (int i = 0; i < 4; i++) r[i] = nn_rng_below(&l->rng, 0xffffffffu);
    snprintf(key, sizeof key, "%08x-%04x-4%03x-8%03x-%04x%08x", r[0], r[1] >> 16, r[1] & 0xfff, r[2] >> 20,
             r[2] & 0xffff, r[3]);
    snprintf(l->answer, sizeof l->answer,
             "{\"key\":\"%s\",\"item\":%d,\"choice\":\"%s\",\"confidence\":%d,\"response_ms\":"
             "%.1f" LOAD_ANSWER_CONTEXT,
             key, l->n, l->choices[nn_rng_below(&l->rng, 2)], 1 + (int)nn_rng_below(&l->rng, 3),
             seconds * l->run->set.compress * 1e3);
    load_after(l->run->loop, seconds, send_answer, l);
}

static void on_image(void *context, int n, const struct load_reply *reply)
{
    struct learner *l = context;
    if (!load_expect(l->run, n == 1 ? KIND_FIRST_IMAGE : KIND_IMAGE, reply, 200)) {
        not_loaded(l, n, reply);
        return;
    }
    if (reply->png_side != load_size(l->run, ITEM_PIXELS)) load_error(l->run, "image: wrong size");
    l->ahead[n % 2] = AHEAD_READY;
    if (l->waiting && l->n == n) image_shown(l);
}

static void show_item(void *context)
{
    struct learner *l = context;
    l->waiting = true;
    if (l->ahead[l->n % 2] == AHEAD_READY)
        image_shown(l);
    else
        load_ahead(l, l->n);
}

/* ---- answers ---- */

static void ask_summary(void *context);

static void next_item(void *context)
{
    struct learner *l = context;
    l->n++;
    l->asked = load_now();
    show_item(l);
}

static bool answer_stored(struct learner *l, const json_t *json)
{
    int item = 0, answered = 0;
    const char *truth = NULL;
    int correct;
    return !json_unpack((json_t *)(size_t)json, "{s:{s:i},s:{s:s,s:b},s:{s:i}}", "answer", "item", &item,
                        "feedback", "truth", &truth, "correct", &correct, "progress", "answered",
                        &answered) &&
           item == l->n && answered == l->n && truth[0];
}

static void on_answer(void *context, int tag, const struct load_reply *reply)
{
    struct learner *l = context;
    (void)tag;
    if (!load_expect(l->run, KIND_ANSWER, reply, 201)) {
        again(l, reply, send_answer);
        return;
    }
    l->attempt = 0;
    l->run->acknowledged++;
    json_t *json = load_json(l->run, KIND_ANSWER, reply);
    if (!answer_stored(l, json)) load_error(l->run, "answer: wrong fields");
    json_decref(json);
    if (l->n == l->items)
        load_after(l->run->loop, pause_s(l, l->run->set.feedback_s), ask_summary, l);
    else if (l->n == l->run->set.items)
        end(l, true);
    else
        load_after(l->run->loop, pause_s(l, l->run->set.feedback_s), next_item, l);
}

static void send_answer(void *context)
{
    struct learner *l = context;
    char path[128];
    snprintf(path, sizeof path, "/api/v1/sessions/%s/answers", l->id);
    post(l, path, l->answer, on_answer, TAG_ANSWER);
}

/* The page shows every image again: the browser has kept them and asks for none. */
static void on_summary(void *context, int tag, const struct load_reply *reply)
{
    struct learner *l = context;
    (void)tag;
    if (!load_expect(l->run, KIND_SUMMARY, reply, 200)) {
        again(l, reply, ask_summary);
        return;
    }
    json_t *json = load_json(l->run, KIND_SUMMARY, reply), *summary = json_object_get(json, "summary");
    const json_t *items = json_object_get(summary, "items");
    if (json_integer_value(json_object_get(summary, "answered")) != l->items ||
        json_array_size(items) != (size_t)l->items) {
        load_error(l->run, "summary: wrong fields");
        end(l, false);
    }
    json_decref(json);
    end(l, true);
}

static void ask_summary(void *context)
{
    struct learner *l = context;
    char path[128];
    snprintf(path, sizeof path, "/api/v1/sessions/%s/summary", l->id);
    get(l, path, true, API_TIMEOUT_S, on_summary, TAG_SUMMARY);
}

/* ---- life ---- */

static void arrive(void *context)
{
    struct learner *l = context;
    l->started = load_now();
    open_page(l);
}

void load_drill_start(struct load_run *run)
{
    struct nn_rng arrivals = {.seed = run->set.seed, .stream = 0};
    struct learner *learners = calloc((size_t)run->set.learners, sizeof *learners);
    if (!learners) abort();
    run->running = run->set.learners;
    for (int i = 0; i < run->set.learners; i++) {
        struct learner *l = &learners[i];
        l->run = run;
        l->rng = (struct nn_rng){.seed = run->set.seed, .stream = (uint64_t)i + 1};
        load_client_init(&l->browser, run->loop, run->set.connections);
        load_after(run->loop, nn_rng_range(&arrivals, 0, run->set.ramp_s / run->set.compress), arrive, l);
    }
}
