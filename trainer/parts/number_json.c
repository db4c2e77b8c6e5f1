#include "trainer/parts/number_json.h"

#include <math.h>

json_t *tr_number_json(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *tr_share_json(struct nn_share share)
{
    if (share.whole <= 0) return json_null();
    return json_pack("{s:f,s:f,s:f,s:i,s:i}", "value", share.value, "low", share.low, "high", share.high,
                     "count", share.part, "of", share.whole);
}
