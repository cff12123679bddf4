/* verifycheck.c - what is wrong about a delegation, and the remedy
 *
 * Pure: struct verify with what was asked comes in, rows and findings go out. The parent's zone
 * is checked at the servers that have its newest serial. Where other servers say something
 * else, the change is still on its way to them, and the finding says so.
 *
 *     row        one address of one name server, at the parent or of the site
 *     finding    a mistake: a sentence, and what to do about it
 *
 * verify.h says what each verdict means.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "dnsd/answer/grow.h"
#include "dnsd/verify/verify.h"

struct check {
	const struct verify *verify;
	const struct verify_server *server; /* the one that the rows are about; NULL: none */
	struct grow rows;
	struct grow findings;
	size_t n_errors;
	char zone[NAME_STR_LEN]; /* with the final dot */
};

__attribute__((format(printf, 1, 2))) static char *say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	return text;
}

/* Takes both texts over. */
static void add_finding(struct check *check, bool is_error, char *text, char *remedy)
{
	const struct verify_finding finding = {is_error, text, remedy};

	grow_add(&check->findings, &finding, 1);
	check->n_errors += is_error;
}

static const char *type_str(const struct addr *addr)
{
	return addr->family == AF_INET ? "A" : "AAAA";
}

const char *verify_verdict_str(enum verify_verdict verdict)
{
	static const char *const words[] = {
		[VERIFY_GOOD] = "good",
		[VERIFY_WRONG] = "wrong",
		[VERIFY_MISSING] = "missing",
		[VERIFY_NOT_SERVED] = "lame",
		[VERIFY_EXTRA] = "extra",
		[VERIFY_OUTSIDE] = "outside",
		[VERIFY_UNKNOWN] = "unknown",
	};
	_Static_assert(sizeof(words) / sizeof(*words) == VERIFY_N_VERDICTS, "a word for each");

	return words[verdict];
}

const char *verify_try_str(const struct verify_try *tried)
{
	switch (tried->outcome) {
	case VERIFY_NOT_TRIED:
		return "";
	case VERIFY_OK:
		return "ok";
	case VERIFY_NO_ANSWER:
		return "no answer";
	case VERIFY_UNREACHABLE:
		return "unreachable";
	case VERIFY_RCODE:
		return message_rcode_str(tried->rcode);
	case VERIFY_NOT_OURS:
		return "not ours";
	}
	return "";
}

static bool is_silent(const struct verify_try *tried)
{
	return tried->outcome == VERIFY_NO_ANSWER || tried->outcome == VERIFY_UNREACHABLE;
}

/* ---- looking things up ---- */

static const struct verify_live_ns *live_ns(const struct verify *verify, const uint8_t *name)
{
	for (size_t i = 0; i < verify->live.n_ns; i++)
		if (name_eq(verify->live.ns[i].name, name))
			return &verify->live.ns[i];
	return NULL;
}

static const struct verify_live_addr *live_addr(
	const struct verify_live_ns *ns, const struct addr *addr)
{
	for (size_t i = 0; ns && i < ns->n_addrs; i++)
		if (addr_eq(&ns->addrs[i].addr, addr))
			return &ns->addrs[i];
	return NULL;
}

static bool server_has_ns(const struct verify_server *server, const uint8_t *name)
{
	for (size_t i = 0; i < server->n_ns; i++)
		if (name_eq(server->ns[i], name))
			return true;
	return false;
}

static const struct verify_record *server_record(
	const struct verify_server *server, const uint8_t *name, const struct addr *addr)
{
	for (size_t i = 0; i < server->n_records; i++)
		if (name_eq(server->records[i].name, name) &&
			addr_eq(&server->records[i].addr, addr))
			return &server->records[i];
	return NULL;
}

static const struct verify_reach *reach_of(
	const struct verify *verify, const struct addr *addr)
{
	for (size_t i = 0; i < verify->n_reaches; i++)
		if (addr_eq(&verify->reaches[i].addr, addr))
			return &verify->reaches[i];
	return NULL;
}

