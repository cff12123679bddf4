/* verifyask.c - the answers of the parent's servers, and of the addresses that they name
 *
 * Three rounds of questions, each asked all at once (askall.c):
 *
 *     1  of every server, at the zone's name: NS, DS, A, AAAA, MX; and the parent zone's SOA
 *     2  of every server: the addresses of the NS names outside the zone. Where the server is
 *        not authoritative for such a name, the resolvers are asked
 *     3  at every address: SOA of the zone over UDP and TCP; and, if dnsd is running, a name
 *        that only it can answer, with the view in the answer
 *
 * Nothing is checked here: verifycheck.c does that.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "dnsd/client/askall.h"
#include "dnsd/verify/verify.h"
#include "dnsd/wire/response.h"

enum { DNS_PORT = 53 };

struct questions {
	struct question *items;
	size_t n;
};

static void questions_freep(struct questions *questions)
{
	if (questions->items)
		questions_fini(questions->items, questions->n);
	free(questions->items);
}

static int questions_init(struct questions *questions, size_t cap)
{
	questions->items = calloc(cap + 1, sizeof(*questions->items));
	return questions->items ? 0 : -ENOMEM;
}

static struct question *add_question(struct questions *questions,
	const struct endpoint *server, const uint8_t *name, uint16_t type)
{
	struct question *question = &questions->items[questions->n++];

	question->server = *server;
	memcpy(question->name, name, name_len(name));
	question->type = type;
	return question;
}

/* ---- round 1: the delegation ---- */

static const uint16_t data_types[3] = {DNS_TYPE_A, DNS_TYPE_AAAA, DNS_TYPE_MX};

enum { ASK_NS, ASK_DS, ASK_PARENT_SOA, ASK_DATA, N_FIRST = ASK_DATA + 3 };

static bool is_authoritative(const struct question *question)
{
	return question->outcome == ASK_ANSWERED &&
	       (question->message.rcode == DNS_RCODE_NOERROR ||
		       question->message.rcode == DNS_RCODE_NXDOMAIN) &&
	       question->message.flags & DNS_AA;
}

static bool has_answer(const struct question *question, const uint8_t *name, uint16_t type)
{
	return is_authoritative(question) &&
	       response_has(&question->message, MESSAGE_ANSWER, name, type);
}

static void read_data(const struct verify *verify, const struct question *first,
	struct verify_server *server)
{
	for (size_t i = 0; i < 3; i++)
		server->has_data[i] = has_answer(&first[ASK_DATA + i], verify->apex,
					      data_types[i]) ||
				      has_answer(&first[ASK_DATA + i], verify->apex,
					      DNS_TYPE_CNAME);
	server->has_ds = has_answer(&first[ASK_DS], verify->apex, DNS_TYPE_DS);
}

static void read_serial(const struct question *first, struct verify_server *server)
{
	const struct question *soa = &first[ASK_PARENT_SOA];

	server->has_serial = is_authoritative(soa) &&
			     response_soa(&soa->message, server->apex, &server->serial);
}

static void read_lame(const struct message *message, struct verify_server *server)
{
	server->kind = VERIFY_LAME;
	if (message->rcode != DNS_RCODE_NOERROR && message->rcode != DNS_RCODE_NXDOMAIN)
		snprintf(server->problem, sizeof(server->problem), "%s",
			message_rcode_str(message->rcode));
	else
		snprintf(server->problem, sizeof(server->problem), "not authoritative");
}

/* Glue alone: addresses of other names are asked for. */
static void read_glue(const struct verify *verify, const struct message *message,
	struct verify_server *server)
{
	for (size_t i = 0; i < server->n_ns; i++)
		for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
			struct addr addrs[VERIFY_MAX_NS];
			uint32_t ttl_s;
			size_t n = response_addrs(message, MESSAGE_ADDITIONAL, server->ns[i],
				family, addrs, VERIFY_MAX_NS, &ttl_s);

