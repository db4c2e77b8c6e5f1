#include "trainer/experiments/forest_plot.h"

#include <math.h>

#include "trainer/drawing/html_text.h"
#include "trainer/drawing/svg_chart.h"

enum {
    PLOT_LEFT = 260,
    PLOT_RIGHT = 600,
    COLUMN = 120,
    WIDTH = 980,
    TOP = 64,
    ROW = 30,
    NOTE = 18,
    TICKS = 6
};

struct scale {
    double low, high, first, step;
};

static void include(struct scale *s, double value)
{
    if (!isfinite(value)) return;
    s->low = fmin(s->low, value);
    s->high = fmax(s->high, value);
}

/* All that is to be seen, and whole ticks at both ends. */
static struct scale find_scale(const struct tr_forest *f)
{
    struct scale s = {.low = INFINITY, .high = -INFINITY};
    include(&s, f->line);
    for (int r = 0; r < f->row_count; r++) {
        const struct tr_forest_row *row = &f->rows[r];
        include(&s, row->value);
        include(&s, row->low);
        include(&s, row->high);
        include(&s, row->known);
        for (int i = 0; i < row->point_count; i++) include(&s, row->points[i]);
    }
    if (!(s.low <= s.high)) s.low = 0, s.high = 1;
    if (s.low == s.high) s.low -= 0.05, s.high += 0.05;
    tr_chart_ticks(s.low, s.high, TICKS, &s.first, &s.step);
    s.low = floor(s.low / s.step + 1e-9) * s.step;
    s.high = ceil(s.high / s.step - 1e-9) * s.step;
    s.first = s.low;
    return s;
}

static double place(const struct scale *s, double value)
{
    return PLOT_LEFT + (value - s->low) / (s->high - s->low) * (PLOT_RIGHT - PLOT_LEFT);
}

static void put_text(FILE *svg, double x, double y, const char *anchor, const char *text)
{
    fprintf(svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    tr_html_put(svg, text);
    fputs("</text>\n", svg);
}

static void put_axis(FILE *svg, const struct tr_forest *f, const struct scale *s, double bottom)
{
    char text[32];
    for (int i = 0; s->first + i * s->step <= s->high + 1e-9 * s->step; i++) {
        double value = s->first + i * s->step, x = place(s, value);
        fprintf(svg, "<path d=\"M%.1f %dV%.1f\" stroke=\"#d9d9d9\"/>\n", x, TOP - 6, bottom);
        snprintf(text, sizeof text, "%g", fabs(value) < 1e-12 ? 0 : value);
        put_text(svg, x, bottom + 16, "middle", text);
    }
    if (isfinite(f->line))
        fprintf(svg, "<path d=\"M%.1f %dV%.1f\" stroke=\"#666\" stroke-dasharray=\"4 3\"/>\n",
                place(s, f->line), TOP - 6, bottom);
    put_text(svg, (PLOT_LEFT + PLOT_RIGHT) / 2.0, bottom + 34, "middle", f->axis);
}

static void put_marks(FILE *svg, const struct tr_forest_row *row, const struct scale *s, double y)
{
    if (isfinite(row->low) && isfinite(row->high))
        fprintf(svg,
                "<path d=\"M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f %.1fv8\" stroke=\"#0072b2\" stroke-width=\"1.8\" "
                "fill=\"none\"/>\n",
                place(s, row->low), y, place(s, row->high), place(s, row->low), y - 4, place(s, row->high),
                y - 4);
    if (isfinite(row->value))
        fprintf(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\" fill=\"#0072b2\"/>\n", place(s, row->value),
                y);
    for (int i = 0; i < row->point_count; i++)
        if (isfinite(row->points[i]))
            fprintf(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"1.8\" fill=\"#000\"/>\n",
                    place(s, row->points[i]), y + 9);
    if (isfinite(row->known))
        fprintf(svg,
                "<path d=\"M%.1f %.1fl5 5l-5 5l-5 -5z\" stroke=\"#d55e00\" stroke-width=\"1.6\" "
                "fill=\"#fff\"/>\n",
                place(s, row->known), y - 5);
}

static void put_words(FILE *svg, const struct tr_forest *f)
{
    for (int r = 0; r < f->row_count; r++) {
        const struct tr_forest_row *row = &f->rows[r];
        tr_html_put(svg, row->name);
        fprintf(svg, ": %.3f (%.3f to %.3f). ", row->value, row->low, row->high);
    }
}

void tr_forest_put(FILE *svg, const struct tr_forest *f)
{
    struct scale s = find_scale(f);
    int notes = 0;
    while (notes < 4 && f->notes[notes]) notes++;
    double bottom = TOP + ROW * f->row_count;
    int height = (int)bottom + 52 + NOTE * notes;
    fprintf(svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-labelledby=\"%s-title %s-words\" "
            "viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"13\" "
            "fill=\"#222\">\n<title id=\"%s-title\">",
            f->id, f->id, WIDTH, height, WIDTH, height, f->id);
    tr_html_put(svg, f->title);
    fprintf(svg, "</title>\n<desc id=\"%s-words\">", f->id);
    put_words(svg, f);
    fputs("</desc>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<g font-weight=\"bold\">\n", svg);
    put_text(svg, 14, 22, "start", f->title);
    for (int c = 0; c < TR_FOREST_COLUMNS; c++)
        if (f->columns[c]) put_text(svg, PLOT_RIGHT + 20 + COLUMN * c, TOP - 16, "start", f->columns[c]);
    fputs("</g>\n", svg);
    put_axis(svg, f, &s, bottom);
    for (int r = 0; r < f->row_count; r++) {
        double y = TOP + ROW * r + ROW / 2.0 - 4;
        put_text(svg, 14, y + 4, "start", f->rows[r].name);
        put_marks(svg, &f->rows[r], &s, y);
        for (int c = 0; c < TR_FOREST_COLUMNS; c++)
            if (f->columns[c])
                put_text(svg, PLOT_RIGHT + 20 + COLUMN * c, y + 4, "start", f->rows[r].cells[c]);
    }
    fputs("<g font-size=\"12\" fill=\"#555\">\n", svg);
    for (int n = 0; n < notes; n++) put_text(svg, 14, bottom + 56 + NOTE * n, "start", f->notes[n]);
    fputs("</g>\n</svg>\n", svg);
}
