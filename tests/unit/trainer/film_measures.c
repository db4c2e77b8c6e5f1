#include "tests/unit/trainer/film_measures.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>

enum { BLOCK = 16, CELLS = BLOCK * BLOCK, TERMS = 6 };

static const double PI = 3.14159265358979323846;

double film_mean(const uint8_t *grey, int side)
{
    double sum = 0;
    for (int i = 0; i < side * side; i++) sum += grey[i];
    return sum / (side * side);
}

double film_sd(const uint8_t *grey, int side)
{
    double mean = film_mean(grey, side), sum = 0;
    for (int i = 0; i < side * side; i++) sum += (grey[i] - mean) * (grey[i] - mean);
    return sqrt(sum / (side * side));
}

double film_percentile(const uint8_t *grey, int side, double share)
{
    long counts[256] = {0}, below = 0;
    for (int i = 0; i < side * side; i++) counts[grey[i]]++;
    int value = 0;
    while (value < 255 && (double)(below + counts[value]) < share * side * side) below += counts[value++];
    return value;
}

/* ---- noise -------------------------------------------------------------------------------------- */

/* An orthonormal basis of the quadratics on a block, by Gram and Schmidt. */
static void quadratics(double basis[TERMS][CELLS])
{
    for (int k = 0; k < TERMS; k++) {
        for (int i = 0; i < CELLS; i++) {
            double x = i % BLOCK - 7.5, y = i / BLOCK - 7.5, powers[TERMS] = {1, x, y, x * x, y * y, x * y};
            basis[k][i] = powers[k];
        }
        for (int j = 0; j <= k; j++) {
            double dot = 0;
            for (int i = 0; i < CELLS; i++) dot += basis[k][i] * basis[j][i];
            double scale = j < k ? dot : 1 - 1 / sqrt(dot);
            for (int i = 0; i < CELLS; i++) basis[k][i] -= scale * basis[j][i];
        }
    }
}

struct block {
    double mean, sd, residual[CELLS];
};

static int compare_blocks(const void *a, const void *b)
{
    double x = ((const struct block *)a)->sd, y = ((const struct block *)b)->sd;
    return (x > y) - (x < y);
}

/* The blocks of mean grey low..high, quietest first; heap. */
static struct block *quiet_blocks(const uint8_t *grey, int side, double low, double high, int *count)
{
    static double basis[TERMS][CELLS];
    int across = side / BLOCK;
    struct block *blocks = malloc((size_t)(across * across) * sizeof *blocks);
    quadratics(basis);
    *count = 0;
    for (int n = 0; blocks && n < across * across; n++) {
        struct block *b = &blocks[*count];
        double sum = 0, squares = 0;
        for (int i = 0; i < CELLS; i++) {
            int y = n / across * BLOCK + i / BLOCK, x = n % across * BLOCK + i % BLOCK;
            b->residual[i] = grey[y * side + x];
            sum += b->residual[i];
        }
        b->mean = sum / CELLS;
        if (b->mean < low || b->mean >= high) continue;
        for (int k = 0; k < TERMS; k++) {
            double dot = 0;
            for (int i = 0; i < CELLS; i++) dot += basis[k][i] * b->residual[i];
            for (int i = 0; i < CELLS; i++) b->residual[i] -= dot * basis[k][i];
        }
        for (int i = 0; i < CELLS; i++) squares += b->residual[i] * b->residual[i];
        b->sd = sqrt(squares / (CELLS - TERMS));
        ++*count;
    }
    if (blocks) qsort(blocks, (size_t)*count, sizeof *blocks, compare_blocks);
    return blocks;
}

double film_noise(const uint8_t *grey, int side, double low, double high)
{
    int count;
    struct block *blocks = quiet_blocks(grey, side, low, high, &count);
    double sd = count < 20 ? (double)NAN : blocks[count / 10].sd;
    free(blocks);
    return sd;
}

double film_noise_correlation(const uint8_t *grey, int side, int lag)
{
    int count;
    double products = 0, squares = 0;
    struct block *blocks = quiet_blocks(grey, side, 40, 80, &count);
    for (int n = 0; n < count / 5; n++) {
        const double *r = blocks[n].residual;
        for (int i = 0; i < CELLS; i++) {
            squares += r[i] * r[i] * (BLOCK - lag) / BLOCK;
            if (i % BLOCK + lag < BLOCK) products += r[i] * r[i + lag];
        }
    }
    free(blocks);
    return products / squares;
}

/* ---- spectrum ----------------------------------------------------------------------------------- */

