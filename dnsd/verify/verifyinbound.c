/* verifyinbound.c - `verify --inbound`: do the queries of resolvers come in by every uplink?
 *
 *     verb --- token --> dnsd: waits for names with it
 *     verb --- TOKEN-u1.ZONE TXT? --> resolver --- over some uplink --> dnsd: counts, answers
 *     verb --- TOKEN-t1.ZONE TXT? --> resolver --- the same, truncated, then by TCP --> dnsd
 *     verb --- what arrived? --> dnsd
 *
 * Each name is new, so that no cache answers. The verb asks in rounds until every address of the
 * delegation was reached by UDP and by TCP, or until it asked so often that a working address
 * would have had its turn: resolvers prefer the quickest server and try the others now and then.
 * A question is repeated as clients repeat it while no answer comes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/net/family.h"
#include "common/site/value.h"
#include "dnsd/client/askall.h"
#include "dnsd/verify/verify.h"
#include "dnsd/wire/response.h"

enum {
	PER_ROUND = 8,	      /* names of each kind */
	MAX_PER_ADDRESS = 40, /* names of each kind, in all rounds */
	MAX_ROUNDS = 32,
	MAX_MS = 40 * 1000,   /* no new round begins after that */
	ENOUGH_TRUNCATED = 6, /* truncated answers without a question by TCP: TCP is closed */
	MAX_WAYS = 2 * SITE_MAX_UPLINKS,
};

/* About as long as clients wait, and as often as they ask. */
static const struct askall_how patience = {.udp_ms = 2000, .n_tries = 3, .tcp_ms = 5000};

/* One uplink in one family: a way in. */
struct way {
	char uplink[SITE_NAME_MAX + 1];
	enum site_family family;
	char address[ADDR_STR_LEN];
	uint64_t n_udp;
	uint64_t n_tcp;
	uint64_t n_truncated; /* of those by UDP */
};

struct tally {
	struct endpoint via;
	struct way ways[MAX_WAYS];
	size_t n_ways;
	unsigned int n_asked;
	unsigned int n_answered;
	unsigned int n_timeouts;
	unsigned int n_servfails;
	unsigned int n_others; /* NXDOMAIN, REFUSED, ... */
	char other[64];	       /* the last of them */
	bool was_reloaded;
};

/* ---- ways in ---- */

static void add_way(struct tally *tally, const struct verify_live_addr *addr)
{
	enum site_family family = family_of(addr->addr.family);

	if (!*addr->uplink || tally->n_ways == MAX_WAYS)
		return;
	for (size_t i = 0; i < tally->n_ways; i++)
		if (strcmp(tally->ways[i].uplink, addr->uplink) == 0 &&
			tally->ways[i].family == family)
			return;
	struct way *way = &tally->ways[tally->n_ways++];
	snprintf(way->uplink, sizeof(way->uplink), "%s", addr->uplink);
	snprintf(way->address, sizeof(way->address), "%s", addr_str(&addr->addr));
	way->family = family;
}

static void collect_ways(const struct verify *verify, struct tally *tally)
{
	for (size_t i = 0; i < verify->live.n_ns; i++)
		for (size_t k = 0; k < verify->live.ns[i].n_addrs; k++)
			add_way(tally, &verify->live.ns[i].addrs[k]);
}

static bool way_is_open(const struct way *way)
{
	return way->n_udp > 0 && way->n_tcp > 0;
}

static bool is_family_seen(const struct tally *tally, enum site_family family)
{
	for (size_t i = 0; i < tally->n_ways; i++)
		if (tally->ways[i].family == family &&
			tally->ways[i].n_udp + tally->ways[i].n_tcp > 0)
			return true;
	return false;
}

/* More questions would tell nothing new: the way is open, or almost certainly closed. */
static bool way_is_settled(const struct way *way)
{
	return way_is_open(way) || (way->n_tcp == 0 && way->n_truncated >= ENOUGH_TRUNCATED);
}

static bool all_settled(const struct tally *tally)
{
	for (size_t i = 0; i < tally->n_ways; i++)
		if (!way_is_settled(&tally->ways[i]))
			return false;
	return true;
}

