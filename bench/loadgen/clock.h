/* One clock for everything: CLOCK_MONOTONIC in microseconds, the same that Python's time.monotonic_ns() reads. */
#ifndef CHATIRE_CLOCK_H
#define CHATIRE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t now_us(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000u + (uint64_t)at.tv_nsec / 1000u;
}

#endif
