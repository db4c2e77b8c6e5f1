#include "trainer/train/generator_export.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/checkpoint.h"

static void describe(struct nn_checkpoint *info, const struct tr_training *tr, const char *name)
{
    info->class_count = info->config.label_count;
    for (int k = 0; k < info->class_count; k++)
        snprintf(info->classes[k], sizeof info->classes[k], "%s", tr_dataset_class(tr->data, k));
    snprintf(info->name, sizeof info->name, "%s", name);
    info->simulated = tr_dataset_simulated(tr->data);
    info->kimg = (double)(tr->images_before + tr->images) / 1000;
    const char *conditioning = !info->class_count                      ? ""
                               : nn_gan_logit_count(&info->config) > 0 ? " with classifier"
                                                                       : " with projection";
    char augmentation[48] = "";
    if (tr->config.augment.mode != TR_AUGMENT_NONE)
        snprintf(augmentation, sizeof augmentation, ", augmentation %s (p %.3f)",
                 tr_augment_words[tr->config.augment.mode], tr->augment.p);
    char range[32] = "";
    int low, high;
    if (tr_dataset_grey_range(tr->data, &low, &high))
        snprintf(range, sizeof range, ", grey %d..%d", low, high);
    snprintf(info->provenance, sizeof info->provenance,
             "data set %s (sha256 %s, %d training images%s), %.1f kimg, loss %s%s%s%s, seed %" PRIu64,
             tr_dataset_name(tr->data), tr_dataset_sha256(tr->data), tr_dataset_train_count(tr->data), range,
             info->kimg, tr_loss_words[tr->config.loss.kind], conditioning, augmentation,
             tr->config.mirror ? ", mirrored" : "", tr->config.seed);
}

nn_status tr_generator_export(const char *path, const struct tr_snapshot *s, const char *name,
                              struct nn_error *err)
{
    const struct tr_training *tr = &s->at;
    struct tr_phase phase = tr_training_phase(tr);
    if (phase.fading) return NN_OK;
    const struct nn_network *full = &tr->generator.net;
    struct nn_checkpoint info = {.config = tr->config.gan};
    struct nn_network part = {0};
    info.config.resolution_log2 -= (int)phase.lod;
    describe(&info, tr, name);
    float *lower = NULL;
    nn_status status = nn_network_init(&part, &info.config, NN_GENERATOR, err);
    if (status == NN_OK && !(lower = malloc(part.value_count * sizeof *lower)))
        status = nn_fail(err, NN_ERR_MEMORY, "%s: out of memory", path);
    if (status == NN_OK) {
        nn_network_copy_levels(full, s->host[TR_STATE_AVERAGE], &part, lower, false);
        status = nn_checkpoint_write(path, &info, &part, lower, err);
    }
    nn_network_release(&part);
    free(lower);
    return status;
}