/* In place, `n` a power of two, elements `step` apart. */
static void fourier(double complex *a, int n, int step)
{
    for (int i = 1, j = 0; i < n; i++) {
        int bit = n >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i < j) {
            double complex swap = a[i * step];
            a[i * step] = a[j * step];
            a[j * step] = swap;
        }
    }
    for (int length = 2; length <= n; length <<= 1) {
        double complex turn = cexp(-2 * PI * I / length);
        for (int start = 0; start < n; start += length) {
            double complex w = 1;
            for (int k = 0; k < length / 2; k++, w *= turn) {
                double complex *even = &a[(start + k) * step], *odd = &a[(start + k + length / 2) * step];
                double complex t = w * *odd;
                *odd = *even - t;
                *even += t;
            }
        }
    }
}

void film_power(const uint8_t *grey, int side, double *power)
{
    double mean = film_mean(grey, side);
    int *members = calloc((size_t)side, sizeof *members);
    double complex *a = calloc((size_t)side * (size_t)side, sizeof *a);
    for (int i = 0; i < side * side; i++) {
        double wx = 0.5 - 0.5 * cos(2 * PI * (i % side) / side),
               wy = 0.5 - 0.5 * cos(2 * PI * (i / side) / side);
        a[i] = (grey[i] - mean) * wx * wy;
    }
    for (int y = 0; y < side; y++) fourier(a + (size_t)y * (size_t)side, side, 1);
    for (int x = 0; x < side; x++) fourier(a + x, side, side);
    for (int k = 0; k < side / 2; k++) power[k] = 0;
    for (int i = 0; i < side * side; i++) {
        int u = i % side, v = i / side;
        int ring = (int)hypot(u < side / 2 ? u : u - side, v < side / 2 ? v : v - side);
        if (ring >= side / 2) continue;
        power[ring] += creal(a[i]) * creal(a[i]) + cimag(a[i]) * cimag(a[i]);
        members[ring]++;
    }
    for (int k = 0; k < side / 2; k++) power[k] /= members[k];
    free(a);
    free(members);
}

/* Least squares, every ring with the same weight. */
double film_spectral_slope(const double *power, int low, int high)
{
    double n = high - low, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (int k = low; k < high; k++) {
        double x = log(k), y = log(power[k]);
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
    }
    return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

/* ---- texture and edges -------------------------------------------------------------------------- */

static void gaussian(const double *in, int side, double sd, double *out)
{
    int radius = (int)ceil(3 * sd);
    double taps[64], sum = 0, *half = malloc((size_t)side * (size_t)side * sizeof *half);
    for (int k = 0; k <= radius; k++) sum += (k ? 2 : 1) * (taps[k] = exp(-0.5 * k * k / (sd * sd)));
    for (int pass = 0; pass < 2; pass++) {
        const double *from = pass ? half : in;
        double *to = pass ? out : half;
        for (int i = 0; i < side * side; i++) {
            double value = 0;
            for (int k = -radius; k <= radius; k++) {
                int at = (pass ? i / side : i % side) + k;
                at = at < 0 ? 0 : at >= side ? side - 1 : at;
                value += taps[abs(k)] * (pass ? from[at * side + i % side] : from[i / side * side + at]);
            }
            to[i] = value / sum;
        }
    }
    free(half);
}

double film_texture(const uint8_t *grey, int side, double fine_px, const bool *inside)
{
    size_t count = (size_t)side * (size_t)side;
    double *in = calloc(3 * count, sizeof *in), *fine = in + count, *wide = fine + count;
    double n = 0, sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) in[i] = grey[i];
    gaussian(in, side, fine_px, fine);
    gaussian(in, side, 2 * fine_px, wide);
    for (size_t i = 0; i < count; i++) {
        if (!inside[i]) continue;
        n++;
        sum += fine[i] - wide[i];
        squares += (fine[i] - wide[i]) * (fine[i] - wide[i]);
    }
    free(in);
    return n > 0 ? sqrt(squares / n - sum / n * (sum / n)) : (double)NAN;
}

double film_edge_width(const double *profile, int count)
{
    int peak = 1;
    double step[256] = {0}, ends[2];
    if (count > 256) count = 256;
    for (int i = 1; i < count; i++) step[i] = fabs(profile[i] - profile[i - 1]);
    for (int i = 2; i < count; i++)
        if (step[i] > step[peak]) peak = i;
    for (int side = 0; side < 2; side++) {
        int at = peak, way = side ? 1 : -1;
        while (at > 1 && at < count - 1 && step[at] > step[peak] / 2) at += way;
        double above = step[at - way] - step[peak] / 2, below = step[peak] / 2 - step[at];
        ends[side] = at - way * below / (above + below + 1e-12);
    }
    return ends[1] - ends[0];
}
