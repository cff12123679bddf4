/* verifyfind.c - the servers of the parent zone: its NS records and their addresses
 *
 * A resolver is asked for the names above the zone, a label at a time: the first name with NS
 * records is the apex of the parent zone. A resolver that serves the zone itself (that of the
 * LAN, or dnsd's inside view) does no harm, since only names above the zone are asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/client/askall.h"
#include "dnsd/verify/verify.h"
#include "dnsd/wire/response.h"

/* Asks one resolver after the other until one answers the question. */
static int ask_one(
	const struct verify *verify, const uint8_t *name, uint16_t type, struct question *ret)
{
	for (size_t i = 0; i < verify->n_resolvers; i++) {
		*ret = (struct question){
			.server = verify->resolvers[i],
			.type = type,
			.recursive = true,
		};
		memcpy(ret->name, name, name_len(name));
		int err = askall(&askall_default, ret, 1);
		if (err < 0)
			return err;
		if (ret->outcome == ASK_ANSWERED &&
			(ret->message.rcode == DNS_RCODE_NOERROR ||
				ret->message.rcode == DNS_RCODE_NXDOMAIN))
			return 0;
		if (i + 1 < verify->n_resolvers)
			questions_fini(ret, 1);
	}
	return -EHOSTUNREACH;
}

static int report_no_resolver(
	const struct verify *verify, const uint8_t *name, const struct question *question)
{
	char text[NAME_STR_LEN];
	char at[ENDPOINT_STR_LEN];

	fprintf(stderr,
		"dnsd: the resolver %s does not find the name servers of %s: %s; name one "
		"with --resolver, or the parent's servers with --server\n",
		verify->n_resolvers > 0 ? endpoint_str(&question->server, at) : "(none)",
		name_str(name, text),
		question->outcome == ASK_ANSWERED ? message_rcode_str(question->message.rcode)
						  : question->problem);
	return -EHOSTUNREACH;
}

static void add_addresses(struct verify *verify, const struct question *question)
{
	enum site_family family = question->type == DNS_TYPE_A ? SITE_IPV4 : SITE_IPV6;
	struct addr addrs[VERIFY_MAX_SERVERS];
	size_t n;

	if (question->outcome != ASK_ANSWERED)
		return;
	n = response_addrs(&question->message, MESSAGE_ANSWER, NULL, family, addrs,
		VERIFY_MAX_SERVERS, NULL);
	for (size_t i = 0; i < n && verify->n_servers < VERIFY_MAX_SERVERS; i++) {
		struct verify_server *server = &verify->servers[verify->n_servers++];

		server->at = (struct endpoint){addrs[i], 53};
		memcpy(server->name, question->name, NAME_MAX_LEN);
	}
}

static int find_addresses(
	struct verify *verify, uint8_t (*names)[NAME_MAX_LEN], size_t n, const uint8_t *zone)
{
	struct question questions[SITE_FAMILIES * VERIFY_MAX_NS] = {0};
	char text[NAME_STR_LEN];

	for (size_t i = 0; i < SITE_FAMILIES * n; i++) {
		questions[i].server = verify->resolvers[0];
		questions[i].recursive = true;
		questions[i].type = dns_addr_type((enum site_family)(i % SITE_FAMILIES));
		memcpy(questions[i].name, names[i / SITE_FAMILIES], NAME_MAX_LEN);
	}
	int err = askall(&askall_default, questions, SITE_FAMILIES * n);
	for (size_t i = 0; i < SITE_FAMILIES * n; i++)
		add_addresses(verify, &questions[i]);
	questions_fini(questions, SITE_FAMILIES * n);
	if (err < 0 || verify->n_servers > 0)
		return err;
	fprintf(stderr, "dnsd: no address is found for the name servers of %s\n",
		name_str(zone, text));
	return -EHOSTUNREACH;
}

int verify_find(struct verify *verify)
{
	const uint8_t *name = verify->apex;
	uint8_t names[VERIFY_MAX_NS][NAME_MAX_LEN] = {0};

	while (*name) {
		struct question question = {0};
		size_t n;

		name += 1 + *name;
		int err = ask_one(verify, name, DNS_TYPE_NS, &question);
		if (err == -EHOSTUNREACH)
			err = report_no_resolver(verify, name, &question);
		if (err < 0) {
			questions_fini(&question, 1);
			return err;
		}
		n = response_ns(&question.message, MESSAGE_ANSWER, name, names, VERIFY_MAX_NS);
		if (n > 0) /* this resolver works: ask it the rest too */
			verify->resolvers[0] = question.server;
		questions_fini(&question, 1);
		if (n > 0)
			return find_addresses(verify, names, n, name);
	}
	fprintf(stderr, "dnsd: no zone above %s has name servers\n", verify->zone);
	return -EHOSTUNREACH;
}
