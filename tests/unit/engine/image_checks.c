#include "tests/unit/engine/image_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/rng.h"

struct nn_image noise_image(int width, int height, int depth)
{
    struct nn_image image;
    assert_int_equal(nn_image_init(&image, width, height, depth, NULL), NN_OK);
    for (int i = 0; i < width * height; i++) {
        uint32_t word = nn_random_u32(3, 1, (uint64_t)i);
        if (depth == 8)
            ((uint8_t *)image.pixels)[i] = (uint8_t)(100 + word % 20);
        else
            ((uint16_t *)image.pixels)[i] = (uint16_t)word;
    }
    return image;
}

void assert_same_image(const struct nn_image *a, const struct nn_image *b)
{
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->depth, b->depth);
    assert_memory_equal(a->pixels, b->pixels, (size_t)a->width * (size_t)a->height * (size_t)a->depth / 8);
}

void assert_zeroed(const struct nn_image *image)
{
    assert_null(image->pixels);
    assert_int_equal(image->width, 0);
}
