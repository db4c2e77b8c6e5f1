/* One step of a Laplacian pyramid (Burt and Adelson, "The Laplacian pyramid as a compact image code", 1983),
 * with the kernel [1 4 6 4 1]/16 in each direction and borders mirrored about the outermost pixel.
 * Square f32 images, rows from top to bottom. Pure functions: any thread. */
#ifndef TR_LAPLACIAN_H
#define TR_LAPLACIAN_H

/* The image smoothed, and every second pixel of every second row of it: `small` has side/2 * side/2 pixels.
 * `side` is even and at least 4; `scratch` has room for side * side/2. */
void tr_laplacian_down(const float *image, int side, float *small, float *scratch);

/* image -= up(small): zeros between the pixels of `small`, smoothed with four times the kernel. What is left
 * in `image` is the level of the pyramid at its side. `scratch` has room for side * side/2. */
void tr_laplacian_subtract_up(float *image, int side, const float *small, float *scratch);

#endif
