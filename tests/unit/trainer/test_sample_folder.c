/* Data sets of samples: planned, made, stopped, gone on with, and read by the trainer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/checkpoint.h"
#include "tests/unit/scratch.h"
#include "trainer/data/dataset.h"
#include "trainer/sample/sample_folder.h"

enum { SIDE = 16 };

static const struct nn_checkpoint INFO = {
    .config = {.resolution_log2 = 4, .label_count = 3, .fmap_base = 64, .fmap_max = 8, .mbstd_group = 4},
    .class_count = 3,
    .classes = {"in..tact", "fracture", "implant, old"},
    .name = "tiny",
    .licence = "for tests",
    .provenance = "made in a test",
};

static const struct tr_sample_wish ALL = {
    .split = "train", .first_seed = 1, .last_seed = 5, .frames = 4, .strength = 1, .truncation = 1};

static struct nn_model *open_model_of(void **state, const struct nn_checkpoint *info)
{
    struct nn_network net;
    struct nn_model *model;
    struct nn_error err = {0};
    const char *path = scratch_path(state, "m.safetensors");
    assert_int_equal(nn_network_init(&net, &info->config, NN_GENERATOR, NULL), NN_OK);
    float *values = malloc(net.value_count * sizeof *values);
    assert_non_null(values);
    nn_network_init_values(&net, 3, values);
    if (nn_checkpoint_write(path, info, &net, values, &err)) fail_msg("%s", err.text);
    if (nn_model_open(&model, path, "cpu", &err)) fail_msg("%s", err.text);
    free(values);
    nn_network_release(&net);
    return model;
}

static struct nn_model *open_model(void **state)
{
    return open_model_of(state, &INFO);
}

static bool stop_at(void *limit, int done, int total)
{
    (void)total;
    return !limit || done < *(int *)limit;
}

/* Whether the whole was made; stopped after `limit` images unless it is 0. */
static bool make(struct nn_model *model, struct tr_sample_wish wish, const char *folder, int depth, int limit,
                 struct tr_contact_sheet *sheet, struct nn_error *err)
{
    struct tr_sample_plan plan;
    const struct tr_sample_output output = {folder, "set", SIDE, depth};
    *err = (struct nn_error){.status = NN_OK};
    if (tr_sample_plan_init(&plan, &wish, nn_model_info(model), err)) return false;
    if (sheet)
        assert_int_equal(tr_contact_sheet_init(sheet, plan.tile_count, plan.tile_columns, SIDE, err), 0);
    nn_status status =
        tr_sample_folder_make(model, &plan, &output, sheet, stop_at, limit ? &limit : NULL, err);
    assert_true(status == err->status);
    tr_sample_plan_release(&plan);
    return status == NN_OK;
}

