/* Random numbers: draw = hash(seed, account, intent, kind and number), never a stream.
 *
 * exp and log are written out here with +, -, * and / only, because a C library chooses its own by the
 * processor that it finds (with or without fused multiply-add): a replay elsewhere would differ in the
 * last bit. The tree is compiled without contraction (-ffp-contract=off). */
#include "workers/broker/paper_internal.h"

#include <assert.h>

#include "base/hash.h"

#define QUANTILE_99 2.3263478740408408 /* of the standard normal distribution */
#define LATENCY_MAX_NS (INT64_C(60) * 1000000000)

uint64_t paper_draw(const struct paper *v, uint64_t intent, enum paper_draw_kind kind, uint32_t number)
{
    uint64_t h = hash_combine(v->model->seed, v->meta.account);
    return hash_combine(hash_combine(h, intent), (uint64_t)kind << 32 | number);
}

double paper_draw_uniform(uint64_t draw)
{
    return ((double)(draw >> 11) + 0.5) * 0x1p-53;
}

static double natural_log(double x) /* x > 0 */
{
    int exponent = 0;
    while (x > 1.4142135623730951) {
        x *= 0.5;
        exponent++;
    }
    while (x < 0.7071067811865476) {
        x *= 2;
        exponent--;
    }
    /* log x = 2 atanh z, |z| < 0.172: the 12th term is below 2^-60 */
    double z = (x - 1) / (x + 1), square = z * z, sum = 0;
    for (int k = 23; k >= 1; k -= 2)
        sum = sum * square + 1.0 / k;
    return 2 * z * sum + exponent * 0.6931471805599453;
}

static double exponential(double x) /* |x| < 700 */
{
    int exponent = 0;
    while (x > 0.34657359027997264) {
        x -= 0.6931471805599453;
        exponent++;
    }
    while (x < -0.34657359027997264) {
        x += 0.6931471805599453;
        exponent--;
    }
    double sum = 1;
    for (int k = 16; k >= 1; k--)
        sum = 1 + x / k * sum;
    for (; exponent > 0; exponent--)
        sum *= 2;
    for (; exponent < 0; exponent++)
        sum *= 0.5;
    return sum;
}

static double polynomial(const double *coefficients, int count, double x)
{
    double sum = 0;
    for (int i = count - 1; i >= 0; i--)
        sum = sum * x + coefficients[i];
    return sum;
}

/* The normal quantile function: Wichura (1988), algorithm AS 241, PPND16. */
static double normal_quantile(double p)
{
    static const double a[] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                               1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                               3.3430575583588128105e4, 2.5090809287301226727e3};
    static const double b[] = {1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
                               2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
                               5.2264952788528545610e3};
    static const double c[] = {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
                               3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
                               2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[] = {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
                               1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
                               1.05075007164441684324e-9};
    static const double e[] = {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
                               2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[] = {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
                               7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
                               2.04426310338993978564e-15};
    double q = p - 0.5;
    if (q >= -0.425 && q <= 0.425) {
        double r = 0.180625 - q * q;
        return q * polynomial(a, 8, r) / polynomial(b, 8, r);
    }
    double tail = q < 0 ? p : 1 - p;
    double r = exponential(0.5 * natural_log(-natural_log(tail))); /* a square root */
    double z = r <= 5 ? polynomial(c, 8, r - 1.6) / polynomial(d, 8, r - 1.6)
                      : polynomial(e, 8, r - 5) / polynomial(f, 8, r - 5);
    return q < 0 ? -z : z;
}

double paper_draw_normal(uint64_t draw)
{
    return normal_quantile(paper_draw_uniform(draw));
}

/* Of a lognormal with this median and 99th percentile: p99 = median * exp(2.326 sigma). */
double paper_draw_latency_sigma(const struct config_paper *model)
{
    if (model->latency_in_ns <= 0 || model->latency_p99_ns <= model->latency_in_ns)
        return 0;
    return natural_log((double)model->latency_p99_ns / (double)model->latency_in_ns) / QUANTILE_99;
}

int64_t paper_draw_latency(const struct paper *v, uint64_t intent, enum paper_draw_kind kind, uint32_t number)
{
    int64_t median = kind == DRAW_LATENCY_OUT ? v->model->latency_out_ns : v->model->latency_in_ns;
    if (v->ideal || median <= 0)
        return 0;
    double z = paper_draw_normal(paper_draw(v, intent, kind, number));
    double latency = (double)median * exponential(v->latency_sigma * z);
    return latency < (double)LATENCY_MAX_NS ? (int64_t)(latency + 0.5) : LATENCY_MAX_NS;
}

int64_t paper_draw_slippage(const struct paper *v, uint64_t intent, uint32_t number, double spread_ticks)
{
    if (v->ideal || v->model->slippage_spread_k <= 0)
        return 0;
    double ticks = paper_draw_normal(paper_draw(v, intent, DRAW_SLIPPAGE, number)) * v->model->slippage_spread_k * spread_ticks;
    if (ticks <= 0)
        return 0;
    int64_t whole = (int64_t)ticks;
    return whole + ((double)whole < ticks);
}