/* Every name server's address that site and zone file know of, whatever its name. */
static const struct verify_live_addr *any_live_addr(
	const struct verify *verify, const struct addr *addr)
{
	const struct verify_live_addr *found = NULL;

	for (size_t i = 0; i < verify->live.n_ns && !found; i++)
		found = live_addr(&verify->live.ns[i], addr);
	return found;
}

/* ---- rows ---- */

/* `addr` is NULL where the name server has no address, `record` where the parent has none. */
static struct verify_row *add_row(struct check *check, const uint8_t *name,
	const struct addr *addr, const struct verify_record *record)
{
	struct verify_row row = {
		.record = record,
		.live = addr ? any_live_addr(check->verify, addr) : NULL,
		.reach = addr ? reach_of(check->verify, addr) : NULL,
		.addr = addr ? *addr : (struct addr){0},
		.verdict = VERIFY_GOOD,
	};

	memcpy(row.name, name, name_len(name));
	return grow_at(&check->rows, grow_add(&check->rows, &row, 1));
}

static void check_view(struct check *check, struct verify_row *row)
{
	const char *uplink = row->live ? row->live->uplink : "";
	const char *view = row->reach ? row->reach->view : "";

	if (!*uplink || !*view || strcmp(uplink, view) == 0)
		return;
	row->verdict = VERIFY_NOT_SERVED;
	add_finding(check, true,
		say("%s, the address of uplink %s, is answered in the view of %s",
			addr_str(&row->addr), uplink, view),
		say("see `dnsd status`: whose socket is it?"));
}

/* The address is at the parent. Does it answer? `live` is NULL if it is none of the site's. */
static void check_reach(
	struct check *check, struct verify_row *row, const struct verify_live_addr *live)
{
	const struct verify_reach *reach = row->reach;
	char name[NAME_STR_LEN];

	if (!reach || (reach->udp.outcome == VERIFY_OK && reach->tcp.outcome == VERIFY_OK)) {
		check_view(check, row);
		return;
	}
	name_str(row->name, name);
	if (live && live->is_translated && is_silent(&reach->udp) && is_silent(&reach->tcp)) {
		row->verdict = VERIFY_UNKNOWN;
		add_finding(check, false,
			say("%s (%s) does not answer from here, which is usual behind a modem that "
			    "translates addresses",
				name, addr_str(&row->addr)),
			say("`dnsd verify %s --inbound --via RESOLVER` tries it from outside",
				check->verify->zone));
		return;
	}
	row->verdict = VERIFY_NOT_SERVED;
	add_finding(check, true,
		say("%s (%s) does not answer for %s as it should: UDP %s, TCP %s", name,
			addr_str(&row->addr), check->zone, verify_try_str(&reach->udp),
			verify_try_str(&reach->tcp)),
		live && *live->uplink
			? say("see `dnsd status`: the sockets of view %s, and by which interface "
			      "answers leave",
				  live->uplink)
			: say("let it serve the zone, or take the name out of the NS records"));
}

static void check_ttl(
	struct check *check, const struct verify_row *row, const struct verify_live_addr *live)
{
	char name[NAME_STR_LEN];

	if (!live->is_dynamic || row->record->ttl_s <= VERIFY_LONG_TTL_S)
		return;
	add_finding(check, false,
		say("%s %s has a TTL of %u s at the parent, while the address of uplink %s may "
		    "change at any time: resolvers would keep the old one that long",
			name_str(row->name, name), type_str(&row->addr), row->record->ttl_s,
			live->uplink),
		say("at the parent, set that TTL to 60"));
}

/* The address that should replace `wrong`, which the parent has and the site does not: the n-th
 * missing address replaces the n-th wrong one. NULL if none is missing. */
static const struct addr *replacement(const struct check *check, const uint8_t *name,
	const struct verify_live_ns *ns, const struct addr *wrong)
{
	size_t nth = 0;

	for (size_t i = 0; i < check->server->n_records; i++) {
		const struct verify_record *record = &check->server->records[i];

		if (addr_eq(&record->addr, wrong) && name_eq(record->name, name))
			break;
		nth += name_eq(record->name, name) && record->addr.family == wrong->family &&
		       !live_addr(ns, &record->addr);
	}
	for (size_t i = 0; i < ns->n_addrs; i++) {
		const struct addr *addr = &ns->addrs[i].addr;

		if (addr->family == wrong->family &&
			!server_record(check->server, name, addr) && nth-- == 0)
			return addr;
	}
	return NULL;
}

