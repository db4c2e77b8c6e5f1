#include "engine/wilson.h"

#include <math.h>

struct nn_share nn_wilson(int part, int whole)
{
    const double z = 1.959963984540054; /* the normal distribution's quantile of 0.975 */
    if (whole <= 0) return (struct nn_share){NAN, NAN, NAN};
    double p = (double)part / whole, shrink = 1 + z * z / whole;
    double middle = (p + z * z / (2.0 * whole)) / shrink;
    double half = z / shrink * sqrt(p * (1 - p) / whole + z * z / (4.0 * whole * whole));
    /* At 0 and at 1 the ends meet the share; rounding must not push them past it. */
    return (struct nn_share){p, part == 0 ? 0 : middle - half, part == whole ? 1 : middle + half};
}