static void assert_same_file(const char *folder_a, const char *folder_b, const char *name)
{
    char path[2][600];
    size_t size[2];
    uint8_t *bytes[2];
    snprintf(path[0], sizeof path[0], "%s/%s", folder_a, name);
    snprintf(path[1], sizeof path[1], "%s/%s", folder_b, name);
    for (int i = 0; i < 2; i++) bytes[i] = scratch_read(path[i], &size[i]);
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static void the_trainer_reads_what_was_made(void **state)
{
    struct nn_model *model = open_model(state);
    struct nn_error err = {0};
    struct tr_dataset *set;
    char folder[500];
    snprintf(folder, sizeof folder, "%s", scratch_path(state, "set"));
    for (int depth = 8; depth <= 16; depth += 8) {
        assert_true(make(model, ALL, folder, depth, 0, NULL, &err));
        if (tr_dataset_open(&set, folder, NULL, NULL, &err)) fail_msg("%s", err.text);
        assert_int_equal(tr_dataset_train_count(set), 15);
        assert_int_equal(tr_dataset_side(set), SIDE);
        assert_int_equal(tr_dataset_class_count(set), 3);
        assert_string_equal(tr_dataset_class(set, 2), "implant, old");
        tr_dataset_close(set);
        strcat(folder, "16");
    }
    nn_model_close(model);
}

static void a_stopped_set_is_none_and_goes_on_to_the_same_bytes(void **state)
{
    struct nn_model *model = open_model(state);
    struct nn_error err;
    struct tr_dataset *set;
    struct tr_contact_sheet sheet, again;
    char whole[500], folder[500];
    snprintf(whole, sizeof whole, "%s", scratch_path(state, "whole"));
    snprintf(folder, sizeof folder, "%s", scratch_path(state, "set"));
    assert_true(make(model, ALL, whole, 16, 0, &sheet, &err));
    for (int stop = 1; stop < 15; stop += 4) {
        assert_false(make(model, ALL, folder, 16, stop, NULL, &err));
        assert_int_equal(err.status, NN_STOPPED);
        assert_int_not_equal(tr_dataset_open(&set, folder, NULL, NULL, NULL), NN_OK);
    }
    assert_true(make(model, ALL, folder, 16, 0, &again, &err));
    for (int seed = 1; seed <= 5; seed++) {
        char name[40];
        snprintf(name, sizeof name, "images/fracture-%d.png", seed);
        assert_same_file(whole, folder, name);
    }
    assert_same_file(whole, folder, "labels.csv");
    assert_same_file(whole, folder, "dataset.json");
    assert_int_equal(sheet.picture.width, again.picture.width);
    assert_memory_equal(sheet.picture.pixels, again.picture.pixels,
                        (size_t)sheet.picture.width * (size_t)sheet.picture.height);
    tr_contact_sheet_release(&sheet);
    tr_contact_sheet_release(&again);
    nn_model_close(model);
}

static void a_full_disk_is_told_and_costs_nothing_that_was_there(void **state)
{
    struct nn_model *model = open_model(state);
    struct nn_error err;
    char folder[500];
    snprintf(folder, sizeof folder, "%s", scratch_path(state, "set"));
    assert_false(make(model, ALL, folder, 8, 6, NULL, &err));
    scratch_disk_full(100);
    assert_false(make(model, ALL, folder, 8, 0, NULL, &err));
    scratch_disk_free();
    assert_int_equal(err.status, NN_ERR_IO);
    assert_non_null(strstr(err.text, folder));
    assert_null(strchr(err.text, '\n'));
    assert_true(make(model, ALL, folder, 8, 0, NULL, &err));
    nn_model_close(model);
}

/* A folder whose labels.csv has these rows. */
static const char *like_rows(void **state, const char *rows)
{
    static char folder[500];
    char path[600];
    snprintf(folder, sizeof folder, "%s", scratch_path(state, "like"));
    snprintf(path, sizeof path, "%s/labels.csv", folder);
    mkdir(folder, 0777);
    scratch_text(path, rows);
    return folder;
}

static void a_multi_label_model_makes_findings_together(void **state)
{
    struct nn_checkpoint info = INFO;
    info.config.label_kind = NN_LABELS_MULTI;
    strcpy(info.classes[0], "mass");
    struct nn_model *model = open_model_of(state, &info);
    struct tr_sample_wish wish = ALL;
    struct tr_sample_plan plan;
    struct tr_dataset *set;
    struct nn_error err = {0};
    char folder[500], text[TR_SAMPLE_LABEL_MAX];
    snprintf(folder, sizeof folder, "%s", scratch_path(state, "set"));
    wish.like = like_rows(state, "file,labels,patient_id,split\na,fracture|mass,1,train\nb,none,2,train\n"
                                 "c,fracture,3,test\nd,mass,4,train\n");
    wish.split = "all";
    assert_true(make(model, wish, folder, 8, 0, NULL, &err));
    if (tr_dataset_open(&set, folder, NULL, NULL, &err)) fail_msg("%s", err.text);
    assert_true(tr_dataset_multi_label(set));
    assert_int_equal(tr_dataset_class_count(set), 2);
    assert_int_equal(tr_dataset_train_count(set), 3);
    static const float wanted[3][2] = {{1, 1}, {0, 0}, {1, 0}}; /* mass, fracture: the model's order */
    for (int i = 0; i < 3; i++) {
        float labels[2];
        tr_dataset_labels(set, i, labels);
        assert_memory_equal(labels, wanted[i], sizeof labels);
    }
    tr_dataset_close(set);

    assert_int_equal(tr_sample_plan_init(&plan, &wish, nn_model_info(model), &err), NN_OK);
    struct nn_sample_point point = tr_sample_point(&plan, 0);
    assert_true(point.labels[0] == 1 && point.labels[1] == 1 && point.labels[2] == 0);
    tr_sample_plan_release(&plan);
    wish = ALL;
    wish.vector = "0.7,0.2,0.5";
    assert_int_equal(tr_sample_plan_init(&plan, &wish, nn_model_info(model), &err), NN_OK);
    tr_sample_label_text(&plan, 0, text);
    assert_string_equal(text, "mass|implant, old");
    tr_sample_plan_release(&plan);
    wish.vector = NULL;
    assert_int_equal(tr_sample_plan_init(&plan, &wish, nn_model_info(model), &err), NN_OK);
    assert_int_equal(plan.count, 4 * 5);
    tr_sample_label_text(&plan, 19, text);
    assert_string_equal(text, "none");
    tr_sample_plan_release(&plan);
    nn_model_close(model);
}

static void an_unconditional_model_makes_as_many(void **state)
{
    struct nn_checkpoint info = INFO;
    info.config.label_count = info.class_count = 0;
    struct nn_model *model = open_model_of(state, &info);
    struct tr_sample_wish wish = ALL;
    struct tr_dataset *set;
    struct nn_error err = {0};
    char folder[500];
    snprintf(folder, sizeof folder, "%s", scratch_path(state, "set"));
    wish.like = like_rows(state, "file,label,patient_id,split\na,x,1,train\nb,y,2,train\nc,x,3,test\n");
    assert_true(make(model, wish, folder, 8, 0, NULL, &err));
    if (tr_dataset_open(&set, folder, NULL, NULL, &err)) fail_msg("%s", err.text);
    assert_int_equal(tr_dataset_train_count(set), 2);
    assert_string_equal(tr_dataset_class(set, 0), NN_CLASS_ANY);
    tr_dataset_close(set);
    nn_model_close(model);
}

static void assert_refused(struct nn_model *model, struct tr_sample_wish wish, const char *text)
{
    struct tr_sample_plan plan;
    struct nn_error err = {0};
    assert_int_equal(tr_sample_plan_init(&plan, &wish, nn_model_info(model), &err), NN_ERR_ARGUMENT);
    if (!strstr(err.text, text)) fail_msg("got \"%s\", wanted \"%s\"", err.text, text);
    assert_null(plan.items);
}

static void bad_wishes_are_refused_before_anything_is_made(void **state)
{
    struct nn_model *model = open_model(state);
    struct tr_sample_wish wish = ALL;
    wish.class_name = "hip";
    assert_refused(model, wish, "no class 'hip'");
    wish = ALL;
    wish.last_seed = UINT64_MAX;
    assert_refused(model, wish, "1000000");
    wish.first_seed = 0;
    assert_refused(model, wish, "1000000");
    wish = ALL;
    static const char *const vectors[] = {"", "1", "1,0", "1,0,0,0", "1,0,2", "1,0,nan", "1,0,", "1,,0", "a"};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        wish.vector = vectors[i];
        assert_refused(model, wish, "--label");
    }
    nn_model_close(model);
}