			if (!name_is_within(server->ns[i], verify->apex))
				continue;
			for (size_t k = 0; k < n && server->n_records < VERIFY_MAX_ADDRS;
				k++) {
				struct verify_record
					*record = &server->records[server->n_records++];
				memcpy(record->name, server->ns[i], NAME_MAX_LEN);
				record->addr = addrs[k];
				record->ttl_s = ttl_s;
			}
		}
}

static void read_delegation(const struct verify *verify, const struct message *message,
	struct verify_server *server)
{
	uint8_t cut[NAME_MAX_LEN];

	switch (response_kind(message)) {
	case RESPONSE_REFERRAL:
		if (!response_cut(message, cut) || !name_eq(cut, verify->apex)) {
			read_lame(message, server);
			return;
		}
		server->kind = VERIFY_DELEGATES;
		server->n_ns = response_ns(
			message, MESSAGE_AUTHORITY, verify->apex, server->ns, VERIFY_MAX_NS);
		read_glue(verify, message, server);
		return;
	case RESPONSE_ANSWER:
		if (!(message->flags & DNS_AA))
			read_lame(message, server);
		else if (response_has(message, MESSAGE_ANSWER, verify->apex, DNS_TYPE_NS))
			server->kind = VERIFY_IS_ZONE;
		else
			server->kind = VERIFY_DATA;
		return;
	case RESPONSE_NODATA:
	case RESPONSE_NXDOMAIN:
		if (message->flags & DNS_AA)
			server->kind = VERIFY_NOTHING;
		else
			read_lame(message, server);
		return;
	case RESPONSE_ERROR:
		read_lame(message, server);
	}
}

static void read_first(const struct verify *verify, const struct question *first,
	struct verify_server *server)
{
	if (first[ASK_NS].outcome != ASK_ANSWERED) {
		bool no_ipv6 = first[ASK_NS].error == -ENETUNREACH &&
			       server->at.addr.family == AF_INET6;

		server->kind = no_ipv6 ? VERIFY_NO_ROUTE : VERIFY_SILENT;
		snprintf(
			server->problem, sizeof(server->problem), "%s", first[ASK_NS].problem);
		return;
	}
	read_delegation(verify, &first[ASK_NS].message, server);
	read_serial(first, server);
	read_data(verify, first, server);
	for (size_t i = 0; i < 3; i++)
		if (server->kind == VERIFY_NOTHING && server->has_data[i])
			server->kind = VERIFY_DATA;
}

static int ask_first(struct verify *verify)
{
	AUTO(questions_freep) struct questions questions = {0};
	const uint8_t *above = verify->apex + 1 + verify->apex[0];

	if (questions_init(&questions, N_FIRST * verify->n_servers) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < verify->n_servers; i++) {
		const struct endpoint *at = &verify->servers[i].at;

		add_question(&questions, at, verify->apex, DNS_TYPE_NS);
		add_question(&questions, at, verify->apex, DNS_TYPE_DS);
		add_question(&questions, at, above, DNS_TYPE_SOA);
		for (size_t k = 0; k < 3; k++)
			add_question(&questions, at, verify->apex, data_types[k]);
	}
	int err = askall(&askall_default, questions.items, questions.n);
	for (size_t i = 0; i < verify->n_servers && err == 0; i++)
		read_first(verify, &questions.items[N_FIRST * i], &verify->servers[i]);
	return err;
}

/* ---- round 2: addresses of names outside the zone ---- */

struct outside {
	uint8_t names[2 * VERIFY_MAX_NS][NAME_MAX_LEN];
	bool is_known[2 * VERIFY_MAX_NS]; /* some server is authoritative for it */
	size_t n;
};

static void add_outside(
	const struct verify *verify, struct outside *outside, const uint8_t *name)
{
	if (name_is_within(name, verify->apex) || outside->n == 2 * VERIFY_MAX_NS)
		return;
	for (size_t i = 0; i < outside->n; i++)
		if (name_eq(outside->names[i], name))
			return;
	memcpy(outside->names[outside->n++], name, name_len(name));
}

