/* What the parts of load_learners share: what is to be played, and what was seen. */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H

#include <jansson.h>

#include "engine/rng.h"
#include "tests/bench/load_http.h"

enum load_kind {
    KIND_FILE, /* one file of the pages */
    KIND_PAGE, /* from the first request until the start page could show: all files, decks, models */
    KIND_LIST, /* decks, models */
    KIND_SESSION,
    KIND_ITEM,
    KIND_FIRST_IMAGE, /* of a session */
    KIND_IMAGE,
    KIND_WAIT, /* from "next" until the image is there: what the learner feels; not of the first */
    KIND_ANSWER,
    KIND_SUMMARY,
    KIND_SAMPLE, /* on the start page */
    KIND_ATLAS,
    KIND_ATLAS_LARGE,
    KIND_REFUSAL, /* 503 with Retry-After, whatever was asked */
    KIND_COUNT,
};

struct load_settings {
    int port, learners, items, connections;
    double ramp_s, compress, read_s, feedback_s, sigma, limit_s;
    double atlas_rate, atlas_large; /* requests a second; the share of them at full size */
    int pens, sessions;             /* answer-only: how many write at once; sessions prepared for them */
    unsigned long long seed;
};

struct load_samples {
    double *seconds;
    size_t count, room;
};

struct load_run {
    struct load_settings set;
    struct load_loop *loop;
    struct load_samples samples[KIND_COUNT];
    json_t *errors; /* text -> count */
    long long acknowledged;
    int running, finished;
    /* of the first model, from whoever asked first */
    char model[64], classes[2][64];
    int sizes[8], size_count; /* ascending */
};

void load_record(struct load_run *run, enum load_kind kind, double seconds);
void load_error(struct load_run *run, const char *what);
json_t *load_report(const struct load_run *run);

/* Counts a reply: true, and its time under `kind`, when it came whole and is of `status` (or, for POST, 200).
 * Otherwise it is a refusal or an error named after `kind`. */
bool load_expect(struct load_run *run, enum load_kind kind, const struct load_reply *reply, int status);
/* The reply's JSON, or NULL and an error. */
json_t *load_json(struct load_run *run, enum load_kind kind, const struct load_reply *reply);

/* Keeps what `model`, one of the list of models, says. */
void load_note_model(struct load_run *run, const json_t *model);
/* The smallest side that is offered and not below `pixels`, or the largest there is. */
int load_size(const struct load_run *run, int pixels);

/* The rest of an answer's fields, as web/js/context.js fills them in. */
#define LOAD_ANSWER_CONTEXT                                                                                  \
    ",\"blur_ms\":0,\"viewport_px\":\"1280x800\",\"dpr\":1.25,\"ui_version\":\"1\",\"input_type\":"          \
    "\"mouse\"}"

/* What web/js/retry.js does: the page asks again after these... */
bool load_transient(const struct load_reply *reply);
/* ...seconds, for the attempt-th time from 0. */
double load_backoff(struct nn_rng *rng, int attempt, const struct load_reply *reply);

/* Learners in their pages; the educator; writers of answers. Each is set going on the loop. */
void load_drill_start(struct load_run *run);
void load_atlas_start(struct load_run *run);
void load_answers_prepare(struct load_run *run); /* runs the loop */
void load_answers_start(struct load_run *run);

#endif
