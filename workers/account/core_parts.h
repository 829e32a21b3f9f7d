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

/* Floating result of what is open of a position at `price`, account currency. */
dec_t core_floating(const struct core *core, const struct core_position *position, dec_t price);

void core_phase_name(const struct core *core, char out[3 * CONFIG_NAME_MAX]);
/* P7: what today would make (closed, and the open book at its targets) has reached the daily cap or the best day's. *today and
 * *cap: both sides; cap DEC_MAX, and today then 0: the firm has none. */
bool core_day_capped(const struct core *core, dec_t *today, dec_t *cap);

/* --- core_rules.c: the firm's rules ---------------------------------------------------------------- */
/* Mark equity, cross boundaries, run the guard and act on it. */
void core_guard(struct core *core);
uint32_t core_rules_refusal(const struct core *core); /* latch or guard: why no new risk may be added; NONE */
uint32_t core_rule_refusal(const struct core *core, const struct rules_answer *answer); /* of its first refusal */
/* What `lots` of a signal would be to the rules; false: no quote or no rate. */
bool core_entry_terms(const struct core *core, const struct signal *signal, dec_t lots, struct rules_request *out);
/* Positions, entries on their way and proposals without an answer; out holds CORE_POSITIONS_MAX + CORE_PROPOSALS_MAX. */
uint32_t core_legs(const struct core *core, const struct core_proposal *without, struct rules_leg *out);
/* The gate for an entry; journalled when signal_jseq is given. `without`: a proposal that is not in the book (it is what is
 * asked about). False: no quote or no rate. */
bool core_gate_entry(struct core *core, const struct signal *signal, uint64_t signal_jseq, const struct core_proposal *without,
                     dec_t lots, struct rules_answer *answer);
/* What the rules are told of the world now, for this instrument. */
struct rules_context core_context(const struct core *core, uint32_t instrument);
bool core_gate_close(struct core *core, struct core_position *position, enum rules_purpose purpose);
/* A window that forbids holding it, or fills of its orders, is near or here; an open loss cap (P2) is near. */
bool core_window_closes(const struct core *core, const struct core_position *position);
bool core_loss_closes(const struct core *core, const struct core_position *position);

/* --- core_exits.c: limits, time stops, closes ---------------------------------------------------- */
void core_exits(struct core *core);
void core_close_all(struct core *core, enum core_exit why);
/* One position: asks the venue to close what is open of it, one request at a time (again at each END, until it is flat). */
void core_close(struct core *core, struct core_position *position, enum core_exit why);
/* Its entry, when it is not final: cancelled; a fill may win the race. */
void core_cancel_entry(struct core *core, struct core_position *position);
void core_on_command(struct core *core, const struct core_event *event);

/* --- core_reports.c: what the venue says ---------------------------------------------------------- */
void core_on_report(struct core *core, const struct broker_report *report);
/* A close, or a stop or target for a position that is open, as it was or will be sent. */
struct broker_request core_close_request(const struct order *order, uint64_t seq);
/* The trade of a position of which nothing is open any more: its row, its record, what the rules count. */
void core_trade_close(struct core *core, struct core_position *position);

/* --- core_venue.c: what the venue holds and the book does not -------------------------------------- */
const char *core_venue_refused(const struct core *core, const struct core_event *event);
void core_venue_apply(struct core *core, const struct core_event *event);
/* The fields of the command's record, as the book stands before it. */
void core_venue_record(const struct core *core, const struct core_event *event, struct journal_writer *writer);

#endif
