#include "config/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct place place_at(const struct document *d, size_t line, size_t column)
{
    return (struct place){.file = d->file, .line = (uint32_t)line + 1, .column = (uint32_t)column + 1};
}

/* --- bytes -------------------------------------------------------------------- */

static int read_all(struct loading *l, int fd, struct place at, unsigned char *bytes, size_t *size)
{
    for (size_t done = 0; done < *size;) {
        ssize_t n = read(fd, bytes + done, *size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            report_error(l, at, "file", "%s; make it readable", strerror(errno));
            return -EINVAL;
        }
        if (n == 0)
            *size = done; /* it shrank meanwhile */
        done += (size_t)n;
    }
    return 0;
}

int document_read_bytes(struct loading *l, uint32_t file, const char *path, const struct document_limit *limit,
                        unsigned char **bytes, size_t *size)
{
    /* O_NONBLOCK: a FIFO in the folder must not hold up the load. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct place at = {file, 1, 1};
    struct stat st;
    int rc = -EINVAL;
    *bytes = NULL;
    if (fd < 0 || fstat(fd, &st) != 0) {
        report_error(l, at, "file", "%s; %s", strerror(errno), errno == ENOENT ? "create it" : "make it readable");
    } else if (!S_ISREG(st.st_mode)) {
        report_error(l, at, "file", "not a regular file; put %s file there", limit->kind);
    } else if (st.st_size > (off_t)limit->bytes) {
        report_error(l, at, "file", "%lld bytes; at most %zu are read, split it", (long long)st.st_size, limit->bytes);
    } else {
        *size = (size_t)st.st_size;
        *bytes = malloc(*size + 1);
        if (*bytes == NULL)
            report_error(l, at, "file", "out of memory; free some");
        else
            rc = read_all(l, fd, at, *bytes, size);
    }
    if (fd >= 0)
        close(fd);
    return rc;
}

/* Length of the UTF-8 sequence at p, 0 when it is none (overlong, surrogate, beyond U+10FFFF). */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t low;
    } forms[] = {
        {0x80, 0x00, 0},
        {0xe0, 0xc0, 0x80},
        {0xf0, 0xe0, 0x800},
        {0xf8, 0xf0, 0x10000},
    };
    for (size_t n = 0; n < sizeof forms / sizeof forms[0]; n++) {
        if ((p[0] & forms[n].mask) != forms[n].lead)
            continue;
        uint32_t value = p[0] & (unsigned char)~forms[n].mask;
        if (n >= left)
            return 0;
        for (size_t i = 1; i <= n; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return 0;
            value = value << 6 | (p[i] & 0x3f);
        }
        bool surrogate = value >= 0xd800 && value <= 0xdfff;
        return value < forms[n].low || surrogate || value > 0x10ffff ? 0 : n + 1;
    }
    return 0;
}

/* Characters that end a line for libyaml and for no editor would shift all places after them. */
static bool is_forbidden(const unsigned char *p, size_t length)
{
    if (length == 1)
        return p[0] < ' ' || p[0] == 0x7f;
    if (length == 2)
        return p[0] == 0xc2 && p[1] < 0xa0;
    return length == 3 && ((p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9)) ||
                           (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf));
}

struct scan {
    size_t line, column, at;
    bool only_blanks;  /* so far on this line */
    bool tab_reported; /* on this line */
    bool tab_indents;  /* somewhere */
    bool failed;
};

static void scan_tab(struct loading *l, struct document *d, struct scan *s)
{
    if (!s->tab_reported)
        report_error(l, place_at(d, s->line, s->column), "yaml", "a tab; use spaces");
    s->tab_reported = true;
    s->tab_indents |= s->only_blanks;
    d->bytes[s->at] = ' '; /* so that the rest of the file can be checked in the same run */
}

static void scan_newline(struct document *d, struct scan *s)
{
    if (d->bytes[s->at] == '\r' && s->at + 1 < d->size && d->bytes[s->at + 1] == '\n')
        s->at++;
    s->line++;
    s->column = 0;
    s->only_blanks = true;
    s->tab_reported = false;
    d->line_starts[s->line] = s->at + 1;
}

/* Every byte, once: UTF-8, no control character, no tab; notes where lines start. */
static int scan_bytes(struct loading *l, struct document *d)
{
    struct scan s = {.only_blanks = true};
    d->line_starts = malloc((d->size + 2) * sizeof d->line_starts[0]);
    if (d->line_starts == NULL) {
        report_error(l, place_at(d, 0, 0), "file", "out of memory; free some");
        return -EINVAL;
    }
    d->line_starts[0] = 0;
    for (; s.at < d->size; s.at++) {
        const unsigned char *p = d->bytes + s.at;
        if (*p == '\n' || *p == '\r') {
            scan_newline(d, &s);
            continue;
        }
        size_t length = utf8_length(p, d->size - s.at);
        if (length == 0 || (is_forbidden(p, length) && *p != '\t')) {
            report_error(l, place_at(d, s.line, s.column), "yaml",
                         length == 0 ? "byte 0x%02x is not UTF-8; save the file as UTF-8"
                                     : "character that starts with byte 0x%02x is not allowed; remove it",
                         *p);
            return -EINVAL;
        }
        if (*p == '\t')
            scan_tab(l, d, &s);
        s.only_blanks &= d->bytes[s.at] == ' ';
        s.at += length - 1;
        s.column++;
    }
    d->line_count = s.line + 1;
    d->line_starts[d->line_count] = d->size;
    return s.tab_indents ? -EINVAL : 0; /* indented by tabs: what the rest means is anybody's guess */
}

/* --- events ------------------------------------------------------------------- */

static void parser_start(yaml_parser_t *parser, const struct document *d)
{
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, d->bytes, d->size);
}

