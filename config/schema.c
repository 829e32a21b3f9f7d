#include "config/schema.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "config/scalars.h"

#define SCHEMA_FIELDS_MAX 32
#define SCHEMA_KNOWN_TEXT_MAX 256

/* One mapping being read into one struct. */
struct reading {
    struct loading *l;
    struct document *document;
    const struct schema_table *table;
    const char *prefix;
    unsigned char *base;
    bool failed, over; /* over: what is not written stays as it is */
};

static bool is_container(enum schema_type type)
{
    return type == SCHEMA_SECTION || type == SCHEMA_LIST || type == SCHEMA_MAP;
}

static bool is_sequence_of_scalars(enum schema_type type)
{
    return type == SCHEMA_DECIMALS || type == SCHEMA_REALS || type == SCHEMA_REFERENCES || type == SCHEMA_BITS ||
           type == SCHEMA_SYMBOLS || type == SCHEMA_LINES;
}

static int read_mapping(struct reading *r, yaml_node_t *mapping);

static const char *full_key(const struct reading *r, const char *key, char buf[REPORT_KEY_MAX])
{
    snprintf(buf, REPORT_KEY_MAX, "%s%s", r->prefix, key);
    return buf;
}

static const char *scalar_text(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

/* --- complaints ------------------------------------------------------------------ */

static void complain(struct reading *r, const yaml_node_t *node, const char *key, const struct schema_field *field,
                     const char *problem)
{
    char full[REPORT_KEY_MAX], expect[320], value[REPORT_VALUE_MAX + 3] = "", shown[REPORT_VALUE_MAX];
    r->failed = true;
    if (node->type == YAML_SCALAR_NODE && node->data.scalar.length > 0)
        snprintf(value, sizeof value, "\"%s\" ", report_value(scalar_text(node), node->data.scalar.length, shown));
    report_error(r->l, document_place(r->document, node), full_key(r, key, full), "%s%s; write %s", value, problem,
                 schema_expect(field, expect, sizeof expect));
}

static void complain_unknown(struct reading *r, const yaml_node_t *key, const char *text)
{
    const char *known[SCHEMA_FIELDS_MAX];
    char full[REPORT_KEY_MAX], list[SCHEMA_KNOWN_TEXT_MAX] = "", shown[REPORT_VALUE_MAX];
    size_t length = 0;
    for (size_t i = 0; i < r->table->count; i++) {
        known[i] = r->table->fields[i].key;
        if (length < sizeof list)
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i > 0 ? ", " : "", known[i]);
    }
    const char *nearest = report_nearest(text, known, r->table->count);
    struct place at = document_place(r->document, key);
    full_key(r, report_value(text, strlen(text), shown), full);
    r->failed = true;
    if (nearest != NULL)
        report_error(r->l, at, full, "unknown key; did you mean \"%s\"?", nearest);
    else
        report_error(r->l, at, full, "unknown key; known here: %s", list);
}

static void complain_missing(struct reading *r, struct place at, const struct schema_field *field)
{
    char full[REPORT_KEY_MAX], expect[320];
    r->failed = true;
    report_error(r->l, at, full_key(r, field->key, full), "missing; add it with %s",
                 schema_expect(field, expect, sizeof expect));
}

/* --- keys ------------------------------------------------------------------------ */

/* The text of a key without the blanks that are complained about, NULL when it is no key at all. */
static const char *read_key(struct reading *r, const yaml_node_t *key, char buf[REPORT_KEY_MAX])
{
    char full[REPORT_KEY_MAX];
    struct place at = document_place(r->document, key);
    if (key->type != YAML_SCALAR_NODE || key->data.scalar.length != strlen(scalar_text(key))) {
        r->failed = true;
        report_error(r->l, at, full_key(r, "?", full), "a key that is not a plain text; write \"key: value\"");
        return NULL;
    }
    snprintf(buf, REPORT_KEY_MAX, "%s", scalar_text(key));
    size_t length = strlen(buf);
    bool blank = document_key_has_blank(r->document, key);
    for (; length > 0 && buf[length - 1] == ' '; length--)
        blank = true;
    buf[length] = 0;
    if (blank) {
        r->failed = true;
        report_error(r->l, at, full_key(r, buf, full), "a trailing space in the key; write \"%s:\"", buf);
    }
    return buf;
}

