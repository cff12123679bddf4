/* selftest.c - from the kernel's counts of connections to the forwards of site.yaml
 *
 * Called by report/status.c. A site may have ten thousand forwards, so a count finds its row
 * by bisection: `spans` are the ranges of public ports, sorted by uplink, protocol and port, and
 * site_check has seen to it that none of one uplink overlap.
 */
#include "routed/wanted/selftest.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "common/net/family.h"
#include "common/site/uplinkset.h"
#include "routed/kernel/nft.h"
#include "routed/wanted/situation.h"
#include "routed/wanted/wantednumbers.h"

struct span {
	size_t uplink;
	uint8_t proto;
	uint16_t first;
	uint16_t last;
	size_t row;
};

struct selftest {
	const struct site *site;
	const struct situation *situation;
	struct selftest_row *rows;
	size_t n_rows;
	struct span *spans;
	size_t n_spans;
};

static size_t count_rows(const struct site *site)
{
	size_t n = 0;

	for (size_t i = 0; i < site->n_servers; i++)
		n += site->servers[i].n_ports * uplinkset_count(site->servers[i].uplinks);
	return n;
}

static void add_span(struct selftest *selftest, const struct site_port *port, uint8_t proto)
{
	size_t row = selftest->n_rows - 1;

	selftest->spans[selftest->n_spans++] = (struct span){
		.uplink = selftest->rows[row].uplink,
		.proto = proto,
		.first = port->first,
		.last = port->last,
		.row = row,
	};
}

static void add_rows(struct selftest *selftest, size_t server, size_t p)
{
	const struct site_server *config = &selftest->site->servers[server];
	const struct site_port *port = &config->ports[p];

	for (size_t i = 0; i < selftest->site->n_uplinks; i++) {
		if (!uplinkset_has(config->uplinks, i))
			continue;
		selftest->rows[selftest->n_rows++] = (struct selftest_row){
			.server = server, .port = p, .uplink = i};
		if (port->tcp)
			add_span(selftest, port, IPPROTO_TCP);
		if (port->udp)
			add_span(selftest, port, IPPROTO_UDP);
	}
}

/* A key that is looked for is a span of one port: the range that it lies in is its equal. */
static int span_cmp(const void *a, const void *b)
{
	const struct span *x = a;
	const struct span *y = b;

	if (x->uplink != y->uplink)
		return x->uplink < y->uplink ? -1 : 1;
	if (x->proto != y->proto)
		return x->proto < y->proto ? -1 : 1;
	if (x->last < y->first)
		return -1;
	return x->first > y->last;
}

struct selftest *selftest_new(const struct site *site, const struct situation *situation)
{
	struct selftest *selftest = calloc(1, sizeof(*selftest));
	size_t n = count_rows(site);

	if (!selftest)
		return NULL;
	selftest->site = site;
	selftest->situation = situation;
	selftest->rows = calloc(n + 1, sizeof(*selftest->rows));
	selftest->spans = calloc(2 * n + 1, sizeof(*selftest->spans));
	if (!selftest->rows || !selftest->spans) {
		selftest_free(selftest);
		return NULL;
	}
	for (size_t i = 0; i < site->n_servers; i++)
		for (size_t p = 0; p < site->servers[i].n_ports; p++)
			add_rows(selftest, i, p);
	qsort(selftest->spans, selftest->n_spans, sizeof(struct span), span_cmp);
	return selftest;
}

void selftest_free(struct selftest *selftest)
{
	if (!selftest)
		return;
	free(selftest->rows);
	free(selftest->spans);
	free(selftest);
}

/* The uplink that is asked at that address, or SITE_MAX_UPLINKS. */
static size_t uplink_at(const struct selftest *selftest, const struct addr *asked)
{
	enum site_family family = family_of(asked->family);
	const struct site *site = selftest->site;

	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct addr *addrs[SITUATION_MAX_ADDRS];
		size_t n = situation_served(site, selftest->situation, i, family, addrs);

		for (size_t k = 0; k < n; k++)
			if (addr_eq(addrs[k], asked))
				return i;
		if (site->uplinks[i].inbound &&
			addr_eq(&site->uplinks[i].public_addrs[family], asked))
			return i;
	}
	return SITE_MAX_UPLINKS;
}

void selftest_add(struct selftest *selftest, enum selftest_kind kind, const struct addr *asked,
	uint8_t proto, uint16_t port, uint64_t connections)
{
	const struct span key = {
		.uplink = uplink_at(selftest, asked),
		.proto = proto,
		.first = port,
		.last = port,
	};
	const struct span *span = bsearch(
		&key, selftest->spans, selftest->n_spans, sizeof(struct span), span_cmp);

	if (span)
		selftest->rows[span->row].connections[kind] += connections;
}

const struct selftest_row *selftest_rows(const struct selftest *selftest, size_t *ret_n)
{
	*ret_n = selftest->n_rows;
	return selftest->rows;
}

struct reading {
	struct selftest *selftest;
	enum selftest_kind kind;
};

static void on_forward_count(
	const struct addr *asked, uint8_t proto, uint16_t port, uint64_t packets, void *arg)
{
	const struct reading *reading = arg;

	selftest_add(reading->selftest, reading->kind, asked, proto, port, packets);
}

int selftest_read(struct selftest *selftest, struct nft *nft)
{
	static const char *const sets[SELFTEST_KINDS][SITE_FAMILIES] = {
		[SELFTEST_ARRIVED] = {"arrived4", "arrived6"},
		[SELFTEST_ANSWERED] = {"answered4", "answered6"},
		[SELFTEST_ASTRAY] = {"astray4", "astray6"},
	};
	size_t n = wanted_mark_answered(selftest->site) ? SELFTEST_KINDS : 1;

	for (size_t kind = 0; kind < n; kind++)
		for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
			struct reading reading = {selftest, (enum selftest_kind)kind};
			int err = nft_each_count(
				nft, sets[kind][family], on_forward_count, &reading);

			if (err < 0)
				return err;
		}
	return 0;
}