static void report_syntax(struct loading *l, const struct document *d, const yaml_parser_t *parser)
{
    struct place at = place_at(d, parser->problem_mark.line, parser->problem_mark.column);
    report_error(l, at, "yaml", "%s%s%s; write one \"key: value\" a line, indented with spaces",
                 parser->problem != NULL ? parser->problem : "cannot be read", parser->context != NULL ? " " : "",
                 parser->context != NULL ? parser->context : "");
}

struct shape {
    unsigned depth, nodes, documents;
};

/* The reason why this event is refused, NULL when it is not. */
static const char *event_problem(const yaml_event_t *event, struct shape *shape)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return "an alias (*name); write the value out";
    case YAML_DOCUMENT_START_EVENT:
        return ++shape->documents > 1 ? "a second document (---); one file is one document" : NULL;
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        shape->depth++;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        shape->depth++;
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        shape->depth--;
        return NULL;
    default:
        return NULL;
    }
    if (anchor != NULL)
        return "an anchor (&name); write the value out where it is needed";
    if (tag != NULL)
        return "a tag (!name); write the bare value";
    if (shape->depth > LOADER_DEPTH_MAX)
        return "nested too deeply; no key here has so many levels";
    return ++shape->nodes > LOADER_NODES_MAX ? "too many values; no file here needs so many" : NULL;
}

/* One look at the event stream, in which nothing is expanded and nothing is kept. */
static int inspect_events(struct loading *l, const struct document *d)
{
    yaml_parser_t parser;
    yaml_event_t event;
    struct shape shape = {0};
    int rc = 0;
    bool ended = false;
    if (!yaml_parser_initialize(&parser))
        return -ENOMEM;
    parser_start(&parser, d);
    while (rc == 0 && !ended) {
        if (!yaml_parser_parse(&parser, &event)) {
            report_syntax(l, d, &parser);
            rc = -EINVAL;
            break;
        }
        const char *problem = event_problem(&event, &shape);
        if (problem != NULL) {
            report_error(l, place_at(d, event.start_mark.line, event.start_mark.column), "yaml", "%s", problem);
            rc = -EINVAL;
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (rc == 0 && shape.documents == 0) {
        report_error(l, place_at(d, 0, 0), "yaml", "an empty file; begin with \"config_version: 1\"");
        rc = -EINVAL;
    }
    return rc;
}

/* --- the tree ----------------------------------------------------------------- */

static int build_tree(struct loading *l, struct document *d)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return -ENOMEM;
    parser_start(&parser, d);
    d->has_tree = yaml_parser_load(&parser, &d->yaml) != 0;
    if (!d->has_tree)
        report_syntax(l, d, &parser);
    yaml_parser_delete(&parser);
    if (!d->has_tree)
        return -EINVAL;
    yaml_node_t *root = yaml_document_get_root_node(&d->yaml);
    if (root == NULL || root->type != YAML_MAPPING_NODE) {
        report_error(l, root != NULL ? document_place(d, root) : place_at(d, 0, 0), "yaml",
                     "the file has no keys at its top; begin with \"config_version: 1\"");
        return -EINVAL;
    }
    return 0;
}

int document_open(struct loading *l, const char *path, const char *shown, struct document *out)
{
    memset(out, 0, sizeof *out);
    bool too_many = l->file_count == LOADER_FILES_MAX;
    out->file = report_file(l, shown);
    if (too_many) {
        report_error(l, place_at(out, 0, 0), "file", "more than %d files; remove some", LOADER_FILES_MAX);
        return -EINVAL;
    }
    int rc = document_read_bytes(l, out->file, path, &(struct document_limit){LOADER_FILE_BYTES_MAX, "a YAML"}, &out->bytes, &out->size);
    if (rc == 0)
        rc = scan_bytes(l, out);
    if (rc == 0)
        rc = inspect_events(l, out);
    if (rc == 0)
        rc = build_tree(l, out);
    if (rc == -ENOMEM)
        report_error(l, place_at(out, 0, 0), "file", "out of memory; free some");
    if (rc != 0)
        document_close(out);
    return rc == 0 ? 0 : -EINVAL;
}

void document_close(struct document *document)
{
    if (document->has_tree)
        yaml_document_delete(&document->yaml);
    free(document->bytes);
    free(document->line_starts);
    document->bytes = NULL;
    document->line_starts = NULL;
    document->has_tree = false;
}

yaml_node_t *document_root(struct document *document)
{
    return yaml_document_get_root_node(&document->yaml);
}

yaml_node_t *document_node(struct document *document, int index)
{
    return yaml_document_get_node(&document->yaml, index);
}

struct place document_place(const struct document *document, const yaml_node_t *node)
{
    return place_at(document, node->start_mark.line, node->start_mark.column);
}

/* libyaml counts columns in characters; the bytes are UTF-8. */
static size_t offset_of(struct document *d, size_t line, size_t column)
{
    if (line >= d->line_count)
        return d->size;
    if (line != d->last.line || column < d->last.column) {
        d->last.line = line;
        d->last.column = 0;
        d->last.offset = d->line_starts[line];
    }
    for (; d->last.column < column && d->last.offset < d->size; d->last.column++) {
        d->last.offset++;
        while (d->last.offset < d->size && (d->bytes[d->last.offset] & 0xc0) == 0x80)
            d->last.offset++;
    }
    return d->last.offset;
}

bool document_key_has_blank(struct document *document, const yaml_node_t *key)
{
    size_t at = offset_of(document, key->end_mark.line, key->end_mark.column);
    /* The end of a plain key may lie behind its blanks or before them. */
    return (at < document->size && document->bytes[at] == ' ') || (at > 0 && document->bytes[at - 1] == ' ');
}
