/* bigendian.h - numbers in network byte order, at any place in a buffer
 *
 * Messages keep their numbers where they fall, so that a pointer to one need not be aligned.
 * memcpy() of a fixed size is a single load or store.
 */
#pragma once
#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t be16_read(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return be16toh(value);
}

static inline uint32_t be32_read(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return be32toh(value);
}

/* The lowest 16 bits of `value`. */
static inline void be16_write(uint8_t *at, unsigned int value)
{
	uint16_t be = htobe16((uint16_t)value);

	memcpy(at, &be, sizeof(be));
}

static inline void be32_write(uint8_t *at, uint32_t value)
{
	uint32_t be = htobe32(value);

	memcpy(at, &be, sizeof(be));
}
