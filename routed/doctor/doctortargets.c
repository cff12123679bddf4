/* doctortargets.c - checks of the probe targets: does an answer prove that the uplink works? */
#include "common/net/addr.h"
#include "routed/doctor/doctorcheck.h"

static bool is_in_subnet_of(const struct doctor_device *device, const struct addr *addr)
{
	for (size_t i = 0; i < device->n_addrs; i++) {
		struct prefix subnet = prefix_of(
			&device->addrs[i].addr, device->addrs[i].prefix_len);

		if (device->addrs[i].addr.family == addr->family &&
			prefix_contains(&subnet, addr))
			return true;
	}
	return false;
}

static bool is_near(
	const struct doctor_checkup *checkup, size_t uplink, const struct site_probe *probe)
{
	return probe->gateway ||
	       is_in_subnet_of(&checkup->facts->uplinks[uplink], &probe->addr);
}

/* Targets in the own subnet answer even if the ISP behind them is down. */
void check_near_targets(struct doctor_checkup *checkup)
{
	for (size_t i = 0; i < checkup->site->n_uplinks; i++) {
		const struct site_uplink *uplink = &checkup->site->uplinks[i];
		size_t n_near = 0;

		for (size_t p = 0; p < uplink->n_probes; p++)
			n_near += is_near(checkup, i, &uplink->probes[p]);
		if (n_near == 0 || n_near < uplink->quorum)
			continue;
		doctor_problem(checkup,
			"uplink %s: %zu of its %zu probe targets %s its own subnet, enough "
			"for `quorum: %u`: the uplink counts as up as long as the modem "
			"answers, even if the ISP is dead",
			uplink->name, n_near, uplink->n_probes,
			n_near == 1 ? "is in" : "are in", uplink->quorum);
		doctor_remedy(checkup,
			"probe hosts on the Internet, such as the ISP's resolvers (`dns ADDRESS`)");
	}
}

static void check_inside_targets_of(struct doctor_checkup *checkup, size_t i)
{
	const struct site_uplink *uplink = &checkup->site->uplinks[i];

	for (size_t p = 0; p < uplink->n_probes; p++)
		for (size_t l = 0; l < checkup->site->n_lan; l++) {
			const struct addr *target = &uplink->probes[p].addr;

			if (uplink->probes[p].gateway ||
				!is_in_subnet_of(&checkup->facts->lan[l], target))
				continue;
			doctor_problem(checkup,
				"uplink %s: its probe target %s is on the LAN (%s) and cannot "
				"answer over the uplink",
				uplink->name, addr_str(target), checkup->site->lan[l]);
			doctor_remedy(checkup, "probe a host on the Internet");
		}
}

void check_inside_targets(struct doctor_checkup *checkup)
{
	for (size_t i = 0; i < checkup->site->n_uplinks; i++)
		check_inside_targets_of(checkup, i);
}

/* Does every probe of the uplink go to this one address? */
static bool has_only(const struct site_uplink *uplink, const struct addr *target)
{
	for (size_t p = 0; p < uplink->n_probes; p++)
		if (uplink->probes[p].gateway || !addr_eq(&uplink->probes[p].addr, target))
			return false;
	return uplink->n_probes > 0;
}

void check_shared_target(struct doctor_checkup *checkup)
{
	const struct site *site = checkup->site;
	const struct addr *target = site->uplinks[0].n_probes
					    ? &site->uplinks[0].probes[0].addr
					    : NULL;

	if (!target || site->n_uplinks < 2)
		return;
	for (size_t i = 0; i < site->n_uplinks; i++)
		if (!has_only(&site->uplinks[i], target))
			return;
	doctor_problem(checkup,
		"all uplinks depend on one probe target, %s: when it fails, all of them "
		"count as down",
		addr_str(target));
	doctor_remedy(checkup, "probe several hosts, and at least one of each ISP's own");
}
