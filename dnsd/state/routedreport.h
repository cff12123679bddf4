/* routedreport.h - one report of routed on uplinks and servers: read, and put into the facts
 *
 * Pure. One line of routed's stream `links` is one whole report (docs/control.md). The report
 * and the netlink mirror each give an uplink a state. The worse of the two counts:
 *
 *                        mirror: up    mirror: down
 *     report: up         up            down
 *     report: degraded   degraded      down
 *     report: down       down          down
 *     report: drained    drained       drained
 *     no report          up            down
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/site/site.h"
#include "common/site/uplinkstate.h"
#include "dnsd/state/facts.h"
#include "dnsd/state/factslinks.h"

enum {
	ROUTED_REPORT_VERSION = 1,
	ROUTED_REPORT_WHY_MAX = 512,
	ROUTED_REPORT_DEAD_WHY_MAX = 400,
	ROUTED_REPORT_TIME_MAX = 48,
	ROUTED_REPORT_ERROR_MAX = 200,
};

struct routed_report_uplink {
	char name[SITE_NAME_MAX + 1];
	char interface[IFNAMSIZ];
	bool is_known; /* we know the state; else the report is neither good nor bad news */
	enum uplink_state state;
	bool active;
	struct addr public_addrs[SITE_FAMILIES];
	char why[ROUTED_REPORT_WHY_MAX]; /* printable ASCII */
	char since[ROUTED_REPORT_TIME_MAX];
};

/* A server is dead on the path of an uplink. */
struct routed_report_dead {
	char server[SITE_NAME_MAX + 1];
	char uplink[SITE_NAME_MAX + 1];
	char why[ROUTED_REPORT_DEAD_WHY_MAX];
};

struct routed_report {
	int64_t seq;
	struct routed_report_uplink uplinks[SITE_MAX_UPLINKS];
	size_t n_uplinks;
	struct routed_report_dead *dead;
	size_t n_dead;
};

/* Reads one line of `len` octets without its line feed; the octets may be anything. 0;
 * -EPROTONOSUPPORT for another version, -EBADMSG for a line that is no report, both with the
 * reason, a sentence, in `ret_error`; -ENOMEM. */
int routed_report_parse(const char *line, size_t len, struct routed_report **ret_report,
	char ret_error[ROUTED_REPORT_ERROR_MAX]);
void routed_report_free(struct routed_report *report);

/* What is reported of an uplink: of that name, on that interface, in a state that we know. NULL:
 * nothing, the mirror decides alone. `report` may be NULL. */
const struct routed_report_uplink *routed_report_find(
	const struct routed_report *report, const struct site_uplink *uplink);

/* Both sides of one uplink, and which of them counts. */
struct routed_report_verdict {
	enum uplink_state state;
	const char *why; /* borrowed from here or from the report */
	bool by_routed;	 /* its state is at least as bad as the mirror's */
	const struct routed_report_uplink *reported; /* NULL: nothing */
	enum uplink_state mirror;
	char mirror_why[FACTS_WHY_MAX];
};

/* `link` is the uplink's in the mirror, NULL if there is none. */
void routed_report_weigh(const struct routed_report *report, const struct site_uplink *uplink,
	const struct link *link, struct routed_report_verdict *ret_verdict);

/* The uplink's own address: routed's choice while the interface has it (routed also knows
 * learned gateways), else ours; unset: none. `report` and `link` may be NULL. */
struct addr routed_report_own_addr(const struct routed_report *report,
	const struct site_uplink *uplink, const struct link *link, enum site_family family);

/* Why the server is dead there, or NULL if it is not. `report` may be NULL. */
const char *routed_report_dead_why(
	const struct routed_report *report, const char *server, const char *uplink);

/* Applies the report to facts of facts_from_links(); NULL changes nothing. An address that
 * routed still reports stays in the answers while the interface has it: the forwards of a new
 * address come first. */
void routed_report_apply(const struct routed_report *report, const struct site *site,
	const struct site_links *links, struct facts *facts);
