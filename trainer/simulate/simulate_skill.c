#include "trainer/simulate/simulate_skill.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rng.h"

#define PERHAPS 0.4 /* within so much of the criterion */
#define PROBABLY 1.0
#define RESPONSE_MIN_MS 1.0
#define RESPONSE_MAX_MS 3600000.0

/* Streams of a learner: its own numbers, then each session's items. */
enum {
    LEARNER_BITS = 40,
    SESSION_BITS = 12,
    OFFSET_STREAM = 0,
    DRAW_STREAM = 1,
    FATE_STREAM = 1,
    SESSION_STREAM = 8
};

const struct tr_skill tr_skill_default = {
    .d = {1, 1},
    .max = {2.5, 2.5},
    .learn = {0.01, 0.01},
    .spread = 0.3,
    .criterion = 0,
    .lapse = 0.02,
    .rt_ms = 5000,
    .rt_sigma = 0.5,
};

/* ---- reading ---- */

struct key {
    const char *name;
    size_t place;   /* in struct tr_skill */
    bool by_source; /* two numbers */
    double low, high;
};

static const struct key keys[] = {
    {"d", offsetof(struct tr_skill, d), true, 0, 6},
    {"max", offsetof(struct tr_skill, max), true, 0, 6},
    {"learn", offsetof(struct tr_skill, learn), true, 0, 1},
    {"spread", offsetof(struct tr_skill, spread), false, 0, 3},
    {"criterion", offsetof(struct tr_skill, criterion), false, -3, 3},
    {"lapse", offsetof(struct tr_skill, lapse), false, 0, 1},
    {"rt", offsetof(struct tr_skill, rt_ms), false, 50, 600000},
    {"rt-sigma", offsetof(struct tr_skill, rt_sigma), false, 0, 3},
};

static const struct key *find_key(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strlen(keys[i].name) == length && !strncmp(keys[i].name, name, length)) return &keys[i];
    return NULL;
}

/* One "key=number" or "source:key=number" of `length` characters. */
static bool read_part(const char *part, size_t length, struct tr_skill *skill)
{
    static const char *const sources[TR_SOURCES] = {"gan:", "library:"};
    int first = 0, last = TR_SOURCES - 1;
    const char *text = part, *stop = part + length, *equals;
    char *end;
    for (int s = 0; s < TR_SOURCES; s++)
        if (!strncmp(part, sources[s], strlen(sources[s])))
            first = last = s, text = part + strlen(sources[s]);
    if (!(equals = memchr(text, '=', (size_t)(stop - text)))) return false;
    const struct key *key = find_key(text, (size_t)(equals - text));
    double value = strtod(equals + 1, &end);
    if (!key || end != stop || end == equals + 1 || !(value >= key->low && value <= key->high)) return false;
    if (text != part && !key->by_source) return false;
    double *place = (double *)(void *)((char *)skill + key->place);
    for (int s = first; s <= last && (key->by_source || s == first); s++) place[s] = value;
    return true;
}

nn_status tr_skill_read(const char *text, struct tr_skill *skill, struct nn_error *err)
{
    struct tr_skill read = *skill;
    for (const char *part = text; *part;) {
        size_t length = strcspn(part, ",");
        if (!read_part(part, length, &read))
            return nn_fail(err, NN_ERR_ARGUMENT,
                           "'%.*s' is not one of d, max (0..6), learn, lapse (0..1), spread (0..3), "
                           "criterion (-3..3), rt "
                           "(50..600000 ms), rt-sigma (0..3) with = and a number",
                           length > 40 ? 40 : (int)length, part);
        part += length + (part[length] == ',');
    }
    *skill = read;
    return NN_OK;
}

/* ---- answering ---- */

static struct nn_rng numbers(const struct tr_skilled *learner, uint64_t stream)
{
    return (struct nn_rng){learner->seed, learner->number << (64 - LEARNER_BITS) | stream, 0};
}

void tr_skilled_init(struct tr_skilled *learner, const struct tr_skill *skill, uint64_t seed, uint64_t number)
{
    *learner = (struct tr_skilled){.skill = skill, .seed = seed, .number = number};
    struct nn_rng rng = numbers(learner, OFFSET_STREAM);
    learner->offset = nn_rng_normal(&rng, 0, skill->spread);
}

double tr_skilled_d(const struct tr_skilled *learner, enum tr_source source)
{
    const struct tr_skill *skill = learner->skill;
    double start = skill->d[source], gain = (skill->max[source] - start) * -expm1(-learner->practice);
    return fmax(start + learner->offset + gain, 0);
}

struct tr_response tr_skilled_answer(const struct tr_skilled *learner, int session, int item,
                                     enum tr_source source, bool truth)
{
    const struct tr_skill *skill = learner->skill;
    struct nn_rng rng =
        numbers(learner, (uint64_t)(SESSION_STREAM + session) << SESSION_BITS | (uint64_t)item);
    double x = nn_rng_normal(&rng, 0, 1), log_rt = nn_rng_normal(&rng, 0, skill->rt_sigma);
    bool lapses = nn_rng_uniform(&rng) < skill->lapse, guess = nn_rng_below(&rng, 2);
    int guessed = 1 + (int)nn_rng_below(&rng, 3);
    x += (truth ? 0.5 : -0.5) * tr_skilled_d(learner, source) - skill->criterion;
    int confidence = fabs(x) < PERHAPS ? 1 : fabs(x) < PROBABLY ? 2 : 3;
    double response_ms = fmin(fmax(skill->rt_ms * exp(log_rt), RESPONSE_MIN_MS), RESPONSE_MAX_MS);
    return (struct tr_response){lapses ? guess : x > 0, lapses ? guessed : confidence, response_ms};
}

void tr_skilled_told(struct tr_skilled *learner, enum tr_source source)
{
    learner->practice += learner->skill->learn[source];
}

uint64_t tr_skilled_seed(const struct tr_skilled *learner)
{
    uint64_t seed = 0;
    struct nn_rng rng = numbers(learner, DRAW_STREAM);
    for (int i = 0; i < 4; i++) seed = seed << 16 | nn_rng_below(&rng, 1 << 16);
    return seed;
}

double tr_skilled_fate(const struct tr_skilled *learner, enum tr_fate fate, int session)
{
    struct nn_rng rng =
        numbers(learner, (uint64_t)FATE_STREAM << SESSION_BITS | (uint64_t)(session << 4 | (int)fate));
    return nn_rng_uniform(&rng);
}
