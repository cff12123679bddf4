/* death.h - the output of a call that ends the process */
#pragma once
#include <stddef.h>

/* Runs `call` in a child, whose standard error goes to `ret_said` (cut at `cap`). Returns the
 * signal that ended the child, or 0 if it ended by itself. */
int death_of(void (*call)(void), char *ret_said, size_t cap);
