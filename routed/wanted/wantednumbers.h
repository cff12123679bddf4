/* wantednumbers.h - tables, marks and priorities: the numbers that follow from site.yaml
 *
 * They follow from site.yaml alone, so that a restart finds its own routes, rules and flows.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/site/site.h"

/* Tables: `tables` is the tracked default, `tables` + 1 + i the table of uplink i. */
uint32_t wanted_default_table(const struct site *site);
uint32_t wanted_uplink_table(const struct site *site, size_t uplink);

/* Marks, within site->routing.mark: the highest bit says "came in"; where there is room, the
 * next one of connections says "came in and was answered"; the others are uplink i + 1. */
uint32_t wanted_mark_out(const struct site *site, size_t uplink);
uint32_t wanted_mark_in(const struct site *site, size_t uplink);
uint32_t wanted_mark_direction(const struct site *site);
uint32_t wanted_mark_answered(const struct site *site);	   /* 0: no room */
uint32_t wanted_mark_mask(const struct site *site);	   /* all of ours */
uint32_t wanted_mark_uplink_mask(const struct site *site); /* of the uplink's number alone */
uint32_t wanted_mark_packet_mask(const struct site *site); /* what the marks of packets use */

/* Rules, P = `priority` of site.yaml: blocks of 100 keep them apart. */
enum {
	WANTED_PRIO_MAIN = 0,	    /* P+0 */
	WANTED_PRIO_ADDRESS = 100,  /* P+100.. from a router's address */
	WANTED_PRIO_LOOPBACK = 200, /* P+200.. from a loopback: its table, then blackhole */
	WANTED_PRIO_MARK = 300,	    /* P+300.. by mark: the table, then blackhole */
	WANTED_PRIO_POLICY = 400,   /* P+400.. policies */
};
