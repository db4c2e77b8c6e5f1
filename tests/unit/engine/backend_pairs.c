#include "tests/unit/engine/backend_pairs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/cpu/bf16.h"
#include "tests/unit/tested_backend.h"

enum { GUARD_BYTES = 256, GUARD = 0xa5 };

struct pair_setup pair_setups[2];
int pair_setup_count;
static uint64_t stream; /* of random numbers; every tensor takes its own */

void pair_require(nn_status status, const struct nn_error *err)
{
    if (status) fail_msg("status %d: %s", (int)status, err->text);
}

float pair_value(const struct nn_tensor *t, size_t i)
{
    return t->type == NN_F32 ? ((float *)t->data)[i] : bf16_to_float(((uint16_t *)t->data)[i]);
}

void pair_set_value(struct nn_tensor *t, size_t i, float value)
{
    if (t->type == NN_F32)
        ((float *)t->data)[i] = value;
    else
        ((uint16_t *)t->data)[i] = bf16_from_float(value);
}

static size_t block_bytes(const struct nn_tensor *t)
{
    return nn_tensor_bytes(t) + 2 * GUARD_BYTES;
}

void pair_send(struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        struct nn_backend *be = p->setup->be[side];
        struct nn_error e;
        pair_require(be->upload(be, (char *)p->t[side].data - GUARD_BYTES,
                                (char *)p->host[side].data - GUARD_BYTES, block_bytes(&p->t[side]), &e),
                     &e);
    }
}

void pair_fetch(struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        struct nn_backend *be = p->setup->be[side];
        struct nn_error e;
        pair_require(be->download(be, (char *)p->host[side].data - GUARD_BYTES,
                                  (char *)p->t[side].data - GUARD_BYTES, block_bytes(&p->t[side]), &e),
                     &e);
    }
}

void pair_check_guards(const struct pair *p)
{
    const struct nn_tensor *t = &p->host[TESTED];
    const unsigned char *before = (const unsigned char *)t->data - GUARD_BYTES;
    const unsigned char *after = (const unsigned char *)t->data + nn_tensor_bytes(t);
    for (int i = 0; i < GUARD_BYTES; i++)
        if (before[i] != GUARD || after[i] != GUARD) fail_msg("wrote outside its output");
}

struct pair pair_make(const struct pair_setup *s, struct nn_shape shape, enum nn_type type)
{
    struct pair p = {.setup = s, .t = {{shape, NN_F32, NULL}, {shape, type, NULL}}};
    for (int side = 0; side < 2; side++) {
        size_t size_bytes = block_bytes(&p.t[side]);
        char *device = s->be[side]->alloc(s->be[side], size_bytes), *host = malloc(size_bytes);
        assert_non_null(device);
        assert_non_null(host);
        memset(host, GUARD, size_bytes);
        p.host[side] = p.t[side];
        p.t[side].data = device + GUARD_BYTES;
        p.host[side].data = host + GUARD_BYTES;
    }
    pair_send(&p);
    return p;
}

/* Uniform with variance 1 around `centre`; representable in bf16 where the cpu side has it. A plain
 * generator: millions are wanted in little time. */
struct pair pair_random(const struct pair_setup *s, struct nn_shape shape, enum nn_type type, float centre)
{
    struct pair p = pair_make(s, shape, type);
    uint64_t state = ++stream;
    for (size_t i = 0; i < nn_count(shape); i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        pair_set_value(&p.host[TESTED], i, ((float)(state >> 40) * 0x1p-24f - 0.5f) * 3.4641016f + centre);
        pair_set_value(&p.host[REFERENCE], i, pair_value(&p.host[TESTED], i));
    }
    pair_send(&p);
    return p;
}

struct pair pair_random_map(const struct pair_setup *s, struct nn_shape shape)
{
    return pair_random(s, shape, s->map, 0);
}

struct pair pair_random_real(const struct pair_setup *s, struct nn_shape shape)
{
    return pair_random(s, shape, NN_F32, 0);
}

void pair_release(const struct pair_setup *s, struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        s->be[side]->free(s->be[side], (unsigned char *)p->t[side].data - GUARD_BYTES);
        free((unsigned char *)p->host[side].data - GUARD_BYTES);
    }
}

void pair_check_close(struct pair *p, double limit, const char *what)
{
    pair_check_sums(p, limit, 0, what);
}

void pair_check_sums(struct pair *p, double limit, double terms, const char *what)
{
    double error = 0, power = terms * (double)nn_count(p->t[0].shape);
    pair_fetch(p);
    for (size_t i = 0; i < nn_count(p->t[0].shape); i++) {
        double want = (double)pair_value(&p->host[REFERENCE], i),
               got = (double)pair_value(&p->host[TESTED], i);
        error += (got - want) * (got - want);
        power += want * want;
    }
    struct nn_shape s = p->t[0].shape;
    if (!(error <= limit * power + 1e-12 * (double)nn_count(s)))
        fail_msg("%s (%d,%d,%d,%d) %s: nmse %.2e is over %.0e", what, s.n, s.c, s.h, s.w,
                 p->t[TESTED].type == NN_BF16 ? "bf16" : "f32", error / power, limit);
    pair_check_guards(p);
}

double pair_map_limit(const struct pair_setup *s)
{
    return s->map == NN_BF16 ? limit_bf16 : limit_f32;
}

void pair_check_kernel(const struct pair_setup *s, pair_kernel k, const char *what, struct pair a,
                       struct pair b, struct pair out, double limit)
{
    struct nn_error e;
    for (int side = 0; side < 2; side++)
        pair_require(k(s->be[side], &a.t[side], &b.t[side], &out.t[side], &e), &e);
    pair_check_close(&out, limit, what);
    pair_release(s, &a);
    pair_release(s, &b);
    pair_release(s, &out);
}

int pair_setups_open(void **state)
{
    (void)state;
    const enum nn_type types[] = {NN_F32, NN_BF16};
    struct nn_error e;
    for (int i = 0; i < 2; i++) {
        if (types[i] == NN_BF16 && !test_backend_has_bf16()) {
            print_message("this CPU has no bf16: only f32 is tested\n");
            continue;
        }
        struct pair_setup *s = &pair_setups[pair_setup_count++];
        s->map = types[i];
        if (nn_backend_open_reference(&s->be[REFERENCE], NN_F32, &e)) return -1;
        if (test_backend_open(&s->be[TESTED], types[i], &e)) {
            print_message("%s\n", e.text);
            return -1;
        }
    }
    return 0;
}

int pair_setups_close(void **state)
{
    (void)state;
    FOR_EACH_SETUP(s)
    for (int side = 0; side < 2; side++) s->be[side]->close(s->be[side]);
    return 0;
}
