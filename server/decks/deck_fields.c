#include "server/decks/deck_fields.h"

#include <stdio.h>
#include <string.h>

#include "server/http/request.h"

/* An absent field leaves the text as it is. */
nn_status srv_deck_field_text(const json_t *json, const char *where, const char *name, char *text,
                              size_t size, struct nn_error *err)
{
    const char *value = json_string_value(json_object_get(json, name));
    if (!value) return NN_OK;
    size_t length = strlen(value);
    if (length == 0 || length >= size)
        return nn_fail(err, NN_ERR_FORMAT, "%s.%s: must have 1 to %zu bytes", where, name, size - 1);
    memcpy(text, value, length + 1);
    return NN_OK;
}

nn_status srv_deck_field_id(const json_t *json, const char *where, const char *name, char id[DECK_ID_TEXT],
                            struct nn_error *err)
{
    nn_status status = srv_deck_field_text(json, where, name, id, DECK_ID_TEXT, err);
    if (!status && !srv_deck_id_valid(id))
        status = nn_fail(err, NN_ERR_FORMAT, "%s.%s: only a-z, 0-9, _ and - are allowed", where, name);
    return status;
}

/* A number in [0,1]; an absent field leaves what is there. */
nn_status srv_deck_field_share(const json_t *json, const char *where, const char *name, double *share,
                               struct nn_error *err)
{
    const json_t *value = json_object_get(json, name);
    if (value) *share = json_number_value(value);
    if (*share >= 0 && *share <= 1) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.%s: must be between 0 and 1", where, name);
}

nn_status srv_deck_field_whole(const json_t *json, const char *where, const char *name, int low, int high,
                               int *value, struct nn_error *err)
{
    const json_t *given = json_object_get(json, name);
    if (!given) return NN_OK;
    if (json_integer_value(given) < low || json_integer_value(given) > high)
        return nn_fail(err, NN_ERR_FORMAT, "%s.%s: must be between %d and %d", where, name, low, high);
    *value = (int)json_integer_value(given);
    return NN_OK;
}

nn_status srv_deck_field_number(const json_t *json, const char *where, const char *name, double low,
                                double high, double *value, struct nn_error *err)
{
    const json_t *given = json_object_get(json, name);
    if (!given) return NN_OK;
    *value = json_number_value(given);
    if (*value >= low && *value <= high) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.%s: must be between %g and %g", where, name, low, high);
}

nn_status srv_deck_field_numbers(const json_t *json, const char *where, const char *name, double low,
                                 double high, double *values, int max, int *count, struct nn_error *err)
{
    const json_t *list = json_object_get(json, name);
    if (!list) return NN_OK;
    if (!json_is_array(list) || json_array_size(list) < 1 || json_array_size(list) > (size_t)max)
        return nn_fail(err, NN_ERR_FORMAT, "%s.%s: must be 1 to %d numbers", where, name, max);
    *count = (int)json_array_size(list);
    for (int i = 0; i < *count; i++) {
        const json_t *value = json_array_get(list, (size_t)i);
        values[i] = json_number_value(value);
        if (!json_is_number(value) || values[i] < low || values[i] > high)
            return nn_fail(err, NN_ERR_FORMAT, "%s.%s[%d]: must be a number between %g and %g", where, name,
                           i, low, high);
    }
    return NN_OK;
}

/* The place of the text among `names`; an absent field leaves what is there. */
nn_status srv_deck_field_name(const json_t *json, const char *where, const char *name,
                              const char *const *names, int count, int *value, struct nn_error *err)
{
    char all[96] = "";
    const char *given = json_string_value(json_object_get(json, name));
    if (!given) return NN_OK;
    for (int i = 0; i < count; i++) {
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i ? (i + 1 < count ? ", " : " or ") : "", names[i]);
        *value = i;
        if (!strcmp(given, names[i])) return NN_OK;
    }
    return nn_fail(err, NN_ERR_FORMAT, "%s.%s: must be %s", where, name, all);
}

nn_status srv_deck_field_seed(const json_t *json, const char *where, uint64_t *seed, struct nn_error *err)
{
    const char *text = json_string_value(json_object_get(json, "seed"));
    if (text && srv_request_read_u64(text, seed)) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.seed: must be a whole number from 0 to 2^64-1, as text", where);
}

static bool is_share(const json_t *value)
{
    return json_is_number(value) && json_number_value(value) >= 0 && json_number_value(value) <= 1;
}

/* A number or [min, max]. */
nn_status srv_deck_field_range(const json_t *json, const char *where, const char *name,
                               struct srv_deck_range *range, struct nn_error *err)
{
    const json_t *value = json_object_get(json, name);
    const json_t *low = json_is_array(value) ? json_array_get(value, 0) : value;
    const json_t *high = json_is_array(value) ? json_array_get(value, 1) : value;
    *range = (struct srv_deck_range){1, 1};
    if (!value) return NN_OK;
    if ((json_is_array(value) && json_array_size(value) != 2) || !is_share(low) || !is_share(high))
        return nn_fail(err, NN_ERR_FORMAT,
                       "%s.%s: must be a number between 0 and 1, or two of them, the smaller first", where,
                       name);
    *range = (struct srv_deck_range){json_number_value(low), json_number_value(high)};
    if (range->low <= range->high) return NN_OK;
    return nn_fail(err, NN_ERR_FORMAT, "%s.%s: the smaller number must come first", where, name);
}
