/* differential.c - random zones and questions, ours against a reference server
 *
 *     differential --write DIR [--seed N] [--rounds N]
 *         writes the zone files of all rounds into DIR, and a zones.nsd to include in nsd.conf
 *         and a zones.yaml to end site.yaml with
 *     differential --reference ADDR@PORT [--server ADDR@PORT] [--seed N] [--rounds N]
 *             [--questions N] [--verbose]
 *         asks the reference (NSD, with these zones) and ours: in process, or the server
 *
 * The same seed gives the same zones and questions; it is printed. Replies are decoded by ldns
 * and compared as sets: RCODE, AA, TC, answer, authority, and the glue of referrals. Where two
 * right servers may differ is in permitted(), each with its reason. Exit status 1 if anything
 * else differs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tests/lib/fixture.h"
#include "tests/lib/invariant.h"
#include "tests/lib/zonegen.h"

enum { WAIT_MS = 1000, TRIES = 5, MAX_SHOWN = 10 };

struct options {
	uint64_t seed;
	unsigned int rounds;
	unsigned int questions;
	const char *write_to;
	const char *reference;
	const char *server; /* NULL: in process */
	bool verbose;
};

enum verdict { SAME, PERMITTED, DIFFERENT };

struct tally {
	unsigned long n_questions;
	unsigned long n_permitted;
	unsigned long n_different;
	unsigned long n_truncated;
	unsigned long n_referrals;
	unsigned long n_by_rcode[16];
};

/* --- zones --- */

static void make_world(const struct options *options, unsigned int round, struct zonegen *ret)
{
	char origin[32];

	snprintf(origin, sizeof(origin), "r%u.test", round);
	zonegen_make(ret, options->seed * 1000003 + round, origin);
}

static FILE *open_in(const char *dir, const char *name)
{
	AUTO(freep) char *path = NULL;
	FILE *f;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		abort();
	f = fopen(path, "we");
	if (!f) {
		fprintf(stderr, "differential: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	return f;
}

static void write_zone(
	const struct options *options, const struct zonegen_zone *zone, FILE *nsd, FILE *yaml)
{
	char name[96];
	FILE *f;

	snprintf(name, sizeof(name), "%s.zone", zone->origin);
	f = open_in(options->write_to, name);
	fputs(zone->text, f);
	fclose(f);
	fprintf(nsd, "zone:\n  name: %s\n  zonefile: %s\n", zone->origin, name);
	fprintf(yaml, "    - {name: %s, file: %s}\n", zone->origin, name);
}

static int write_zones(const struct options *options)
{
	AUTO(fclosep) FILE *nsd = open_in(options->write_to, "zones.nsd");
	AUTO(fclosep) FILE *yaml = open_in(options->write_to, "zones.yaml");

	for (unsigned int round = 0; round < options->rounds; round++) {
		struct zonegen world;

		make_world(options, round, &world);
		for (size_t i = 0; i < world.n_zones; i++)
			write_zone(options, &world.zones[i], nsd, yaml);
		zonegen_free(&world);
	}
	return 0;
}

/* --- asking --- */

static int open_socket(const char *where)
{
	char address[128];
	const char *at = strchr(where, '@');
	struct addr addr;
	struct sockaddr_storage sa;
	socklen_t len;
	int fd;

	snprintf(address, sizeof(address), "%.*s", (int)strcspn(where, "@"), where);
	if (!at || addr_parse(address, &addr) < 0) {
		fprintf(stderr, "differential: '%s' is not ADDRESS@PORT\n", where);
		exit(2);
	}
	len = addr_to_sockaddr(&addr, (uint16_t)atoi(at + 1), 0, &sa);
	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&sa, len) < 0) {
		perror("differential: socket");
		exit(2);
	}
	return fd;
}

/* The reply to exactly this query, asked again when it does not come. */
static void ask_server(int fd, const struct packet *query, struct reply *ret_reply)
{
	uint8_t bytes[65536];

	for (int i = 0; i < TRIES; i++) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

		if (send(fd, query->bytes, query->len, 0) < 0)
			continue;
		while (poll(&poll_fd, 1, WAIT_MS) == 1) {
			ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

			if (n >= 12 && memcmp(bytes, query->bytes, 2) == 0) {
				reply_decode(ret_reply, bytes, (size_t)n);
				return;
			}
		}
	}
	reply_decode(ret_reply, NULL, 0);
}

/* --- comparing --- */

static bool list_has(const ldns_rr_list *list, const ldns_rr *rr)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *other = ldns_rr_list_rr(list, i);

		if (ldns_rr_compare(other, rr) == 0 && ldns_rr_ttl(other) == ldns_rr_ttl(rr))
			return true;
	}
	return false;
}

static bool is_subset(const ldns_rr_list *part, const ldns_rr_list *whole)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(part); i++)
		if (!list_has(whole, ldns_rr_list_rr(part, i)))
			return false;
	return true;
}

static bool has_duplicates(const ldns_rr_list *list)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++)
		for (size_t j = 0; j < i; j++)
			if (ldns_rr_compare(
				    ldns_rr_list_rr(list, i), ldns_rr_list_rr(list, j)) == 0)
				return true;
	return false;
}

