/* The configuration file, the flags, and decks: what is accepted, and the one line that refuses the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/config.h"
#include "tests/unit/scratch.h"

#define CHOICES "\"choices\":[{\"id\":\"no\",\"label\":\"No\"},{\"id\":\"yes\",\"label\":\"Yes\"}]"
#define DECK_WITH(more)                                                                                      \
    "{\"id\":\"d\",\"title\":\"T\",\"question\":\"Q?\",\"model\":\"default\"," CHOICES more "}"
#define REST ",\"items\":10,\"feedback\":\"truth\",\"prevalence\":0.5"
#define DECK DECK_WITH(REST)

static struct srv_config config;

static const char *write_config(void **state, const char *text)
{
    const char *path = scratch_path(state, "c.json");
    scratch_text(path, text);
    return path;
}

/* Asserts that the file is refused and that the sentence begins with its path and then `text`. */
static void assert_refused(void **state, const char *json, const char *text)
{
    struct nn_error err = {0};
    const char *path = write_config(state, json);
    assert_int_not_equal(srv_config_read_file(path, &config, &err), NN_OK);
    assert_memory_equal(err.text, path, strlen(path));
    assert_null(strchr(err.text, '\n'));
    if (strncmp(err.text + strlen(path) + 2, text, strlen(text)))
        fail_msg("wanted \"%s\", got \"%s\"", text, err.text);
}

static void the_default_configuration_is_valid(void **state)
{
    (void)state;
    struct nn_error err = {0};
    nn_status status = srv_config_read_file("deploy/roentgymd.json", &config, &err);
    if (status) fail_msg("%s", err.text);
    assert_string_equal(config.bind, "127.0.0.1");
    assert_int_equal(config.port, 8080);
    assert_string_equal(config.db, "var/roentgym.db");
    assert_string_equal(config.decks[0].id, "default");
}

static void absent_keys_have_defaults(void **state)
{
    struct nn_error err = {0};
    const char *path = write_config(state, "{\"decks\":[" DECK "]}");
    assert_int_equal(srv_config_read_file(path, &config, &err), NN_OK);
    assert_int_equal(config.port, 8080);
    assert_string_equal(config.models, "deploy/models");
    assert_string_equal(config.device, "auto");
    const struct srv_deck_source *source = &config.decks[0].sources[0];
    assert_true(source->strength.low == 1 && source->truncation.low == 1 && source->truncation.high == 1);
}

static void a_wrong_key_or_type_is_named(void **state)
{
    assert_refused(state, "{\"decks\":[" DECK "],\"prot\":1}", "prot: unknown key");
    assert_refused(state, "{\"decks\":[" DECK "],\"port\":\"8080\"}", "port: must be an integer");
    assert_refused(state, "{\"decks\":[" DECK "],\"port\":70000}", "port: must be between 0 and 65535");
    assert_refused(state, "{\"decks\":[" DECK "],\"device\":\"tpu\"}", "device: must be auto, cpu or cuda");
    assert_refused(state, "{\"decks\":[" DECK "],\"web\":\"\"}", "web: must have 1 to");
    assert_refused(state, "{\"decks\":[" DECK "],\"model\":\"default\"}",
                   "model: is no longer a key: every deck names its own model, so take this line out");
    assert_refused(state, "{\"decks\":[" DECK "],\"model_memory_mb\":0}",
                   "model_memory_mb: must be between 1 and 1048576");
    assert_refused(state, "{\"decks\":[" DECK "],\"model_memory_mb\":1e3}",
                   "model_memory_mb: must be an integer");
    assert_refused(state, "{}", "decks: is missing");
    assert_refused(state, "{\"decks\":[]}", "decks: must be 1 to");
    assert_refused(state, "[]", "the document: must be an object");
}

static void text_that_is_not_json_is_refused_with_its_line(void **state)
{
    assert_refused(state, "{\n\"port\": 1,\n}", "line 3: ");
    assert_refused(state, "", "line 1: ");
    assert_refused(state, "{\"port\":1,\"port\":2}", "line 1: duplicate object key");
}

static void a_wrong_deck_is_named_by_its_place(void **state)
{
    assert_refused(state, "{\"decks\":[" DECK "," DECK "]}", "decks[1].id: \"d\" is taken by decks[0]");
    assert_refused(state, "{\"decks\":[7]}", "decks[0]: must be an object");
    assert_refused(state,
                   "{\"decks\":[" DECK_WITH(",\"items\":0,\"feedback\":\"truth\",\"prevalence\":0.5") "]}",
                   "decks[0].items: must be between 1 and 200");
    assert_refused(state,
                   "{\"decks\":[" DECK_WITH(",\"items\":5,\"feedback\":\"yes\",\"prevalence\":0.5") "]}",
                   "decks[0].feedback: must be");
    assert_refused(state,
                   "{\"decks\":[" DECK_WITH(",\"items\":5,\"feedback\":\"none\",\"prevalence\":1.5") "]}",
                   "decks[0].prevalence: must be between 0 and 1");
    assert_refused(state, "{\"decks\":[" DECK_WITH(REST ",\"strength\":-1") "]}",
                   "decks[0].strength: must be a number between 0 and 1");
    assert_refused(state, "{\"decks\":[{\"id\":\"d\"}]}", "decks[0].title: is missing");
    assert_refused(
        state,
        "{\"decks\":[{\"id\":\"d\",\"title\":\"T\",\"question\":\"Q\",\"model\":\"default\",\"choices\":"
        "[{\"id\":\"a\",\"label\":\"A\"},{\"id\":\"a\",\"label\":\"B\"}]" REST "}]}",
        "decks[0].choices: the two ids must differ");
    assert_refused(
        state,
        "{\"decks\":[{\"id\":\"d\",\"title\":\"T\",\"question\":\"Q\",\"model\":\"../x\"," CHOICES REST "}]}",
        "decks[0].model: only a-z, 0-9, _ and - are allowed");
}

