/* facts.c - what a pseudo record becomes, given what is known of the links
 *
 * Pure. The table builder calls facts_expand() for each SERVER and UPLINK record, in each view
 * and family. Two questions decide everything. May the uplink be offered at all (it takes
 * inbound connections, has an address, forwards to the server)? How good is it (its rank)? A
 * name must never lose its last address: if no uplink is good, the rules offer a bad one
 * instead of answering NODATA, since a name has the same types in all views.
 */
#include "dnsd/state/facts.h"

#include <stdlib.h>
#include <string.h>

#include "common/site/uplinkset.h"

enum rank {
	RANK_RECEIVING, /* the query itself proves that it works inward */
	RANK_UP,
	RANK_RECEIVING_DEGRADED, /* with when-degraded: move; only RANK_UP is better */
	RANK_DEGRADED,
	RANK_DRAINED_RECEIVING, /* no good uplink is left; a drained one still works */
	RANK_DRAINED,
	RANK_AVOID_RECEIVING, /* the server is dead there; the uplink works at least inward */
	RANK_AVOID,	      /* down, or the server is dead there */
	RANK_NEVER,
};

/* One record in one view and family: SERVER and UPLINK records share their rules. */
struct offer {
	const struct facts *facts;
	const struct server_facts *server; /* NULL: an UPLINK record */
	enum site_family family;
	int view;
};

typedef size_t expand_fn(const struct offer *offer, struct addr *ret_addrs);

static bool offer_is_possible(const struct offer *offer, size_t i)
{
	const struct uplink_facts *uplink = &offer->facts->uplinks[i];
	const struct server_facts *server = offer->server;

	if (!addr_is_set(&uplink->public_addrs[offer->family]))
		return false;
	if (server)
		return uplinkset_has(server->forwarded & server->by_family[offer->family], i);
	return uplink->inbound;
}

static bool offer_is_dead(const struct offer *offer, size_t i)
{
	return offer->server && uplinkset_has(offer->server->dead, i);
}

/* For records that stand for one address: that of the receiving uplink, or of the best other. */
static enum rank offer_rank(const struct offer *offer, size_t i)
{
	const struct uplink_facts *uplink = &offer->facts->uplinks[i];
	bool receiving = offer->view == (int)i;

	if (!offer_is_possible(offer, i))
		return RANK_NEVER;
	if (offer_is_dead(offer, i))
		return receiving ? RANK_AVOID_RECEIVING : RANK_AVOID;
	if (uplink->state == UPLINK_DRAINED)
		return receiving ? RANK_DRAINED_RECEIVING : RANK_DRAINED;
	if (receiving && uplink->state == UPLINK_DEGRADED && offer->facts->move_when_degraded)
		return RANK_RECEIVING_DEGRADED;
	if (receiving)
		return RANK_RECEIVING;
	if (uplink->state == UPLINK_UP)
		return RANK_UP;
	return uplink->state == UPLINK_DEGRADED ? RANK_DEGRADED : RANK_AVOID;
}

static size_t expand_one(const struct offer *offer, struct addr *ret_addrs)
{
	enum rank best = RANK_NEVER;

	for (size_t i = 0; i < offer->facts->n_uplinks; i++) {
		enum rank rank = offer_rank(offer, i);

		if (rank < best) {
			best = rank;
			ret_addrs[0] = offer->facts->uplinks[i].public_addrs[offer->family];
		}
	}
	return best < RANK_NEVER ? 1 : 0;
}

static bool offer_is_good(const struct offer *offer, size_t i)
{
	enum uplink_state state = offer->facts->uplinks[i].state;

	return state != UPLINK_DOWN && state != UPLINK_DRAINED && !offer_is_dead(offer, i);
}

static size_t add_unique_addr(struct addr *addrs, size_t n, const struct addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (addr_eq(&addrs[i], addr))
			return n;
	addrs[n] = *addr;
	return n + 1;
}

