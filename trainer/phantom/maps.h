/* What lies between anatomy and X-ray physics: the material that each ray crosses.
 *
 * The anatomy side (patient, bones, fractures, render) fills these maps; the physics side (exposure,
 * film) turns them into the grey image. Nothing else passes between the two. */
#ifndef PHANTOM_MAPS_H
#define PHANTOM_MAPS_H

/* Path lengths in cm along the ray of each pixel, rows from top to bottom, size*size floats each.
 * `bone` is cortical-equivalent: marrow space with a trabecular volume fraction f adds f of its path. */
struct phantom_maps {
    int size;       /* pixels per side */
    float pitch_mm; /* one pixel, in the detector plane divided by the magnification: at the femoral head */
    float *bone;    /* 1.92 g/cm3 mineralised cortex */
    float *soft;    /* muscle-like tissue, 1.06 */
    float *fat;     /* adipose and yellow marrow, 0.95-0.98 */
    float *metal;   /* titanium or steel, zero for almost every patient */
};

/* Adds what the `count` pixels from (column, row) show of a scene: SOLID_LANES at most, of one row. */
typedef void phantom_strip(const void *scene, int column, int row, int count, struct phantom_maps *m);

/* Fills the maps, which are of that pitch, strip by strip. */
void phantom_maps_fill(struct phantom_maps *m, float pitch_mm, phantom_strip *strip, const void *scene);

#endif
