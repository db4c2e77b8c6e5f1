#include "server/http/json_fields.h"

#include <string.h>

static bool has_type(const json_t *value, char type)
{
    switch (type) {
    case 's':
        return json_is_string(value);
    case 'i':
        return json_is_integer(value);
    case 'n':
        return json_is_number(value);
    case 'b':
        return json_is_boolean(value);
    case 'a':
        return json_is_array(value);
    case '*':
        return true;
    default:
        return json_is_object(value);
    }
}

static const char *type_name(char type)
{
    switch (type) {
    case 's':
        return "a string";
    case 'i':
        return "an integer";
    case 'n':
        return "a number";
    case 'b':
        return "true or false";
    case 'a':
        return "an array";
    default:
        return "an object";
    }
}

static const struct srv_json_field *find(const char *name, const struct srv_json_field *fields, int count)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(fields[i].name, name)) return &fields[i];
    return NULL;
}

nn_status srv_json_fields_check(const json_t *value, const char *where, const struct srv_json_field *fields,
                                int count, struct nn_error *err)
{
    const char *dot = *where ? "." : "";
    if (!json_is_object(value))
        return nn_fail(err, NN_ERR_FORMAT, "%s: must be an object", *where ? where : "the document");
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)value, name, member)
    {
        const struct srv_json_field *field = find(name, fields, count);
        if (!field) return nn_fail(err, NN_ERR_FORMAT, "%s%s%.60s: unknown key", where, dot, name);
        if (!has_type(member, field->type))
            return nn_fail(err, NN_ERR_FORMAT, "%s%s%s: must be %s", where, dot, name,
                           type_name(field->type));
    }
    for (int i = 0; i < count; i++)
        if (fields[i].required && !json_object_get(value, fields[i].name))
            return nn_fail(err, NN_ERR_FORMAT, "%s%s%s: is missing", where, dot, fields[i].name);
    return NN_OK;
}
