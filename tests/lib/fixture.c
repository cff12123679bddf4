/* fixture.c - the reference site in memory: its configuration, zones, links and answers */
#include "tests/lib/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/family.h"
#include "common/site/report.h"
#include "common/site/siteload.h"
#include "common/site/uplinkset.h"
#include "dnsd/zone/zonefile.h"

static const char site_text[] = "uplinks:\n"
				"  - name: isp-a\n"
				"    interface: wan-a\n"
				"    gateway: 192.168.2.6\n"
				"  - name: isp-b\n"
				"    interface: wan-b\n"
				"    gateway: 172.16.1.2\n"
				"lan: [lan0]\n"
				"servers:\n"
				"  - name: web\n"
				"    address: 10.0.0.10\n"
				"    loopbacks:\n"
				"      isp-a: 10.0.1.1\n"
				"      isp-b: 10.0.1.5\n"
				"    ports: [80/tcp, 443/tcp+udp]\n"
				"dns:\n"
				"  inside: 53\n"
				"  zones:\n"
				"    - name: www.example.com\n"
				"      file: www.example.com.zone\n";

const struct fixture_zone fixture_host_zone = {
	"www.example.com",
	"$TTL 86400\n"
	"@      SOA www-ns1.example.com. hostmaster.example.com. "
	"2026112201 28800 7200 864000 10\n"
	"       NS  www-ns1.example.com.\n"
	"       NS  www-ns2.example.com.\n"
	"@   10 SERVER web\n"
	"www-ns1.example.com. UPLINK isp-a\n"
	"www-ns2.example.com. UPLINK isp-b\n"
	"all  10 SERVER web all\n"
	"mail 10 UPLINK all\n"
	"self 10 UPLINK receiving\n",
};

static void refuse(struct report *report, const char *what)
{
	report_print(report, stderr);
	fprintf(stderr, "fixture: %s was not accepted\n", what);
	abort();
}

static void *zalloc(size_t n, size_t size)
{
	void *block = calloc(n, size);

	if (!block)
		abort();
	return block;
}

static struct addr address(const char *text)
{
	struct addr addr = {0};

	if (addr_parse(text, &addr) < 0) {
		fprintf(stderr, "fixture: '%s' is not an address\n", text);
		abort();
	}
	return addr;
}

static unsigned int uplink_index(const struct fixture *f, const char *name)
{
	int i = site_find_uplink(f->site, name);

	if (i < 0) {
		fprintf(stderr, "fixture: no uplink '%s'\n", name);
		abort();
	}
	return (unsigned int)i;
}

static struct server_facts *server_of(struct fixture *f, const char *name)
{
	int i = site_find_server(f->site, name);

	if (i < 0) {
		fprintf(stderr, "fixture: no server '%s'\n", name);
		abort();
	}
	return &f->facts.servers[i];
}

static void forget_tables(struct fixture *f)
{
	for (size_t i = 0; i < SITE_MAX_UPLINKS + 1; i++) {
		table_free(f->tables[i]);
		f->tables[i] = NULL;
	}
}

static void read_site(struct fixture *f)
{
	struct report report;

	report_init(&report);
	if (site_parse("site.yaml", site_text, strlen(site_text), &report, &f->site) < 0)
		refuse(&report, "site.yaml");
	report_fini(&report);
}

static void read_zone(struct fixture *f, const struct fixture_zone *zone, struct zone **ret)
{
	struct report report;

	report_init(&report);
	if (zonefile_parse(f->site, zone->origin, NULL, zone->text, strlen(zone->text),
		    &report, ret) < 0)
		refuse(&report, zone->origin);
	report_fini(&report);
}

static void fill_facts(struct fixture *f)
{
	f->facts.n_uplinks = f->site->n_uplinks;
	for (size_t i = 0; i < f->site->n_uplinks; i++) {
		f->facts.uplinks[i].state = UPLINK_UP;
		f->facts.uplinks[i].inbound = f->site->uplinks[i].inbound;
	}
	f->facts.uplinks[0].public_addrs[SITE_IPV4] = address("192.168.2.1");
	f->facts.uplinks[1].public_addrs[SITE_IPV4] = address("172.16.1.1");
	f->facts.lan[SITE_IPV4] = address("10.0.0.1");

	f->facts.n_servers = f->site->n_servers;
	f->facts.servers = zalloc(f->site->n_servers, sizeof(*f->facts.servers));
	for (size_t i = 0; i < f->site->n_servers; i++) {
		f->facts.servers[i].address[SITE_IPV4] = f->site->servers[i]
								 .address[SITE_IPV4];
		f->facts.servers[i].forwarded = f->site->servers[i].uplinks;
		f->facts.servers[i].by_family[SITE_IPV4] = UINT32_MAX;
	}
}

struct fixture *fixture_new(const struct fixture_zone *zones, size_t n_zones)
{
	struct fixture *f = zalloc(1, sizeof(*f));