/* RFC 2181 section 5: a set. Ours must be one; NSD repeats the CNAME of some loops. */
static bool same_set(
	const struct reply *ours, const struct reply *theirs, ldns_pkt_section section)
{
	return !has_duplicates(ours->sections[section]) &&
	       is_subset(ours->sections[section], theirs->sections[section]) &&
	       is_subset(theirs->sections[section], ours->sections[section]);
}

static bool section_is_of(
	const struct reply *reply, ldns_pkt_section section, ldns_rr_type type)
{
	const ldns_rr_list *list = reply->sections[section];

	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++)
		if (ldns_rr_get_type(ldns_rr_list_rr(list, i)) != type)
			return false;
	return ldns_rr_list_rr_count(list) > 0;
}

static bool is_referral(const struct reply *reply)
{
	return !reply->aa && section_is_of(reply, LDNS_SECTION_AUTHORITY, LDNS_RR_TYPE_NS);
}

static bool all_same(const struct reply *ours, const struct reply *theirs)
{
	if (ours->defect || ours->rcode != theirs->rcode || ours->aa != theirs->aa ||
		ours->tc != theirs->tc)
		return false;
	if (!same_set(ours, theirs, LDNS_SECTION_ANSWER) ||
		!same_set(ours, theirs, LDNS_SECTION_AUTHORITY))
		return false;
	return !is_referral(ours) || same_set(ours, theirs, LDNS_SECTION_ADDITIONAL);
}

/* RFC 8482 section 4.1: any one RRset answers ANY, so ours must be one that the reference has
 * under its own type. */
static bool any_rrset_is_right(int reference, const struct zonegen_question *question,
	const struct reply *ours, const struct reply *theirs)
{
	const ldns_rr_list *answer = ours->sections[LDNS_SECTION_ANSWER];
	struct packet query;
	struct reply check;
	bool right;

	if (ours->rcode != theirs->rcode || ours->aa != theirs->aa)
		return false;
	if (ours->tc)
		return true; /* the one chosen does not fit: to be asked for over TCP */
	if (!reply_n_rrs(ours, LDNS_SECTION_ANSWER))
		return false;
	/* past a chain of aliases the last record tells the type */
	packet_query(&query, question->name,
		ldns_rr_get_type(ldns_rr_list_rr(answer, ldns_rr_list_rr_count(answer) - 1)),
		&(const struct asking){.edns = true});
	ask_server(reference, &query, &check);
	right = same_set(ours, &check, LDNS_SECTION_ANSWER);
	reply_fini(&check);
	return right;
}

/* NSD leaves the zone's NS out of answers to ANY and DS. They are welcome in any. */
static bool only_adds_ns(const struct reply *ours, const struct reply *theirs)
{
	return ours->rcode == theirs->rcode && ours->aa && theirs->aa && !ours->tc &&
	       !theirs->tc && same_set(ours, theirs, LDNS_SECTION_ANSWER) &&
	       reply_n_rrs(ours, LDNS_SECTION_ANSWER) > 0 &&
	       reply_n_rrs(theirs, LDNS_SECTION_AUTHORITY) == 0 &&
	       section_is_of(ours, LDNS_SECTION_AUTHORITY, LDNS_RR_TYPE_NS);
}

/* A CNAME asked for below a DNAME: RFC 6672 section 3.2 has the server start again with the
 * new name whatever the type is; NSD takes the synthesised CNAME for the answer and stops. */
static bool goes_on_after_dname(const struct reply *ours, const struct reply *theirs)
{
	const ldns_rr_list *answer = theirs->sections[LDNS_SECTION_ANSWER];
	size_t n = ldns_rr_list_rr_count(answer);

	return ours->aa && theirs->aa && theirs->rcode == LDNS_RCODE_NOERROR && n >= 2 &&
	       ldns_rr_get_type(ldns_rr_list_rr(answer, n - 1)) == LDNS_RR_TYPE_CNAME &&
	       ldns_rr_get_type(ldns_rr_list_rr(answer, n - 2)) == LDNS_RR_TYPE_DNAME &&
	       reply_n_rrs(theirs, LDNS_SECTION_AUTHORITY) == 0 &&
	       is_subset(answer, ours->sections[LDNS_SECTION_ANSWER]);
}

/* Two right servers may differ here. */
static bool permitted(int reference, const struct zonegen_question *question,
	const struct reply *ours, const struct reply *theirs)
{
	if (question->type == LDNS_RR_TYPE_ANY &&
		any_rrset_is_right(reference, question, ours, theirs))
		return true;
	if ((question->type == LDNS_RR_TYPE_DS || question->type == LDNS_RR_TYPE_ANY) &&
		only_adds_ns(ours, theirs))
		return true;
	if (question->type == LDNS_RR_TYPE_CNAME && goes_on_after_dname(ours, theirs))
		return true;
	return false;
}

static void show(const struct zonegen_question *question, const struct reply *ours,
	const struct reply *theirs)
{
	fprintf(stderr, "---- %s TYPE%u\nthe reference says\n", question->name,
		question->type);
	reply_print(theirs);
	fprintf(stderr, "ours says\n");
	reply_print(ours);
}

