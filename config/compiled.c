#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "config/digest.h"

/* Nobody may change a configuration once it is handed out, its maker included. */
#define CONFIG_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* --- what follows the struct --------------------------------------------------- */

static_assert(sizeof(struct fleet_config) % _Alignof(struct rules_event) == 0 &&
                  sizeof(struct rules_event) % _Alignof(struct hours_closure) == 0 && sizeof(struct rules_event) == 16 &&
                  sizeof(struct hours_closure) == 24 && sizeof(struct config_event_text) == 64,
              "the arrays follow each other without padding");

size_t config_size(const struct fleet_config *config)
{
    const struct config_calendar *c = &config->calendar;
    return sizeof *config + c->event_count * (sizeof(struct rules_event) + sizeof(struct config_event_text)) +
           c->closure_count * (sizeof(struct hours_closure) + sizeof(struct config_event_text));
}

const struct rules_event *config_events(const struct fleet_config *config)
{
    return (const struct rules_event *)(const void *)(config + 1);
}

const struct hours_closure *config_closures(const struct fleet_config *config)
{
    return (const struct hours_closure *)(const void *)(config_events(config) + config->calendar.event_count);
}

const struct config_event_text *config_event_texts(const struct fleet_config *config)
{
    return (const struct config_event_text *)(const void *)(config_closures(config) + config->calendar.closure_count);
}

/* --- digests ------------------------------------------------------------------ */

uint64_t config_digest(const struct fleet_config *config)
{
    size_t from = offsetof(struct fleet_config, digest) + sizeof config->digest;
    return hash_bytes((const unsigned char *)config + from, config_size(config) - from, 0);
}

static uint64_t digest_zone(const struct fleet_config *config, uint32_t zone, uint64_t seed)
{
    return hash_bytes(&config->zones[zone], sizeof config->zones[zone], seed);
}

/* Indices of zones and of other tables may move when a file is added elsewhere: their content
 * goes in, the index does not. Copies are made with memcpy, so that padding stays what it was. */
static uint64_t digest_programme(const struct fleet_config *config, uint32_t index, uint64_t seed)
{
    struct config_programme copy;
    memcpy(&copy, &config->programmes[index], sizeof copy);
    copy.zone = 0;
    copy.expired = false;
    for (uint32_t i = 0; i < RULES_DAYS_MAX; i++)
        copy.rules.days[i].zone = 0;
    for (uint32_t i = 0; i < RULES_WINDOWS_MAX; i++)
        copy.rules.windows[i].zone = 0;
    seed = hash_bytes(&copy, sizeof copy, seed);
    const struct rules_set *rules = &config->programmes[index].rules;
    for (uint32_t i = 0; i < rules->day_count && i < RULES_DAYS_MAX; i++)
        seed = digest_zone(config, rules->days[i].zone, seed);
    for (uint32_t i = 0; i < rules->window_count && i < RULES_WINDOWS_MAX; i++)
        if (rules->windows[i].kind == RULES_DAILY_SPAN)
            seed = digest_zone(config, rules->windows[i].zone, seed);
    return seed;
}

static uint64_t digest_instruments(const struct fleet_config *config, uint64_t seed)
{
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        struct config_instrument copy;
        memcpy(&copy, &config->instruments[i], sizeof copy);
        copy.session_zone = 0;
        seed = digest_zone(config, config->instruments[i].session_zone, hash_bytes(&copy, sizeof copy, seed));
    }
    return seed;
}

static uint64_t digest_feed(const struct fleet_config *config, uint64_t seed)
{
    struct config_feed copy;
    memcpy(&copy, &config->feed, sizeof copy);
    copy.speed = 0;
    copy.exit_at_end = false;
    copy.ring_slots = copy.history_bars = 0;
    copy.day_zone = 0;
    return digest_zone(config, config->feed.day_zone, hash_bytes(&copy, sizeof copy, seed));
}

uint64_t config_account_digest(const struct fleet_config *config, uint32_t index)
{
    struct config_account copy;
    memcpy(&copy, &config->accounts[index], sizeof copy);
    copy.programme = copy.personality = 0;
    copy.digest = 0;
    uint64_t h = hash_bytes(&copy, sizeof copy, 0);
    h = digest_programme(config, config->accounts[index].programme, h);
    h = hash_bytes(&config->personalities[config->accounts[index].personality], sizeof config->personalities[0], h);
    h = digest_instruments(config, h);
    h = digest_feed(config, h);
    h = hash_bytes(&config->coordination, sizeof config->coordination, h);
    h = hash_bytes(&config->store, sizeof config->store, h);
    h = hash_bytes(config->owner, sizeof config->owner, h);
    h = hash_bytes(&config->host, sizeof config->host, h);
    h = hash_bytes(&config->mode, sizeof config->mode, h);
    h = hash_bytes(config->state_dir, sizeof config->state_dir, h);
    h = hash_bytes(config->runtime_dir, sizeof config->runtime_dir, h);
    h = hash_bytes(&config->swap_second, sizeof config->swap_second, h);
    h = hash_bytes(&config->calendar.digest, sizeof config->calendar.digest, h);
    return digest_zone(config, config->swap_zone, h);
}