static void add_records(
	struct verify_server *server, const struct question *question, const uint8_t *owner)
{
	enum site_family family = question->type == DNS_TYPE_A ? SITE_IPV4 : SITE_IPV6;
	struct addr addrs[VERIFY_MAX_NS];
	uint32_t ttl_s;
	size_t n = response_addrs(&question->message, MESSAGE_ANSWER, owner, family, addrs,
		VERIFY_MAX_NS, &ttl_s);

	for (size_t i = 0; i < n && server->n_records < VERIFY_MAX_ADDRS; i++) {
		struct verify_record *record = &server->records[server->n_records++];

		memcpy(record->name, question->name, NAME_MAX_LEN);
		record->addr = addrs[i];
		record->ttl_s = ttl_s;
	}
}

static bool is_worth_asking(const struct verify_server *server)
{
	return server->kind != VERIFY_SILENT && server->kind != VERIFY_NO_ROUTE &&
	       server->kind != VERIFY_LAME;
}

/* Of every server that knows the parent zone. */
static int ask_outside(struct verify *verify, struct outside *outside)
{
	AUTO(questions_freep) struct questions questions = {0};
	size_t n = 0;

	if (questions_init(&questions, SITE_FAMILIES * outside->n * verify->n_servers) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < verify->n_servers; i++)
		for (size_t k = 0; k < outside->n && is_worth_asking(&verify->servers[i]); k++)
			for (enum site_family family = 0; family < SITE_FAMILIES; family++)
				add_question(&questions, &verify->servers[i].at,
					outside->names[k], dns_addr_type(family));
	int err = askall(&askall_default, questions.items, questions.n);
	for (size_t i = 0; i < verify->n_servers && err == 0; i++)
		for (size_t k = 0; k < outside->n && is_worth_asking(&verify->servers[i]); k++)
			for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
				const struct question *question = &questions.items[n++];

				if (!is_authoritative(question))
					continue;
				outside->is_known[k] = true;
				add_records(&verify->servers[i], question, question->name);
			}
	return err;
}

/* For names that the parent does not serve: the resolver's answer. */
static int ask_resolvers(struct verify *verify, const struct outside *outside)
{
	AUTO(questions_freep) struct questions questions = {0};

	if (verify->n_resolvers == 0)
		return 0;
	if (questions_init(&questions, SITE_FAMILIES * outside->n) < 0)
		return -ENOMEM;
	for (size_t k = 0; k < outside->n; k++)
		for (enum site_family family = 0;
			family < SITE_FAMILIES && !outside->is_known[k]; family++)
			add_question(&questions, &verify->resolvers[0], outside->names[k],
				dns_addr_type(family))
				->recursive = true;
	int err = askall(&askall_default, questions.items, questions.n);
	for (size_t i = 0; i < questions.n && err == 0; i++)
		for (size_t k = 0; k < verify->n_servers; k++)
			if (questions.items[i].outcome == ASK_ANSWERED)
				add_records(&verify->servers[k], &questions.items[i], NULL);
	return err;
}

int verify_ask_servers(struct verify *verify)
{
	struct outside outside = {0};
	int err = ask_first(verify);

	if (err < 0)
		return err;
	for (size_t i = 0; i < verify->live.n_ns; i++)
		add_outside(verify, &outside, verify->live.ns[i].name);
	for (size_t i = 0; i < verify->n_servers; i++)
		for (size_t k = 0; k < verify->servers[i].n_ns; k++)
			add_outside(verify, &outside, verify->servers[i].ns[k]);
	err = ask_outside(verify, &outside);
	return err < 0 ? err : ask_resolvers(verify, &outside);
}

/* ---- round 3: the addresses ---- */

enum { TRY_UDP, TRY_TCP, TRY_VIEW, N_TRIES };

static void add_reach(struct verify *verify, const struct addr *addr)
{
	for (size_t i = 0; i < verify->n_reaches; i++)
		if (addr_eq(&verify->reaches[i].addr, addr))
			return;
	if (verify->n_reaches < VERIFY_MAX_ADDRS)
		verify->reaches[verify->n_reaches++].addr = *addr;
}

