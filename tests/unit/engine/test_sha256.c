/* SHA-256 against the example values that NIST publishes for FIPS 180-4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sha256.h"
#include "engine/sha256_blocks.h"

static void agrees_with_nist_examples(void **state)
{
    (void)state;
    static const struct {
        const char *message, *digest;
    } examples[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
         "mnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        char hex[65];
        nn_sha256_hex(examples[i].message, strlen(examples[i].message), hex);
        assert_string_equal(hex, examples[i].digest);
    }
}

static void hashes_a_million_letters(void **state)
{
    (void)state;
    char *text = malloc(1000000), hex[65];
    assert_non_null(text);
    memset(text, 'a', 1000000);
    nn_sha256_hex(text, 1000000, hex);
    free(text);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void agrees_with_hashlib(void **state)
{
    (void)state;
    enum { SIZE = 100003 };
    uint8_t *bytes = malloc(SIZE);
    char hex[65];
    for (size_t i = 0; i < SIZE; i++) bytes[i] = (uint8_t)((i * 37 % 256) ^ (i >> 8 & 255));
    nn_sha256_hex(bytes, SIZE, hex);
    free(bytes);
    assert_string_equal(hex, "1ae18962d729519307abbe785c8c9f1e658f07029e528e51eac27190e6414b1b");
}

/* From any state, and from any address. */
static void the_instructions_agree_with_plain_c(void **state)
{
    (void)state;
    uint8_t bytes[64 * 20 + 8];
    uint32_t random = 1;
    if (!nn_sha256_has_instructions()) skip();
    for (size_t count = 0; count <= 20; count++)
        for (size_t shift = 0; shift < 8; shift++) {
            uint32_t plain[8], fast[8];
            for (size_t i = 0; i < sizeof bytes; i++)
                bytes[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
            for (int i = 0; i < 8; i++) plain[i] = fast[i] = random = random * 1664525 + 1013904223;
            nn_sha256_blocks_plain(plain, bytes + shift, count);
            nn_sha256_blocks_x86(fast, bytes + shift, count);
            assert_memory_equal(plain, fast, sizeof plain);
        }
}

static void pieces_hash_like_the_whole(void **state)
{
    (void)state;
    uint8_t text[200];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)(i * 37);
    for (size_t size = 0; size <= sizeof text; size++) {
        char whole[65], pieces[65];
        nn_sha256_hex(text, size, whole);
        for (size_t cut = 0; cut <= size; cut += 7) {
            struct nn_sha256 hash;
            nn_sha256_init(&hash);
            nn_sha256_add(&hash, text, cut / 2);
            nn_sha256_add(&hash, text + cut / 2, cut - cut / 2);
            nn_sha256_add(&hash, text + cut, size - cut);
            nn_sha256_finish(&hash, pieces);
            assert_string_equal(pieces, whole);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_nist_examples),  cmocka_unit_test(hashes_a_million_letters),
        cmocka_unit_test(agrees_with_hashlib),        cmocka_unit_test(the_instructions_agree_with_plain_c),
        cmocka_unit_test(pieces_hash_like_the_whole),
    };
    return cmocka_run_group_tests_name("sha256", tests, NULL, NULL);
}
