/* doctor.c - the checks of what was found on this machine
 *
 * Pure. Each check is a function that looks at the facts and reports what is wrong, and next to
 * it what to do, in words that an operator can act on. What routed sets right by itself is
 * reported only where another program is about to set it wrong again. What an operator may well
 * intend is not reported: `doctor` on a sound machine is silent.
 *
 * A new check is a function declared in doctorcheck.h, and a row of this table. If it looks at
 * something new, doctorfacts.c gathers that into struct doctor_facts.
 */
#include "routed/doctor/doctor.h"

#include "routed/doctor/doctorcheck.h"

/* Findings come in this order. The names are an interface (`doctor --json`): they stay. */
static const struct {
	const char *name;
	void (*check)(struct doctor_checkup *checkup);
} checks[] = {
	{"kernel", check_kernel},
	{"no-interface", check_interfaces},
	{"interface-is-port", check_ports},
	{"same-subnet", check_subnets},
	{"carrier-nat", check_carrier_nat},
	{"no-default", check_defaults},
	{"many-routes", check_main_routes},
	{"near-target", check_near_targets},
	{"inside-target", check_inside_targets},
	{"shared-target", check_shared_target},
	{"server-route", check_server_routes},
	{"forward-filter", check_forward_filters},
	{"dns-filter", check_dns_filters},
	{"legacy-iptables", check_legacy_iptables},
	{"rule-before", check_rules_before},
	{"rule-behind", check_rules_behind},
	{"networkd", check_networkd},
	{"rp-filter", check_rp_filter},
	{"tcp-loose", check_tcp_loose},
	{"conntrack-full", check_conntrack_full},
	{"clock", check_clock},
};

void doctor_check(const struct site *site, const struct doctor_facts *facts,
	struct doctor_findings *ret_findings)
{
	struct doctor_checkup checkup = {
		.site = site, .facts = facts, .findings = ret_findings};

	*ret_findings = (struct doctor_findings){0};
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		checkup.check = checks[i].name;
		checks[i].check(&checkup);
	}
}
