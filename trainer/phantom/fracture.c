#include "trainer/phantom/skeleton.h"

void femur_break(const struct phantom_patient *p, const struct femur_frame *f, bool intact,
                 struct broken_femur *out)
{
    (void)p;
    (void)intact;
    out->count = 1;
    femur_build(p, f, &out->solid[0]);
    out->place[0] = f->place;
    solid_place(&out->solid[0], &f->place);
    solid_close(&out->solid[0]);
}