static bool is_replacement(const struct check *check, const uint8_t *name,
	const struct verify_live_ns *ns, const struct addr *addr)
{
	for (size_t i = 0; i < check->server->n_records; i++) {
		const struct verify_record *record = &check->server->records[i];
		const struct addr *by = NULL;

		if (name_eq(record->name, name) && !live_addr(ns, &record->addr))
			by = replacement(check, name, ns, &record->addr);
		if (by && addr_eq(by, addr))
			return true;
	}
	return false;
}

static void check_wrong(
	struct check *check, struct verify_row *row, const struct verify_live_ns *ns)
{
	const struct addr *by = replacement(check, row->name, ns, &row->addr);
	bool answers = row->reach && row->reach->udp.outcome == VERIFY_OK;
	const char *address = addr_str(&row->addr);
	const char *type = type_str(&row->addr);
	char name[NAME_STR_LEN];

	name_str(row->name, name);
	if (ns->is_unknown) {
		row->verdict = VERIFY_UNKNOWN;
		add_finding(check, false,
			say("%s is %s at the parent, and its uplink has no address now to compare "
			    "with",
				name, address),
			NULL);
		return;
	}
	row->verdict = VERIFY_WRONG;
	add_finding(check, true,
		say("%s is %s at the parent, which is no address of its uplink now%s", name,
			address,
			answers ? ", though something answers for the zone there" : ""),
		by ? say("at the parent, change %s %s %s to %s", name, type, address,
			     addr_str(by))
		   : say("at the parent, remove %s %s %s", name, type, address));
}

/* A row for each address that the parent has of the name. */
static void rows_at_parent(struct check *check, const uint8_t *name)
{
	const struct verify_live_ns *ns = live_ns(check->verify, name);
	const struct verify_server *server = check->server;

	for (size_t i = 0; i < server->n_records; i++) {
		const struct verify_record *record = &server->records[i];
		const struct verify_live_addr *live = live_addr(ns, &record->addr);

		if (!name_eq(record->name, name))
			continue;
		struct verify_row *row = add_row(check, name, &record->addr, record);
		if (!ns || ns->is_closed) {
			row->verdict = VERIFY_EXTRA;
		} else if (live) {
			check_reach(check, row, live);
			check_ttl(check, row, live);
		} else if (ns->n_addrs == 0 && !ns->is_unknown) {
			row->verdict = VERIFY_OUTSIDE;
			check_reach(check, row, NULL);
		} else {
			check_wrong(check, row, ns);
		}
	}
}

/* ... and for each that is ours and not at the parent. */
static void rows_missing(
	struct check *check, const uint8_t *name, const struct verify_live_ns *ns)
{
	char text[NAME_STR_LEN];

	name_str(name, text);
	for (size_t i = 0; i < ns->n_addrs; i++) {
		const struct verify_live_addr *live = &ns->addrs[i];

		if (server_record(check->server, name, &live->addr))
			continue;
		struct verify_row *row = add_row(check, name, &live->addr, NULL);
		row->verdict = VERIFY_MISSING;
		if (is_replacement(check, name, ns, &live->addr))
			continue; /* the finding about the wrong address names it */
		add_finding(check, true,
			say("%s %s is missing at the parent%s", text, addr_str(&live->addr),
				ns->is_within ? ": without glue nobody can ask it" : ""),
			say("at the parent, add %s %s %s%s", text, type_str(&live->addr),
				addr_str(&live->addr), ns->is_within ? " as glue" : ""));
	}
}

static void check_name(struct check *check, const uint8_t *name)
{
	const struct verify_live_ns *ns = live_ns(check->verify, name);
	size_t n_before = check->rows.n;
	char text[NAME_STR_LEN];

	rows_at_parent(check, name);
	if (ns && !ns->is_closed)
		rows_missing(check, name, ns);
	if (check->rows.n > n_before)
		return;
	struct verify_row *row = add_row(check, name, NULL, NULL);
	row->verdict = !ns || ns->is_closed ? VERIFY_EXTRA : VERIFY_UNKNOWN;
	if (ns && !ns->is_closed)
		add_finding(check, true,
			say("no address is found for the name server %s",
				name_str(name, text)),
			ns->is_unknown ? say("its uplink has no address now") : NULL);
}

