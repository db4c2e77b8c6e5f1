/* Everything that a run's folder says about the run, for `roentgym report` and `roentgym inspect`. */
#ifndef TR_RUN_FACTS_H
#define TR_RUN_FACTS_H

#include "engine/checkpoint.h"
#include "trainer/train/run_log.h"
#include "trainer/train/train_config.h"
#include "trainer/train/watch.h"

/* Zeroed where a file is not there; *_problem says why one that is there cannot be used. */
struct tr_run_facts {
    struct tr_run_log log;

    int state_count;
    char state_file[64]; /* the newest state that can be read, within the folder; empty: none */
    char state_problem[320];
    char *config_text; /* JSON, heap */
    struct tr_train_config config;
    uint64_t images, images_before, steps, skipped;
    char data_sha256[65];
    bool has_watch;
    struct tr_watch watch;

    bool has_generator; /* generator.safetensors */
    char generator_problem[320];
    struct nn_checkpoint generator;
    char generator_sha256[65];
};

/* NN_ERR_FORMAT when the folder holds neither a log nor a state nor a generator. On failure nothing is held.
 */
nn_status tr_run_facts_read(struct tr_run_facts *facts, const char *run, struct nn_error *err) NN_MUST_CHECK;
void tr_run_facts_release(struct tr_run_facts *facts); /* harmless on a zeroed struct */

/* Seconds of training in the log, over all processes that the run had. */
double tr_run_facts_trained_s(const struct tr_run_facts *facts);

#endif
