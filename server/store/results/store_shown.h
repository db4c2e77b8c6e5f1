/* The images of the log, model by model, to make them again. Each function is one transaction. */
#ifndef SRV_STORE_SHOWN_H
#define SRV_STORE_SHOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "server/database/db.h"
#include "server/library/library_files.h"
#include "server/secrets.h"

struct srv_shown {
    char session_id[SRV_ID_TEXT];
    int n; /* 1-based */
    char image[SRV_IMAGE_TEXT];
    char class_name[NN_CLASS_NAME_MAX];
    uint64_t seed;
    double strength, truncation;
    struct srv_library_ref library;      /* what was shown instead; width 0: what the model draws */
    char sha256[SRV_DIGEST_TEXT];        /* of the PNG first sent; "" when it was never sent */
    char server_version[32], device[64]; /* that sent it, and that made it; "": not recorded */
};

/* Items in the order of (session, n): those after the first bound, up to and with the second. */
struct srv_shown_range {
    char after_session[SRV_ID_TEXT];
    int after_n;
    char last_session[SRV_ID_TEXT];
    int last_n;
};

struct srv_shown_range srv_shown_all(void);
/* *found tells whether there is such a session, or image. */
enum db_status srv_store_shown_session(struct db *db, const char *session_id, struct srv_shown_range *range,
                                       bool *found) NN_MUST_CHECK;
enum db_status srv_store_shown_image(struct db *db, const char *image, struct srv_shown_range *range,
                                     bool *found) NN_MUST_CHECK;

struct srv_shown_model {
    int64_t id;
    char sha256[SRV_DIGEST_TEXT], name[128];
};

/* The first model with images of the range after model->id, which is 0 at first. */
enum db_status srv_store_shown_model(struct db *db, const struct srv_shown_range *range,
                                     struct srv_shown_model *model, bool *found) NN_MUST_CHECK;

/* The model's first `max` images of the range, into `shown`. To go on, the caller moves the range's first
 * bound to the last of them. */
enum db_status srv_store_shown(struct db *db, const struct srv_shown_range *range, int64_t model_id,
                               struct srv_shown *shown, int max, int *count) NN_MUST_CHECK;

#endif
