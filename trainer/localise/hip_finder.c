#include "trainer/localise/hip_finder.h"

#include <stdlib.h>

nn_status tr_hip_finder_open(struct tr_hip_finder *f, const struct tr_hip_net *net, struct nn_error *err)
{
    size_t bytes = net->value_count * sizeof(float);
    *f = (struct tr_hip_finder){.net = net};
    nn_status status = nn_backend_open_cpu(&f->backend, NN_F32, err);
    if (status == NN_OK) status = nn_tape_new(&f->tape, f->backend, err);
    if (status == NN_OK && !(f->values = f->backend->alloc(f->backend, bytes)))
        status = nn_fail(err, NN_ERR_MEMORY, "out of memory for a network");
    if (status == NN_OK) status = f->backend->upload(f->backend, f->values, net->values, bytes, err);
    if (status != NN_OK) tr_hip_finder_close(f);
    return status;
}

void tr_hip_finder_close(struct tr_hip_finder *f)
{
    nn_tape_free(f->tape);
    if (f->values) f->backend->free(f->backend, f->values);
    if (f->backend) f->backend->close(f->backend);
    *f = (struct tr_hip_finder){0};
}

static void judge(struct tr_hip_found hips[TR_HIPS])
{
    struct tr_hip_found *right = &hips[TR_RIGHT], *left = &hips[TR_LEFT];
    for (int hip = 0; hip < TR_HIPS; hip++) hips[hip].found = hips[hip].certainty >= TR_HIP_CERTAINTY;
    if (!right->found || !left->found) return;
    bool ordered = right->place.x + right->place.width / 2 < left->place.x + left->place.width / 2;
    if (ordered && tr_place_iou(&right->place, &left->place) < 0.5) return;
    (right->certainty < left->certainty ? right : left)->found = false;
}

nn_status tr_hip_finder_find(struct tr_hip_finder *f, const float *views, int count,
                             struct tr_hip_found (*found)[TR_HIPS], struct nn_error *err)
{
    const struct tr_hip_net *net = f->net;
    int cells = net->cells * net->cells;
    size_t where_each = (size_t)cells + 1, sizes_each = (size_t)cells * 2 * TR_HIPS, n = (size_t)count;
    float *host = malloc(n * (TR_HIPS * where_each + sizes_each) * sizeof *host);
    if (!host) return nn_fail(err, NN_ERR_MEMORY, "out of memory for maps");
    float *where[TR_HIPS] = {host, host + n * where_each}, *sizes = host + TR_HIPS * n * where_each;
    nn_id leaves[TR_HIP_NET_PARAMS];
    nn_tape_reset(f->tape);
    nn_id images = nn_from_host(f->tape, views, nn_shape(count, 1, net->side, net->side));
    struct tr_hip_maps maps = tr_hip_net_maps(f->tape, net, f->values, images, leaves);
    nn_status status = nn_tape_status(f->tape, err);
    for (int hip = 0; hip < TR_HIPS && status == NN_OK; hip++)
        status = nn_read(f->tape, maps.where[hip], where[hip], err);
    if (status == NN_OK) status = nn_read(f->tape, maps.sizes, sizes, err);
    for (size_t i = 0; i < n && status == NN_OK; i++) {
        for (int hip = 0; hip < TR_HIPS; hip++)
            found[i][hip].place = tr_hip_net_place(net, where[hip] + i * where_each, sizes + i * sizes_each,
                                                   hip, &found[i][hip].certainty);
        judge(found[i]);
    }
    free(host);
    return status;
}
