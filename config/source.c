#include "config/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/folder.h"
#include "config/paths.h"

/* What was asked for: by an option, or in fleet.yaml. */
struct request {
    const char *data;           /* "" : none */
    char base[CONFIG_PATH_MAX]; /* absolute folder of relative CSV paths */
    struct place data_place, dataset_place;
    const char *dataset; /* "": none */
    bool from_options;   /* relative paths start here, not at the configuration */
};

static struct request what_is_asked(struct loading *l, const struct draft *draft)
{
    const struct loader_options *options = l->options;
    struct request r = {.data = draft->fleet.feed.data.path,
                        .dataset = draft->fleet.feed.dataset.name,
                        .data_place = draft->fleet.feed.data.place,
                        .dataset_place = draft->fleet.feed.dataset.place};
    if (options->data != NULL) {
        r.data = options->data;
        r.from_options = true;
        r.data_place = (struct place){report_file(l, "--data"), 1, 1};
    }
    if (options->dataset != NULL) {
        r.dataset = options->dataset;
        r.dataset_place = (struct place){report_file(l, "--dataset"), 1, 1};
    } else if (options->data != NULL) {
        r.dataset = ""; /* the YAML's data set belongs to the YAML's data */
    }
    return r;
}

static bool is_path(const char *dataset)
{
    return strchr(dataset, '/') != NULL || path_ends(dataset, ".yaml");
}

bool source_wants(const struct loading *l, const struct draft *draft, const char *stem)
{
    const char *dataset = l->options->dataset;
    if (dataset == NULL)
        dataset = l->options->data != NULL ? "" : draft->fleet.feed.dataset.name;
    return dataset[0] != 0 && strcmp(dataset, stem) == 0;
}

int source_read_dataset(struct loading *l, const char *path, const char *shown, struct draft_dataset *out)
{
    struct document document;
    memset(out, 0, sizeof *out);
    if (document_open(l, path, shown, &document) != 0)
        return -EINVAL;
    out->place = document_place(&document, document_root(&document));
    int rc = schema_read(l, &document, document_root(&document), &table_dataset, "", out);
    document_close(&document);
    if (out->to_ns != 0 && out->to_ns <= out->from_ns) {
        report_error(l, out->place, "to", "not after from; write a later date");
        rc = -EINVAL;
    }
    return rc;
}

/* --- one instrument's file --------------------------------------------------------------- */

static uint32_t instrument_index(const struct fleet_config *out, const char *symbol)
{
    for (uint32_t i = 0; i < out->instrument_count; i++)
        if (strcmp(out->instruments[i].symbol, symbol) == 0)
            return i;
    return CONFIG_NONE;
}

static uint32_t timeframes_from(uint32_t base)
{
    return ((1u << TIMEFRAME_COUNT) - 1) & ~((1u << base) - 1);
}

static void take_file(struct loading *l, const struct request *r, const struct schema_path *file, const char *key,
                      char out[CONFIG_PATH_MAX])
{
    struct stat st;
    if (path_absolute(r->base, file->path, out) != 0)
        report_error(l, file->place, key, "path is too long; at most %d bytes", CONFIG_PATH_MAX - 1);
    else if (stat(out, &st) != 0 || access(out, R_OK) != 0)
        report_error(l, file->place, key, "%s: %s; name a file in %s", file->path, strerror(errno), r->base);
    else if (!S_ISREG(st.st_mode))
        report_error(l, file->place, key, "%s: not a regular file; name a CSV file", file->path);
}

static void activate(struct loading *l, const struct request *r, const struct draft_file *file,
                     struct config_instrument *instrument)
{
    char key[REPORT_KEY_MAX];
    uint32_t base = file->rows == DRAFT_TICKS ? TIMEFRAME_M1 : file->rows - DRAFT_M1 + TIMEFRAME_M1;
    instrument->active = true;
    instrument->file_kind = file->rows == DRAFT_TICKS ? FILE_TICKS : FILE_BARS;
    instrument->file_timeframe = base;
    instrument->timeframes = timeframes_from(base);
    instrument->price_kind = file->price_kind;
    instrument->volume_kind = file->volume_kind;
    instrument->file_from_ns = file->from_ns;
    instrument->file_to_ns = file->to_ns;
    snprintf(key, sizeof key, "files.%s.file", file->symbol);
    if (file->file.path[0] != 0)
        take_file(l, r, &file->file, key, instrument->file_path);
    snprintf(key, sizeof key, "files.%s.spread", file->symbol);
    if (file->spread.path[0] == 0)
        return;
    if (file->rows == DRAFT_TICKS)
        report_error(l, file->spread.place, key, "ticks carry their own spread; remove it");
    else
        take_file(l, r, &file->spread, key, instrument->spread_path);
}

static void unknown_symbol(struct loading *l, const struct draft_file *file)
{
    const char *known[CONFIG_INSTRUMENTS_MAX];
    char key[REPORT_KEY_MAX];
    for (uint32_t i = 0; i < l->out->instrument_count; i++)
        known[i] = l->out->instruments[i].symbol;
    const char *nearest = report_nearest(file->symbol, known, l->out->instrument_count);
    snprintf(key, sizeof key, "files.%s", file->symbol);
    report_error(l, file->place, key, "instruments.yaml does not know it; %s%s",
                 nearest != NULL ? "did you mean " : "add it there", nearest != NULL ? nearest : "");
}

