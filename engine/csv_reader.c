#include "engine/csv_reader.h"

#include <stdbool.h>
#include <string.h>

void nn_csv_init(struct nn_csv *csv, char *text, size_t size_bytes, const char *name)
{
    *csv = (struct nn_csv){.at = text, .end = text + size_bytes, .name = name, .line = 1};
    if (size_bytes >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3)) csv->at += 3;
    /* A sentinel spares every look-ahead a bounds check. */
    *csv->end = '\n';
}

/* What follows a field: a comma (true), or the end of the line or text (false). The byte is consumed. */
static bool more_follows(struct nn_csv *csv, char *field_end)
{
    bool comma = *csv->at == ',';
    if (*csv->at == '\r') csv->at++;
    if (!comma) csv->line++;
    if (csv->at < csv->end) csv->at++;
    *field_end = 0;
    return comma;
}

static bool at_line_end(const struct nn_csv *csv)
{
    return *csv->at == '\n' || (*csv->at == '\r' && csv->at[1] == '\n');
}

static nn_status plain_field(struct nn_csv *csv, bool *more, struct nn_error *err)
{
    while (*csv->at != ',' && !at_line_end(csv)) {
        if (!*csv->at)
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: contains a zero byte", csv->name, csv->line);
        if (*csv->at == '"')
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: a quote within an unquoted cell", csv->name,
                           csv->line);
        csv->at++;
    }
    *more = more_follows(csv, csv->at);
    return NN_OK;
}

static nn_status quoted_field(struct nn_csv *csv, bool *more, struct nn_error *err)
{
    char *to = csv->at++;
    int first_line = csv->line;
    for (; csv->at < csv->end; csv->at++) {
        if (*csv->at == '"' && *++csv->at != '"') {
            if (*csv->at != ',' && !at_line_end(csv))
                return nn_fail(err, NN_ERR_FORMAT, "%s:%d: text after a closing quote", csv->name, csv->line);
            *more = more_follows(csv, to);
            return NN_OK;
        }
        if (!*csv->at)
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: contains a zero byte", csv->name, csv->line);
        csv->line += *csv->at == '\n';
        *to++ = *csv->at;
    }
    return nn_fail(err, NN_ERR_FORMAT, "%s:%d: a quote is not closed", csv->name, first_line);
}

static void skip_empty_lines(struct nn_csv *csv)
{
    while (csv->at < csv->end && at_line_end(csv)) {
        csv->at += *csv->at == '\r' ? 2 : 1;
        csv->line++;
    }
}

nn_status nn_csv_next(struct nn_csv *csv, char *fields[NN_CSV_FIELDS_MAX], int *count, struct nn_error *err)
{
    *count = 0;
    skip_empty_lines(csv);
    if (csv->at >= csv->end) return NN_OK;
    csv->record_line = csv->line;
    for (bool more = true; more;) {
        if (*count == NN_CSV_FIELDS_MAX)
            return nn_fail(err, NN_ERR_FORMAT, "%s:%d: has more than %d cells", csv->name, csv->record_line,
                           NN_CSV_FIELDS_MAX);
        fields[*count] = csv->at;
        nn_status status = *csv->at == '"' ? quoted_field(csv, &more, err) : plain_field(csv, &more, err);
        if (status) return status;
        (*count)++;
    }
    return NN_OK;
}
