#include "trainer/data/grey_range.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

nn_status tr_grey_range_parse(struct tr_grey_range *range, const json_t *pair, const char *path,
                              struct nn_error *err)
{
    *range = (struct tr_grey_range){0};
    if (!pair) return NN_OK;
    const json_t *low = json_array_get(pair, 0), *high = json_array_get(pair, 1);
    json_int_t first = json_integer_value(low), last = json_integer_value(high);
    if (json_array_size(pair) != 2 || !json_is_integer(low) || !json_is_integer(high) || first < 0 ||
        last <= first || last > UINT16_MAX)
        return nn_fail(err, NN_ERR_FORMAT, "%s: \"grey_range\" is not a pair of grey values, low and high",
                       path);
    *range = (struct tr_grey_range){(int)first, (int)last};
    return NN_OK;
}

void tr_grey_range_hash(struct tr_grey_range range, struct nn_sha256 *hash)
{
    char text[32];
    if (!range.high) return;
    nn_sha256_add(hash, text, (size_t)snprintf(text, sizeof text, "%d..%d", range.low, range.high));
}
