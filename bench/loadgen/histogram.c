#include "histogram.h"

#include <string.h>

void histogram_clear(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

/* Values below 128 have a step each; above, the seven bits behind the leading one choose the step. */
static void place(uint64_t value, unsigned *power, unsigned *step)
{
    if (value < HISTOGRAM_STEPS) {
        *power = 0;
        *step = (unsigned)value;
        return;
    }
    unsigned shift = (63u - (unsigned)__builtin_clzll(value)) - 7u;
    if (shift + 1u >= HISTOGRAM_POWERS)
        shift = HISTOGRAM_POWERS - 2u;
    uint64_t scaled = value >> shift;
    *power = shift + 1u;
    *step = scaled >= 2u * HISTOGRAM_STEPS ? HISTOGRAM_STEPS - 1u : (unsigned)(scaled - HISTOGRAM_STEPS);
}

static uint64_t upper_end(unsigned power, unsigned step)
{
    if (power == 0)
        return step;
    unsigned shift = power - 1u;
    return (((uint64_t)HISTOGRAM_STEPS + step + 1u) << shift) - 1u;
}

void histogram_add(struct histogram *histogram, uint64_t microseconds)
{
    unsigned power, step;
    place(microseconds, &power, &step);
    histogram->counts[power][step]++;
    histogram->total++;
    if (microseconds > histogram->largest)
        histogram->largest = microseconds;
}

uint64_t histogram_at(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->total + 0.999999);
    uint64_t seen = 0;
    if (histogram->total == 0)
        return 0;
    if (wanted == 0)
        wanted = 1;
    for (unsigned power = 0; power < HISTOGRAM_POWERS; power++) {
        for (unsigned step = 0; step < HISTOGRAM_STEPS; step++) {
            seen += histogram->counts[power][step];
            if (seen >= wanted) {
                uint64_t end = upper_end(power, step);
                return end < histogram->largest ? end : histogram->largest;
            }
        }
    }
    return histogram->largest;
}

void histogram_print(const struct histogram *histogram, const char *name, FILE *out)
{
    fprintf(out, "\"%s\":{\"count\":%lu,\"p50_us\":%lu,\"p90_us\":%lu,\"p99_us\":%lu,\"p999_us\":%lu,\"max_us\":%lu}", name,
            (unsigned long)histogram->total, (unsigned long)histogram_at(histogram, 0.5),
            (unsigned long)histogram_at(histogram, 0.9), (unsigned long)histogram_at(histogram, 0.99),
            (unsigned long)histogram_at(histogram, 0.999), (unsigned long)histogram->largest);
}