void config_stamp(struct fleet_config *config)
{
    config->magic = CONFIG_MAGIC;
    config->version = CONFIG_VERSION;
    config->size_bytes = (uint32_t)config_size(config);
    config->digest = config_digest(config);
}

/* --- the memfd ---------------------------------------------------------------- */

static int require_sealed(int fd, struct error *err)
{
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0)
        return error_errno(err, errno, "compiled configuration: not a memfd");
    if ((seals & CONFIG_SEALS) != CONFIG_SEALS)
        return error_set(err, EPERM, "compiled configuration: not sealed");
    return 0;
}

const struct fleet_config *config_map(int fd, struct error *err)
{
    struct stat st;
    if (require_sealed(fd, err) != 0)
        return NULL;
    if (fstat(fd, &st) != 0) {
        error_errno(err, errno, "compiled configuration: fstat");
        return NULL;
    }
    size_t size = (size_t)st.st_size;
    if (st.st_size < (off_t)sizeof(struct fleet_config) || size > CONFIG_BYTES_MAX) {
        error_set(err, EINVAL, "compiled configuration: %lld bytes, not %zu: made by another version of propfleet",
                  (long long)st.st_size, sizeof(struct fleet_config));
        return NULL;
    }
    /* All of it is checked below: one call maps the pages, instead of a fault for each. */
    void *memory = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (memory == MAP_FAILED) {
        error_errno(err, errno, "compiled configuration: mmap");
        return NULL;
    }
    if (config_check(memory, size, err) != 0) {
        munmap(memory, size);
        return NULL;
    }
    return memory;
}

void config_unmap(const struct fleet_config *config)
{
    /* munmap takes a writable pointer, and writes nothing through it. */
    if (config != NULL) // NOLINTNEXTLINE(performance-no-int-to-ptr): a cast that -Wcast-qual lets pass
        munmap((void *)(uintptr_t)config, config->size_bytes); /* as checked */
}

int config_seal_fd(int fd, struct error *err)
{
    if (fcntl(fd, F_ADD_SEALS, CONFIG_SEALS) != 0)
        return error_errno(err, errno, "compiled configuration: seal");
    return 0;
}

static int write_all(int fd, const void *data, size_t size, struct error *err)
{
    const unsigned char *at = data;
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(fd, at + done, size - done, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_errno(err, n < 0 ? errno : EIO, "compiled configuration: write");
        done += (size_t)n;
    }
    return 0;
}

int config_seal(const struct fleet_config *config, struct error *err)
{
    int fd = memfd_create("propfleet-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return error_errno(err, errno, "compiled configuration: memfd_create");
    int rc = write_all(fd, config, config_size(config), err);
    if (rc == 0)
        rc = config_seal_fd(fd, err);
    if (rc != 0) {
        close(fd);
        return rc;
    }
    return fd;
}

/* --- accounts ----------------------------------------------------------------- */

uint32_t config_account_index(const struct fleet_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->account_count; i++)
        if (config->accounts[i].name[0] != 0 && strcmp(config->accounts[i].name, name) == 0)
            return i;
    return CONFIG_NONE;
}

static uint32_t first_free(const struct fleet_config *current, const struct config_account *placed)
{
    for (uint32_t i = 0; i < CONFIG_ACCOUNTS_MAX; i++) {
        bool used_now = i < current->account_count && current->accounts[i].name[0] != 0;
        if (!used_now && placed[i].name[0] == 0)
            return i;
    }
    return CONFIG_NONE;
}

int config_merge(const struct fleet_config *current, struct fleet_config *next, struct error *err)
{
    struct config_account placed[CONFIG_ACCOUNTS_MAX];
    uint32_t count = current->account_count;
    memset(placed, 0, sizeof placed);
    for (uint32_t i = 0; i < next->account_count; i++) {
        const struct config_account *account = &next->accounts[i];
        uint32_t at = account->name[0] == 0 ? CONFIG_NONE : config_account_index(current, account->name);
        if (at != CONFIG_NONE)
            memcpy(&placed[at], account, sizeof *account);
    }
    for (uint32_t i = 0; i < next->account_count; i++) {
        const struct config_account *account = &next->accounts[i];
        if (account->name[0] == 0 || config_account_index(current, account->name) != CONFIG_NONE)
            continue;
        uint32_t at = first_free(current, placed);
        if (at == CONFIG_NONE)
            return error_set(err, E2BIG,
                             "account %s: no place among %d: remove accounts in one reload, add in the next",
                             account->name, CONFIG_ACCOUNTS_MAX);
        memcpy(&placed[at], account, sizeof *account);
        count = at + 1 > count ? at + 1 : count;
    }
    memcpy(next->accounts, placed, sizeof placed);
    next->account_count = count;
    config_stamp(next);
    return 0;
}
