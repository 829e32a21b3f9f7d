#include "tools/report/svg.h"

#include <inttypes.h>
#include <math.h>

#include "tools/text.h"

#define WIDTH 860.0
#define HEIGHT 220.0
#define LEFT 84.0
#define RIGHT 12.0
#define TOP 26.0
#define BOTTOM 26.0
#define TICKS 4

/* --- series ------------------------------------------------------------------------------------------------------- */

/* Half as many points, each of two. */
static void curve_halve(struct svg_curve *curve)
{
    for (uint32_t i = 0; i < curve->count / 2; i++) {
        const struct svg_point *a = &curve->points[2 * i], *b = a + 1;
        curve->points[i] = (struct svg_point){b->time_ns, fmin(a->low, b->low), fmax(a->high, b->high), b->last};
    }
    curve->count /= 2;
    curve->stride *= 2;
}

void svg_curve_add(struct svg_curve *curve, int64_t time_ns, double value)
{
    if (curve->stride == 0)
        curve->stride = 1;
    if (curve->count == 0 || curve->held == curve->stride) {
        if (curve->count == SVG_POINTS_MAX)
            curve_halve(curve);
        curve->points[curve->count++] = (struct svg_point){time_ns, value, value, value};
        curve->held = 1;
        return;
    }
    struct svg_point *last = &curve->points[curve->count - 1];
    last->time_ns = time_ns;
    last->low = fmin(last->low, value);
    last->high = fmax(last->high, value);
    last->last = value;
    curve->held++;
}

/* --- charts ------------------------------------------------------------------------------------------------------- */

struct frame {
    double x0, x1, y0, y1;       /* pixels */
    double from, to, low, high;  /* values */
};

static double at(double value, double from, double to, double pixel_from, double pixel_to)
{
    return to > from ? pixel_from + (value - from) / (to - from) * (pixel_to - pixel_from) : (pixel_from + pixel_to) / 2;
}
static double frame_x(const struct frame *f, double x) { return at(x, f->from, f->to, f->x0, f->x1); }
static double frame_y(const struct frame *f, double y) { return at(y, f->low, f->high, f->y1, f->y0); }

static void svg_open(FILE *out, const char *title, double height)
{
    fprintf(out, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\"><text class=\"t\" x=\"%.0f\" y=\"16\">%s</text>\n",
            WIDTH, height, title, LEFT, title);
}

