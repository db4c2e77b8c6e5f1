#include "trainer/drawing/svg_chart.h"

#include <math.h>
#include <string.h>

#include "trainer/drawing/html_text.h"

enum { LEFT = 62, RIGHT = 14, TOP = 24, BOTTOM = 42, LEGEND_ROW = 18, BAND_LETTER = 7 /* at most, of 12 */ };

static const struct {
    const char *colour, *dash;
} styles[TR_CHART_SERIES_MAX] = {
    {"#0072b2", ""},    {"#d55e00", "7 3"}, {"#009e73", "2 3"},  {"#cc79a7", "10 3 2 3"},
    {"#56b4e9", "5 2"}, {"#e69f00", "1 2"}, {"#000000", "12 4"}, {"#7f7f7f", "3 6"},
};
static const char faint_colour[] = "#666666", faint_dash[] = "4 3";

/* Where values lie on the page. */
struct frame {
    double left, right, top, bottom; /* of the plot, in user units; top < bottom */
    double x_low, x_high, y_low, y_high;
    bool log_x, log_y;
};

/* ---- axes --------------------------------------------------------------------------------------- */

void tr_chart_ticks(double low, double high, int wanted, double *first, double *step)
{
    double rough = (high - low) / wanted, power = pow(10, floor(log10(rough))), digit = rough / power;
    *step = power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
    *first = ceil(low / *step - 1e-9) * *step;
}

static bool drawable(const struct tr_chart *c, double x, double y)
{
    return isfinite(x) && isfinite(y) && (!c->log_x || x > 0) && (!c->log_y || y > 0);
}

static bool has_interval(const struct tr_chart *c, const struct tr_series *s, int i)
{
    return s->low && s->high && drawable(c, s->x[i], s->low[i]) && drawable(c, s->x[i], s->high[i]);
}

/* False: not a single point. */
static bool find_ranges(const struct tr_chart *c, struct frame *f)
{
    f->x_low = f->y_low = INFINITY;
    f->x_high = f->y_high = -INFINITY;
    for (int s = 0; s < c->series_count; s++)
        for (int i = 0; i < c->series[s].count; i++) {
            double x = c->series[s].x[i], y = c->series[s].y[i];
            if (!drawable(c, x, y)) continue;
            f->x_low = fmin(f->x_low, x), f->x_high = fmax(f->x_high, x);
            f->y_low = fmin(f->y_low, y), f->y_high = fmax(f->y_high, y);
            if (!has_interval(c, &c->series[s], i)) continue;
            f->y_low = fmin(f->y_low, c->series[s].low[i]), f->y_high = fmax(f->y_high, c->series[s].high[i]);
        }
    if (!(f->x_low <= f->x_high)) return false;
    for (int b = 0; b < c->band_count; b++) { /* all charts of a page over the same stretch */
        f->x_low = fmin(f->x_low, c->bands[b].from);
        f->x_high = fmax(f->x_high, c->bands[b].to);
    }
    if (c->from_zero) f->y_low = fmin(f->y_low, 0);
    if (f->x_low == f->x_high) f->x_high += 1;
    return true;
}

/* The axis reaches a little beyond the values; on a logarithmic one to whole halves of a decade. */
static void widen(struct frame *f)
{
    if (f->log_y) {
        f->y_low = pow(10, floor(2 * log10(f->y_low)) / 2);
        f->y_high = pow(10, ceil(2 * log10(f->y_high) + 1e-9) / 2);
        return;
    }
    double span = f->y_high - f->y_low;
    if (span <= 1e-12 * fabs(f->y_high)) span = f->y_high == 0 ? 1 : fabs(f->y_high);
    if (f->y_low != 0) f->y_low -= 0.05 * span;
    f->y_high += 0.05 * span;
}

static double place_x(const struct frame *f, double x)
{
    double share =
        f->log_x ? log(x / f->x_low) / log(f->x_high / f->x_low) : (x - f->x_low) / (f->x_high - f->x_low);
    return f->left + share * (f->right - f->left);
}

static double place_y(const struct frame *f, double y)
{
    double share =
        f->log_y ? log(y / f->y_low) / log(f->y_high / f->y_low) : (y - f->y_low) / (f->y_high - f->y_low);
    return f->bottom - share * (f->bottom - f->top);
}

static void put_y_tick(FILE *page, const struct frame *f, double value)
{
    double y = place_y(f, value);
    fprintf(page, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#d9d9d9\"/>", f->left,
            f->right, y, y);
    fprintf(page, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n", f->left - 6, y + 4,
            fabs(value) < 1e-12 ? 0 : value);
}

