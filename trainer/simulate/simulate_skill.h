/* How a simulated learner answers: signal detection with learning, lapses and log-normal response times
 * (Green and Swets 1966; d' and criterion as in Macmillan and Creelman, Detection theory, 2nd ed., chapters 1
 * and 2).
 *
 * What is seen of an image is a number x, normal with standard deviation 1 around d'/2 where the finding is
 * and -d'/2 where it is not. The answer is yes where x is above the criterion, the surer the farther: perhaps
 * within 0.4 of it, probably within 1. After p of practice, d' on images of one source is
 *
 *     d' = d + spread * z + (max - d) * (1 - exp(-p)),  not below 0
 *
 * z being the learner's own standard normal number. Each image that is answered and told about adds its
 * source's `learn` to p, whichever source is looked at next: so learning carries over, and arms that practise
 * with images of different sources learn as fast as these teach. With the chance `lapse` the answer is a
 * guess. */
#ifndef TR_SIMULATE_SKILL_H
#define TR_SIMULATE_SKILL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"

/* Where an image is from, as the daemon's log calls it. */
enum tr_source { TR_GAN, TR_LIBRARY, TR_SOURCES };

struct tr_skill {
    double d[TR_SOURCES], max[TR_SOURCES], learn[TR_SOURCES];
    double spread, criterion, lapse, rt_ms, rt_sigma;
};

/* The skill that is simulated when nothing is said of it. */
extern const struct tr_skill tr_skill_default;

/* Changes what `text` names: "d=1.2,learn=0.02,gan:learn=0.01,lapse=0". A key of d, max and learn without a
 * source is of both. NN_ERR_ARGUMENT names the part that is wrong. */
nn_status tr_skill_read(const char *text, struct tr_skill *skill, struct nn_error *err) NN_MUST_CHECK;

/* One learner's state. */
struct tr_skilled {
    const struct tr_skill *skill; /* borrowed */
    uint64_t seed, number;        /* all numbers of a learner are a pure function of these */
    double offset;                /* spread * z */
    double practice;              /* p */
};

void tr_skilled_init(struct tr_skilled *learner, const struct tr_skill *skill, uint64_t seed,
                     uint64_t number);
double tr_skilled_d(const struct tr_skilled *learner, enum tr_source source);

struct tr_response {
    bool yes;
    int confidence;     /* 1 perhaps .. 3 surely */
    double response_ms; /* 1 .. 3600000 */
};

/* The answer to an item of the learner's session of that number, from 0, and place in it. */
struct tr_response tr_skilled_answer(const struct tr_skilled *learner, int session, int item,
                                     enum tr_source source, bool truth);
/* What the learner was told about an image that was answered. */
void tr_skilled_told(struct tr_skilled *learner, enum tr_source source);

/* What the server shall draw the learner's images by. */
uint64_t tr_skilled_seed(const struct tr_skilled *learner);

/* What happens to a learner besides answering: numbers in 0..1 by the purpose and the learner's session. */
enum tr_fate { TR_LEAVES, TR_LEAVES_WHEN, TR_WITHDRAWS, TR_FORM, TR_DEVICE, TR_CHOOSES };
double tr_skilled_fate(const struct tr_skilled *learner, enum tr_fate fate, int session);

#endif