	read_site(f);
	f->n_zones = n_zones;
	f->zones = zalloc(n_zones, sizeof(*f->zones));
	for (size_t i = 0; i < n_zones; i++)
		read_zone(f, &zones[i], &f->zones[i]);
	fill_facts(f);

	f->conf.cookies.n_secrets = 1;
	for (size_t i = 0; i < COOKIE_SECRET_LEN; i++)
		f->conf.cookies.secrets[0][i] = (uint8_t)(i * 17);
	f->conf.keepalive_100ms = 300;
	f->client = address("192.0.2.53");
	f->now_s = 1795341600; /* 2026-11-22 10:00 UTC */
	return f;
}

void fixture_free(struct fixture *f)
{
	if (!f)
		return;
	forget_tables(f);
	reply_fini(&f->reply);
	for (size_t i = 0; i < f->n_zones; i++)
		zone_free(f->zones[i]);
	free(f->zones);
	free(f->facts.servers);
	site_free(f->site);
	free(f);
}

void fixture_set_state(struct fixture *f, const char *uplink, enum uplink_state state)
{
	f->facts.uplinks[uplink_index(f, uplink)].state = state;
	forget_tables(f);
}

void fixture_set_inbound(struct fixture *f, const char *uplink, bool inbound)
{
	f->facts.uplinks[uplink_index(f, uplink)].inbound = inbound;
	forget_tables(f);
}

void fixture_set_address(struct fixture *f, const char *uplink, const char *text)
{
	struct addr addr = address(text);
	enum site_family family = family_of(addr.family);

	f->facts.uplinks[uplink_index(f, uplink)].public_addrs[family] = addr;
	forget_tables(f);
}

void fixture_drop_address(struct fixture *f, const char *uplink, enum site_family family)
{
	f->facts.uplinks[uplink_index(f, uplink)].public_addrs[family] = (struct addr){0};
	forget_tables(f);
}

void fixture_set_dead(struct fixture *f, const char *server, const char *uplink, bool dead)
{
	uint32_t bit = uplinkset_of(uplink_index(f, uplink));
	struct server_facts *facts = server_of(f, server);

	facts->dead = dead ? facts->dead | bit : facts->dead & ~bit;
	forget_tables(f);
}

void fixture_set_forwarded(struct fixture *f, const char *server, const char *uplink, bool to)
{
	uint32_t bit = uplinkset_of(uplink_index(f, uplink));
	struct server_facts *facts = server_of(f, server);

	facts->forwarded = to ? facts->forwarded | bit : facts->forwarded & ~bit;
	forget_tables(f);
}

void fixture_move_when_degraded(struct fixture *f, bool move)
{
	f->facts.move_when_degraded = move;
	forget_tables(f);
}

void fixture_add_ipv6(struct fixture *f)
{
	fixture_set_address(f, "isp-a", "2001:db8:a::1");
	fixture_set_address(f, "isp-b", "2001:db8:b::1");
	f->facts.lan[SITE_IPV6] = address("2001:db8:1::1");
	server_of(f, "web")->address[SITE_IPV6] = address("2001:db8:1::10");
	server_of(f, "web")->by_family[SITE_IPV6] = UINT32_MAX;
}

int fixture_view(const struct fixture *f, const char *view)
{
	if (strcmp(view, "inside") == 0)
		return FACTS_VIEW_INSIDE;
	return (int)uplink_index(f, view);
}

const struct table *fixture_table(struct fixture *f, const char *view)
{
	int index = fixture_view(f, view);
	struct table **table = &f->tables[index + 1];

	if (!*table)
		*table = table_new(
			(const struct zone *const *)f->zones, f->n_zones, &f->facts, index);
	if (!*table)
		abort();
	return *table;
}

void ask_packet(struct fixture *f, const char *view, const struct packet *packet, bool tcp)
{
	const struct table *table = fixture_table(f, view);
	struct sockaddr_storage client;
	struct respond_from from = {
		.client = (struct sockaddr *)&client, .tcp = tcp, .now_s = f->now_s};
	uint8_t *query = zalloc(packet->len + RESPOND_QUERY_SLACK, 1);
	uint8_t *reply = zalloc(tcp ? RESPOND_TCP_CAP : RESPOND_UDP_CAP, 1);
	size_t len;

	addr_to_sockaddr(&f->client, 0, 0, &client);
	memcpy(query, packet->bytes, packet->len);
	memset(query + packet->len, 0xc0, RESPOND_QUERY_SLACK); /* readable, yet not to use */
	len = respond(table, &f->conf, &from, query, packet->len, reply, &f->stats);

	reply_fini(&f->reply);
	reply_decode(&f->reply, reply, len);
	free(query);
	free(reply);
}

void ask_how(struct fixture *f, const char *view, const char *name, uint16_t type,
	const struct asking *how)
{
	packet_query(&f->query, name, type, how);
	ask_packet(f, view, &f->query, how->tcp);
}

void ask(struct fixture *f, const char *view, const char *name, uint16_t type)
{
	ask_how(f, view, name, type, &(const struct asking){0});
}
