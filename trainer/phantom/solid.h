/* Bones as smooth unions of swept ellipses, and the path lengths that rays have in them.
 *
 * A part is an ellipse swept along a gently bent axis; a sphere is a part of length 0. Parts join by the
 * quadratic smooth minimum, or cut into what stands before them. Each carries a cortical thickness and a
 * trabecular fraction, which blend as the surfaces do. All lengths in mm, in the world of anatomy.h. */
#ifndef PHANTOM_SOLID_H
#define PHANTOM_SOLID_H

#include <stdbool.h>

#define SOLID_PARTS 40
#define SOLID_CLIPS 2
#define SOLID_LANES 64

/* a rigid placement: world = rotate * local + move */
struct placement {
    float rotate[3][3];
    float move[3];
};
void placement_point(const struct placement *p, const float local[3], float world[3]);
void placement_inverse_point(const struct placement *p, const float world[3], float local[3]);
struct placement placement_turn(int axis, float degrees); /* about the origin: x 0, y 1, z 2; right-handed */
/* outer after inner */
struct placement placement_chain(const struct placement *outer, const struct placement *inner);

/* a quadratic along the axis, given by its values at the start, in the middle and at the end */
struct along {
    float start, middle, end;
};

struct solid_part {
    float origin[3];
    float axis[3][3];              /* orthonormal rows: along, first, second */
    float length;                  /* from origin along the axis */
    struct along first, second;    /* radii */
    float cap;                     /* how far the ends bulge */
    float bend_first, bend_second; /* the axis' offset in the middle */
    struct along cortex;           /* thickness */
    float cortex_side;             /* thickness times 1 + side * (position along `first` / radius) */
    float marrow;                  /* trabecular fraction inside */
    float blend;                   /* width of the smooth join */
    bool cut;                      /* takes away instead of adding */
    bool halved;                   /* keeps only normal . p < offset */
    float normal[3], offset;
};

/* Keeps the side of a rough surface on which sign * (distance - roughness) < 0: of a plane, or of a ball when
 * radius > 0. Plane, ball and roughness are in the coordinates of the unmoved bone. */
struct solid_clip {
    struct placement place; /* of the fragment that is clipped */
    float normal[3], offset;
    float centre[3], radius; /* radius > 0: a ball instead of a plane */
    float sign;
    float wave[6][3], phase[6], weight[6]; /* roughness as a sum of sines over the surface */
};

struct solid {
    int count;
    struct solid_part part[SOLID_PARTS];
    int clips;
    struct solid_clip clip[SOLID_CLIPS];
    float low[SOLID_PARTS][3], high[SOLID_PARTS][3]; /* boxes, by solid_close */
};

/* Rays of one strip of at most SOLID_LANES pixels of a row: point at depth z is (x + z*sx, y + z*sy, z). */
struct solid_rays {
    int count;
    float x[SOLID_LANES], y[SOLID_LANES], sx[SOLID_LANES], sy[SOLID_LANES];
};

/* mm in each ray: whole bone; inside of the cortex; that times the trabecular fraction; mean depth inside */
struct solid_paths {
    float whole[SOLID_LANES], inside[SOLID_LANES], trabecular[SOLID_LANES], depth[SOLID_LANES];
};

struct along along_even(float v);

/* The next part of a solid: a tube between two points, or an ellipsoid. `scale` multiplies every length given
 * here; `hint` is a direction near the first section axis. Axes of a blob are x, y, z. Cap and blend get
 * usual values, everything else is zero. Room for SOLID_PARTS is the builder's business. */
struct solid_part *solid_tube(struct solid *s, float scale, const float from[3], const float to[3],
                              const float hint[3], struct along first, struct along second);
struct solid_part *solid_blob(struct solid *s, float scale, const float centre[3], const float radii[3]);
/* Moves all parts by the placement. */
void solid_place(struct solid *s, const struct placement *place);
/* Computes the boxes; call last. */
void solid_close(struct solid *s);
/* Path lengths of a strip; false (and nothing written) when no part is near. */
bool solid_project(const struct solid *s, const struct solid_rays *r, struct solid_paths *out);

#endif