/* --- rounds --- */

struct sides {
	struct fixture *fixture; /* in process */
	int server;		 /* or this socket */
	int reference;
};

static void make_query(struct prng *prng, const struct zonegen_question *question,
	struct packet *ret_query, struct asking *ret_how)
{
	*ret_how = (struct asking){.id = (uint16_t)(1 + prng_below(prng, 65535))};
	if (prng_chance(prng, 50)) {
		ret_how->edns = true;
		ret_how->size = (uint16_t)(512 + prng_below(prng, 721));
	}
	packet_query(ret_query, question->name, question->type, ret_how);
}

static void ask_ours(struct sides *sides, const struct packet *query, struct reply *ret_reply)
{
	if (sides->fixture) {
		ask_packet(sides->fixture, "isp-a", query, false);
		*ret_reply = sides->fixture->reply;
		sides->fixture->reply = (struct reply){0};
	} else {
		ask_server(sides->server, query, ret_reply);
	}
}

static enum verdict ask_both(struct sides *sides, const struct zonegen_question *question,
	const struct packet *query, struct tally *tally, bool shown)
{
	struct reply ours;
	struct reply theirs;
	enum verdict verdict = SAME;
	const char *broken;

	ask_ours(sides, query, &ours);
	ask_server(sides->reference, query, &theirs);
	broken = invariant_broken(query->bytes, query->len, false, &ours);
	if (broken) {
		fprintf(stderr, "ours: %s\n", broken);
		verdict = DIFFERENT;
	} else if (!all_same(&ours, &theirs)) {
		verdict = permitted(sides->reference, question, &ours, &theirs) ? PERMITTED
										: DIFFERENT;
	}
	if (verdict == DIFFERENT && shown)
		show(question, &ours, &theirs);
	tally->n_truncated += ours.tc;
	tally->n_referrals += is_referral(&ours);
	tally->n_by_rcode[ours.rcode & 15]++;
	reply_fini(&ours);
	reply_fini(&theirs);
	return verdict;
}

static void run_round(const struct options *options, unsigned int round, struct sides *sides,
	struct tally *tally)
{
	struct fixture_zone zones[ZONEGEN_ZONES];
	struct prng prng = {.state = options->seed ^ (uint64_t)round << 32};
	struct zonegen world;

	make_world(options, round, &world);
	for (size_t i = 0; i < world.n_zones; i++)
		zones[i] = (struct fixture_zone){world.zones[i].origin, world.zones[i].text};
	sides->fixture = options->server ? NULL : fixture_new(zones, world.n_zones);

	for (unsigned int i = 0; i < options->questions; i++) {
		struct zonegen_question question;
		struct packet query;
		struct asking how;
		enum verdict verdict;

		zonegen_ask(&world, &prng, &question);
		make_query(&prng, &question, &query, &how);
		verdict = ask_both(sides, &question, &query, tally,
			options->verbose || tally->n_different < MAX_SHOWN);
		tally->n_questions++;
		tally->n_permitted += verdict == PERMITTED;
		tally->n_different += verdict == DIFFERENT;
	}
	fixture_free(sides->fixture);
	zonegen_free(&world);
}

static int compare_all(const struct options *options)
{
	struct sides sides = {.server = -1};
	struct tally tally = {0};

	sides.reference = open_socket(options->reference);
	if (options->server)
		sides.server = open_socket(options->server);
	for (unsigned int round = 0; round < options->rounds; round++)
		run_round(options, round, &sides, &tally);

	printf("seed %llu: %lu questions, %lu NOERROR, %lu NXDOMAIN, %lu referrals, "
	       "%lu truncated, %lu permitted differences, %lu different\n",
		(unsigned long long)options->seed, tally.n_questions, tally.n_by_rcode[0],
		tally.n_by_rcode[3], tally.n_referrals, tally.n_truncated, tally.n_permitted,
		tally.n_different);
	close(sides.reference);
	if (sides.server >= 0)
		close(sides.server);
	return tally.n_different || !tally.n_questions ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"seed", required_argument, NULL, 's'},
		{"rounds", required_argument, NULL, 'r'},
		{"questions", required_argument, NULL, 'q'},
		{"write", required_argument, NULL, 'w'},
		{"reference", required_argument, NULL, 'R'},
		{"server", required_argument, NULL, 'S'},
		{"verbose", no_argument, NULL, 'v'},
		{0},
	};
	struct options options = {
		.seed = (uint64_t)time(NULL), .rounds = 50, .questions = 400};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			options.seed = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			options.rounds = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'q':
			options.questions = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'w':
			options.write_to = optarg;
			break;
		case 'R':
			options.reference = optarg;
			break;
		case 'S':
			options.server = optarg;
			break;
		case 'v':
			options.verbose = true;
			break;
		default:
			return 2;
		}
	}
	if (options.write_to)
		return write_zones(&options);
	if (options.reference)
		return compare_all(&options);
	fprintf(stderr, "differential: --write DIR or --reference ADDRESS@PORT\n");
	return 2;
}
