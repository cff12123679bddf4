/* zonegen.c - random zones for comparisons, and questions that make them sweat
 *
 * First the owner names and their roles are drawn, then what would make a zone invalid is
 * taken back (data below a DNAME), then the records are written role by role.
 */
#include "tests/lib/zonegen.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

enum role { ROLE_DATA, ROLE_CNAME, ROLE_DNAME, ROLE_CUT, ROLE_GLUE, ROLE_NONE };

struct owner {
	char name[ZONEGEN_NAME_LEN]; /* relative to the origin */
	enum role role;
};

struct maker {
	struct prng prng;
	const char *origin;
	struct owner owners[ZONEGEN_MAX_NAMES];
	size_t n_owners;
	FILE *out;
};

static const char *const labels[] = {"a", "b", "c", "d", "e"};

enum { N_LABELS = sizeof(labels) / sizeof(labels[0]) };

static bool is_wildcard(const char *name)
{
	return strncmp(name, "*.", 2) == 0 || strcmp(name, "*") == 0;
}

/* `name` is below `above`, both relative. */
static bool is_below(const char *name, const char *above)
{
	size_t n = strlen(name);
	size_t a = strlen(above);

	return n > a + 1 && strcmp(name + n - a, above) == 0 && name[n - a - 1] == '.';
}

static struct owner *find_owner(struct maker *m, const char *name)
{
	for (size_t i = 0; i < m->n_owners; i++)
		if (strcmp(m->owners[i].name, name) == 0)
			return &m->owners[i];
	return NULL;
}

static struct owner *add_owner(struct maker *m, const char *name, enum role role)
{
	struct owner *owner = find_owner(m, name);

	if (owner || m->n_owners == ZONEGEN_MAX_NAMES)
		return owner;
	owner = &m->owners[m->n_owners++];
	snprintf(owner->name, sizeof(owner->name), "%s", name);
	owner->role = role;
	return owner;
}

static void draw_name(struct maker *m, char *ret, size_t cap)
{
	unsigned int depth = 1 + prng_below(&m->prng, 4);
	size_t used = 0;

	for (unsigned int i = 0; i < depth; i++) {
		const char *label = labels[prng_below(&m->prng, N_LABELS)];

		if (i == 0 && prng_chance(&m->prng, 20))
			label = "*";
		used += (size_t)snprintf(ret + used, cap - used, "%s%s", i ? "." : "", label);
	}
}

static enum role draw_role(struct maker *m, const char *name)
{
	unsigned int dice = prng_below(&m->prng, 100);

	if (dice < 15)
		return ROLE_CNAME;
	if (dice < 23 && !is_wildcard(name))
		return ROLE_DNAME;
	if (dice < 33 && !is_wildcard(name))
		return ROLE_CUT;
	return ROLE_DATA;
}

static void draw_owners(struct maker *m)
{
	unsigned int n = 3 + prng_below(&m->prng, 22);
	char name[ZONEGEN_NAME_LEN];

	for (unsigned int i = 0; i < n; i++) {
		draw_name(m, name, sizeof(name));
		add_owner(m, name, draw_role(m, name));
	}
}

/* Below a DNAME there is nothing; below a cut only addresses, of which some are glue. */
static void settle_roles(struct maker *m)
{
	for (size_t i = 0; i < m->n_owners; i++) {
		for (size_t j = 0; j < m->n_owners; j++) {
			struct owner *above = &m->owners[i];
			struct owner *below = &m->owners[j];

			if (!is_below(below->name, above->name))
				continue;
			if (above->role == ROLE_DNAME)
				below->role = ROLE_NONE;
			else if (above->role == ROLE_CUT && below->role != ROLE_NONE)
				below->role = is_wildcard(below->name) ? ROLE_NONE : ROLE_GLUE;
		}
	}
}

/* A target, absolute: an owner, below one, nowhere, or out of the zone. */
static void draw_target(struct maker *m, char *ret, size_t cap)
{
	const struct owner
		*owner = &m->owners[prng_below(&m->prng, (unsigned int)m->n_owners)];
	const char *label = labels[prng_below(&m->prng, N_LABELS)];
	const char *name = is_wildcard(owner->name) ? owner->name + 2 : owner->name;
	unsigned int dice = prng_below(&m->prng, 100);

	if (strcmp(owner->name, "*") == 0)
		name = "e.d.c";
	if (dice < 50)
		snprintf(ret, cap, "%s.%s.", name, m->origin);
	else if (dice < 75)
		snprintf(ret, cap, "%s.%s.%s.", label, name, m->origin);
	else if (dice < 85)
		snprintf(ret, cap, "nowhere.%s.", m->origin);
	else if (dice < 90)
		snprintf(ret, cap, "%s.kid.%s.", label, m->origin);
	else
		snprintf(ret, cap, "%s.example.invalid.", label);
}

/* Whether the DNAME at owner `i` with that target could lead back to itself: only DNAMEs
 * further down the list may be met on the way. */