/* The receiving uplink first, then in order of preference. */
static size_t collect_offers(const struct offer *offer, bool only_good, struct addr *ret_addrs)
{
	const struct facts *facts = offer->facts;
	size_t n = 0;

	for (size_t round = 0; round < 2; round++)
		for (size_t i = 0; i < facts->n_uplinks; i++) {
			bool receiving = offer->view == (int)i;

			if (receiving != (round == 0) || !offer_is_possible(offer, i))
				continue;
			if (!only_good || offer_is_good(offer, i))
				n = add_unique_addr(ret_addrs, n,
					&facts->uplinks[i].public_addrs[offer->family]);
		}
	return n;
}

static size_t expand_all(const struct offer *offer, struct addr *ret_addrs)
{
	size_t n = collect_offers(offer, true, ret_addrs);

	return n > 0 ? n : collect_offers(offer, false, ret_addrs);
}

static size_t expand_literal(const struct addr *addr, struct addr *ret_addrs)
{
	ret_addrs[0] = *addr;
	return addr_is_set(addr) ? 1 : 0;
}

static size_t expand_server(
	struct offer *offer, unsigned int index, expand_fn *outside, struct addr *ret_addrs)
{
	offer->server = &offer->facts->servers[index];

	/* A server that has only loopbacks of the family is reached through an uplink's address
	 * from inside too: a name has the same types in all views. */
	if (offer->view == FACTS_VIEW_INSIDE &&
		addr_is_set(&offer->server->address[offer->family]))
		return expand_literal(&offer->server->address[offer->family], ret_addrs);
	return outside(offer, ret_addrs);
}

size_t facts_expand(const struct facts *facts, int view, const struct pseudo *pseudo,
	enum site_family family, struct addr *ret_addrs)
{
	struct offer offer = {.facts = facts, .family = family, .view = view};

	switch (pseudo->kind) {
	case PSEUDO_SERVER:
		return expand_server(&offer, pseudo->index, expand_one, ret_addrs);
	case PSEUDO_SERVER_ALL:
		return expand_server(&offer, pseudo->index, expand_all, ret_addrs);
	case PSEUDO_UPLINK:
		return expand_literal(
			&facts->uplinks[pseudo->index].public_addrs[family], ret_addrs);
	case PSEUDO_UPLINK_ALL:
		return expand_all(&offer, ret_addrs);
	case PSEUDO_UPLINK_RECEIVING:
		/* a LAN without the family borrows an address as an uplink does: a name has the
		 * same types in all views */
		if (view == FACTS_VIEW_INSIDE && addr_is_set(&facts->lan[family]))
			return expand_literal(&facts->lan[family], ret_addrs);
		return expand_one(&offer, ret_addrs);
	}
	return 0;
}

void facts_fini(struct facts *facts)
{
	free(facts->servers);
	memset(facts, 0, sizeof(*facts));
}

static bool family_addrs_eq(
	const struct addr a[SITE_FAMILIES], const struct addr b[SITE_FAMILIES])
{
	return addr_eq(&a[SITE_IPV4], &b[SITE_IPV4]) && addr_eq(&a[SITE_IPV6], &b[SITE_IPV6]);
}

static bool uplink_facts_eq(const struct uplink_facts *a, const struct uplink_facts *b)
{
	return a->state == b->state && a->inbound == b->inbound &&
	       family_addrs_eq(a->public_addrs, b->public_addrs);
}

static bool server_facts_eq(const struct server_facts *a, const struct server_facts *b)
{
	return family_addrs_eq(a->address, b->address) && a->forwarded == b->forwarded &&
	       a->dead == b->dead &&
	       memcmp(a->by_family, b->by_family, sizeof(a->by_family)) == 0;
}

bool facts_eq(const struct facts *a, const struct facts *b)
{
	if (a->n_uplinks != b->n_uplinks || a->n_servers != b->n_servers ||
		a->move_when_degraded != b->move_when_degraded ||
		!family_addrs_eq(a->lan, b->lan))
		return false;
	for (size_t i = 0; i < a->n_uplinks; i++)
		if (!uplink_facts_eq(&a->uplinks[i], &b->uplinks[i]))
			return false;
	for (size_t i = 0; i < a->n_servers; i++)
		if (!server_facts_eq(&a->servers[i], &b->servers[i]))
			return false;
	return true;
}
