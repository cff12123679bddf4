/* verifyjudge.c - what is wrong about a delegation, and the remedy
 *
 * Pure: what was asked comes in as struct verify, rows and findings go out. The parent's zone
 * is judged by the servers that have its newest serial; where others say something else, that
 * is a matter of propagation, and told as such.
 *
 *     row        one address of one name server, at the parent or with us
 *     finding    what is to be told besides: a sentence, and what to do about it
 *
 * A verdict is one of
 *
 *     good       at the parent, ours, and it answers as it should
 *     wrong      at the parent, and not an address of ours
 *     missing    ours, and not at the parent
 *     lame       at the parent, ours, and it does not answer as it should
 *     extra      of a name server that the zone does not have
 *     outside    of a name server whose address the zone file does not say, and it answers
 *     unknown    its uplink has no address now, or it cannot be tried from here
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/answer/grow.h"
#include "dnsd/verify/verify.h"

struct judge {
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
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return grow_must(text);
}

/* Both texts are taken over. */
static void find(struct judge *judge, bool is_error, char *text, char *remedy)
{
	const struct verify_finding finding = {is_error, text, remedy};

	grow_add(&judge->findings, &finding, 1);
	judge->n_errors += is_error;
}

static const char *type_str(const struct addr *addr)
{
	return addr->family == AF_INET ? "A" : "AAAA";
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

static struct verify_row *add_row(struct judge *judge, const uint8_t *name,
	const struct addr *addr, const struct verify_record *record)
{
	const struct verify_live_addr *live = addr ? any_live_addr(judge->verify, addr) : NULL;
	const struct verify_reach *reach = addr ? reach_of(judge->verify, addr) : NULL;
	char text[NAME_STR_LEN];
	const struct verify_row row = {
		.name = say("%s", name_str(name, text)),
		.address = addr ? say("%s", addr_str(addr)) : NULL,
		.is_at_parent = record != NULL,
		.ttl_s = record ? record->ttl_s : 0,
		.uplink = live ? live->uplink : "",
		.view = reach ? reach->view : "",
		.udp = reach ? reach->udp.words : "",
		.tcp = reach ? reach->tcp.words : "",
		.verdict = "good",
	};

	return grow_at(&judge->rows, grow_add(&judge->rows, &row, 1));
}

static void judge_view(struct judge *judge, struct verify_row *row)
{
	if (!*row->uplink || !*row->view || strcmp(row->uplink, row->view) == 0)
		return;
	row->verdict = "lame";
	find(judge, true,
		say("%s, the address of uplink %s, is answered in the view of %s",
			row->address, row->uplink, row->view),
		say("see `dnsd status`: whose socket is it?"));
}

/* An address that is ours and at the parent: does it answer? */
static void judge_reach(
	struct judge *judge, struct verify_row *row, const struct verify_live_addr *live)
{
	struct addr addr = {0};
	const struct verify_reach *reach;

	(void)addr_parse(row->address, &addr);
	reach = reach_of(judge->verify, &addr);
	if (!reach || (reach->udp.is_good && reach->tcp.is_good)) {
		judge_view(judge, row);
		return;
	}
	if (live && live->is_translated && reach->udp.is_silent && reach->tcp.is_silent) {
		row->verdict = "unknown";
		find(judge, false,
			say("%s (%s) does not answer from here, which is usual behind a modem "
			    "that translates addresses",
				row->name, row->address),
			say("`dnsd verify %s --inbound --via RESOLVER` tries it from outside",
				judge->verify->zone));
		return;
	}
	row->verdict = "lame";
	find(judge, true,
		say("%s (%s) does not answer for %s as it should: UDP %s, TCP %s", row->name,
			row->address, judge->zone, reach->udp.words, reach->tcp.words),
		live && *live->uplink
			? say("see `dnsd status`: the sockets of view %s, and by which "
			      "interface answers leave",
				  live->uplink)
			: say("let it serve the zone, "
			      "or take the name out of the NS records"));
}

static void judge_ttl(
	struct judge *judge, const struct verify_row *row, const struct verify_live_addr *live)
{
	if (!live->is_dynamic || row->ttl_s <= VERIFY_LONG_TTL_S)
		return;
	find(judge, false,
		say("%s %s has a TTL of %u s at the parent, while the address of uplink "
		    "%s may change at any time: resolvers would keep the old one that long",
			row->name, strchr(row->address, ':') ? "AAAA" : "A", row->ttl_s,
			live->uplink),
		say("at the parent, set that TTL to 60"));
}

/* An address that the parent has for a name of the zone, and we do not: what is it to become?
 * The n-th wrong one is replaced by the n-th that is missing. */
static const struct addr *replacement(const struct judge *judge, const uint8_t *name,
	const struct verify_live_ns *ns, const struct addr *wrong)
{
	size_t nth = 0;

	for (size_t i = 0; i < judge->server->n_records; i++) {
		const struct verify_record *record = &judge->server->records[i];

		if (addr_eq(&record->addr, wrong) && name_eq(record->name, name))
			break;
		nth += name_eq(record->name, name) && record->addr.family == wrong->family &&
		       !live_addr(ns, &record->addr);
	}
	for (size_t i = 0; i < ns->n_addrs; i++) {
		const struct addr *addr = &ns->addrs[i].addr;

		if (addr->family == wrong->family &&
			!server_record(judge->server, name, addr) && nth-- == 0)
			return addr;
	}
	return NULL;
}

static bool is_replacement(const struct judge *judge, const uint8_t *name,
	const struct verify_live_ns *ns, const struct addr *addr)
{
	for (size_t i = 0; i < judge->server->n_records; i++) {
		const struct verify_record *record = &judge->server->records[i];
		const struct addr *by = NULL;

		if (name_eq(record->name, name) && !live_addr(ns, &record->addr))
			by = replacement(judge, name, ns, &record->addr);
		if (by && addr_eq(by, addr))
			return true;
	}
	return false;
}

static void judge_wrong(struct judge *judge, struct verify_row *row, const uint8_t *name,
	const struct verify_live_ns *ns, const struct addr *addr)
{
	const struct addr *by = replacement(judge, name, ns, addr);
	bool answers = strcmp(row->udp, "ok") == 0;

	if (ns->is_unknown) {
		row->verdict = "unknown";
		find(judge, false,
			say("%s is %s at the parent, "
			    "and its uplink has no address now to compare with",
				row->name, row->address),
			NULL);
		return;
	}
	row->verdict = "wrong";
	find(judge, true,
		say("%s is %s at the parent, which is no address of its uplink now%s",
			row->name, row->address,
			answers ? ", though something answers for the zone there" : ""),
		by ? say("at the parent, change %s %s %s to %s", row->name, type_str(addr),
			     row->address, addr_str(by))
		   : say("at the parent, remove %s %s %s", row->name, type_str(addr),
			     row->address));
}

/* A row for each address that the parent has of the name. */
static void rows_at_parent(struct judge *judge, const uint8_t *name)
{
	const struct verify_live_ns *ns = live_ns(judge->verify, name);
	const struct verify_server *server = judge->server;

	for (size_t i = 0; i < server->n_records; i++) {
		const struct verify_record *record = &server->records[i];
		const struct verify_live_addr *live = live_addr(ns, &record->addr);

		if (!name_eq(record->name, name))
			continue;
		struct verify_row *row = add_row(judge, name, &record->addr, record);
		if (!ns || ns->is_closed) {
			row->verdict = "extra";
		} else if (live) {
			judge_reach(judge, row, live);
			judge_ttl(judge, row, live);
		} else if (ns->n_addrs == 0 && !ns->is_unknown) {
			row->verdict = "outside";
			judge_reach(judge, row, NULL);
		} else {
			judge_wrong(judge, row, name, ns, &record->addr);
		}
	}
}

/* ... and for each that is ours and not at the parent. */
static void rows_missing(
	struct judge *judge, const uint8_t *name, const struct verify_live_ns *ns)
{
	for (size_t i = 0; i < ns->n_addrs; i++) {
		const struct verify_live_addr *live = &ns->addrs[i];

		if (server_record(judge->server, name, &live->addr))
			continue;
		struct verify_row *row = add_row(judge, name, &live->addr, NULL);
		row->verdict = "missing";
		if (is_replacement(judge, name, ns, &live->addr))
			continue; /* said with the wrong one */
		find(judge, true,
			say("%s %s is missing at the parent%s", row->name, row->address,
				ns->is_within ? ": without glue nobody can ask it" : ""),
			say("at the parent, add %s %s %s%s", row->name, type_str(&live->addr),
				row->address, ns->is_within ? " as glue" : ""));
	}
}

static void judge_name(struct judge *judge, const uint8_t *name)
{
	const struct verify_live_ns *ns = live_ns(judge->verify, name);
	size_t n_before = judge->rows.n;
	char text[NAME_STR_LEN];

	rows_at_parent(judge, name);
	if (ns && !ns->is_closed)
		rows_missing(judge, name, ns);
	if (judge->rows.n > n_before)
		return;
	struct verify_row *row = add_row(judge, name, NULL, NULL);
	row->verdict = !ns || ns->is_closed ? "extra" : "unknown";
	if (ns && !ns->is_closed)
		find(judge, true,
			say("no address is found for the name server %s",
				name_str(name, text)),
			ns->is_unknown ? say("its uplink has no address now") : NULL);
}

/* ---- the delegation ---- */

static void judge_ns_set(struct judge *judge)
{
	const struct verify_server *server = judge->server;
	char name[NAME_STR_LEN];

	for (size_t i = 0; i < judge->verify->live.n_ns; i++) {
		const struct verify_live_ns *ns = &judge->verify->live.ns[i];

		if (ns->is_closed || server_has_ns(server, ns->name))
			continue;
		name_str(ns->name, name);
		find(judge, true,
			say("the parent does not name %s as a name server of %s", name,
				judge->zone),
			say("at the parent, add %s NS %s", judge->zone, name));
	}
	for (size_t i = 0; i < server->n_ns; i++) {
		const struct verify_live_ns *ns = live_ns(judge->verify, server->ns[i]);

		if (ns && !ns->is_closed)
			continue;
		name_str(server->ns[i], name);
		find(judge, true,
			say("the parent names %s as a name server of %s, %s", name,
				judge->zone,
				ns ? "but its uplink has inbound: no"
				   : "which the zone file does not"),
			say("at the parent, remove %s NS %s", judge->zone, name));
	}
}

static void judge_names(struct judge *judge)
{
	const struct verify *verify = judge->verify;

	for (size_t i = 0; i < verify->live.n_ns; i++)
		if (!verify->live.ns[i].is_closed ||
			server_has_ns(judge->server, verify->live.ns[i].name))
			judge_name(judge, verify->live.ns[i].name);
	for (size_t i = 0; i < judge->server->n_ns; i++)
		if (!live_ns(verify, judge->server->ns[i]))
			judge_name(judge, judge->server->ns[i]);
}

/* ---- each server ---- */

static const char *data_str(const struct verify_server *server)
{
	return server->has_data[0] ? "A" : server->has_data[1] ? "AAAA" : "MX";
}

/* What is wrong at one server, whatever the others say. */
static void judge_server(struct judge *judge, const struct verify_server *server)
{
	char at[ENDPOINT_STR_LEN];
	bool has_data = server->has_data[0] || server->has_data[1] || server->has_data[2];

	endpoint_str(&server->at, at);
	switch (server->kind) {
	case VERIFY_SILENT:
		find(judge, false, say("the parent's server %s: %s", at, server->problem),
			NULL);
		return;
	case VERIFY_NO_ROUTE:
		return;
	case VERIFY_LAME:
		find(judge, true,
			say("the server %s does not have the parent zone: %s", at,
				server->problem),
			NULL);
		return;
	case VERIFY_IS_ZONE:
		find(judge, true,
			say("the parent's server %s has a zone %s itself: who asks it gets "
			    "its data and never comes to us",
				at, judge->zone),
			say("at the parent, delete the zone %s, and leave the NS records in "
			    "the zone above",
				judge->zone));
		return;
	case VERIFY_NOTHING:
		find(judge, true,
			say("the parent's server %s knows no delegation of %s", at,
				judge->zone),
			say("at the parent, enter what `dnsd delegation %s` prints",
				judge->verify->zone));
		return;
	case VERIFY_DATA:
	case VERIFY_DELEGATES:
		break;
	}
	if (has_data || server->kind == VERIFY_DATA)
		find(judge, true,
			say("the parent's server %s answers with %s records of %s itself%s",
				at, data_str(server), judge->zone,
				server->kind == VERIFY_DATA ? " and does not delegate it"
							    : ""),
			say("at the parent, remove all records at %s but NS%s", judge->zone,
				server->kind == VERIFY_DATA
					? ", and enter what `dnsd delegation` prints"
					: ""));
	if (server->has_ds)
		find(judge, true,
			say("the parent's server %s has a DS record for %s, which is not "
			    "signed: validating resolvers take all of it for bogus",
				at, judge->zone),
			say("at the parent, remove %s DS", judge->zone));
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
static void judge_agreement(struct judge *judge)
{
	const struct verify *verify = judge->verify;
	const struct verify_server *best = judge->server;
	char at[ENDPOINT_STR_LEN];
	char best_at[ENDPOINT_STR_LEN];

	for (size_t i = 0; i < verify->n_servers; i++) {
		const struct verify_server *server = &verify->servers[i];

		if (server == best || !answers(server) || says_the_same(server, best))
			continue;
		endpoint_str(&server->at, at);
		endpoint_str(&best->at, best_at);
		if (is_newer(best, server) && server->has_serial)
			find(judge, false,
				say("the parent's server %s has serial %u and still says "
				    "something else than %s with serial %u",
					at, server->serial, best_at, best->serial),
				say("wait until the change has come there: the refresh time "
				    "of the parent's SOA at most"));
		else
			find(judge, true,
				say("the parent's servers %s and %s say different things%s",
					at, best_at,
					best->has_serial ? " with the same serial" : ""),
				say("ask the parent's operator: their zone transfer fails, or "
				    "the serial was not raised"));
	}
}

/* Those that know the parent zone are judged by the newest of them, and compared with it. */
static void judge_servers(struct judge *judge)
{
	const struct verify *verify = judge->verify;

	for (size_t i = 0; i < verify->n_servers; i++)
		if (&verify->servers[i] == judge->server || !answers(&verify->servers[i]))
			judge_server(judge, &verify->servers[i]);
}

void verify_judge(const struct verify *verify, struct verify_result *ret_result)
{
	struct judge judge = {
		.verify = verify,
		.server = newest(verify),
		.rows = GROW_INIT(struct verify_row),
		.findings = GROW_INIT(struct verify_finding),
	};

	name_str(verify->apex, judge.zone);
	judge_servers(&judge);
	if (!judge.server)
		find(&judge, true,
			say("no server of the parent tells its delegation of %s", judge.zone),
			NULL);
	else
		judge_agreement(&judge);
	if (judge.server && judge.server->kind == VERIFY_DELEGATES) {
		judge_ns_set(&judge);
		judge_names(&judge);
	}
	*ret_result = (struct verify_result){
		.rows = judge.rows.items,
		.n_rows = judge.rows.n,
		.findings = judge.findings.items,
		.n_findings = judge.findings.n,
		.n_errors = judge.n_errors,
	};
}

void verify_result_fini(struct verify_result *result)
{
	for (size_t i = 0; i < result->n_rows; i++) {
		free(result->rows[i].name);
		free(result->rows[i].address);
	}
	for (size_t i = 0; i < result->n_findings; i++) {
		free(result->findings[i].text);
		free(result->findings[i].remedy);
	}
	free(result->rows);
	free(result->findings);
	*result = (struct verify_result){0};
}
