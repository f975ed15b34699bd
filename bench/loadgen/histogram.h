/* A histogram of microseconds with 128 steps for each power of two: every value is right to 0.8 per cent. */
#ifndef CHATIRE_HISTOGRAM_H
#define CHATIRE_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

enum { HISTOGRAM_STEPS = 128, HISTOGRAM_POWERS = 40 };

struct histogram {
    uint64_t counts[HISTOGRAM_POWERS][HISTOGRAM_STEPS];
    uint64_t total;
    uint64_t largest;
};

void histogram_clear(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t microseconds);
/* The smallest value that `share` (0 to 1) of all are not above; 0 when there are none. */
uint64_t histogram_at(const struct histogram *histogram, double share);
/* "name":{"count":…,"p50_us":…,"p90_us":…,"p99_us":…,"p999_us":…,"max_us":…} */
void histogram_print(const struct histogram *histogram, const char *name, FILE *out);

#endif