static bool may_loop(const struct maker *m, size_t i, const char *target)
{
	for (size_t j = 0; j <= i; j++) {
		char name[ZONEGEN_NAME_LEN * 2];

		if (m->owners[j].role != ROLE_DNAME)
			continue;
		snprintf(name, sizeof(name), "%s.%s.", m->owners[j].name, m->origin);
		if (strcmp(name, target) == 0 || is_below(target, name) ||
			is_below(name, target))
			return true;
	}
	return false;
}

/* Names that grow with each turn of a loop end where a server's own limits are: nothing to
 * compare. */
static void draw_dname_target(struct maker *m, size_t i, char *ret, size_t cap)
{
	for (int tries = 0; tries < 20; tries++) {
		draw_target(m, ret, cap);
		if (!may_loop(m, i, ret))
			return;
	}
	snprintf(ret, cap, "nowhere.%s.", m->origin);
}

static void put_addresses(struct maker *m, const char *name, bool some)
{
	unsigned int n4 = prng_below(&m->prng, 3) + some;
	unsigned int n6 = prng_chance(&m->prng, 40) ? 1 + prng_below(&m->prng, 2) : 0;
	unsigned int net = prng_below(&m->prng, 250);

	for (unsigned int i = 0; i < n4; i++)
		fprintf(m->out, "%s 3600 A 192.0.2.%u\n", name, net + i);
	for (unsigned int i = 0; i < n6; i++)
		fprintf(m->out, "%s 1800 AAAA 2001:db8::%x\n", name, net + i);
}

static void put_targets(struct maker *m, const char *name)
{
	char target[ZONEGEN_NAME_LEN * 2];

	if (prng_chance(&m->prng, 25)) {
		draw_target(m, target, sizeof(target));
		fprintf(m->out, "%s 700 MX 10 %s\n", name, target);
		if (prng_chance(&m->prng, 50)) {
			draw_target(m, target, sizeof(target));
			fprintf(m->out, "%s 700 MX 20 %s\n", name, target);
		}
	}
	if (prng_chance(&m->prng, 15)) {
		draw_target(m, target, sizeof(target));
		fprintf(m->out, "%s 800 SRV 1 2 5060 %s\n", name, target);
	}
}

static void put_data(struct maker *m, const char *name)
{
	put_addresses(m, name, prng_chance(&m->prng, 50));
	put_targets(m, name);
	if (prng_chance(&m->prng, 15))
		fprintf(m->out, "%s 500 CAA 0 issue \"ca.example.net\"\n", name);
	if (prng_chance(&m->prng, 15))
		fprintf(m->out, "%s 400 TYPE65280 \\# 4 0a00000%u\n", name,
			prng_below(&m->prng, 10));
	/* always something, so that the name exists */
	fprintf(m->out, "%s 600 TXT \"text of %s\"\n", name, name);
	if (prng_chance(&m->prng, 10))
		for (unsigned int i = 0; i < 6; i++)
			fprintf(m->out, "%s 600 TXT \"%u %0100u\" \"%080u\"\n", name, i, i, i);
}

static void put_cut(struct maker *m, const char *name)
{
	unsigned int n = 1 + prng_below(&m->prng, 3);

	for (unsigned int i = 0; i < n; i++) {
		unsigned int dice = prng_below(&m->prng, 100);

		if (dice < 60) {
			char glue[ZONEGEN_NAME_LEN];

			snprintf(glue, sizeof(glue), "ns%u.%.180s", i, name);
			fprintf(m->out, "%s 3000 NS %s\n", name, glue);
			put_addresses(m, glue, true);
		} else if (dice < 80 && i < 2) {
			fprintf(m->out, "%s 3000 NS ns%u\n", name, 1 + i);
		} else {
			fprintf(m->out, "%s 3000 NS n%u.example.invalid.\n", name, i);
		}
	}
	if (prng_chance(&m->prng, 30))
		fprintf(m->out, "%s 2000 DS %u 13 2 %064x\n", name,
			prng_below(&m->prng, 60000), prng_below(&m->prng, 60000));
}

static void put_owner(struct maker *m, size_t i)
{
	const struct owner *owner = &m->owners[i];
	char target[ZONEGEN_NAME_LEN * 2];

	switch (owner->role) {
	case ROLE_DATA:
		put_data(m, owner->name);
		break;
	case ROLE_CNAME:
		draw_target(m, target, sizeof(target));
		fprintf(m->out, "%s 900 CNAME %s\n", owner->name, target);
		break;
	case ROLE_DNAME:
		draw_dname_target(m, i, target, sizeof(target));
		fprintf(m->out, "%s 1000 DNAME %s\n", owner->name, target);
		if (prng_chance(&m->prng, 30))
			put_addresses(m, owner->name, true);
		break;
	case ROLE_CUT:
		put_cut(m, owner->name);
		break;
	case ROLE_GLUE:
		put_addresses(m, owner->name, true);
		break;
	case ROLE_NONE:
		break;
	}
}

