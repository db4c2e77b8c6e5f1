#include "trainer/ingest/turn.h"

#include <stddef.h>

struct tr_turn tr_turn_exif(int orientation)
{
    static const struct tr_turn turns[9] = {
        [2] = {false, true, false}, [3] = {false, true, true}, [4] = {false, false, true},
        [5] = {true, false, false}, [6] = {true, false, true}, [7] = {true, true, true},
        [8] = {true, true, false},
    };
    return orientation >= 1 && orientation <= 8 ? turns[orientation] : turns[1];
}

static bool runs_along_body(char letter)
{
    return letter == 'H' || letter == 'F';
}

struct tr_turn tr_turn_patient(const char *row_runs, const char *column_runs)
{
    char row = row_runs[0], column = column_runs[0];
    if (runs_along_body(column) && !runs_along_body(row))
        return (struct tr_turn){false, row == 'R', column == 'H'};
    if (runs_along_body(row) && !runs_along_body(column))
        return (struct tr_turn){true, row == 'H', column == 'R'};
    return (struct tr_turn){0};
}

struct tr_turn tr_turn_clockwise(int degrees)
{
    return tr_turn_exif(degrees == 90 ? 6 : degrees == 180 ? 3 : degrees == 270 ? 8 : 1);
}

struct tr_turn tr_turn_then(struct tr_turn a, struct tr_turn b)
{
    return (struct tr_turn){a.transpose != b.transpose, a.flip_x != (a.transpose ? b.flip_y : b.flip_x),
                            a.flip_y != (a.transpose ? b.flip_x : b.flip_y)};
}

void tr_turn_apply(struct tr_turn turn, const uint16_t *from, uint16_t *to, int side)
{
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            int u = turn.transpose ? y : x, v = turn.transpose ? x : y;
            if (turn.flip_x) u = side - 1 - u;
            if (turn.flip_y) v = side - 1 - v;
            to[(size_t)y * (size_t)side + (size_t)x] = from[(size_t)v * (size_t)side + (size_t)u];
        }
}