static uint64_t json_count(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void read_arrived(const json_t *reply, struct tally *tally)
{
	const json_t *list = json_object_get(reply, "arrived");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		const char *view = json_string_value(json_object_get(item, "view"));
		const char *family = json_string_value(json_object_get(item, "family"));

		for (size_t k = 0; view && family && k < tally->n_ways; k++) {
			struct way *way = &tally->ways[k];

			if (strcmp(way->uplink, view) != 0 ||
				(way->family == SITE_IPV6) != (strcmp(family, "ipv6") == 0))
				continue;
			way->n_udp = json_count(item, "udp");
			way->n_tcp = json_count(item, "tcp");
			way->n_truncated = json_count(item, "truncated");
		}
	}
}

/* ---- questions ---- */

static void tally_count(struct tally *tally, const struct question *question)
{
	char text[64];

	tally->n_asked++;
	if (question->outcome != ASK_ANSWERED) {
		tally->n_timeouts++;
	} else if (question->message.rcode == DNS_RCODE_SERVFAIL) {
		tally->n_servfails++;
	} else if (response_txt(&question->message, text, sizeof(text))) {
		tally->n_answered++;
	} else {
		tally->n_others++;
		snprintf(tally->other, sizeof(tally->other), "%s",
			question->message.rcode == DNS_RCODE_NOERROR
				? "an empty answer"
				: message_rcode_str(question->message.rcode));
	}
}

/* TOKEN-uN.ZONE or TOKEN-tN.ZONE. */
static int write_name(const struct verify *verify, const char *token, char kind,
	unsigned int n, uint8_t ret_name[NAME_MAX_LEN])
{
	char text[NAME_STR_LEN + 64];
	char zone[NAME_STR_LEN];
	size_t len;

	snprintf(text, sizeof(text), "%s-%c%u.%s", token, kind, n,
		name_str(verify->apex, zone));
	return name_from_str(text, ret_name, &len);
}

static int ask_round(const struct verify *verify, const char *token, unsigned int first,
	struct tally *tally)
{
	struct question questions[2 * PER_ROUND] = {0};

	for (unsigned int i = 0; i < 2 * PER_ROUND; i++) {
		questions[i].server = tally->via;
		questions[i].type = DNS_TYPE_TXT;
		questions[i].recursive = true;
		if (write_name(verify, token, i % 2 ? 't' : 'u', first + i / 2,
			    questions[i].name) < 0)
			return -ENAMETOOLONG;
	}
	int err = askall(&patience, questions, 2 * PER_ROUND);
	for (size_t i = 0; i < 2 * PER_ROUND && err == 0; i++)
		tally_count(tally, &questions[i]);
	questions_fini(questions, 2 * PER_ROUND);
	return err;
}

static size_t max_rounds(const struct tally *tally)
{
	size_t n = (tally->n_ways * MAX_PER_ADDRESS + PER_ROUND - 1) / PER_ROUND;

	return n > MAX_ROUNDS ? MAX_ROUNDS : n;
}

/* A resolver that answers nothing at all is given up soon. */
static bool is_hopeless(const struct tally *tally)
{
	return tally->n_answered == 0 && tally->n_asked >= 2u * PER_ROUND;
}

static int ask_via(const struct verify *verify, struct tally *tally)
{
	int64_t begun_ms = clock_now_ms();
	char token[33];
	json_t *reply = NULL;
	int err = verify_expect(verify, token, &reply);

	json_decref(reply);
	for (size_t i = 0; i < max_rounds(tally) && err == 0; i++) {
		err = ask_round(verify, token, (unsigned int)(i * PER_ROUND), tally);
		if (err == 0)
			err = verify_expected(verify, token, false, &reply);
		if (err < 0)
			break;
		tally->was_reloaded |= json_is_true(json_object_get(reply, "fresh"));
		read_arrived(reply, tally);
		json_decref(reply);
		if (all_settled(tally) || is_hopeless(tally) || tally->was_reloaded ||
			clock_now_ms() - begun_ms > MAX_MS)
			break;
	}
	if (err == 0 && verify_expected(verify, token, true, &reply) == 0)
		json_decref(reply);
	return err;
}

