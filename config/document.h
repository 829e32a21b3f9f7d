/* document: one YAML file, read within limits, as a tree of nodes with places.
 *
 * Hostile until proven harmless, in this order: a regular file of at most LOADER_FILE_BYTES_MAX
 * (before a byte is read), UTF-8 without control characters or tabs, at most LOADER_NODES_MAX
 * nodes and LOADER_DEPTH_MAX levels, one document, no anchor, alias or tag (seen in the event
 * stream, before anything could be expanded), at the top a mapping. Only then libyaml builds the
 * tree. What is wrong is reported; the caller learns only that there is no document.
 */
#ifndef PROPFLEET_CONFIG_DOCUMENT_H
#define PROPFLEET_CONFIG_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "config/report.h"

struct document {
    uint32_t file;
    unsigned char *bytes;
    size_t size;
    size_t *line_starts; /* offset of each line */
    size_t line_count;
    yaml_document_t yaml;
    bool has_tree;
    struct {
        size_t line, column, offset;
    } last; /* where the last look-up ended: keys come in order, and a line may be long */
};

struct document_limit {
    size_t bytes;
    const char *kind; /* "a YAML", for messages */
};
/* The bytes of a regular file within a limit. 0, or -EINVAL (reported at `file`). *bytes is the caller's (free) in both
 * cases and has room for one more byte. */
int document_read_bytes(struct loading *l, uint32_t file, const char *path, const struct document_limit *limit,
                        unsigned char **bytes, size_t *size);

/* Read the file `path`, called `shown` in messages. 0, or -EINVAL (reported; nothing to close). */
int document_open(struct loading *l, const char *path, const char *shown, struct document *out);
void document_close(struct document *document);

yaml_node_t *document_root(struct document *document);
yaml_node_t *document_node(struct document *document, int index);
struct place document_place(const struct document *document, const yaml_node_t *node);
/* Is there a blank between the end of this key and its colon? */
bool document_key_has_blank(struct document *document, const yaml_node_t *key);

#endif
