/* hex.h - octets written as text: "c0 0c 00 01" */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Blanks are skipped. Returns the number of octets; ends the program if there is no room. */
static inline size_t hex_read(const char *text, uint8_t *out, size_t cap)
{
	size_t len = 0;

	while (*text) {
		unsigned int octet;
		int n;

		if (*text == ' ') {
			text++;
			continue;
		}
		if (len == cap || sscanf(text, "%2x%n", &octet, &n) != 1 || n != 2)
			abort();
		out[len++] = (uint8_t)octet;
		text += 2;
	}
	return len;
}
