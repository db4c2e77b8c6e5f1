/* How a session draws its items, which of them are open, and what an answer is worth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/decks/session.h"

/* A deck of one source with one class a choice. */
static struct srv_deck plain(int items, double prevalence)
{
    return (struct srv_deck){.items = items,
                             .prevalence = prevalence,
                             .sources = {{.weight = 1,
                                          .strength = {1, 1},
                                          .truncation = {1, 1},
                                          .classes = {{{"no", 1}}, {{"yes", 1}}},
                                          .class_count = {1, 1}}},
                             .source_count = 1};
}

static int count_yes(const struct srv_session_item *items, int count)
{
    int yes = 0;
    for (int i = 0; i < count; i++) yes += items[i].drawn.truth == DECK_YES;
    return yes;
}

static void a_session_holds_exactly_its_share_of_fractures(void **state)
{
    (void)state;
    const struct {
        int items, yes;
        double prevalence;
    } cases[] = {{10, 5, 0.5}, {10, 3, 0.28}, {7, 0, 0}, {7, 7, 1}, {1, 1, 0.5}, {DECK_ITEMS_MAX, 2, 0.01}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct srv_deck deck = plain(cases[i].items, cases[i].prevalence);
        struct srv_session_item items[DECK_ITEMS_MAX];
        srv_session_draw(&deck, srv_session_key(&deck), items);
        assert_int_equal(count_yes(items, deck.items), cases[i].yes);
    }
}

/* 400 sessions of 10 at one half: each place holds 200 fractures on average, sd 10; 5 sd is 150 to 250. */
static void every_place_is_equally_likely_to_hold_a_fracture(void **state)
{
    (void)state;
    struct srv_deck deck = plain(10, 0.5);
    int at[10] = {0};
    for (int run = 0; run < 400; run++) {
        struct srv_session_item items[10];
        srv_session_draw(&deck, srv_session_key(&deck), items);
        for (int i = 0; i < 10; i++) at[i] += items[i].drawn.truth == DECK_YES;
    }
    for (int i = 0; i < 10; i++) assert_in_range(at[i], 150, 250);
}

static void names_and_seeds_are_fresh_and_the_name_does_not_hold_the_seed(void **state)
{
    (void)state;
    struct srv_deck deck = plain(DECK_ITEMS_MAX, 0.5);
    struct srv_session_item items[DECK_ITEMS_MAX];
    srv_session_draw(&deck, srv_session_key(&deck), items);
    for (int i = 0; i < DECK_ITEMS_MAX; i++) {
        char seed[20];
        snprintf(seed, sizeof seed, "%llx", (unsigned long long)items[i].drawn.seed);
        assert_int_equal(strlen(items[i].image), SRV_IMAGE_TEXT - 1);
        assert_null(strstr(items[i].image, seed));
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(items[i].image, items[k].image);
            assert_true(items[i].drawn.seed != items[k].drawn.seed);
        }
    }
}

static void two_items_are_open_ahead_of_the_answers(void **state)
{
    (void)state;
    bool answered[5] = {false};
    assert_true(srv_session_item_open(answered, 5, 1));
    assert_true(srv_session_item_open(answered, 5, 2));
    assert_false(srv_session_item_open(answered, 5, 3));
    answered[0] = true;
    assert_true(srv_session_item_open(answered, 5, 3));
    assert_false(srv_session_item_open(answered, 5, 4));
}

static void what_is_not_decided_yet_is_not_open(void **state)
{
    (void)state;
    bool answered[5] = {true};
    assert_true(srv_session_item_open(answered, 2, 2));
    assert_false(srv_session_item_open(answered, 2, 3));
}

/* Whatever order open items are answered in, the one after the last answered is open. */
static void no_order_of_answering_closes_the_next_item(void **state)
{
    (void)state;
    for (int run = 0; run < 200; run++) {
        bool answered[12] = {false};
        for (int done = 0, last = 0; done < 12;) {
            int n = 1 + (int)srv_random_below(12);
            if (answered[n - 1] || !srv_session_item_open(answered, 12, n)) continue;
            answered[n - 1] = true;
            done++;
            if (n > last) last = n;
            assert_true(last == 12 || srv_session_item_open(answered, 12, last + 1));
        }
    }
}

static void ratings_run_from_surely_not_to_surely(void **state)
{
    (void)state;
    for (int confidence = 1; confidence <= 3; confidence++) {
        assert_int_equal(srv_session_rating(DECK_NO, confidence), 4 - confidence);
        assert_int_equal(srv_session_rating(DECK_YES, confidence), 3 + confidence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_holds_exactly_its_share_of_fractures),
        cmocka_unit_test(every_place_is_equally_likely_to_hold_a_fracture),
        cmocka_unit_test(names_and_seeds_are_fresh_and_the_name_does_not_hold_the_seed),
        cmocka_unit_test(two_items_are_open_ahead_of_the_answers),
        cmocka_unit_test(what_is_not_decided_yet_is_not_open),
        cmocka_unit_test(no_order_of_answering_closes_the_next_item),
        cmocka_unit_test(ratings_run_from_surely_not_to_surely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