static size_t find_field(const struct schema_table *table, const char *key)
{
    size_t i = 0;
    while (i < table->count && strcmp(table->fields[i].key, key) != 0)
        i++;
    return i;
}

static bool seen_before(struct reading *r, const yaml_node_t *key, const char *text, uint32_t *first_line)
{
    char full[REPORT_KEY_MAX];
    struct place at = document_place(r->document, key);
    if (*first_line == 0) {
        *first_line = at.line;
        return false;
    }
    r->failed = true;
    report_error(r->l, at, full_key(r, text, full), "written twice, first in line %u; keep one", *first_line);
    return true;
}

/* --- values ---------------------------------------------------------------------- */

/* What makes a node unfit to be one value at all. */
static const char *not_a_scalar(const yaml_node_t *node, bool may_be_empty)
{
    if (node->type != YAML_SCALAR_NODE)
        return "more than one value";
    if (node->data.scalar.length != strlen(scalar_text(node)))
        return "has a zero byte";
    if (node->data.scalar.length > 0)
        return NULL;
    if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return "no value";
    return may_be_empty ? NULL : "empty";
}

static void read_scalar(struct reading *r, const struct schema_field *field, const yaml_node_t *node)
{
    bool may_be_empty = (field->type == SCHEMA_TEXT || field->type == SCHEMA_PATH) && field->fallback != NULL &&
                        field->fallback[0] == 0;
    const char *problem = not_a_scalar(node, may_be_empty);
    if (problem == NULL && node->data.scalar.length > 0)
        problem = scalar_store(r->l, field, scalar_text(node), document_place(r->document, node), r->base);
    if (problem != NULL)
        complain(r, node, field->key, field, problem);
}

static void read_sequence(struct reading *r, const struct schema_field *field, const yaml_node_t *node)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        complain(r, node, field->key, field, "not a list");
        return;
    }
    int64_t count = node->data.sequence.items.top - node->data.sequence.items.start;
    int64_t exact = (int64_t)(field->size / sizeof(double));
    if (field->type == SCHEMA_REALS ? count != exact : count < field->min || count > field->max) {
        complain(r, node, field->key, field, "a list of a wrong length");
        return;
    }
    bool joined = field->type == SCHEMA_BITS || field->type == SCHEMA_SYMBOLS || field->type == SCHEMA_LINES;
    if (joined) /* each item adds to one member */
        memset(r->base + field->offset, 0, field->size);
    for (uint32_t i = 0; i < (uint32_t)count; i++) {
        const yaml_node_t *item = document_node(r->document, node->data.sequence.items.start[i]);
        const char *problem = not_a_scalar(item, false);
        if (problem == NULL)
            problem =
                scalar_store_element(r->l, field, scalar_text(item), document_place(r->document, item), i, r->base);
        if (problem != NULL)
            complain(r, item, field->key, field, problem);
    }
    uint32_t stored = (uint32_t)count;
    if (field->type != SCHEMA_REALS && !joined)
        memcpy(r->base + field->count_offset, &stored, sizeof stored);
}

static void read_element(struct reading *r, const struct schema_field *field, yaml_node_t *node, const char *prefix,
                         unsigned char *element)
{
    struct place at = document_place(r->document, node);
    if (field->place_offset != 0)
        memcpy(element + field->place_offset, &at, sizeof at);
    if (node->type != YAML_MAPPING_NODE)
        complain(r, node, field->key, field, "not keys with values");
    else if (schema_read(r->l, r->document, node, field->table, prefix, element) != 0)
        r->failed = true;
}

