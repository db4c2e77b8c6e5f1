/* States written beside the training: what is in them, what stays, and what becomes of a failure. */
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"
#include "tests/unit/trainer/tiny_training.h"
#include "trainer/train/state_writer.h"

struct fixture {
    struct tiny_training *t;
    struct tr_run_folder folder;
    struct tr_state_writer writer;
};

static struct fixture begin(void **state, int keep)
{
    struct tr_train_config config = tiny_config(4);
    struct fixture f = {.t = tiny_begin(state, NN_F32, &config)};
    struct nn_error err = {0};
    tiny_require(tr_run_open(&f.folder, scratch_path(state, "run"), keep, false, &err), &err);
    tiny_require(tr_run_make(&f.folder, &err), &err);
    f.writer.name = "tiny";
    return f;
}

static void end(struct fixture *f)
{
    tr_state_writer_release(&f->writer);
    tr_run_close(&f->folder);
    tiny_end(f->t);
}

static void save(struct fixture *f)
{
    struct nn_error err = {0};
    f->writer.folder = &f->folder;
    tiny_require(tr_state_writer_save(&f->writer, &f->t->tr, &err), &err);
}

static void finish(struct fixture *f)
{
    struct nn_error err = {0};
    tiny_require(tr_state_writer_finish(&f->writer, &err), &err);
}

static void a_state_is_of_the_moment_it_was_asked_for_though_training_goes_on(void **state)
{
    const char *whole = scratch_path(state, "whole");
    struct fixture f = begin(state, 3);
    tiny_steps(f.t, 5);
    tiny_write_state(f.t, whole);
    save(&f);
    tiny_steps(f.t, 5);
    finish(&f);
    char path[PATH_MAX];
    tr_run_state_path(&f.folder, 5 * TINY_MINIBATCH, path);
    tiny_assert_same_file(path, whole);
    end(&f);
}

static void assert_states(const struct fixture *f, const int *steps, int count)
{
    uint64_t *images;
    int found;
    assert_int_equal(tr_run_list_states(&f->folder, &images, &found, NULL), NN_OK);
    assert_int_equal(found, count);
    for (int i = 0; i < count; i++) assert_int_equal(images[i], steps[i] * TINY_MINIBATCH);
    free(images);
}

static void the_newest_the_best_and_the_last_good_state_stay(void **state)
{
    struct fixture f = begin(state, 2);
    for (int i = 1; i <= 8; i++) {
        tiny_steps(f.t, 1);
        if (i == 2) f.t->tr.watch.best_images = f.t->tr.images;
        if (i <= 4) f.t->tr.watch.good_images = f.t->tr.images;
        save(&f);
    }
    finish(&f);
    assert_states(&f, (const int[]){8, 7, 4, 2}, 4);
    end(&f);
}

static void the_best_tick_gets_a_generator_of_its_own(void **state)
{
    const char *newest = scratch_path(state, "run/generator.safetensors"),
               *best = scratch_path(state, "run/generator-best.safetensors"),
               *copy = scratch_path(state, "copy");
    struct fixture f = begin(state, 2);
    tiny_steps(f.t, 2);
    save(&f);
    finish(&f);
    assert_int_equal(access(newest, F_OK), 0);
    assert_int_not_equal(access(best, F_OK), 0);
    tiny_steps(f.t, 1);
    f.t->tr.watch.best_images = f.t->tr.images;
    save(&f);
    finish(&f);
    tiny_assert_same_file(newest, best);
    assert_int_equal(link(best, copy), 0);
    tiny_steps(f.t, 6); /* to the next level at full strength */
    save(&f);
    finish(&f);
    tiny_assert_same_file(best, copy);
    end(&f);
}

static void a_full_disk_is_told_at_the_next_save_and_leaves_the_state_before(void **state)
{
    struct fixture f = begin(state, 1);
    struct nn_error err = {0};
    tiny_steps(f.t, 1);
    save(&f);
    finish(&f);
    int files = scratch_count(f.folder.path);
    tiny_steps(f.t, 1);
    scratch_disk_full(2000);
    save(&f); /* only begins */
    pthread_join(f.writer.thread, NULL);
    scratch_disk_free();
    f.writer.running = false; /* joined here, so that the disk is full to the end */
    assert_int_equal(f.writer.status, NN_ERR_IO);
    assert_non_null(strstr(f.writer.err.text, "cannot be written"));
    assert_states(&f, (const int[]){1}, 1);
    assert_int_equal(scratch_count(f.folder.path), files);

    scratch_disk_full(2000);
    save(&f);
    tiny_steps(f.t, 1);
    assert_int_equal(tr_state_writer_save(&f.writer, &f.t->tr, &err), NN_ERR_IO);
    scratch_disk_free();
    assert_non_null(strstr(err.text, "cannot be written"));
    assert_states(&f, (const int[]){1}, 1);
    end(&f);
}

static void a_failure_is_told_without_waiting_for_the_next_save(void **state)
{
    struct fixture f = begin(state, 1);
    struct nn_error err = {0};
    assert_int_equal(tr_state_writer_poll(&f.writer, &err), NN_OK);
    tiny_steps(f.t, 1);
    scratch_disk_full(2000);
    save(&f);
    while (!atomic_load(&f.writer.done)) usleep(1000);
    assert_int_equal(tr_state_writer_poll(&f.writer, &err), NN_ERR_IO);
    scratch_disk_free();
    assert_non_null(strstr(err.text, "cannot be written"));
    assert_int_equal(tr_state_writer_poll(&f.writer, &err), NN_OK);
    end(&f);
}

static void weights_that_are_not_finite_are_not_written(void **state)
{
    struct fixture f = begin(state, 1);
    struct tr_player *d = &f.t->tr.discriminator;
    struct nn_error err = {0};
    float bad = -1.0f / 0.0f;
    tiny_steps(f.t, 1);
    assert_int_equal(f.t->be->upload(f.t->be, (char *)d->v + 12, &bad, sizeof bad, NULL), NN_OK);
    f.writer.folder = &f.folder;
    assert_int_equal(tr_state_writer_save(&f.writer, &f.t->tr, &err), NN_ERR_NUMERIC);
    assert_non_null(strstr(err.text, "discriminator/adam_v"));
    assert_int_equal(scratch_count(f.folder.path), 0);
    end(&f);
}

#define on_data(name) cmocka_unit_test_setup_teardown(name, tiny_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_data(a_state_is_of_the_moment_it_was_asked_for_though_training_goes_on),
        on_data(the_newest_the_best_and_the_last_good_state_stay),
        on_data(the_best_tick_gets_a_generator_of_its_own),
        on_data(a_failure_is_told_without_waiting_for_the_next_save),
        on_data(a_full_disk_is_told_at_the_next_save_and_leaves_the_state_before),
        on_data(weights_that_are_not_finite_are_not_written),
    };
    omp_set_num_threads(1);
    return cmocka_run_group_tests_name("state writer", tests, NULL, NULL);
}
