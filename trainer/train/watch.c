#include "trainer/train/watch.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Metrics of two levels do not compare: one of more pixels has more to get wrong. */
static void take_metric(struct tr_watch *w, const struct tr_sighting *seen)
{
    if (isnan(seen->metric)) return;
    if (!w->best_images || seen->side != w->best_side || seen->metric < w->best) {
        w->best = seen->metric;
        w->best_images = seen->images;
        w->best_side = seen->side;
        w->worse = 0;
    } else {
        w->worse = seen->metric > TR_WATCH_METRIC_FACTOR * w->best ? w->worse + 1 : 0;
    }
}

nn_status tr_watch_tick(struct tr_watch *w, const struct tr_sighting *seen, struct nn_error *err)
{
    double kimg = (double)seen->images / 1000;
    take_metric(w, seen);
    w->beyond = fabs(seen->margin) > seen->margin_limit ? w->beyond + 1 : 0;
    w->alike = seen->alike ? w->alike + 1 : 0;
    /* A margin that is not finite comes of a skipped step, which tr_watch_step counts. */
    if (!w->worse && !w->beyond && !w->alike && isfinite(seen->margin)) w->good_images = seen->images;
    if (w->worse >= TR_WATCH_METRIC_TICKS) {
        w->good_images = w->best_images;
        return nn_fail(err, NN_ERR_NUMERIC,
                       "collapsed at %.2f kimg: the metric is %.4g, more than %d times its best of %.4g, for "
                       "%d ticks; lower the learning rate",
                       kimg, seen->metric, TR_WATCH_METRIC_FACTOR, w->best, TR_WATCH_METRIC_TICKS);
    }
    if (w->beyond >= TR_WATCH_MARGIN_TICKS)
        return nn_fail(err, NN_ERR_NUMERIC,
                       "the discriminator is saturated at %.2f kimg: D(real) - D(fake) is %.4g, beyond %.4g, "
                       "for %d ticks; lower the learning rate or raise the penalty's weight",
                       kimg, seen->margin, seen->margin_limit, TR_WATCH_MARGIN_TICKS);
    if (w->alike >= TR_WATCH_ALIKE_TICKS)
        return nn_fail(
            err, NN_ERR_NUMERIC,
            "collapsed at %.2f kimg: all samples of a class are one image, for %d ticks; lower the "
            "learning rate",
            kimg, TR_WATCH_ALIKE_TICKS);
    return NN_OK;
}

nn_status tr_watch_step(int skipped_in_a_row, struct nn_error *err)
{
    if (skipped_in_a_row < TR_WATCH_SKIPS) return NN_OK;
    return nn_fail(err, NN_ERR_NUMERIC,
                   "gradients were not finite in %d steps in a row; lower the learning rate, or try "
                   "--precision f32",
                   skipped_in_a_row);
}

void tr_watch_text(const struct tr_watch *w, char text[TR_WATCH_TEXT])
{
    snprintf(text, TR_WATCH_TEXT,
             "best %.17g at %" PRIu64 " side %d worse %d beyond %d alike %d good %" PRIu64, w->best,
             w->best_images, w->best_side, w->worse, w->beyond, w->alike, w->good_images);
}

bool tr_watch_parse(struct tr_watch *w, const char *text)
{
    int length = 0;
    *w = (struct tr_watch){0};
    return sscanf(text, "best %lf at %" SCNu64 " side %d worse %d beyond %d alike %d good %" SCNu64 "%n",
                  &w->best, &w->best_images, &w->best_side, &w->worse, &w->beyond, &w->alike, &w->good_images,
                  &length) == 7 &&
           !text[length] && isfinite(w->best);
}