/* The key of VARIANTS in the mapping of an element, NULL when it has none. */
static yaml_node_t *find_variants(struct reading *r, const struct schema_field *field, const yaml_node_t *node,
                                  const struct schema_field **variants)
{
    *variants = NULL;
    for (size_t i = 0; i < field->table->count; i++)
        if (field->table->fields[i].type == SCHEMA_VARIANTS)
            *variants = &field->table->fields[i];
    if (*variants == NULL || node->type != YAML_MAPPING_NODE)
        return NULL;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = document_node(r->document, pair->key);
        if (key->type == YAML_SCALAR_NODE && strcmp(scalar_text(key), (*variants)->key) == 0)
            return document_node(r->document, pair->value);
    }
    return NULL;
}

/* The variants of element `of` become elements behind it, from *count on. */
static void read_variants(struct reading *r, const struct schema_field *field, const yaml_node_t *node,
                          const char *prefix, uint32_t of, uint32_t *count)
{
    const struct schema_field *variants;
    unsigned char *list = r->base + field->offset;
    const yaml_node_t *readings = find_variants(r, field, node, &variants);
    if (readings == NULL || readings->type != YAML_SEQUENCE_NODE)
        return; /* none, or reported already */
    uint32_t number = (uint32_t)(readings->data.sequence.items.top - readings->data.sequence.items.start);
    struct reading of_element = *r; /* so that complaints name the element */
    of_element.prefix = prefix;
    for (uint32_t i = 0; i < number && number <= (uint32_t)variants->max; i++) {
        yaml_node_t *reading = document_node(r->document, readings->data.sequence.items.start[i]);
        char inner[REPORT_KEY_MAX * 2];
        uint32_t shown = i + 1;
        snprintf(inner, sizeof inner, "%.100s%s[%u].", prefix, variants->key, i);
        if (reading->type != YAML_MAPPING_NODE) {
            complain(&of_element, reading, variants->key, variants, "not keys with values");
            continue;
        }
        if ((*count + 1) * field->element_size > field->size) {
            complain(&of_element, reading, variants->key, variants, "one element too many for this list");
            break;
        }
        unsigned char *element = list + *count * field->element_size;
        struct place at = document_place(r->document, reading);
        memcpy(element, list + of * field->element_size, field->element_size);
        memcpy(element + variants->offset, &shown, sizeof shown);
        if (field->place_offset != 0)
            memcpy(element + field->place_offset, &at, sizeof at);
        struct reading over = {r->l, r->document, field->table, inner, element, false, true};
        r->failed |= read_mapping(&over, reading) != 0;
        ++*count;
    }
    r->failed |= of_element.failed;
}

static void read_list(struct reading *r, const struct schema_field *field, const yaml_node_t *node)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        complain(r, node, field->key, field, "not a list");
        return;
    }
    int64_t written = node->data.sequence.items.top - node->data.sequence.items.start;
    if (written < field->min || written > field->max) {
        complain(r, node, field->key, field, "a list of a wrong length");
        return;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < (uint32_t)written; i++) {
        char prefix[REPORT_KEY_MAX];
        yaml_node_t *item = document_node(r->document, node->data.sequence.items.start[i]);
        snprintf(prefix, sizeof prefix, "%s%s[%u].", r->prefix, field->key, i);
        if (field->size != 0 && (count + 1) * field->element_size > field->size) {
            complain(r, item, field->key, field, "one element too many, counting other readings");
            break;
        }
        uint32_t at = count++;
        read_element(r, field, item, prefix, r->base + field->offset + at * field->element_size);
        read_variants(r, field, item, prefix, at, &count);
    }
    memcpy(r->base + field->count_offset, &count, sizeof count);
}

static bool name_in_use(const struct reading *r, const struct schema_field *field, const char *name, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp((const char *)r->base + field->offset + i * field->element_size, name) == 0)
            return true;
    return false;
}

