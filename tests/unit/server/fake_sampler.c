#include "tests/unit/server/fake_sampler.h"

#include <stdio.h>
#include <string.h>

#include "engine/image.h"

static const struct nn_model_info *info(void *context, const struct srv_image_request *request)
{
    struct fake_sampler *fake = context;
    (void)request;
    pthread_mutex_lock(&fake->mutex);
    bool moved = fake->moved;
    pthread_mutex_unlock(&fake->mutex);
    return moved ? &fake->instead : &fake->info;
}

static void pass_gate(struct fake_sampler *fake)
{
    fake->at_gate++;
    pthread_cond_broadcast(&fake->turned);
    while (fake->shut) pthread_cond_wait(&fake->turned, &fake->mutex);
    fake->at_gate--;
}

static nn_status sample(void *context, const struct srv_image_request *const *requests, int count,
                        void *pixels, struct nn_error *err)
{
    struct fake_sampler *fake = context;
    pthread_mutex_lock(&fake->mutex);
    fake->batches[fake->calls++ % FAKE_LOG_MAX] = count;
    for (int i = 0; i < count; i++) fake->seeds[fake->drawn++ % FAKE_LOG_MAX] = requests[i]->sample.seed;
    pass_gate(fake);
    bool fails = fake->fails;
    fake->moved |= fake->moves;
    pthread_mutex_unlock(&fake->mutex);
    if (fails) return nn_fail(err, NN_ERR_DEVICE, "the fake device has failed");
    for (size_t i = 0; i < (size_t)count; i++)
        memset((uint8_t *)pixels + i * FAKE_SIDE * FAKE_SIDE, fake_grey(requests[i]->sample.seed),
               FAKE_SIDE * FAKE_SIDE);
    return NN_OK;
}

void fake_sampler_init(struct fake_sampler *fake, const char *device)
{
    *fake = (struct fake_sampler){
        .sampler = {fake, info, sample, NULL},
        .info = {.sha256 = "abc", .resolution = FAKE_SIDE, .class_count = 2, .label_count = 2},
    };
    snprintf(fake->info.device, sizeof fake->info.device, "%s (fake)", device);
    fake->instead = fake->info;
    strcpy(fake->instead.device, "cpu (fake)");
    pthread_mutex_init(&fake->mutex, NULL);
    pthread_cond_init(&fake->turned, NULL);
}

void fake_sampler_release(struct fake_sampler *fake)
{
    pthread_cond_destroy(&fake->turned);
    pthread_mutex_destroy(&fake->mutex);
}

static void set_shut(struct fake_sampler *fake, bool shut)
{
    pthread_mutex_lock(&fake->mutex);
    fake->shut = shut;
    pthread_cond_broadcast(&fake->turned);
    pthread_mutex_unlock(&fake->mutex);
}

void fake_sampler_shut(struct fake_sampler *fake)
{
    set_shut(fake, true);
}

void fake_sampler_open(struct fake_sampler *fake)
{
    set_shut(fake, false);
}

void fake_sampler_wait(struct fake_sampler *fake)
{
    pthread_mutex_lock(&fake->mutex);
    while (fake->at_gate == 0) pthread_cond_wait(&fake->turned, &fake->mutex);
    pthread_mutex_unlock(&fake->mutex);
}

struct srv_image_request fake_request(uint64_t seed)
{
    return (struct srv_image_request){
        .sample = {.seed = seed, .strength = 1, .truncation = 1}, .size = FAKE_SIDE, .depth = 8};
}

uint8_t fake_grey(uint64_t seed)
{
    return (uint8_t)(seed * 37 + 11);
}

bool fake_image_right(const struct srv_blob *png, uint64_t seed)
{
    struct nn_error err;
    struct nn_image image;
    if (!png || nn_png_decode(png->bytes, png->size_bytes, "png", &image, &err)) return false;
    bool right = image.width == FAKE_SIDE && image.height == FAKE_SIDE;
    for (int i = 0; right && i < FAKE_SIDE * FAKE_SIDE; i++)
        right = ((const uint8_t *)image.pixels)[i] == fake_grey(seed);
    nn_image_release(&image);
    return right;
}
