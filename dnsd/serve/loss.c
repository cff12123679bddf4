/* loss.c - responses that the kernel did not take: counted by reason, logged with a remedy */
#include "dnsd/serve/loss.h"

#include <errno.h>
#include <inttypes.h>

#include "common/log.h"

enum { LOSS_LOG_AGAIN_MS = 60000 };

/* Why, and what to do. */
static const struct {
	const char *why;
	const char *remedy;
} reasons[LOSS_N_REASONS] = {
	[STATS_SEND_FULL - STATS_SEND_FIRST] =
		{"the send buffer is full: responses wait for hosts of a connected network "
		 "that do not exist (queries with forged sources), or for a slow device",
			"set net.ipv4.neigh.INTERFACE.unres_qlen_bytes=2048, and the same "
			"below net.ipv6 (routed does so), and net.core.wmem_max=4194304; "
			"then restart dnsd"},
	[STATS_SEND_NO_ROUTE - STATS_SEND_FIRST] = {"there is no route to the clients",
		"look at `ip route get CLIENT from` this address"},
	[STATS_SEND_FORBIDDEN -
		STATS_SEND_FIRST] = {"a firewall or a `prohibit` route forbids it, or the "
				     "clients' addresses are broadcast ones, which are forged",
		"look for `output` in `nft list ruleset`, and at `ip rule`"},
	[STATS_SEND_TOO_LARGE -
		STATS_SEND_FIRST] = {"they are larger than the interface's MTU",
		"give it an MTU of 1280 or more"},
	[STATS_SEND_OTHER - STATS_SEND_FIRST] =
		{"the kernel refused them: a blackhole route, a query from port 0, or no "
		 "room in the table of neighbours",
			"look at `ip route get CLIENT from` this address and at "
			"`ip neigh`; if the table is full, raise "
			"net.ipv4.neigh.default.gc_thresh3 and the same below net.ipv6"},
};

enum stats_counter loss_reason(int err)
{
	switch (err) {
	case EAGAIN:
		return STATS_SEND_FULL;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
		return STATS_SEND_NO_ROUTE;
	case EPERM:  /* nftables */
	case EACCES: /* prohibit; broadcast without SO_BROADCAST */
		return STATS_SEND_FORBIDDEN;
	case EMSGSIZE:
		return STATS_SEND_TOO_LARGE;
	default:
		return STATS_SEND_OTHER;
	}
}

void loss_log(struct loss *loss, const struct loss_place *place,
	const uint64_t totals[STATS_N_COUNTERS], int64_t now_ms)
{
	for (unsigned int i = 0; i < LOSS_N_REASONS; i++) {
		uint64_t lost = totals[STATS_SEND_FIRST + i] - loss->reported[i];

		if (lost == 0 || !logonce_is_due(&loss->logged[i], now_ms, LOSS_LOG_AGAIN_MS))
			continue;
		loss->reported[i] += lost;
		log_warning("udp",
			"%s: %" PRIu64 " responses of %s port %u by UDP were lost (%s); their "
			"clients must ask again; %s",
			place->view, lost, addr_str(&place->addr), place->port, reasons[i].why,
			reasons[i].remedy);
	}
}
