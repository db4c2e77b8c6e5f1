/* A text file that is complete or not there: what is printed stays in memory and replaces the file at the
 * end. */
#ifndef TR_TEXT_FILE_H
#define TR_TEXT_FILE_H

#include <stdio.h>

#include "engine/error.h"

struct json_t; /* jansson's */

struct tr_text_file {
    FILE *to;         /* to print to, between begin and end */
    const char *path; /* borrowed */
    char *bytes;
    size_t size; /* in bytes, after the end */
};

/* NN_ERR_MEMORY names the file. On failure there is nothing to end. */
nn_status tr_text_file_begin(struct tr_text_file *file, const char *path, struct nn_error *err) NN_MUST_CHECK;

/* Replaces the file and frees. `printed` is how the printing went: anything but NN_OK is returned and leaves
 * the file as it was, as does NN_ERR_MEMORY where the text was too large. */
nn_status tr_text_file_end(struct tr_text_file *file, nn_status printed, struct nn_error *err) NN_MUST_CHECK;

/* A whole file of JSON, a value a line, whose numbers have `digits` digits. Takes `json`; NULL, of which
 * jansson says no more, is NN_ERR_MEMORY: memory is out, or a text in it is not UTF-8. */
nn_status tr_text_file_json(const char *path, struct json_t *json, int digits,
                            struct nn_error *err) NN_MUST_CHECK;

#endif