static void apply_dataset(struct loading *l, struct draft *draft, const struct request *r)
{
    const struct draft_dataset *set = &draft->dataset;
    struct config_feed *feed = &l->out->feed;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct draft_file *file = &set->files[i];
        uint32_t at = instrument_index(l->out, file->symbol);
        char key[REPORT_KEY_MAX];
        snprintf(key, sizeof key, "files.%s.to", file->symbol);
        if (file->to_ns != 0 && file->to_ns <= file->from_ns)
            report_error(l, file->place, key, "not after from; write a later date");
        if (at != CONFIG_NONE)
            activate(l, r, file, &l->out->instruments[at]);
        else if (!draft->instruments_broken)
            unknown_symbol(l, file);
    }
    memcpy(feed->source_name, set->name, sizeof feed->source_name);
    feed->from_ns = feed->from_ns != 0 ? feed->from_ns : set->from_ns;
    feed->to_ns = feed->to_ns != 0 ? feed->to_ns : set->to_ns;
    if (feed->to_ns != 0 && feed->to_ns <= feed->from_ns)
        report_error(l, draft->fleet_place, "feed.to", "not after the data set's from; write a later date");
}

/* --- a folder without a data-set file ------------------------------------------------------- */

/* Choose among the files for one instrument. True when one was found. */
static bool choose_file(struct loading *l, const struct request *r, const struct folder *folder, uint32_t index)
{
    struct config_instrument *instrument = &l->out->instruments[index];
    bool fx_like = instrument->asset_class != ASSET_CRYPTO && instrument->asset_class != ASSET_FUTURE;
    struct draft_file file = {.price_kind = fx_like ? PRICE_BID : PRICE_LAST,
                              .volume_kind = fx_like ? VOLUME_TICK : VOLUME_EXCHANGE};
    const struct folder_file *first = NULL;
    for (size_t i = 0; i < folder->count; i++) {
        const struct folder_file *candidate = &folder->files[i];
        if (strcmp(candidate->symbol, instrument->symbol) != 0 || candidate->is_spread)
            continue;
        if (first != NULL) {
            report_error(l, r->data_place, instrument->symbol,
                         "two files, %s and %s; choose with a data-set file (--dataset NAME, config/README.md)",
                         first->name, candidate->name);
            return true;
        }
        first = candidate;
    }
    if (first == NULL)
        return false;
    const struct folder_file *spread = folder_spread_of(folder, first);
    memcpy(file.symbol, instrument->symbol, sizeof file.symbol);
    file.rows = first->rows;
    file.file.place = file.spread.place = r->data_place;
    snprintf(file.file.path, sizeof file.file.path, "%s", first->name);
    if (spread != NULL)
        snprintf(file.spread.path, sizeof file.spread.path, "%s", spread->name);
    activate(l, r, &file, instrument);
    return true;
}

static void warn_unknown(struct loading *l, const struct request *r, const struct folder *folder)
{
    char list[256] = "";
    const char *last = "";
    size_t length = 0;
    for (size_t i = 0; i < folder->count; i++) {
        const char *symbol = folder->files[i].symbol;
        if (instrument_index(l->out, symbol) != CONFIG_NONE || strcmp(symbol, last) == 0)
            continue;
        last = symbol;
        if (length < sizeof list)
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", length > 0 ? ", " : "", symbol);
    }
    if (length > 0)
        report_warning(l, r->data_place, "data", "instruments.yaml does not know, so ignored: %s", list);
}

static void apply_folder(struct loading *l, struct draft *draft, const struct request *r)
{
    struct folder folder;
    unsigned errors_before = l->report->error_count;
    int rc = folder_read(r->base, &folder);
    if (rc != 0) {
        report_error(l, r->data_place, "data", "%s: %s; name a folder of CSV files", r->data, strerror(-rc));
        draft->dataset_broken = true;
        return;
    }
    bool found = false;
    for (uint32_t i = 0; i < l->out->instrument_count; i++)
        found |= choose_file(l, r, &folder, i);
    if (!draft->instruments_broken) {
        warn_unknown(l, r, &folder);
        if (!found)
            report_error(l, r->data_place, "data",
                         "%s has no file for any instrument; expected SYMBOL_TF.csv, TF one of M1, M5, M15, H1, or "
                         "SYMBOL_ticks.csv",
                         r->data);
    }
    folder_free(&folder);
    draft->dataset_broken = l->report->error_count > errors_before;
    const char *name = strrchr(r->base, '/');
    snprintf(l->out->feed.source_name, sizeof l->out->feed.source_name, "%.31s", name != NULL ? name + 1 : r->base);
}

/* --- which data set ------------------------------------------------------------------------- */

static void load_dataset(struct loading *l, struct draft *draft, const char *path, const char *shown)
{
    draft->has_dataset = true;
    if (source_read_dataset(l, path, shown, &draft->dataset) != 0)
        draft->dataset_broken = true;
}

