/* zonetext.c - a zone from a text, with the site of zones/site.yaml, and what was said of it
 */
#include "tests/lib/zonetext.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/site/siteload.h"
#include "dnsd/state/zoneadvice.h"
#include "dnsd/zone/zonefile.h"
#include "tests/lib/reports.h"

void zonetext_init(struct zonetext *t)
{
	struct report report;

	*t = (struct zonetext){0};
	report_init(&report);
	if (site_read(MH_SOURCE_DIR "/zones/site.yaml", &report, &t->site) < 0) {
		report_print(&report, stderr);
		abort();
	}
	report_fini(&report);
}

static void result_free(struct zonetext *t)
{
	zone_free(t->zone);
	free(t->said);
	t->zone = NULL;
	t->said = NULL;
}

void zonetext_fini(struct zonetext *t)
{
	result_free(t);
	site_free(t->site);
}

/* As config.c does with a zone of site.yaml. */
static void result_take(struct zonetext *t, struct report *report, struct zone *zone, int err)
{
	if (zone)
		zoneadvice(zone, t->site, report);
	if (err < 0)
		zone_free(zone);
	else
		t->zone = zone;
	t->err = err;
	t->said = report_lines(report);
	report_fini(report);
}

void zonetext_read_octets(struct zonetext *t, const char *text, size_t len)
{
	struct report report;
	struct zone *zone;

	result_free(t);
	report_init(&report);
	int err = zonefile_parse_any(
		t->site, "www.example.com", "z", text, len, &report, &zone);
	result_take(t, &report, zone, err);
}

void zonetext_read(struct zonetext *t, const char *text)
{
	zonetext_read_octets(t, text, strlen(text));
}

void zonetext_read_file(struct zonetext *t, const char *origin, const char *path)
{
	struct report report;
	struct zone *zone;

	result_free(t);
	report_init(&report);
	int err = zonefile_read_any(t->site, origin, path, &report, &zone);
	result_take(t, &report, zone, err);
}

static void pseudo_dump(const struct zone_node *node, const struct pseudo *pseudo, FILE *out)
{
	char name[NAME_STR_LEN];

	fprintf(out, "%s%s %u ", node->outside ? "+" : "", name_str(node->name, name),
		pseudo->ttl_s);
	switch (pseudo->kind) {
	case PSEUDO_SERVER:
		fprintf(out, "SERVER %u\n", pseudo->index);
		break;
	case PSEUDO_SERVER_ALL:
		fprintf(out, "SERVER %u all\n", pseudo->index);
		break;
	case PSEUDO_UPLINK:
		fprintf(out, "UPLINK %u\n", pseudo->index);
		break;
	case PSEUDO_UPLINK_ALL:
		fputs("UPLINK all\n", out);
		break;
	case PSEUDO_UPLINK_RECEIVING:
		fputs("UPLINK receiving\n", out);
		break;
	}
}

/* In wire form to ldns and back as text: an independent reader. */
static void rdata_dump(const struct zone_node *node, const struct zone_rrset *rrset,
	const struct zone_rdata *rdata, FILE *out)
{
	static uint8_t wire[NAME_MAX_LEN + 10 + 65535];
	size_t len = node->len;
	size_t pos = 0;
	ldns_rr *rr = NULL;

	memcpy(wire, node->name, len);
	ldns_write_uint16(wire + len, rrset->type);
	ldns_write_uint16(wire + len + 2, 1);
	ldns_write_uint32(wire + len + 4, rrset->ttl_s);
	ldns_write_uint16(wire + len + 8, rdata->len);
	memcpy(wire + len + 10, rdata->bytes, rdata->len);
	if (ldns_wire2rr(&rr, wire, len + 10 + rdata->len, &pos, LDNS_SECTION_ANSWER) !=
		LDNS_STATUS_OK) {
		fprintf(out, "(not to be decoded)\n");
		return;
	}
	char *text = ldns_rr2str(rr);
	char *rest = strstr(text, "\tIN\t");

	for (char *p = text; *p; p++)
		if (*p == '\t')
			*p = ' ';
	*rest = '\0';
	fprintf(out, "%s%s %s", node->outside ? "+" : "", text, rest + 4);
	free(text);
	ldns_rr_free(rr);
}

char *zonetext_dump(const struct zone *zone)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	for (size_t i = 0; i < zone->n_nodes; i++) {
		const struct zone_node *node = &zone->nodes[i];

		for (size_t j = 0; j < node->n_pseudos; j++)
			pseudo_dump(node, &node->pseudos[j], out);
		for (size_t j = 0; j < node->n_rrsets; j++)
			for (size_t k = 0; k < node->rrsets[j].n_rdatas; k++)
				rdata_dump(node, &node->rrsets[j], &node->rrsets[j].rdatas[k],
					out);
	}
	fclose(out);
	return text;
}

int zonetext_setup(void **state)
{
	struct zonetext *t = calloc(1, sizeof(*t));

	if (!t)
		return -1;
	zonetext_init(t);
	*state = t;
	return 0;
}

int zonetext_teardown(void **state)
{
	zonetext_fini(*state);
	free(*state);
	return 0;
}