static void put_apex(struct maker *m, bool has_kid)
{
	fprintf(m->out,
		"$ORIGIN %s.\n$TTL 3600\n"
		"@ %u SOA ns1 hostmaster %u 7200 900 1209600 %u\n"
		"@ NS ns1\n",
		m->origin, 100 + prng_below(&m->prng, 900), 1 + prng_below(&m->prng, 1000),
		100 + prng_below(&m->prng, 900));
	if (prng_chance(&m->prng, 60))
		fprintf(m->out, "@ NS ns2\n");
	if (prng_chance(&m->prng, 20))
		fprintf(m->out, "@ NS ns.example.invalid.\n");
	put_addresses(m, "ns1", true);
	put_addresses(m, "ns2", true);
	if (prng_chance(&m->prng, 50))
		put_targets(m, "@");
	if (has_kid) {
		fprintf(m->out, "kid NS ns1.kid\nns1.kid A 192.0.2.77\n");
		if (prng_chance(&m->prng, 50))
			fprintf(m->out, "kid DS 4711 13 2 %064x\n", 77);
	}
}

static void add_names(struct zonegen *world, const struct maker *m)
{
	for (size_t i = 0; i < m->n_owners; i++)
		snprintf(world->names[world->n_names++], ZONEGEN_NAME_LEN, "%.120s.%.70s.",
			m->owners[i].name, m->origin);
	snprintf(world->names[world->n_names++], ZONEGEN_NAME_LEN, "%s.", m->origin);
}

static void make_zone(struct zonegen *world, uint64_t seed, const char *origin, bool has_kid)
{
	struct zonegen_zone *zone = &world->zones[world->n_zones++];
	struct maker m = {.prng = {.state = seed}};
	size_t size;

	snprintf(zone->origin, sizeof(zone->origin), "%s", origin);
	m.origin = zone->origin;
	m.out = open_memstream(&zone->text, &size);
	if (!m.out)
		abort();
	draw_owners(&m);
	settle_roles(&m);
	put_apex(&m, has_kid);
	for (size_t i = 0; i < m.n_owners; i++)
		put_owner(&m, i);
	if (fclose(m.out) != 0)
		abort();
	if (m.n_owners > ZONEGEN_MAX_NAMES - 2)
		abort();
	add_names(world, &m);
}

void zonegen_make(struct zonegen *world, uint64_t seed, const char *origin)
{
	struct prng prng = {.state = seed};
	bool has_kid = prng_chance(&prng, 40);

	*world = (struct zonegen){0};
	make_zone(world, prng_next(&prng), origin, has_kid);
	if (has_kid) {
		char kid[64];

		snprintf(kid, sizeof(kid), "kid.%.50s", origin);
		make_zone(world, prng_next(&prng), kid, false);
	}
}

void zonegen_free(struct zonegen *world)
{
	for (size_t i = 0; i < world->n_zones; i++)
		free(world->zones[i].text);
	world->n_zones = 0;
}

static void swap_wildcard(char *name, struct prng *prng)
{
	if (name[0] == '*' && prng_chance(prng, 70))
		name[0] = labels[prng_below(prng, N_LABELS)][0];
}

static const char *above(const char *name, struct prng *prng)
{
	unsigned int n = prng_chance(prng, 15) ? 1 + prng_below(prng, 2) : 0;

	for (unsigned int i = 0; i < n; i++) {
		const char *dot = strchr(name, '.');

		if (!dot || !dot[1])
			break;
		name = dot + 1;
	}
	return name;
}

static void mix_case(char *name, struct prng *prng)
{
	if (prng_chance(prng, 50))
		return;
	for (; *name; name++)
		if (prng_chance(prng, 50))
			*name = (char)toupper((unsigned char)*name);
}

void zonegen_ask(
	const struct zonegen *world, struct prng *prng, struct zonegen_question *ret_question)
{
	static const uint16_t types[] = {LDNS_RR_TYPE_A, LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA,
		LDNS_RR_TYPE_TXT, LDNS_RR_TYPE_MX, LDNS_RR_TYPE_SRV, LDNS_RR_TYPE_NS,
		LDNS_RR_TYPE_SOA, LDNS_RR_TYPE_CNAME, LDNS_RR_TYPE_DNAME, LDNS_RR_TYPE_DS,
		LDNS_RR_TYPE_CAA, LDNS_RR_TYPE_ANY, 65280, 65281};
	char *name = ret_question->name;
	size_t cap = sizeof(ret_question->name);
	char base[ZONEGEN_NAME_LEN];
	unsigned int n_below = prng_chance(prng, 40) ? 1 + prng_below(prng, 3) : 0;
	size_t used = 0;

	snprintf(base, sizeof(base), "%s",
		world->names[prng_below(prng, (unsigned int)world->n_names)]);
	swap_wildcard(base, prng);
	for (unsigned int i = 0; i < n_below; i++)
		used += (size_t)snprintf(name + used, cap - used, "%s.",
			prng_chance(prng, 5) ? "*" : labels[prng_below(prng, N_LABELS)]);
	snprintf(name + used, cap - used, "%s", above(base, prng));
	mix_case(name, prng);
	ret_question->type = types[prng_below(prng, sizeof(types) / sizeof(types[0]))];
}
