/* How an answer came about, as far as its page tells: optional fields of the request, cells of the export.
 * The page is not believed in anything that marks the answer. */
#ifndef SRV_ANSWER_CONTEXT_H
#define SRV_ANSWER_CONTEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/database/db.h"
#include "server/http/json_fields.h"

enum { CONTEXT_FIELDS = 10, CONTEXT_ACTIONS_TEXT = 8193 };

/* The optional fields, for srv_json_fields_check. */
extern const struct srv_json_field srv_context_fields[CONTEXT_FIELDS];

/* Texts are "" and numbers NaN where nothing was told. */
struct srv_answer_context {
    bool told; /* any of them */
    double timed_out, blur_ms, wl_centre, wl_width, zoom_max, dpr;
    char viewer_actions[CONTEXT_ACTIONS_TEXT]; /* JSON */
    char viewport_px[12], input_type[9], ui_version[41];
};

/* Reads the fields of `body`, whose types have been checked. NULL, or the sentence that says what is wrong.
 */
const char *srv_context_read(const json_t *body, struct srv_answer_context *context);

/* Writes the row of the answer `answer_id`, if anything was told. */
void srv_context_insert(struct db_transaction *t, int64_t answer_id,
                        const struct srv_answer_context *context);

#endif