static void put_y_axis(FILE *page, const struct frame *f)
{
    if (!f->log_y) {
        double first, step;
        tr_chart_ticks(f->y_low, f->y_high, f->bottom - f->top < 140 ? 4 : 6, &first, &step);
        for (int i = 0; first + i * step <= f->y_high * (1 + 1e-12) + 1e-12 * step; i++)
            put_y_tick(page, f, first + i * step);
        return;
    }
    bool few = log10(f->y_high / f->y_low) > 2.6; /* then decades alone */
    static const double digits[] = {1, 2, 5};
    for (int power = (int)floor(log10(f->y_low) + 1e-9); power <= (int)ceil(log10(f->y_high)); power++)
        for (int d = 0; d < (few ? 1 : 3); d++) {
            double value = digits[d] * pow(10, power);
            if (value >= f->y_low * 0.999 && value <= f->y_high * 1.001) put_y_tick(page, f, value);
        }
}

static void put_x_tick(FILE *page, const struct frame *f, double value)
{
    double x = place_x(f, value);
    fprintf(page, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#444\"/>", x, x, f->bottom,
            f->bottom + 4);
    fprintf(page, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%g</text>\n", x, f->bottom + 17,
            fabs(value) < 1e-12 ? 0 : value);
}

static void put_x_axis(FILE *page, const struct tr_chart *c, const struct frame *f)
{
    if (f->log_x) {
        static const double digits[] = {1, 2, 5};
        for (int power = (int)floor(log10(f->x_low) + 1e-9); power <= (int)ceil(log10(f->x_high)); power++)
            for (int d = 0; d < 3; d++) {
                double value = digits[d] * pow(10, power);
                if (value >= f->x_low * 0.999 && value <= f->x_high * 1.001) put_x_tick(page, f, value);
            }
    } else {
        double first, step;
        tr_chart_ticks(f->x_low, f->x_high, c->width < 420 ? 5 : 9, &first, &step);
        for (int i = 0; first + i * step <= f->x_high + 1e-9 * step; i++)
            put_x_tick(page, f, first + i * step);
    }
    fprintf(page, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", (f->left + f->right) / 2,
            f->bottom + 34);
    tr_html_put(page, c->x_label);
    fprintf(page, "</text>\n<text transform=\"translate(14 %.1f) rotate(-90)\" text-anchor=\"middle\">",
            (f->top + f->bottom) / 2);
    tr_html_put(page, c->y_label);
    fputs("</text>\n", page);
}

static void put_bands(FILE *page, const struct tr_chart *c, const struct frame *f)
{
    for (int b = 0; b < c->band_count; b++) {
        double from = place_x(f, c->bands[b].from), to = place_x(f, c->bands[b].to);
        if (b % 2)
            fprintf(page, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"#f2f2f2\"/>\n",
                    from, f->top, to - from, f->bottom - f->top);
        if (to - from < BAND_LETTER * (double)strlen(c->bands[b].name)) continue; /* over ticks and others */
        fprintf(page, "<text class=\"band\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", (from + to) / 2,
                f->top - 5);
        tr_html_put(page, c->bands[b].name);
        fputs("</text>\n", page);
    }
}

/* ---- lines -------------------------------------------------------------------------------------- */

static const char *colour_of(const struct tr_series *s, int index)
{
    return s->faint ? faint_colour : styles[index].colour;
}

static const char *dash_of(const struct tr_series *s, int index)
{
    return s->faint ? faint_dash : styles[index].dash;
}

static void put_stroke(FILE *page, const struct tr_series *s, int index)
{
    fprintf(page, " stroke=\"%s\" stroke-width=\"1.8\" fill=\"none\" stroke-linejoin=\"round\"",
            colour_of(s, index));
    if (dash_of(s, index)[0]) fprintf(page, " stroke-dasharray=\"%s\"", dash_of(s, index));
}

/* The band of the intervals, there along the upper ends and back along the lower ones. */
static void put_interval(FILE *page, const struct tr_chart *c, const struct frame *f, int index)
{
    const struct tr_series *s = &c->series[index];
    for (int first = 0, next; first < s->count; first = next + 1) {
        for (next = first; next < s->count && has_interval(c, s, next); next++) continue;
        if (next == first) continue;
        fprintf(page, "<path fill=\"%s\" fill-opacity=\"0.13\" d=\"", colour_of(s, index));
        for (int i = first; i < next; i++)
            fprintf(page, "%s%.1f %.1f", i > first ? "L" : "M", place_x(f, s->x[i]), place_y(f, s->high[i]));
        for (int i = next - 1; i >= first; i--)
            fprintf(page, "L%.1f %.1f", place_x(f, s->x[i]), place_y(f, s->low[i]));
        fputs("z\"/>\n", page);
    }
}

