/* Which images a deck shows: shares, ranges, pairs, lists, exclusions and orders, all from one key. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/decks/draw.h"

static struct srv_deck deck;
static struct srv_drawn_item items[DECK_ITEMS_MAX], again[DECK_ITEMS_MAX];

/* 200 items, half of each choice; two sources of weights 3 and 1, the second weak and truncated; of the
 * first one's two classes of yes one has three times the share. */
static int set_deck(void **state)
{
    (void)state;
    deck = (struct srv_deck){
        .items = DECK_ITEMS_MAX,
        .prevalence = 0.5,
        .sources = {{.weight = 3,
                     .strength = {0.5, 1},
                     .truncation = {1, 1},
                     .classes = {{{"no", 1}}, {{"a", 3}, {"b", 1}}},
                     .class_count = {1, 2}},
                    {.weight = 1,
                     .strength = {0.25, 0.25},
                     .truncation = {0.5, 0.6},
                     .classes = {{{"no", 1}}, {{"a", 1}}},
                     .class_count = {1, 1}}},
        .source_count = 2,
    };
    return 0;
}

static bool same(const struct srv_drawn_item *x, const struct srv_drawn_item *y)
{
    return x->truth == y->truth && !strcmp(x->class_name, y->class_name) && x->seed == y->seed &&
           x->strength == y->strength && x->truncation == y->truncation && x->pair == y->pair;
}

static void one_key_gives_one_order_and_another_key_other_images(void **state)
{
    (void)state;
    int equal = 0;
    srv_draw(&deck, 7, items);
    srv_draw(&deck, 7, again);
    for (int i = 0; i < deck.items; i++) assert_true(same(&items[i], &again[i]));
    srv_draw(&deck, 8, again);
    for (int i = 0; i < deck.items; i++)
        for (int k = 0; k < deck.items; k++) equal += items[i].seed == again[k].seed;
    assert_int_equal(equal, 0);
}

/* The numbers are for ever: an educator's fixed deck shows what it showed under an older version. */
static void a_fixed_seed_gives_these_very_items(void **state)
{
    (void)state;
    const struct srv_drawn_item known[] = {
        {DECK_YES, "a", 2256423934098363948u, 0.50260960459767579, 1, 0, NULL, NULL},
        {DECK_NO, "no", 2536783176294238943u, 0.25, 0.50966531489274125, 0, NULL, NULL},
        {DECK_NO, "no", 12125208167219311512u, 0.6665220066258255, 1, 0, NULL, NULL},
        {DECK_YES, "a", 1081104182607680899u, 0.72877858806108897, 1, 0, NULL, NULL},
    };
    deck.items = 4;
    srv_draw(&deck, 1, items);
    for (int i = 0; i < 4; i++) assert_true(same(&items[i], &known[i]));
}

/* 200 draws of probability p: six standard deviations are 6 sqrt(200 p (1-p)). */
static void assert_share(int count, int of, double p)
{
    double far = 6 * sqrt(of * p * (1 - p));
    if (fabs(count - of * p) > far) fail_msg("%d of %d, expected %g", count, of, of * p);
}

static void sources_and_classes_come_by_their_weights(void **state)
{
    (void)state;
    int second = 0, yes = 0, first_yes = 0, b = 0;
    srv_draw(&deck, 11, items);
    for (int i = 0; i < deck.items; i++) {
        bool weak = items[i].strength == 0.25;
        second += weak;
        yes += items[i].truth == DECK_YES;
        first_yes += !weak && items[i].truth == DECK_YES;
        b += !strcmp(items[i].class_name, "b");
        assert_int_equal(items[i].truth, strcmp(items[i].class_name, "no") ? DECK_YES : DECK_NO);
        assert_false(weak && !strcmp(items[i].class_name, "b"));
    }
    assert_int_equal(yes, 100);
    assert_share(second, deck.items, 0.25);
    assert_share(b, first_yes, 0.25);
}

static void numbers_are_drawn_evenly_within_their_range(void **state)
{
    (void)state;
    int strong = 0, of = 0;
    srv_draw(&deck, 12, items);
    for (int i = 0; i < deck.items; i++) {
        bool weak = items[i].strength == 0.25;
        assert_true(weak ? items[i].truncation >= 0.5 && items[i].truncation < 0.6
                         : items[i].strength >= 0.5 && items[i].strength < 1 && items[i].truncation == 1);
        of += !weak;
        strong += items[i].strength >= 0.75;
    }
    assert_share(strong, of, 0.5);
}