static void svg_text(FILE *out, double x, double y, const char *anchor, const char *text)
{
    fprintf(out, "<text class=\"a\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, text);
}

/* 1, 2 or 5 times a power of ten, so that a span has about TICKS steps. */
static double nice_step(double span)
{
    if (!(span > 0) || !isfinite(span))
        return 1;
    double raw = span / TICKS, power = pow(10, floor(log10(raw))), share = raw / power;
    return power * (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10);
}

static void y_axis(FILE *out, const struct frame *f, const char *unit)
{
    double step = nice_step(f->high - f->low);
    int digits = step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3;
    int first = (int)ceil(f->low / step), last = (int)floor(f->high / step + 1e-9); /* at most 2 * TICKS of them */
    for (int i = first; i <= last; i++) {
        char label[48];
        double v = i * step;
        snprintf(label, sizeof label, "%.*f%s", digits, fabs(v) < step * 1e-9 ? 0.0 : v, unit);
        fprintf(out, "<line class=\"g\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", f->x0, f->x1, frame_y(f, v), frame_y(f, v));
        svg_text(out, f->x0 - 6, frame_y(f, v) + 4, "end", label);
    }
}

static void time_axis(FILE *out, const struct frame *f)
{
    for (int i = 0; i <= TICKS; i++) {
        char text[TEXT_MAX];
        double time = f->from + (f->to - f->from) * i / TICKS;
        text_time((int64_t)time, false, text);
        text[10] = '\0'; /* the date */
        svg_text(out, frame_x(f, time), f->y1 + 17, i == 0 ? "start" : i == TICKS ? "end" : "middle", text);
    }
}

static void line_range(const struct svg_line *line, struct frame *f)
{
    f->low = INFINITY;
    f->high = -INFINITY;
    for (uint32_t i = 0; i < line->count; i++) {
        f->low = fmin(f->low, line->points[i].low);
        f->high = fmax(f->high, line->points[i].high);
    }
    if (line->area)
        f->high = fmax(f->high, 0), f->low = fmin(f->low, 0);
    if (!isnan(line->reference))
        f->low = fmin(f->low, line->reference), f->high = fmax(f->high, line->reference);
    double room = (f->high - f->low) * 0.04;
    if (room <= 0)
        room = fmax(fabs(f->high) * 0.001, 0.001);
    f->low -= room;
    f->high += line->area ? 0 : room;
}

void svg_line(FILE *out, const struct svg_line *line)
{
    if (line->count < 2) {
        fprintf(out, "<p class=\"none\">%s: fewer than two points.</p>\n", line->title);
        return;
    }
    struct frame f = {.x0 = LEFT, .x1 = WIDTH - RIGHT, .y0 = TOP, .y1 = HEIGHT - BOTTOM,
                      .from = (double)line->points[0].time_ns, .to = (double)line->points[line->count - 1].time_ns};
    line_range(line, &f);
    svg_open(out, line->title, HEIGHT);
    y_axis(out, &f, line->unit);
    time_axis(out, &f);
    if (!isnan(line->reference))
        fprintf(out, "<line class=\"r\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", f.x0, f.x1,
                frame_y(&f, line->reference), frame_y(&f, line->reference));
    fprintf(out, "<path class=\"%s\" d=\"", line->area ? "d" : "l");
    if (line->area)
        fprintf(out, "M%.1f %.1f", f.x0, frame_y(&f, 0));
    for (uint32_t i = 0; i < line->count; i++) { /* through the extremes, so that no fall is left out of the picture */
        const struct svg_point *p = &line->points[i];
        fprintf(out, "%c%.1f %.1fL%.1f %.1fL%.1f %.1f", i == 0 && !line->area ? 'M' : 'L', frame_x(&f, (double)p->time_ns),
                frame_y(&f, p->high), frame_x(&f, (double)p->time_ns), frame_y(&f, p->low), frame_x(&f, (double)p->time_ns),
                frame_y(&f, p->last));
    }
    if (line->area)
        fprintf(out, "L%.1f %.1fZ", f.x1, frame_y(&f, 0));
    fputs("\"/></svg>\n", out);
}

void svg_bars(FILE *out, const char *title, const struct svg_bar *bars, uint32_t count)
{
    double top = 0;
    for (uint32_t i = 0; i < count; i++)
        top = fmax(top, bars[i].value);
    if (count == 0 || top <= 0) {
        fprintf(out, "<p class=\"none\">%s: nothing to show.</p>\n", title);
        return;
    }
    struct frame f = {.x0 = LEFT, .x1 = WIDTH - RIGHT, .y0 = TOP, .y1 = HEIGHT - BOTTOM, .from = 0, .to = count, .low = 0, .high = top * 1.08};
    svg_open(out, title, HEIGHT);
    y_axis(out, &f, "");
    for (uint32_t i = 0; i < count; i++) {
        double x = frame_x(&f, i + 0.1), width = frame_x(&f, i + 0.9) - x, y = frame_y(&f, bars[i].value);
        fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>%s: %.4g</title></rect>\n",
                bars[i].negative ? "n" : "p", x, y, width, f.y1 - y, bars[i].label, bars[i].value);
        svg_text(out, x + width / 2, f.y1 + 17, "middle", bars[i].label);
    }
    fputs("</svg>\n", out);
}

void svg_calibration(FILE *out, const char *title, const struct svg_dot *dots, uint32_t count)
{
    const double side = 300;
    struct frame f = {.x0 = LEFT, .x1 = LEFT + side, .y0 = TOP, .y1 = TOP + side, .from = 0, .to = 1, .low = 0, .high = 1};
    if (count == 0) {
        fprintf(out, "<p class=\"none\">%s: no signal with a probability and a known outcome.</p>\n", title);
        return;
    }
    svg_open(out, title, TOP + side + BOTTOM);
    y_axis(out, &f, "");
    for (int i = 0; i <= TICKS; i++) {
        char label[16];
        snprintf(label, sizeof label, "%.2g", (double)i / TICKS);
        svg_text(out, frame_x(&f, (double)i / TICKS), f.y1 + 17, "middle", label);
    }
    fprintf(out, "<line class=\"r\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", f.x0, f.y1, f.x1, f.y0);
    for (uint32_t i = 0; i < count; i++) {
        double x = frame_x(&f, dots[i].x);
        fprintf(out, "<line class=\"i\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/><circle class=\"c\" cx=\"%.1f\" cy=\"%.1f\" "
                "r=\"4\"><title>predicted %.3f, came %.3f, n %" PRIu64 "</title></circle>\n", x, x, frame_y(&f, dots[i].low),
                frame_y(&f, dots[i].high), x, frame_y(&f, dots[i].y), dots[i].x, dots[i].y, dots[i].n);
    }
    fputs("</svg>\n", out);
}