/* ---- the verdict ---- */

enum verdict { WAY_OPEN, WAY_NOT_SEEN, WAY_NO_TCP, WAY_NO_UDP, WAY_NOT_JUDGED };

static const char *const verdict_words[] = {
	[WAY_OPEN] = "open",
	[WAY_NOT_SEEN] = "not seen",
	[WAY_NO_TCP] = "no TCP",
	[WAY_NO_UDP] = "no UDP",
	[WAY_NOT_JUDGED] = "not judged",
};

/* No answer came back and no query came in: the resolver, or the path to it, is at fault. */
static bool is_mute(const struct tally *tally)
{
	return tally->n_timeouts == tally->n_asked && !is_family_seen(tally, SITE_IPV4) &&
	       !is_family_seen(tally, SITE_IPV6);
}

static enum verdict way_verdict(const struct tally *tally, const struct way *way)
{
	if (way_is_open(way))
		return WAY_OPEN;
	if (is_mute(tally))
		return WAY_NOT_JUDGED;
	if (way->n_udp + way->n_tcp == 0)
		return is_family_seen(tally, way->family) ||
				       !is_family_seen(tally, SITE_FAMILIES - 1 - way->family)
			       ? WAY_NOT_SEEN
			       : WAY_NOT_JUDGED;
	return way->n_udp > 0 ? WAY_NO_TCP : WAY_NO_UDP;
}

static void way_remedy(const struct tally *tally, const struct way *way, char *out, size_t cap)
{
	const char *family = way->family == SITE_IPV4 ? "IPv4" : "IPv6";

	switch (way_verdict(tally, way)) {
	case WAY_OPEN:
		*out = '\0';
		break;
	case WAY_NOT_SEEN:
		snprintf(out, cap,
			"%s: no query came in over %s in %u. Does the parent name %s (`dnsd "
			"verify`)? Is the line up? Does the ISP, or a modem or firewall of "
			"yours, let port 53 in? If it never will, set inbound: no",
			way->uplink, family, tally->n_asked, way->address);
		break;
	case WAY_NO_TCP:
		snprintf(out, cap,
			"%s: queries come in by UDP over %s, none by TCP: let TCP port 53 in "
			"to %s; without it, long answers are lost there",
			way->uplink, family, way->address);
		break;
	case WAY_NO_UDP:
		snprintf(out, cap,
			"%s: queries come in by TCP over %s, none by UDP: "
			"let UDP port 53 in to %s",
			way->uplink, family, way->address);
		break;
	case WAY_NOT_JUDGED:
		if (is_mute(tally))
			*out = '\0'; /* print_tally() says it once for all uplinks */
		else
			snprintf(out, cap,
				"%s: no query came in over %s at all: "
				"the resolver may have none. Try another one",
				way->uplink, family);
		break;
	}
}

static size_t count_bad(const struct tally *tally)
{
	size_t n = is_mute(tally);

	for (size_t i = 0; i < tally->n_ways; i++) {
		enum verdict verdict = way_verdict(tally, &tally->ways[i]);

		n += verdict != WAY_OPEN && verdict != WAY_NOT_JUDGED;
	}
	return n;
}

static void print_tally(const struct tally *tally)
{
	char via[ENDPOINT_STR_LEN];
	char remedy[512];

	printf("via %s: %u names asked, %u answered, %u without answer, %u SERVFAIL",
		endpoint_str(&tally->via, via), tally->n_asked, tally->n_answered,
		tally->n_timeouts, tally->n_servfails);
	if (tally->n_others > 0)
		printf(", %u others (%s)", tally->n_others, tally->other);
	printf("\n%-14s %-7s %-36s %8s %8s  %s\n", "UPLINK", "FAMILY", "ADDRESS", "BY UDP",
		"BY TCP", "VERDICT");
	for (size_t i = 0; i < tally->n_ways; i++) {
		const struct way *way = &tally->ways[i];

		printf("%-14s %-7s %-36s %8llu %8llu  %s\n", way->uplink,
			way->family == SITE_IPV4 ? "ipv4" : "ipv6", way->address,
			(unsigned long long)way->n_udp, (unsigned long long)way->n_tcp,
			verdict_words[way_verdict(tally, way)]);
	}
	if (is_mute(tally))
		printf("  the resolver does not answer, and asked us nothing: "
		       "that says nothing of the uplinks. "
		       "Can it be reached from here, and may we ask it?\n");
	for (size_t i = 0; i < tally->n_ways; i++) {
		way_remedy(tally, &tally->ways[i], remedy, sizeof(remedy));
		if (*remedy)
			printf("  %s\n", remedy);
	}
}