static void collect_reaches(struct verify *verify)
{
	for (size_t i = 0; i < verify->live.n_ns; i++)
		for (size_t k = 0; k < verify->live.ns[i].n_addrs; k++)
			add_reach(verify, &verify->live.ns[i].addrs[k].addr);
	for (size_t i = 0; i < verify->n_servers; i++)
		for (size_t k = 0; k < verify->servers[i].n_records; k++)
			add_reach(verify, &verify->servers[i].records[k].addr);
}

static struct verify_try read_try(const struct verify *verify, const struct question *question)
{
	uint8_t apex[NAME_MAX_LEN];
	uint32_t serial;

	if (question->outcome == ASK_TIMEOUT)
		return (struct verify_try){.outcome = VERIFY_NO_ANSWER};
	if (question->outcome != ASK_ANSWERED)
		return (struct verify_try){.outcome = VERIFY_UNREACHABLE};
	if (question->message.rcode != DNS_RCODE_NOERROR)
		return (struct verify_try){
			.outcome = VERIFY_RCODE, .rcode = (uint8_t)question->message.rcode};
	if (!is_authoritative(question) || !response_soa(&question->message, apex, &serial) ||
		!name_eq(apex, verify->apex))
		return (struct verify_try){.outcome = VERIFY_NOT_OURS};
	return (struct verify_try){.outcome = VERIFY_OK};
}

static void read_view(const struct question *question, struct verify_reach *reach)
{
	char text[64];

	if (question->outcome == ASK_ANSWERED &&
		response_txt(&question->message, text, sizeof(text)) &&
		strncmp(text, "view=", 5) == 0)
		snprintf(reach->view, sizeof(reach->view), "%.*s", SITE_NAME_MAX, text + 5);
}

/* TOKEN-uN.ZONE; false if that is too long a name. */
static bool probe_name(const struct verify *verify, const char *token, size_t n,
	uint8_t ret_name[NAME_MAX_LEN])
{
	char label[64];
	int len = snprintf(label, sizeof(label), "%s-u%zu", token, n);
	size_t apex_len = name_len(verify->apex);

	if (1 + (size_t)len + apex_len > NAME_MAX_LEN)
		return false;
	ret_name[0] = (uint8_t)len;
	memcpy(ret_name + 1, label, (size_t)len);
	memcpy(ret_name + 1 + len, verify->apex, apex_len);
	return true;
}

int verify_ask_addresses(struct verify *verify)
{
	AUTO(questions_freep) struct questions questions = {0};
	char token[33] = "";
	uint8_t probe[NAME_MAX_LEN];
	json_t *reply = NULL;

	collect_reaches(verify);
	if (questions_init(&questions, N_TRIES * verify->n_reaches) < 0)
		return -ENOMEM;
	if (!verify->is_running || verify_expect(verify, token, &reply) < 0)
		token[0] = '\0';
	json_decref(reply);
	for (size_t i = 0; i < verify->n_reaches; i++) {
		const struct endpoint at = {verify->reaches[i].addr, DNS_PORT};

		add_question(&questions, &at, verify->apex, DNS_TYPE_SOA);
		add_question(&questions, &at, verify->apex, DNS_TYPE_SOA)->tcp = true;
		add_question(&questions, &at,
			*token && probe_name(verify, token, i, probe) ? probe : verify->apex,
			DNS_TYPE_TXT);
	}
	int err = askall(&askall_default, questions.items, questions.n);
	for (size_t i = 0; i < verify->n_reaches && err == 0; i++) {
		const struct question *tried = &questions.items[N_TRIES * i];

		verify->reaches[i].udp = read_try(verify, &tried[TRY_UDP]);
		verify->reaches[i].tcp = read_try(verify, &tried[TRY_TCP]);
		read_view(&tried[TRY_VIEW], &verify->reaches[i]);
	}
	if (*token && verify_expected(verify, token, true, &reply) == 0)
		json_decref(reply);
	return err;
}
