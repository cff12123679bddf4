/* fuzz_zone.c - any octets as a zone file: no crash, no leak, and what is accepted is sound */
#include <stdlib.h>

#include "common/site/siteload.h"
#include "dnsd/wire/rdata.h"
#include "dnsd/zone/zonefile.h"
#include "tests/fuzz/fuzz.h"

static struct site *reference_site(void)
{
	static struct site *site;
	struct report report;

	report_init(&report);
	if (!site && site_read(MH_SOURCE_DIR "/zones/site.yaml", &report, &site) < 0)
		abort();
	report_fini(&report);
	return site;
}

static void must(bool good)
{
	if (!good)
		abort();
}

static void rrset_must_be_sound(const struct zone_rrset *rrset)
{
	must(rrset->n_rdatas > 0);
	for (size_t i = 0; i < rrset->n_rdatas; i++) {
		const struct zone_rdata *rdata = &rrset->rdatas[i];

		must(rdata_is_valid(rrset->type, rdata->bytes, rdata->len));
		must(rrset->ttl_s <= rdata->ttl_s && rdata->ttl_s <= 0x7fffffff);
		must(rdata->line > 0);
	}
}

static void zone_must_be_sound(const struct zone *zone)
{
	must(zone_soa(zone) && zone_soa(zone)->n_rdatas == 1);
	for (size_t i = 0; i < zone->n_nodes; i++) {
		const struct zone_node *node = &zone->nodes[i];

		must(node->len == name_len(node->name));
		must(node->n_rrsets + node->n_pseudos > 0 && !node->has_unread);
		must(node->outside == !name_is_within(node->name, zone->apex));
		must(zone_find(zone, node->name) == node);
		must(i == 0 || name_cmp(zone->nodes[i - 1].name, node->name) < 0);
		for (size_t j = 0; j < node->n_rrsets; j++) {
			must(j == 0 || node->rrsets[j - 1].type < node->rrsets[j].type);
			rrset_must_be_sound(&node->rrsets[j]);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report report;
	struct zone *zone = NULL;

	report_init(&report);
	if (zonefile_parse(reference_site(), "www.example.com", NULL, (const char *)data, size,
		    &report, &zone) == 0) {
		must(report.n_errors == 0);
		zone_must_be_sound(zone);
		zone_free(zone);
	} else {
		must(report.n_errors > 0 && !zone);
	}
	report_fini(&report);
	return 0;
}
