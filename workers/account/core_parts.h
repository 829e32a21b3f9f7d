/* core_parts: what the files of the core share. Internal to workers/account/core*.c. */
#ifndef PROPFLEET_WORKERS_ACCOUNT_CORE_PARTS_H
#define PROPFLEET_WORKERS_ACCOUNT_CORE_PARTS_H

#include "workers/account/core.h"
#include "workers/account/journal.h"

/* --- core.c: state, output ------------------------------------------------------------------ */
/* A new record; core_record_end keeps it. Only one is open at a time. */
uint64_t core_record_begin(struct core *core, struct journal_writer *writer, const char *kind);
void core_record_end(struct core *core, struct journal_writer *writer);
void core_record_instrument(const struct core *core, struct journal_writer *writer, uint32_t instrument);
struct core_action *core_action_add(struct core *core, enum core_action_kind kind);
void core_alert(struct core *core, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Rate from an instrument's profit currency to the account's, taken adversely. False: none is known yet. */
bool core_rate(const struct core *core, uint32_t instrument, dec_t *out);
/* Balance and floating of all positions at the last quotes; *high with the best price since the last END. */
void core_equity(const struct core *core, dec_t *equity, dec_t *high);
dec_t core_position_risk(const struct core *core, const struct core_position *position);
dec_t core_margin_used(const struct core *core);

struct core_position *core_position_find(struct core *core, uint64_t id);
struct core_position *core_position_on(struct core *core, uint32_t instrument);
struct core_position *core_position_slot(struct core *core);
struct order *core_order_find(struct core *core, uint64_t intent);
struct order *core_order_new(struct core *core, uint32_t role, const struct core_position *position, uint32_t side,
                             uint32_t type, dec_t qty, dec_t price);
/* A position or a reservation changed: the coordinator is told at the next END. */
void core_report_due(struct core *core, uint32_t instrument, uint64_t proposal, dec_t reserved_qty);

/* --- core_entries.c: signal -> proposal -> order ------------------------------------------------ */
void core_signals(struct core *core);
void core_on_answer(struct core *core, const struct wire_answer *answer);
struct broker_request core_entry_request(const struct core *core, const struct core_position *position,
                                         const struct order *entry);

/* --- core_exits.c: limits, time stops, closes ---------------------------------------------------- */
void core_mark(struct core *core);
void core_exits(struct core *core);
void core_close_all(struct core *core, enum core_exit why);
void core_on_command(struct core *core, enum core_command command, const char *user);

/* --- core_reports.c: what the venue says ---------------------------------------------------------- */
void core_on_report(struct core *core, const struct broker_report *report);

#endif
