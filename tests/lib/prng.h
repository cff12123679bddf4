/* prng.h - repeatable random numbers: splitmix64, one seed gives the same numbers everywhere */
#pragma once
#include <stdint.h>

struct prng {
	uint64_t state;
};

static inline uint64_t prng_next(struct prng *prng)
{
	uint64_t z = prng->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 <= result < n */
static inline unsigned int prng_below(struct prng *prng, unsigned int n)
{
	return (unsigned int)(prng_next(prng) % n);
}

/* True in `percent` of 100 cases. */
static inline int prng_chance(struct prng *prng, unsigned int percent)
{
	return prng_below(prng, 100) < percent;
}