static void read_map_pair(struct reading *r, const struct schema_field *field, const yaml_node_pair_t *pair,
                          uint32_t *count)
{
    const struct schema_field name_field = {
        .key = field->key, .type = field->names != SCHEMA_TEXT ? field->names : SCHEMA_SYMBOL, .size = CONFIG_NAME_MAX};
    const yaml_node_t *key = document_node(r->document, pair->key);
    char name[REPORT_KEY_MAX], prefix[REPORT_KEY_MAX * 2 + 8];
    if (read_key(r, key, name) == NULL)
        return;
    unsigned char *element = r->base + field->offset + *count * field->element_size;
    struct place at = document_place(r->document, key);
    const char *problem = scalar_store(r->l, &name_field, name, at, element);
    if (problem != NULL) {
        complain(r, key, field->key, &name_field, problem);
        return;
    }
    if (name_in_use(r, field, name, *count)) {
        memset(element, 0, field->element_size);
        snprintf(prefix, sizeof prefix, "%s%s.%s", r->prefix, field->key, name);
        report_error(r->l, at, prefix, "written twice; keep one");
        r->failed = true;
        return;
    }
    snprintf(prefix, sizeof prefix, "%s%s.%s.", r->prefix, field->key, name);
    read_element(r, field, document_node(r->document, pair->value), prefix, element);
    if (field->place_offset != 0)
        memcpy(element + field->place_offset, &at, sizeof at);
    ++*count;
}

static void read_map(struct reading *r, const struct schema_field *field, const yaml_node_t *node)
{
    if (node->type != YAML_MAPPING_NODE) {
        complain(r, node, field->key, field, "not names with keys");
        return;
    }
    int64_t pairs = node->data.mapping.pairs.top - node->data.mapping.pairs.start;
    if (pairs < field->min || pairs > field->max) {
        complain(r, node, field->key, field, "a wrong number of names");
        return;
    }
    uint32_t count = 0;
    for (int64_t i = 0; i < pairs; i++)
        read_map_pair(r, field, &node->data.mapping.pairs.start[i], &count);
    memcpy(r->base + field->count_offset, &count, sizeof count);
}

static void read_section(struct reading *r, const struct schema_field *field, yaml_node_t *node)
{
    char prefix[REPORT_KEY_MAX];
    snprintf(prefix, sizeof prefix, "%s%s.", r->prefix, field->key);
    if (r->over) { /* as a whole: a part of another amount is no amount */
        assert(field->size > 0);
        memset(r->base + field->offset, 0, field->size);
    }
    if (field->place_offset != 0) {
        struct place at = document_place(r->document, node);
        memcpy(r->base + field->offset + field->place_offset, &at, sizeof at);
    }
    if (node->type != YAML_MAPPING_NODE)
        complain(r, node, field->key, field, "not keys with values");
    else if (schema_read(r->l, r->document, node, field->table, prefix, r->base + field->offset) != 0)
        r->failed = true;
}

/* Only whether they are a list: read_list reads them, when the element itself is complete. */
static void check_variants(struct reading *r, const struct schema_field *field, const yaml_node_t *node)
{
    int64_t count =
        node->type == YAML_SEQUENCE_NODE ? node->data.sequence.items.top - node->data.sequence.items.start : 0;
    if (r->over)
        complain(r, node, field->key, field, "inside another of its kind");
    else if (node->type != YAML_SEQUENCE_NODE)
        complain(r, node, field->key, field, "not a list");
    else if (count < field->min || count > field->max)
        complain(r, node, field->key, field, "a list of a wrong length");
}

static void read_value(struct reading *r, const struct schema_field *field, yaml_node_t *node)
{
    if (field->given_offset != 0)
        memcpy(r->base + field->given_offset, &(bool){true}, sizeof(bool));
    if (field->type == SCHEMA_SECTION)
        read_section(r, field, node);
    else if (field->type == SCHEMA_LIST)
        read_list(r, field, node);
    else if (field->type == SCHEMA_MAP)
        read_map(r, field, node);
    else if (field->type == SCHEMA_VARIANTS)
        check_variants(r, field, node);
    else if (is_sequence_of_scalars(field->type))
        read_sequence(r, field, node);
    else
        read_scalar(r, field, node);
}

