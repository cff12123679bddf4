/* fuzz_routedreport.c - any octets as a line of routed's stream
 *
 * Whatever comes is a word or is refused with a reason. A word holds only what is bounded and
 * printable, and put into the facts it leaves them what facts may be: known states, sets of
 * uplinks that exist, and never a better state than the mirror's.
 */
#include "common/site/siteload.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/state/routedreport.h"

static const char yaml[] = "uplinks:\n"
			   "  - {name: isp-a, interface: wan-a}\n"
			   "  - {name: isp-b, interface: wan-b}\n"
			   "servers:\n"
			   "  - {name: web, address: 10.0.0.10, ports: [80/tcp]}\n";

/* isp-a has carrier and addresses, isp-b has no interface. */
static struct link_addr addrs[2];
static struct link link_a = {.ifindex = 2,
	.name = "wan-a",
	.flags = IFF_UP,
	.carrier = true,
	.addrs = addrs,
	.n_addrs = 2};

static struct site *read_site(void)
{
	struct report report;
	struct site *site;

	report_init(&report);
	if (site_parse("site.yaml", yaml, sizeof(yaml) - 1, &report, &site) < 0)
		abort();
	report_fini(&report);
	addr_parse("192.168.2.1", &addrs[0].addr);
	addr_parse("2001:db8:a::1", &addrs[1].addr);
	return site;
}

static void check_text(const char *text, size_t cap)
{
	size_t len = strnlen(text, cap);

	if (len == cap)
		abort();
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			abort();
}

static void check_word(const struct routed_report *report)
{
	if (report->n_uplinks > SITE_MAX_UPLINKS ||
		report->n_dead > (size_t)SITE_MAX_SERVERS * SITE_MAX_UPLINKS)
		abort();
	for (size_t i = 0; i < report->n_uplinks; i++) {
		check_text(report->uplinks[i].name, sizeof(report->uplinks[i].name));
		check_text(report->uplinks[i].interface, sizeof(report->uplinks[i].interface));
		check_text(report->uplinks[i].why, sizeof(report->uplinks[i].why));
		check_text(report->uplinks[i].since, sizeof(report->uplinks[i].since));
	}
	for (size_t i = 0; i < report->n_dead; i++) {
		check_text(report->dead[i].server, sizeof(report->dead[i].server));
		check_text(report->dead[i].uplink, sizeof(report->dead[i].uplink));
		check_text(report->dead[i].why, sizeof(report->dead[i].why));
	}
}

static void check_facts(const struct site *site, const struct routed_report *report)
{
	static const struct link *no_lan;
	struct site_links links = {.uplinks = {&link_a}, .lan = &no_lan};
	struct facts facts;
	struct routed_report_verdict verdict;

	if (facts_from_links(site, &links, &facts) < 0)
		abort();
	routed_report_apply(report, site, &links, &facts);
	for (size_t i = 0; i < site->n_uplinks; i++) {
		routed_report_weigh(report, &site->uplinks[i], links.uplinks[i], &verdict);
		if (facts.uplinks[i].state > UPLINK_DRAINED ||
			facts.uplinks[i].state < verdict.mirror ||
			facts.uplinks[i].state != verdict.state || !verdict.why)
			abort();
	}
	if (facts.servers[0].dead >> site->n_uplinks != 0)
		abort();
	facts_fini(&facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct site *site;
	char error[ROUTED_REPORT_ERROR_MAX] = "";
	struct routed_report *report;

	if (!site)
		site = read_site();
	int err = routed_report_parse((const char *)data, size, &report, error);
	if (err < 0) {
		if ((err != -EBADMSG && err != -EPROTONOSUPPORT) || !error[0])
			abort();
		check_text(error, sizeof(error));
		return 0;
	}
	check_word(report);
	check_facts(site, report);
	routed_report_free(report);
	return 0;
}