/* ---- the delegation ---- */

static void check_ns_set(struct check *check)
{
	const struct verify_server *server = check->server;
	char name[NAME_STR_LEN];

	for (size_t i = 0; i < check->verify->live.n_ns; i++) {
		const struct verify_live_ns *ns = &check->verify->live.ns[i];

		if (ns->is_closed || server_has_ns(server, ns->name))
			continue;
		name_str(ns->name, name);
		add_finding(check, true,
			say("the parent does not name %s as a name server of %s", name,
				check->zone),
			say("at the parent, add %s NS %s", check->zone, name));
	}
	for (size_t i = 0; i < server->n_ns; i++) {
		const struct verify_live_ns *ns = live_ns(check->verify, server->ns[i]);

		if (ns && !ns->is_closed)
			continue;
		name_str(server->ns[i], name);
		add_finding(check, true,
			say("the parent names %s as a name server of %s, %s", name,
				check->zone,
				ns ? "but its uplink has inbound: no"
				   : "which the zone file does not"),
			say("at the parent, remove %s NS %s", check->zone, name));
	}
}

static void check_names(struct check *check)
{
	const struct verify *verify = check->verify;

	for (size_t i = 0; i < verify->live.n_ns; i++)
		if (!verify->live.ns[i].is_closed ||
			server_has_ns(check->server, verify->live.ns[i].name))
			check_name(check, verify->live.ns[i].name);
	for (size_t i = 0; i < check->server->n_ns; i++)
		if (!live_ns(verify, check->server->ns[i]))
			check_name(check, check->server->ns[i]);
}

/* ---- each server ---- */

static const char *data_str(const struct verify_server *server)
{
	return server->has_data[0] ? "A" : server->has_data[1] ? "AAAA" : "MX";
}

/* What is wrong at one server, whatever the others say. */
static void check_server(struct check *check, const struct verify_server *server)
{
	char at[ENDPOINT_STR_LEN];
	bool has_data = server->has_data[0] || server->has_data[1] || server->has_data[2];

	endpoint_str(&server->at, at);
	switch (server->kind) {
	case VERIFY_SILENT:
		add_finding(check, false,
			say("the parent's server %s: %s", at, server->problem), NULL);
		return;
	case VERIFY_NO_ROUTE:
		return;
	case VERIFY_LAME:
		add_finding(check, true,
			say("the server %s does not have the parent zone: %s", at,
				server->problem),
			NULL);
		return;
	case VERIFY_IS_ZONE:
		add_finding(check, true,
			say("the parent's server %s has a zone %s itself: who asks it gets "
			    "its data and never comes to us",
				at, check->zone),
			say("at the parent, delete the zone %s, and leave the NS records in "
			    "the zone above",
				check->zone));
		return;
	case VERIFY_NOTHING:
		add_finding(check, true,
			say("the parent's server %s knows no delegation of %s", at,
				check->zone),
			say("at the parent, enter what `dnsd delegation %s` prints",
				check->verify->zone));
		return;
	case VERIFY_DATA:
	case VERIFY_DELEGATES:
		break;
	}
	if (has_data || server->kind == VERIFY_DATA)
		add_finding(check, true,
			say("the parent's server %s answers with %s records of %s itself%s",
				at, data_str(server), check->zone,
				server->kind == VERIFY_DATA ? " and does not delegate it"
							    : ""),
			say("at the parent, remove all records at %s but NS%s", check->zone,
				server->kind == VERIFY_DATA
					? ", and enter what `dnsd delegation` prints"
					: ""));
	if (server->has_ds)
		add_finding(check, true,
			say("the parent's server %s has a DS record for %s, which is not "
			    "signed: validating resolvers take all of it for bogus",
				at, check->zone),
			say("at the parent, remove %s DS", check->zone));
}

