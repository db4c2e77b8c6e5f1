#include "trainer/classify/settings_json.h"

json_t *tr_classify_settings_json(const struct tr_classify_settings *s, int side,
                                  const struct nn_device *device)
{
    json_t *pretrained = s->pretrained ? json_string(s->pretrained) : NULL;
    return json_pack("{s:s,s:i,s:i,s:i,s:i,s:f,s:f,s:o?,s:I,s:s}", "architecture",
                     tr_architecture_words[s->architecture], "side", side, "minibatch", s->minibatch,
                     "epochs", s->epochs, "patience", s->patience, "step_size", (double)s->step_size,
                     "weight_decay", (double)s->weight_decay, "pretrained", pretrained, "seed",
                     (json_int_t)s->seed, "device", device->name);
}
