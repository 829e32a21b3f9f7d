/* When an instrument is closed, and what a position pays for a night. */
#include "workers/broker/paper_internal.h"

#include "base/tz.h"

enum { SUNDAY = 0, SATURDAY = 6 };

/* The week alone: what the venue quotes on a holiday it also fills. */
bool paper_session_closed(const struct fleet_config *config, uint32_t instrument, int64_t time_ns)
{
    struct hours hours = config_hours(config, instrument);
    return !hours_open_at(&hours, NULL, time_ns);
}

int64_t paper_session_next_swap(const struct fleet_config *config, int64_t time_ns)
{
    return tz_boundary_after(&config->zones[config->swap_zone], config->swap_second, time_ns);
}

/* Where weekends are closed their nights are in the triple one; elsewhere each night is charged as it
 * comes, and none counts three times. */
uint32_t paper_session_swap_nights(const struct fleet_config *config, uint32_t instrument, int64_t rollover_ns)
{
    const struct config_instrument *in = &config->instruments[instrument];
    if (!in->closed_weekend)
        return 1;
    int weekday = tz_weekday(&config->zones[config->swap_zone], rollover_ns);
    if (weekday == SATURDAY || weekday == SUNDAY)
        return 0;
    return (uint32_t)weekday == in->triple_swap_weekday ? 3 : 1;
}

void paper_session_post_swap(struct paper *v, struct paper_position *position)
{
    const struct config_instrument *in = paper_instrument(v, position->instrument);
    int64_t rollover_ns = position->next_swap_ns;
    position->next_swap_ns = paper_session_next_swap(v->config, rollover_ns);
    position->dirty = 1;
    v->changed = true;

    dec_t points = position->side == SIDE_BUY ? in->swap_long_points : in->swap_short_points, swap;
    int64_t nights = paper_session_swap_nights(v->config, position->instrument, rollover_ns);
    dec_t units = paper_money_product(position->qty, in->contract_size);
    dec_t amount = paper_money_product(paper_money_product(points * nights, in->tick), units);
    (void)paper_money_convert(v, position->instrument, amount, &swap);
    swap = paper_money_cents(swap);
    if (swap == 0)
        return;
    v->meta.balance = paper_money_sum(v->meta.balance, swap);
    struct broker_report report = {
        .time_ns = rollover_ns, .exec_type = EXEC_POSTING, .intent = position->position, .position = position->position,
        .instrument = position->instrument, .side = position->side, .qty = position->qty, .swap = swap,
    };
    paper_report_emit(v, &report, position->position, PAPER_POSITION_DRAWS + position->reported++);
}
