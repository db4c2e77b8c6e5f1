#include "trainer/localise/hip_measure.h"

#include <math.h>
#include <stdlib.h>

enum { AT_ONCE = 32 };

static void count(const struct tr_hip_film *film, const struct tr_hip_found found[TR_HIPS],
                  struct tr_hip_measure *m)
{
    m->films++;
    for (int hip = 0; hip < TR_HIPS; hip++) {
        if (!film->there[hip]) {
            m->absent++;
            m->untrue += found[hip].found;
            continue;
        }
        double iou = found[hip].found ? tr_place_iou(&film->place[hip], &found[hip].place) : 0;
        m->hips++;
        m->found += found[hip].found;
        m->localised += iou > TR_HIP_IOU;
        m->iou += iou;
        m->least = fmin(m->least, iou);
    }
}

nn_status tr_hip_measure(struct tr_hip_finder *finder, const struct tr_hip_films *films, int first,
                         int number, struct tr_hip_found (*found)[TR_HIPS], struct tr_hip_measure *m,
                         struct nn_error *err)
{
    int side = finder->net->side;
    size_t each = (size_t)side * (size_t)side;
    float *views = malloc(AT_ONCE * each * sizeof *views);
    nn_status status = views ? NN_OK : nn_fail(err, NN_ERR_MEMORY, "out of memory for views");
    *m = (struct tr_hip_measure){.least = 1};
    for (int done = 0; done < number && status == NN_OK; done += AT_ONCE) {
        int n = number - done < AT_ONCE ? number - done : AT_ONCE;
        struct tr_hip_found part[AT_ONCE][TR_HIPS];
        const struct tr_hip_film *film = &films->films[first + done];
        for (int i = 0; i < n; i++) tr_hip_view_plain(&film[i], films->side, side, views + (size_t)i * each);
        status = tr_hip_finder_find(finder, views, n, part, err);
        for (int i = 0; i < n && status == NN_OK; i++) {
            count(&film[i], part[i], m);
            for (int hip = 0; found && hip < TR_HIPS; hip++) found[done + i][hip] = part[i][hip];
        }
    }
    if (m->hips) m->iou /= m->hips;
    free(views);
    return status;
}