static json_t *json_tally(const struct tally *tally)
{
	char via[ENDPOINT_STR_LEN];
	char remedy[512];
	json_t *list = json_array();

	for (size_t i = 0; i < tally->n_ways; i++) {
		const struct way *way = &tally->ways[i];

		way_remedy(tally, way, remedy, sizeof(remedy));
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:o}", "uplink", way->uplink,
				"family", way->family == SITE_IPV4 ? "ipv4" : "ipv6",
				"address", way->address, "udp", (json_int_t)way->n_udp, "tcp",
				(json_int_t)way->n_tcp, "verdict",
				verdict_words[way_verdict(tally, way)], "remedy",
				*remedy ? json_string(remedy) : json_null()));
	}
	return json_pack("{s:s, s:b, s:i, s:i, s:i, s:i, s:i, s:o}", "via",
		endpoint_str(&tally->via, via), "answers", (int)!is_mute(tally), "asked",
		(int)tally->n_asked, "answered", (int)tally->n_answered, "timeouts",
		(int)tally->n_timeouts, "servfails", (int)tally->n_servfails, "others",
		(int)tally->n_others, "uplinks", list);
}

/* ---- the verb ---- */

static int inbound_fail(int err)
{
	if (err == -ENAMETOOLONG)
		fprintf(stderr, "dnsd: the zone's name is too long for names below it\n");
	else
		fprintf(stderr, "dnsd: the running dnsd does not wait for names: %s\n",
			strerror(-err));
	return EXIT_FAILED;
}

static int try_via(const struct cli *cli, const struct verify *verify, const char *text,
	json_t *list, size_t *n_bad)
{
	struct tally tally = {0};

	(void)value_endpoint(text, 53, &tally.via.addr, &tally.via.port); /* was checked */
	collect_ways(verify, &tally);
	int err = ask_via(verify, &tally);
	if (err < 0)
		return inbound_fail(err);
	if (tally.was_reloaded) {
		fprintf(stderr, "dnsd: dnsd was reloaded meanwhile, "
				"and forgot what it counted; try again\n");
		return EXIT_FAILED;
	}
	*n_bad += count_bad(&tally);
	json_array_append_new(list, json_tally(&tally));
	if (!cli->json)
		print_tally(&tally);
	return EXIT_DONE;
}

/* True after a message if no question could tell anything. */
static bool is_useless(const struct verify *verify)
{
	struct tally tally = {0};

	collect_ways(verify, &tally);
	if (!verify->is_running)
		fprintf(stderr, "dnsd: --inbound needs a running dnsd, "
				"which tells what arrives\n");
	else if (tally.n_ways == 0)
		fprintf(stderr,
			"dnsd: there is no way in to try: no name server of %s has an "
			"uplink's address by the zone file; give their names UPLINK records\n",
			verify->zone);
	return !verify->is_running || tally.n_ways == 0;
}

int verify_inbound(const struct cli *cli, struct verify *verify)
{
	json_t *list;
	size_t n_bad = 0;
	int status = EXIT_DONE;
	const char *text;

	if (is_useless(verify))
		return EXIT_FAILED;
	list = json_array();
	for (int i = 0; status == EXIT_DONE && (text = cli_option_at(cli, "via", i)); i++)
		status = try_via(cli, verify, text, list, &n_bad);
	json_t *json = json_pack("{s:s, s:b, s:o}", "zone", verify->zone, "ok",
		(int)(n_bad == 0), "resolvers", list);
	if (cli->json && status == EXIT_DONE) {
		json_dumpf(json, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(json);
	return status == EXIT_DONE && n_bad > 0 ? EXIT_FAILED : status;
}