static bool is_newer(const struct verify_server *a, const struct verify_server *b)
{
	return a->has_serial &&
	       (!b->has_serial || (int32_t)(a->serial - b->serial) > 0); /* RFC 1982 */
}

static bool answers(const struct verify_server *server)
{
	return server->kind == VERIFY_DELEGATES || server->kind == VERIFY_NOTHING ||
	       server->kind == VERIFY_DATA;
}

/* Of those with the newest serial the first that delegates. */
static const struct verify_server *newest(const struct verify *verify)
{
	const struct verify_server *best = NULL;

	for (size_t i = 0; i < verify->n_servers; i++) {
		const struct verify_server *server = &verify->servers[i];

		if (!answers(server))
			continue;
		if (!best || is_newer(server, best) ||
			(!is_newer(best, server) && best->kind != VERIFY_DELEGATES))
			best = server;
	}
	return best;
}

static bool records_within(const struct verify_server *a, const struct verify_server *b)
{
	for (size_t i = 0; i < a->n_records; i++)
		if (!server_record(b, a->records[i].name, &a->records[i].addr))
			return false;
	for (size_t i = 0; i < a->n_ns; i++)
		if (!server_has_ns(b, a->ns[i]))
			return false;
	return true;
}

static bool says_the_same(const struct verify_server *a, const struct verify_server *b)
{
	return a->kind == b->kind && a->has_ds == b->has_ds && records_within(a, b) &&
	       records_within(b, a);
}

/* The servers of one zone should be of one mind. */
static void check_agreement(struct check *check)
{
	const struct verify *verify = check->verify;
	const struct verify_server *best = check->server;
	char at[ENDPOINT_STR_LEN];
	char best_at[ENDPOINT_STR_LEN];

	for (size_t i = 0; i < verify->n_servers; i++) {
		const struct verify_server *server = &verify->servers[i];

		if (server == best || !answers(server) || says_the_same(server, best))
			continue;
		endpoint_str(&server->at, at);
		endpoint_str(&best->at, best_at);
		if (is_newer(best, server) && server->has_serial)
			add_finding(check, false,
				say("the parent's server %s has serial %u and still says "
				    "something else than %s with serial %u",
					at, server->serial, best_at, best->serial),
				say("wait until the change has come there: the refresh time "
				    "of the parent's SOA at most"));
		else
			add_finding(check, true,
				say("the parent's servers %s and %s say different things%s",
					at, best_at,
					best->has_serial ? " with the same serial" : ""),
				say("ask the parent's operator: their zone transfer fails, or "
				    "the serial was not raised"));
	}
}

/* A server that knows the parent zone is compared with the one that is newest; the others are
 * checked each by itself. */
static void check_servers(struct check *check)
{
	const struct verify *verify = check->verify;

	for (size_t i = 0; i < verify->n_servers; i++)
		if (&verify->servers[i] == check->server || !answers(&verify->servers[i]))
			check_server(check, &verify->servers[i]);
}

void verify_check(const struct verify *verify, struct verify_result *ret_result)
{
	struct check check = {
		.verify = verify,
		.server = newest(verify),
		.rows = GROW_INIT(struct verify_row),
		.findings = GROW_INIT(struct verify_finding),
	};

	name_str(verify->apex, check.zone);
	check_servers(&check);
	if (!check.server)
		add_finding(&check, true,
			say("no server of the parent tells its delegation of %s", check.zone),
			NULL);
	else
		check_agreement(&check);
	if (check.server && check.server->kind == VERIFY_DELEGATES) {
		check_ns_set(&check);
		check_names(&check);
	}
	*ret_result = (struct verify_result){
		.rows = check.rows.items,
		.n_rows = check.rows.n,
		.findings = check.findings.items,
		.n_findings = check.findings.n,
		.n_errors = check.n_errors,
	};
}

void verify_result_fini(struct verify_result *result)
{
	for (size_t i = 0; i < result->n_findings; i++) {
		free(result->findings[i].text);
		free(result->findings[i].remedy);
	}
	free(result->rows);
	free(result->findings);
	*result = (struct verify_result){0};
}
