/* fixture.h - the reference site in memory: its configuration, zones, links and answers
 *
 *     struct fixture *f = fixture_new(&(struct fixture_zone){"www.example.com", text}, 1);
 *     ask(f, "isp-a", "www.example.com.", LDNS_RR_TYPE_A);
 *     assert_answer(f, "www.example.com. 10 A 192.168.2.1");
 *
 * Time, client and secrets are fixed. A query is in a block of exactly its size, so that the
 * address sanitizer finds each octet that is read beyond it.
 */
#pragma once
#include "dnsd/answer/respond.h"
#include "tests/lib/packet.h"
#include "tests/lib/reply.h"

struct fixture_zone {
	const char *origin;
	const char *text;
};

struct fixture {
	struct site *site;
	struct zone **zones;
	size_t n_zones;
	struct facts facts;
	struct table *tables[SITE_MAX_UPLINKS + 1]; /* by view + 1; NULL: to be built */
	struct respond_conf conf;
	struct stats stats;
	struct addr client;
	uint32_t now_s;
	struct packet query; /* the last query */
	struct reply reply;  /* to that query */
};

/* The host zone of the reference site. */
extern const struct fixture_zone fixture_host_zone;

/* isp-a, isp-b, server web, all up, IPv4 only. Ends the program with the report if a zone is
 * not accepted. */
struct fixture *fixture_new(const struct fixture_zone *zones, size_t n_zones);
void fixture_free(struct fixture *f);

/* Changes of links and servers. The next query sees them. */
void fixture_set_state(struct fixture *f, const char *uplink, enum uplink_state state);
void fixture_set_inbound(struct fixture *f, const char *uplink, bool inbound);
void fixture_set_address(struct fixture *f, const char *uplink, const char *address);
void fixture_drop_address(struct fixture *f, const char *uplink, enum site_family family);
void fixture_set_dead(struct fixture *f, const char *server, const char *uplink, bool dead);
void fixture_set_forwarded(struct fixture *f, const char *server, const char *uplink, bool to);
void fixture_move_when_degraded(struct fixture *f, bool move);
/* 2001:db8:a::1, 2001:db8:b::1, LAN 2001:db8:1::1, web 2001:db8:1::10 */
void fixture_add_ipv6(struct fixture *f);

/* "isp-a", ..., or "inside": the index that facts.h and table.h use. */
int fixture_view(const struct fixture *f, const char *view);
const struct table *fixture_table(struct fixture *f, const char *view);

/* Sends a query to the view and decodes the response into f->reply. ask_with takes members of struct asking:
 * ask_with(f, "isp-a", "www.example.com.", LDNS_RR_TYPE_A, .edns = true, .size = 512). */
void ask(struct fixture *f, const char *view, const char *name, uint16_t type);
void ask_how(struct fixture *f, const char *view, const char *name, uint16_t type,
	const struct asking *how);
#define ask_with(f, view, name, type, ...) \
	ask_how(f, view, name, type, &(const struct asking){__VA_ARGS__})

/* Sends these octets as a query. */
void ask_packet(struct fixture *f, const char *view, const struct packet *packet, bool tcp);
