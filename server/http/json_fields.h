/* Checks the shape of a JSON object in one call, so that every reader of JSON (configuration, decks,
 * requests) refuses unknown keys and wrong types with the same kind of sentence. */
#ifndef SRV_JSON_FIELDS_H
#define SRV_JSON_FIELDS_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/error.h"

struct srv_json_field {
    const char *name;
    char type; /* s string, i integer, n number, b boolean, a array, o object, * whatever */
    bool required;
};

/* NN_ERR_FORMAT unless `value` is an object that has every required field, no field outside the list,
 * and each of its declared type. The text starts with `where` ("decks[0]", or "" for the document):
 *     decks[0].items: must be an integer */
nn_status srv_json_fields_check(const json_t *value, const char *where, const struct srv_json_field *fields,
                                int count, struct nn_error *err) NN_MUST_CHECK;

#endif