/* A data set by name or path; datasets/ of the configuration was looked through already. */
static void find_dataset(struct loading *l, struct draft *draft, const struct request *r)
{
    char name[CONFIG_PATH_MAX], path[CONFIG_PATH_MAX], shown[REPORT_NAME_MAX];
    bool by_option = l->options->dataset != NULL;
    if (draft->has_dataset)
        return;
    if (is_path(r->dataset)) {
        if ((by_option ? path_from_here(r->dataset, path) : path_absolute(draft->config_dir, r->dataset, path)) == 0)
            load_dataset(l, draft, path, r->dataset);
        return;
    }
    snprintf(name, sizeof name, "%s.yaml", r->dataset);
    if (path_join(r->base, name, path, sizeof path) == 0 && access(path, F_OK) == 0 &&
        path_join(r->data, name, shown, sizeof shown) == 0) {
        load_dataset(l, draft, path, shown);
        return;
    }
    report_error(l, r->dataset_place, "dataset",
                 "no data set \"%s\"; name one of datasets/*.yaml, or the path of a file", r->dataset);
    draft->dataset_broken = true;
}

/* A data-set file that lies beside the CSV files. */
static void find_dataset_in_folder(struct loading *l, struct draft *draft, const struct request *r)
{
    struct path_names names;
    char path[CONFIG_PATH_MAX], shown[REPORT_NAME_MAX];
    if (path_names_read(r->base, ".yaml", &names) != 0)
        return;
    if (names.count > 1) {
        report_error(l, r->data_place, "data", "several data-set files, %s and %s; choose with --dataset NAME",
                     names.list[0], names.list[1]);
        draft->dataset_broken = true;
    } else if (names.count == 1 && path_join(r->base, names.list[0], path, sizeof path) == 0 &&
               path_join(r->data, names.list[0], shown, sizeof shown) == 0) {
        load_dataset(l, draft, path, shown);
    }
    path_names_free(&names);
}

/* r->base from r->data; false when there is nothing there. A data-set file itself is read at once. */
static bool locate_data(struct loading *l, struct draft *draft, struct request *r)
{
    struct stat st;
    char path[CONFIG_PATH_MAX];
    if (r->data[0] == 0) {
        report_error(l, draft->fleet_place, "feed.data",
                     "source is dataset, but no data is named; write it, or give --data DIR");
        return false;
    }
    int rc = r->from_options ? path_from_here(r->data, path) : path_absolute(draft->config_dir, r->data, path);
    if (rc != 0 || stat(path, &st) != 0) {
        report_error(l, r->data_place, "data", "%s: %s; name a folder of CSV files, or a data-set file", r->data,
                     rc != 0 ? "path is too long" : strerror(errno));
        return false;
    }
    memcpy(r->base, path, sizeof path);
    if (S_ISDIR(st.st_mode))
        return true;
    if (r->dataset[0] != 0) {
        report_error(l, r->dataset_place, "dataset", "%s is a data-set file already; name its folder, or drop this",
                     r->data);
        return false;
    }
    char *slash = strrchr(r->base, '/');
    slash[slash == r->base] = 0;
    load_dataset(l, draft, path, r->data);
    return true;
}

static void use_simulator(struct loading *l, const struct draft *draft)
{
    struct config_feed *feed = &l->out->feed;
    bool found = false;
    feed->source = SOURCE_SIMULATOR;
    snprintf(feed->source_name, sizeof feed->source_name, "simulator");
    feed->from_ns = feed->to_ns = 0; /* the simulator has a start and a number of days */
    for (uint32_t i = 0; i < l->out->instrument_count; i++) {
        struct config_instrument *instrument = &l->out->instruments[i];
        if (!draft->instruments.list[i].has_simulator)
            continue;
        found = instrument->active = true;
        instrument->file_kind = FILE_NONE;
        instrument->file_timeframe = feed->sim_timeframe;
        instrument->timeframes = timeframes_from(feed->sim_timeframe);
        instrument->price_kind = PRICE_BID;
        instrument->volume_kind = VOLUME_TICK;
    }
    if (!found && !draft->instruments_broken)
        report_error(l, draft->fleet_place, "feed.source",
                     "no instrument can be simulated; give one a \"simulate\" section");
}

void source_resolve(struct loading *l, struct draft *draft)
{
    bool asked = l->options->data != NULL || l->options->dataset != NULL;
    if (!asked && l->out->feed.source == SOURCE_SIMULATOR) {
        use_simulator(l, draft);
        return;
    }
    struct request r = what_is_asked(l, draft);
    l->out->feed.source = SOURCE_DATASET;
    if (!locate_data(l, draft, &r)) {
        draft->dataset_broken = true;
        return;
    }
    if (r.dataset[0] != 0)
        find_dataset(l, draft, &r);
    else if (!draft->has_dataset)
        find_dataset_in_folder(l, draft, &r);
    if (draft->has_dataset)
        apply_dataset(l, draft, &r);
    else if (!draft->dataset_broken)
        apply_folder(l, draft, &r);
}
