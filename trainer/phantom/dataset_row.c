#include "trainer/phantom/dataset_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const char phantom_hip_header[] =
    "file,label,patient_id,side,split,fracture_type,displacement,visibility,fracture_column,fracture_row,"
    "mask,sex,age_years,head_diameter_mm,neck_shaft_deg,version_deg,singh,lookalikes\n";
const char phantom_pelvis_header[] =
    "file,label,patient_id,side,split,fracture_side,fracture_type,displacement,visibility,fracture_column,"
    "fracture_row,mask,sex,age_years,head_diameter_mm,neck_shaft_deg,version_deg,singh,lookalikes\n";
const char phantom_box_header[] = "file,side,x,y,width,height\n";

static const char *side_name(const struct phantom_patient *p)
{
    return p->left ? "left" : "right";
}

/* `side`: the cells of the side or sides. `p`: whom the anatomy is of; `broken`: whom the fracture is of. */
static nn_status format(const char *side, const char *fracture_side, const struct phantom_patient *p,
                        const struct phantom_patient *broken, unsigned lookalikes,
                        const struct phantom_row *row, struct phantom_entry *e, struct nn_error *err)
{
    bool fractured = broken->fracture.type != PHANTOM_FRACTURE_NONE;
    char image[64], mask[64], site[64] = ",";
    float at_column, at_row;
    phantom_entry_file(e, "images", image);
    phantom_entry_file(e, "masks", mask);
    if (phantom_fracture_site(broken, row->size, &at_column, &at_row))
        snprintf(site, sizeof site, "%.1f,%.1f", (double)at_column, (double)at_row);
    if (asprintf(&e->row, "%s,%s,p%06" PRIu64 ",%s,%s,%s%s,%s,%.2f,%s,%s,%s,%.0f,%.1f,%.1f,%.1f,%d,%u\n",
                 image, fractured ? "fracture" : "no_fracture", p->index, side, row->test ? "test" : "train",
                 fracture_side, phantom_fracture_name(broken->fracture.type),
                 phantom_grade_name(broken->fracture.grade), (double)row->visibility, site,
                 fractured ? mask : "", p->sex == PHANTOM_MALE ? "m" : "f", (double)p->age_years,
                 (double)p->head_mm, (double)p->neck_shaft_deg, (double)p->version_deg, p->singh,
                 lookalikes) >= 0)
        return NN_OK;
    e->row = NULL;
    return nn_fail(err, NN_ERR_MEMORY, "out of memory for %s", image);
}

nn_status phantom_hip_row(const struct phantom_patient *p, const struct phantom_row *row,
                          struct phantom_entry *e, struct nn_error *err)
{
    return format(side_name(p), "", p, p, p->lookalikes, row, e, err);
}

nn_status phantom_pelvis_row(const struct phantom_patient hips[2], const struct phantom_row *row,
                             struct phantom_entry *e, struct nn_error *err)
{
    const struct phantom_patient *broken = &hips[hips[1].fracture.type != PHANTOM_FRACTURE_NONE];
    char side[8] = ",";
    if (broken->fracture.type != PHANTOM_FRACTURE_NONE) snprintf(side, sizeof side, "%s,", side_name(broken));
    return format("both", side, &hips[0], broken, hips[0].lookalikes | hips[1].lookalikes, row, e, err);
}

int phantom_box_row(const struct phantom_patient *hip, int size, const struct phantom_entry *e, char *text)
{
    struct phantom_box box = phantom_hip_box(hip, size);
    char image[64];
    phantom_entry_file(e, "images", image);
    return snprintf(text, PHANTOM_BOX_ROW_MAX, "%s,%s,%.2f,%.2f,%.2f,%.2f\n", image, side_name(hip),
                    (double)box.x, (double)box.y, (double)box.side, (double)box.side);
}