static void what_is_excluded_is_drawn_anew_and_moves_nothing_else(void **state)
{
    (void)state;
    srv_draw(&deck, 3, items);
    for (int k = 0; k < DECK_EXCLUDED_MAX; k += 2) {
        struct srv_deck_exclusion *gone = &deck.exclude[deck.exclude_count++];
        strcpy(gone->class_name, items[k].class_name);
        gone->seed = items[k].seed;
    }
    srv_draw(&deck, 3, again);
    for (int i = 0; i < deck.items; i++) {
        assert_int_equal(items[i].truth, again[i].truth);
        if (i % 2)
            assert_true(same(&items[i], &again[i]));
        else
            assert_true(items[i].seed != again[i].seed);
    }
}

static void an_excluded_image_leaves_the_other_class_of_its_seed(void **state)
{
    (void)state;
    srv_draw(&deck, 3, items);
    strcpy(deck.exclude[0].class_name, items[0].truth == DECK_NO ? "a" : "no");
    deck.exclude[0].seed = items[0].seed;
    deck.exclude_count = 1;
    srv_draw(&deck, 3, again);
    assert_true(same(&items[0], &again[0]));
}

static void pairs_are_one_latent_with_both_choices_and_far_apart(void **state)
{
    (void)state;
    deck.pairs = true;
    for (int n = 2; n <= DECK_ITEMS_MAX; n += 2) {
        int yes_first = 0, at[DECK_ITEMS_MAX / 2 + 1];
        memset(at, -1, sizeof at);
        deck.items = n;
        srv_draw(&deck, (uint64_t)n, items);
        for (int i = 0; i < n; i++) {
            int pair = items[i].pair;
            assert_in_range(pair, 1, n / 2);
            if (at[pair] < 0) {
                at[pair] = i;
                yes_first += items[i].truth == DECK_YES;
                continue;
            }
            const struct srv_drawn_item *x = &items[at[pair]], *y = &items[i];
            assert_true(x->seed == y->seed && x->strength == y->strength && x->truncation == y->truncation);
            assert_int_equal(x->truth + y->truth, DECK_NO + DECK_YES);
            assert_true(4 * (i - at[pair]) >= n);
        }
        if (n >= 40) assert_share(yes_first, n / 2, 0.5);
    }
}

static void set_list(void)
{
    static const double strengths[] = {0.2, 1, 0.6, 1, 0.4};
    deck.list_count = deck.items = 5;
    for (int i = 0; i < 5; i++)
        deck.list[i] = (struct srv_deck_pick){.class_name = "a",
                                              .truth = DECK_YES,
                                              .seed = (uint64_t)i,
                                              .strength = strengths[i],
                                              .truncation = 0.5};
}

static void a_list_is_shown_as_given_or_shuffled_but_whole(void **state)
{
    (void)state;
    int moved = 0;
    set_list();
    deck.order = DECK_GIVEN;
    srv_draw(&deck, 5, items);
    for (int i = 0; i < 5; i++)
        assert_true(items[i].seed == (uint64_t)i && items[i].strength == deck.list[i].strength &&
                    items[i].truncation == 0.5 && items[i].truth == DECK_YES);
    deck.order = DECK_RANDOM;
    for (uint64_t key = 0; key < 20; key++) {
        int seen = 0;
        srv_draw(&deck, key, items);
        for (int i = 0; i < 5; i++) seen |= 1 << items[i].seed;
        assert_int_equal(seen, 31);
        moved += items[0].seed != 0;
    }
    assert_true(moved > 0);
}

static void easy_first_goes_by_falling_strength_and_by_chance_among_equals(void **state)
{
    (void)state;
    int first = 0;
    set_list();
    deck.order = DECK_EASY_FIRST;
    for (uint64_t key = 0; key < 100; key++) {
        srv_draw(&deck, key, items);
        for (int i = 1; i < 5; i++) assert_true(items[i].strength <= items[i - 1].strength);
        first += items[0].seed == 1;
    }
    assert_share(first, 100, 0.5);
}

#define CLAIM(test) cmocka_unit_test_setup(test, set_deck)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(one_key_gives_one_order_and_another_key_other_images),
        CLAIM(a_fixed_seed_gives_these_very_items),
        CLAIM(sources_and_classes_come_by_their_weights),
        CLAIM(numbers_are_drawn_evenly_within_their_range),
        CLAIM(what_is_excluded_is_drawn_anew_and_moves_nothing_else),
        CLAIM(an_excluded_image_leaves_the_other_class_of_its_seed),
        CLAIM(pairs_are_one_latent_with_both_choices_and_far_apart),
        CLAIM(a_list_is_shown_as_given_or_shuffled_but_whole),
        CLAIM(easy_first_goes_by_falling_strength_and_by_chance_among_equals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