/* One path; a point with gaps on both sides would not show as a line and gets a dot. */
static void put_line(FILE *page, const struct tr_chart *c, const struct frame *f, int index)
{
    const struct tr_series *s = &c->series[index];
    bool pen_down = false;
    fputs("<path", page);
    put_stroke(page, s, index);
    fputs(" d=\"", page);
    for (int i = 0; i < s->count; i++) {
        bool good = drawable(c, s->x[i], s->y[i]);
        if (good)
            fprintf(page, "%s%.1f %.1f", pen_down ? "L" : "M", place_x(f, s->x[i]), place_y(f, s->y[i]));
        pen_down = good;
    }
    fputs("\"/>\n", page);
    for (int i = 0; i < s->count; i++) {
        bool before = i > 0 && drawable(c, s->x[i - 1], s->y[i - 1]);
        bool after = i + 1 < s->count && drawable(c, s->x[i + 1], s->y[i + 1]);
        if (!before && !after && drawable(c, s->x[i], s->y[i]))
            fprintf(page, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", place_x(f, s->x[i]),
                    place_y(f, s->y[i]), colour_of(s, index));
    }
}

static void put_legend(FILE *page, const struct tr_chart *c)
{
    for (int s = 0; s < c->series_count; s++) {
        double y = c->height + LEGEND_ROW * s + 12;
        fprintf(page, "<path d=\"M%d %.1fh34\"", LEFT, y - 4);
        put_stroke(page, &c->series[s], s);
        fprintf(page, "/><text x=\"%d\" y=\"%.1f\">", LEFT + 42, y);
        tr_html_put(page, c->series[s].name);
        fputs("</text>\n", page);
    }
}

/* ---- the same in words -------------------------------------------------------------------------- */

static void put_words(FILE *page, const struct tr_chart *c)
{
    for (int s = 0; s < c->series_count; s++) {
        const struct tr_series *one = &c->series[s];
        int first = -1, last = -1, low = -1, high = -1;
        for (int i = 0; i < one->count; i++) {
            if (!drawable(c, one->x[i], one->y[i])) continue;
            if (first < 0) first = low = high = i;
            if (one->y[i] < one->y[low]) low = i;
            if (one->y[i] > one->y[high]) high = i;
            last = i;
        }
        tr_html_put(page, one->name);
        if (first < 0)
            fputs(": no values. ", page);
        else
            fprintf(page, ": from %.4g at %.5g to %.4g at %.5g; lowest %.4g at %.5g, highest %.4g at %.5g. ",
                    one->y[first], one->x[first], one->y[last], one->x[last], one->y[low], one->x[low],
                    one->y[high], one->x[high]);
    }
}

void tr_chart_put(FILE *page, const struct tr_chart *c)
{
    struct frame f = {.left = LEFT,
                      .right = c->width - RIGHT,
                      .top = TOP,
                      .bottom = c->height - BOTTOM,
                      .log_x = c->log_x,
                      .log_y = c->log_y};
    int height = c->height + LEGEND_ROW * c->series_count + 4;
    fprintf(
        page,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-labelledby=\"%s-title %s-words\" "
        "viewBox=\"0 0 %d %d\" width=\"%d\" "
        "height=\"%d\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n<title id=\"%s-title\">",
        c->id, c->id, c->width, height, c->width, height, c->id);
    tr_html_put(page, c->title);
    fprintf(page, "</title>\n<desc id=\"%s-words\">", c->id);
    put_words(page, c);
    fputs("</desc>\n", page);
    if (find_ranges(c, &f)) {
        widen(&f);
        put_bands(page, c, &f);
        put_y_axis(page, &f);
        put_x_axis(page, c, &f);
        fprintf(page, "<path d=\"M%.1f %.1fV%.1fH%.1f\" stroke=\"#444\" fill=\"none\"/>\n", f.left, f.top,
                f.bottom, f.right);
        for (int s = 0; s < c->series_count; s++) put_interval(page, c, &f, s);
        for (int s = c->series_count - 1; s >= 0; s--) put_line(page, c, &f, s); /* the first one on top */
    } else {
        fprintf(page, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">no values</text>\n", c->width / 2,
                c->height / 2);
    }
    put_legend(page, c);
    fputs("</svg>\n", page);
}