static void data_sets_that_do_not_fit_the_model_are_refused(void **state)
{
    struct nn_model *model = open_model(state);
    struct tr_sample_wish wish = ALL;
    wish.like = like_rows(state, "file,label,patient_id,split\na,wrist,1,train\n");
    assert_refused(model, wish, "no class 'wrist'");
    wish.like = like_rows(state, "file,labels,patient_id,split\na,fracture|in..tact,1,train\n");
    assert_refused(model, wish, "labels.csv:2: has several findings");
    wish.like = like_rows(state, "file,labels,patient_id,split\na,fracture,1,train\nb,none,2,train\n");
    assert_refused(model, wish, "labels.csv:3: has no finding");
    wish.split = "test";
    assert_refused(model, wish, "no image in split test");
    nn_model_close(model);
}

static void names_with_dots_can_be_morphed(void **state)
{
    struct nn_model *model = open_model(state);
    struct tr_sample_plan plan;
    struct tr_sample_wish wish = ALL;
    wish.morph = "in..tact..fracture";
    assert_int_equal(tr_sample_plan_init(&plan, &wish, nn_model_info(model), NULL), NN_OK);
    assert_int_equal(plan.count, 20);
    assert_int_equal(tr_sample_labels(&plan, 0), 1);
    assert_int_equal(tr_sample_labels(&plan, 3), 2);
    struct nn_sample_point first = tr_sample_point(&plan, 0), last = tr_sample_point(&plan, 3);
    assert_true(first.labels[0] == 1 && first.labels[1] == 0 && last.labels[0] == 0 && last.labels[1] == 1);
    tr_sample_plan_release(&plan);
    nn_model_close(model);
}

static void a_sheet_shows_the_first_of_each_class(void **state)
{
    struct nn_model *model = open_model(state);
    struct tr_sample_plan plan;
    struct tr_sample_wish wish = ALL;
    wish.last_seed = 100;
    assert_int_equal(tr_sample_plan_init(&plan, &wish, nn_model_info(model), NULL), NN_OK);
    assert_int_equal(plan.tile_columns, 8);
    assert_int_equal(plan.tile_count, 3 * 64);
    for (int i = 0; i < plan.count; i++) {
        int seed = i % 100, tile = seed < 64 ? i / 100 * 64 + seed : -1;
        assert_int_equal(plan.items[i].tile, tile);
    }
    tr_sample_plan_release(&plan);
    nn_model_close(model);
}

#define in_folder(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(the_trainer_reads_what_was_made),
        in_folder(a_stopped_set_is_none_and_goes_on_to_the_same_bytes),
        in_folder(a_full_disk_is_told_and_costs_nothing_that_was_there),
        in_folder(bad_wishes_are_refused_before_anything_is_made),
        in_folder(a_multi_label_model_makes_findings_together),
        in_folder(an_unconditional_model_makes_as_many),
        in_folder(data_sets_that_do_not_fit_the_model_are_refused),
        in_folder(names_with_dots_can_be_morphed),
        in_folder(a_sheet_shows_the_first_of_each_class),
    };
    return cmocka_run_group_tests_name("sample_folder", tests, NULL, NULL);
}
