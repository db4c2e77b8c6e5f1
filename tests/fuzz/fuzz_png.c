/* Any bytes as a PNG file: pixels and texts are read or refused, and what was read survives being written. */
#include <stdlib.h>
#include <string.h>

#include "engine/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds) abort();
}

static void read_texts(const uint8_t *data, size_t size)
{
    struct nn_png_texts texts;
    struct nn_error err = {0};
    size_t length = 0;
    if (nn_png_decode_texts(data, size, "fuzz.png", &texts, &err)) {
        must(!texts.list && err.status && !strchr(err.text, '\n') && !strncmp(err.text, "fuzz.png: ", 10));
        return;
    }
    for (int i = 0; i < texts.count; i++)
        length += strlen(texts.list[i].keyword) + strlen(texts.list[i].text);
    must(length > 0 || texts.count == 0);
    nn_png_texts_release(&texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nn_image image, back;
    struct nn_error err = {0};
    read_texts(data, size);
    if (nn_png_decode(data, size, "fuzz.png", &image, &err)) {
        must(!image.pixels && err.status && !strchr(err.text, '\n') && !strncmp(err.text, "fuzz.png: ", 10));
        return 0;
    }
    uint8_t *bytes;
    size_t length;
    must(!nn_png_encode(&image, NULL, 0, &bytes, &length, NULL));
    must(!nn_png_decode(bytes, length, "back.png", &back, NULL));
    must(image.width == back.width && image.height == back.height && image.depth == back.depth);
    must(!memcmp(image.pixels, back.pixels,
                 (size_t)image.width * (size_t)image.height * (size_t)image.depth / 8));
    free(bytes);
    nn_image_release(&image);
    nn_image_release(&back);
    return 0;
}
