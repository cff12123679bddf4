/* wantednumbers.c - tables, marks and priorities: the numbers that follow from site.yaml
 *
 * Pure. A mark lies within `mark:`, whose bits follow one another:
 *
 *     highest   next, where there is room   the others
 *     came in   came in and was answered    uplink i + 1
 */
#include "routed/wanted/wantednumbers.h"

uint32_t wanted_default_table(const struct site *site)
{
	return site->routing.tables;
}

uint32_t wanted_uplink_table(const struct site *site, size_t uplink)
{
	return site->routing.tables + 1 + (uint32_t)uplink;
}

uint32_t wanted_mark_mask(const struct site *site)
{
	return site->routing.mark;
}

/* The bits of `mark` follow one another and have room for every uplink: site_check. */
static uint32_t direction_bit(uint32_t mark)
{
	return mark ? 1u << (31 - __builtin_clz(mark)) : 0;
}

uint32_t wanted_mark_direction(const struct site *site)
{
	return direction_bit(site->routing.mark);
}

/* The bit below, unless the number of an uplink needs it. */
uint32_t wanted_mark_answered(const struct site *site)
{
	uint32_t bit = direction_bit(site->routing.mark) >> 1;

	return site->n_uplinks > 0 && wanted_mark_out(site, site->n_uplinks - 1) < bit ? bit
										       : 0;
}

uint32_t wanted_mark_uplink_mask(const struct site *site)
{
	return site->routing.mark & ~wanted_mark_direction(site) & ~wanted_mark_answered(site);
}

uint32_t wanted_mark_packet_mask(const struct site *site)
{
	return site->routing.mark & ~wanted_mark_direction(site);
}

uint32_t wanted_mark_out(const struct site *site, size_t uplink)
{
	uint32_t mark = site->routing.mark;

	return mark ? (uint32_t)(uplink + 1) << __builtin_ctz(mark) : 0;
}

uint32_t wanted_mark_in(const struct site *site, size_t uplink)
{
	return wanted_mark_out(site, uplink) | direction_bit(site->routing.mark);
}
