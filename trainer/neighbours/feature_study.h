/* What `evaluate neighbours` and `evaluate tsne` begin with alike: options, the real images, the network, and
 * the facts that PART.json states. */
#ifndef TR_FEATURE_STUDY_H
#define TR_FEATURE_STUDY_H

#include <jansson.h>

#include "trainer/neighbours/feature_network.h"
#include "trainer/parts/part_file.h"

enum { TR_STUDY_NUMBERS_MAX = 8 };

/* A whole number that a part takes besides, --NAME. */
struct tr_study_number {
    const char *name;
    uint64_t low, high, value; /* value: as given, or before that the default */
};

struct tr_feature_study {
    const char *part, *usage;                         /* set by the part: "neighbours" */
    struct tr_study_number own[TR_STUDY_NUMBERS_MAX]; /* likewise */
    int own_count;
    const char *data, *model, *folder, *weights, *finding, *device_word; /* "auto", "cpu", "cuda" */
    enum tr_architecture architecture;
    uint64_t side, epochs, network_images, seed; /* side 0: by the architecture and the data */

    char *command;           /* heap, as all below */
    struct nn_device device; /* open once the folder is */
    int lock;                /* of the folder: one part at a time */
    struct tr_feature_choice choice;
    char network_hash[65], model_name[128], model_sha256[65];
    struct tr_cases train, test; /* the whole splits, in a random order */
    struct tr_feature_network network;
    json_t *settings, *data_source, *model_source;
};

/* The whole command: takes argv, reads the splits, describes the model, names the network by its hash, and
 * does the `work` unless the part is there already; says what went wrong (trainer/command_end.h).
 * Closes the study; returns the exit status. */
typedef nn_status tr_feature_work(void *context, struct nn_error *err);
int tr_feature_study_run(struct tr_feature_study *study, int argc, char **argv, tr_feature_work *work,
                         void *context);

struct tr_part tr_feature_study_part(const struct tr_feature_study *study);

/* Loads or trains the network. */
nn_status tr_feature_study_network(struct tr_feature_study *study, struct nn_error *err) NN_MUST_CHECK;

/* `count` samples with the labels of `like`'s cases in turn, from seeds that no other part uses. */
nn_status tr_feature_study_draw(const struct tr_feature_study *study, const struct tr_cases *like, int count,
                                uint64_t first_seed, struct tr_cases *samples,
                                struct nn_error *err) NN_MUST_CHECK;

/* What a case is called on sheets and in tables: its file without folder and suffix, or "seed 17". */
void tr_case_name(const struct tr_cases *cases, int i, char *name, size_t size);

#endif
