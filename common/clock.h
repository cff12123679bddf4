/* clock.h - the monotonic clock; the core does not read it: it gets `now` as a parameter */
#pragma once
#include <stdint.h>
#include <time.h>

static inline int64_t clock_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* The earlier of two times, or the shorter of two spans. */
static inline int64_t clock_min_us(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The later of two times, or the longer of two spans. */
static inline int64_t clock_max_us(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static inline int64_t clock_now_ms(void)
{
	return clock_now_us() / 1000;
}