/* --- what is not there --------------------------------------------------------------- */

static void apply_default(struct reading *r, const struct schema_field *field, struct place at)
{
    if (field->type == SCHEMA_SECTION) {
        struct reading inner = *r;
        inner.table = field->table;
        inner.base = r->base + field->offset;
        for (size_t i = 0; i < field->table->count; i++)
            if (field->table->fields[i].fallback != NULL)
                apply_default(&inner, &field->table->fields[i], at);
        r->failed |= inner.failed;
        return;
    }
    if (field->fallback[0] == 0)
        return;
    assert(!is_container(field->type) && !is_sequence_of_scalars(field->type));
    const char *problem = scalar_store(r->l, field, field->fallback, at, r->base);
    if (problem != NULL) {
        char full[REPORT_KEY_MAX];
        r->failed = true;
        report_error(r->l, at, full_key(r, field->key, full), "its default \"%s\" %s; write another", field->fallback,
                     problem);
    }
}

static int read_mapping(struct reading *r, yaml_node_t *mapping)
{
    struct document *document = r->document;
    const struct schema_table *table = r->table;
    uint32_t first_line[SCHEMA_FIELDS_MAX] = {0};
    assert(table->count <= SCHEMA_FIELDS_MAX && mapping->type == YAML_MAPPING_NODE);
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
        char key[REPORT_KEY_MAX];
        yaml_node_t *node = document_node(document, pair->key);
        if (read_key(r, node, key) == NULL)
            continue;
        size_t i = find_field(table, key);
        if (i == table->count)
            complain_unknown(r, node, key);
        else if (!seen_before(r, node, key, &first_line[i]))
            read_value(r, &table->fields[i], document_node(document, pair->value));
    }
    struct place at = document_place(document, mapping);
    for (size_t i = 0; i < table->count && !r->over; i++) {
        if (first_line[i] != 0)
            continue;
        if (table->fields[i].fallback == NULL)
            complain_missing(r, at, &table->fields[i]);
        else
            apply_default(r, &table->fields[i], at);
    }
    return r->failed ? -EINVAL : 0;
}

int schema_read(struct loading *l, struct document *document, yaml_node_t *mapping, const struct schema_table *table,
                const char *prefix, void *base)
{
    struct reading r = {l, document, table, prefix, base, false, false};
    return read_mapping(&r, mapping);
}

/* --- reference documentation ------------------------------------------------------------ */

static void explain_field(const struct schema_field *field, const char *prefix, FILE *out)
{
    char range[160];
    fprintf(out, "  %s%s: %s", prefix, field->key, scalar_type_name(field->type));
    for (const char *const *choice = field->choices; choice != NULL && *choice != NULL; choice++)
        fprintf(out, "%s%s", choice == field->choices ? " of " : ", ", *choice);
    if (scalar_range(field, range, sizeof range)[0] != 0)
        fprintf(out, ", %s", range);
    if (field->unit != NULL)
        fprintf(out, " (%s)", field->unit);
    if (field->fallback == NULL)
        fprintf(out, "; required\n");
    else if (field->fallback[0] != 0)
        fprintf(out, "; default %s\n", field->fallback);
    else
        fprintf(out, "; optional\n");
    fprintf(out, "      %s\n", field->help);
}

void schema_explain(const struct schema_table *table, const char *prefix, FILE *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct schema_field *field = &table->fields[i];
        const char *form = field->type == SCHEMA_LIST ? "[]." : field->type == SCHEMA_MAP ? ".NAME." : ".";
        char inner[REPORT_KEY_MAX];
        explain_field(field, prefix, out);
        if (!is_container(field->type))
            continue;
        snprintf(inner, sizeof inner, "%s%s%s", prefix, field->key, form);
        schema_explain(field->table, inner, out);
    }
}
