/* repairloop.c - notices that another program undoes each repair at once */
#include "routed/agent/repairloop.h"

bool repair_loop_add(struct repair_loop *loop, int64_t now_us)
{
	if (now_us - loop->since_us > REPAIR_LOOP_US)
		*loop = (struct repair_loop){.since_us = now_us};
	return ++loop->n_repairs == REPAIR_LOOP_LIMIT;
}

bool repair_loop_is_on(const struct repair_loop *loop, int64_t now_us)
{
	return loop->n_repairs >= REPAIR_LOOP_LIMIT &&
	       now_us - loop->since_us <= REPAIR_LOOP_US;
}
