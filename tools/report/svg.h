/* svg: charts as SVG text inside an HTML page. Colours and fonts are the page's classes (html.c). All output goes to a FILE;
 * the caller looks at its error flag once. Coordinates are rounded to a tenth of a pixel. */
#ifndef PROPFLEET_TOOLS_REPORT_SVG_H
#define PROPFLEET_TOOLS_REPORT_SVG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A value over time: low..high of a span, and where it ended. */
struct svg_point {
    int64_t time_ns;
    double low, high, last;
};
/* A long series in few points: when it is full, neighbours are put together, so that every extreme stays. Zero at first. */
#define SVG_POINTS_MAX 600u
struct svg_curve {
    struct svg_point points[SVG_POINTS_MAX];
    uint32_t count;
    uint32_t stride, held;  /* samples in a point (0: none yet), in the last point */
};
void svg_curve_add(struct svg_curve *curve, int64_t time_ns, double value);

/* Lines of points, oldest first, on one axis: y from the data; times below. `unit` goes behind the y labels. Fewer than two
 * points: a sentence that says so. */
struct svg_line {
    const struct svg_point *points;
    uint32_t count;
    bool area;          /* filled down to 0: drawdown */
    double reference;   /* a dashed line there (initial balance); NaN: none */
    const char *title, *unit;
};
void svg_line(FILE *out, const struct svg_line *line);

/* Bars over labels: a histogram or counts. */
struct svg_bar {
    const char *label;
    double value;
    bool negative;      /* drawn in the colour of losses */
};
void svg_bars(FILE *out, const char *title, const struct svg_bar *bars, uint32_t count);

/* Points with vertical intervals against the diagonal of [0,1]: a calibration curve. */
struct svg_dot {
    double x, y, low, high;
    uint64_t n;
};
void svg_calibration(FILE *out, const char *title, const struct svg_dot *dots, uint32_t count);

#endif