static void a_missing_file_is_named_once(void **state)
{
    struct nn_error err = {0};
    const char *path = scratch_path(state, "none.json");
    assert_int_equal(srv_config_read_file(path, &config, &err), NN_ERR_IO);
    assert_non_null(strstr(err.text, path));
}

static enum srv_config_outcome read_flags(void **state, const char *flag, const char *value,
                                          struct nn_error *err)
{
    char file[256];
    snprintf(file, sizeof file, "%s", write_config(state, "{\"port\":1,\"decks\":[" DECK "]}"));
    char *argv[] = {"roentgymd", "--config", file, (char *)(uintptr_t)flag, (char *)(uintptr_t)value, NULL};
    return srv_config_read(flag ? (value ? 5 : 4) : 3, argv, &config, err);
}

static void flags_win_over_the_file(void **state)
{
    struct nn_error err = {0};
    assert_int_equal(read_flags(state, NULL, NULL, &err), CONFIG_GO);
    assert_int_equal(config.port, 1);
    assert_int_equal(read_flags(state, "--port", "0", &err), CONFIG_GO);
    assert_int_equal(config.port, 0);
    assert_int_equal(read_flags(state, "--db", "x.db", &err), CONFIG_GO);
    assert_string_equal(config.db, "x.db");
    assert_int_equal(read_flags(state, "--device", "cpu", &err), CONFIG_GO);
    assert_string_equal(config.device, "cpu");
}

static void wrong_flags_are_refused(void **state)
{
    const char *const cases[][3] = {
        {"--port", "80x", "--port: \"80x\" is not a number"},
        {"--port", "99999", "--port: must be between 0 and 65535"},
        {"--device", "gpu", "--device: must be auto, cpu or cuda"},
        {"--colour", NULL, "--colour: unknown flag, see --help"},
        {"--port", NULL, "--port: wants a value"},
        {"extra", NULL, "extra: unexpected argument, see --help"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nn_error err = {0};
        assert_int_equal(read_flags(state, cases[i][0], cases[i][1], &err), CONFIG_WRONG);
        assert_string_equal(err.text, cases[i][2]);
    }
    struct nn_error err = {0};
    assert_int_equal(read_flags(state, "--help", NULL, &err), CONFIG_HELP);
    assert_int_equal(read_flags(state, "--version", NULL, &err), CONFIG_VERSION);
}

static void a_deck_reads_back_from_its_definition(void **state)
{
    struct nn_error err = {0};
    struct srv_deck copy = {0};
    const char *path = write_config(state, "{\"decks\":[" DECK_WITH(REST ",\"truncation\":0.7") "]}");
    assert_int_equal(srv_config_read_file(path, &config, &err), NN_OK);
    json_t *json = srv_deck_definition(&config.decks[0]);
    assert_int_equal(srv_deck_read(json, "d", &copy, &err), NN_OK);
    json_decref(json);
    assert_string_equal(copy.question, "Q?");
    assert_true(copy.sources[0].truncation.low == 0.7 && copy.prevalence == 0.5 &&
                copy.feedback == DECK_TELLS_TRUTH);
    assert_string_equal(copy.choices[DECK_YES].label, "Yes");
}

static void the_public_deck_does_not_tell_the_prevalence(void **state)
{
    (void)state;
    json_t *json = srv_deck_public(&config.decks[0]);
    assert_null(json_object_get(json, "prevalence"));
    assert_non_null(json_object_get(json, "choices"));
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_configuration_is_valid),
        cmocka_unit_test(absent_keys_have_defaults),
        cmocka_unit_test(a_wrong_key_or_type_is_named),
        cmocka_unit_test(text_that_is_not_json_is_refused_with_its_line),
        cmocka_unit_test(a_wrong_deck_is_named_by_its_place),
        cmocka_unit_test(a_missing_file_is_named_once),
        cmocka_unit_test(flags_win_over_the_file),
        cmocka_unit_test(wrong_flags_are_refused),
        cmocka_unit_test(a_deck_reads_back_from_its_definition),
        cmocka_unit_test(the_public_deck_does_not_tell_the_prevalence),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
