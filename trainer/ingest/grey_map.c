#include "trainer/ingest/grey_map.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static const double TAIL = 0.001;

/* ---- windows of the picture itself ---- */

static void count_values(const uint16_t *pixels, size_t count, uint32_t counts[TR_GREY_VALUES])
{
    memset(counts, 0, TR_GREY_VALUES * sizeof *counts);
    for (size_t i = 0; i < count; i++) counts[pixels[i]]++;
}

/* The stored values between which all but TAIL at either end lie. */
static void find_tails(const uint32_t counts[TR_GREY_VALUES], bool is_signed, int *low, int *high)
{
    uint64_t total = 0, below = 0;
    for (int v = 0; v < TR_GREY_VALUES; v++) total += counts[v];
    uint64_t tail = (uint64_t)((double)total * TAIL);
    int first = is_signed ? -TR_GREY_VALUES / 2 : 0;
    *low = first, *high = first + TR_GREY_VALUES - 1;
    for (; *low < *high && below + counts[*low & 0xffff] <= tail; ++*low) below += counts[*low & 0xffff];
    for (below = 0; *high > *low && below + counts[*high & 0xffff] <= tail; --*high)
        below += counts[*high & 0xffff];
}

static uint16_t grey(double share)
{
    return share <= 0 ? 0 : share >= 1 ? 65535 : (uint16_t)lrint(share * 65535);
}

void tr_grey_map_plain(const uint16_t *pixels, size_t count, uint16_t table[TR_GREY_VALUES])
{
    uint32_t counts[TR_GREY_VALUES];
    int low, high;
    count_values(pixels, count, counts);
    find_tails(counts, false, &low, &high);
    for (int v = 0; v < TR_GREY_VALUES; v++)
        table[v] = grey(high > low ? (double)(v - low) / (high - low) : v > low);
}

/* ---- steps of a DICOM file ---- */

static double look_up(const struct tr_dicom_lut *lut, double value)
{
    double place = floor(value + 0.5) - lut->first;
    return lut->entries[place <= 0 ? 0 : place >= lut->count ? lut->count - 1 : (int)place];
}

static double modality(const struct tr_dicom *d, int stored)
{
    if (d->modality_lut.entries) return look_up(&d->modality_lut, stored);
    return d->slope * stored + d->intercept;
}

/* PS3.3 C.11.2.1.2 and C.11.2.1.3, as a share of the output's range. */
static double window(const struct tr_dicom *d, double x)
{
    double c = d->window_center, w = d->window_width;
    if (d->window_function == TR_DICOM_SIGMOID) return 1 / (1 + exp(-4 * (x - c) / w));
    if (d->window_function == TR_DICOM_LINEAR_EXACT) return (x - c) / w + 0.5;
    if (w <= 1) return x > c - 0.5;
    return (x - (c - 0.5)) / (w - 1) + 0.5;
}

static bool is_padding(const struct tr_dicom *d, int stored)
{
    return d->has_padding && stored >= d->padding_low && stored <= d->padding_high;
}

struct tails {
    double low, high;
};

/* The bounds as values after the modality step. */
static struct tails picture_window(const struct tr_dicom *d)
{
    uint32_t counts[TR_GREY_VALUES];
    int low, high;
    count_values(d->pixels, (size_t)d->width * (size_t)d->height, counts);
    for (int v = 0; v < TR_GREY_VALUES; v++)
        if (is_padding(d, d->is_signed ? (int16_t)v : v)) counts[v] = 0;
    find_tails(counts, d->is_signed, &low, &high);
    double a = modality(d, low), b = modality(d, high);
    return a < b ? (struct tails){a, b} : (struct tails){b, a};
}

void tr_grey_map_dicom(const struct tr_dicom *d, uint16_t table[TR_GREY_VALUES])
{
    bool told = d->voi_lut.entries || d->window_width > 0;
    struct tails own = told ? (struct tails){0, 1} : picture_window(d);
    double voi_white = d->voi_lut.entries ? (double)((1 << d->voi_lut.bits) - 1) : 1;
    for (int v = 0; v < TR_GREY_VALUES; v++) {
        int stored = d->is_signed ? (int16_t)v : v;
        double x = modality(d, stored), share;
        if (d->voi_lut.entries)
            share = look_up(&d->voi_lut, x) / voi_white;
        else if (told)
            share = window(d, x);
        else
            share = own.high > own.low ? (x - own.low) / (own.high - own.low) : x > own.low;
        share = share < 0 ? 0 : share > 1 ? 1 : share;
        table[v] = is_padding(d, stored) ? 0 : grey(d->inverted ? 1 - share : share);
    }
}
