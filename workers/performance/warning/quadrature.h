/* quadrature: Gauss-Legendre nodes, for integrals of smooth functions in this folder. Pure. */
#ifndef PROPFLEET_WORKERS_PERFORMANCE_WARNING_QUADRATURE_H
#define PROPFLEET_WORKERS_PERFORMANCE_WARNING_QUADRATURE_H

#include <stdint.h>

/* Nodes, ascending, and weights of the rule with `count` >= 1 points on [low, high]; exact for polynomials of degree
 * 2 count - 1. The roots of the Legendre polynomial by Newton's method. */
void quadrature_legendre(uint32_t count, double low, double high, double *nodes, double *weights);

#endif
