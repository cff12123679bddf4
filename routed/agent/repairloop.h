/* repairloop.h - notices that another program undoes each repair at once
 *
 * Pure. Two programs that each put their own routes back would change the kernel without end:
 * after so many repairs in a short time ours come at intervals.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum {
	REPAIR_LOOP_LIMIT = 20,	       /* repairs ... */
	REPAIR_LOOP_US = 10 * 1000000, /* ... within that time */
	REPAIR_LOOP_BACKOFF_MS = 500,  /* between repairs in a loop */
};

/* Zero to begin with. */
struct repair_loop {
	int64_t since_us; /* since when repairs are counted */
	unsigned int n_repairs;
};

/* Counts a repair. True if it is the one that makes it a loop: to be logged. */
bool repair_loop_add(struct repair_loop *loop, int64_t now_us);

bool repair_loop_is_on(const struct repair_loop *loop, int64_t now_us);
