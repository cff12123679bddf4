/* verify.c - the verb `verify ZONE`: does the parent's delegation lead to us?
 *
 * Asks the running dnsd (without one, reads files and kernel) for the delegation as it should be,
 * asks the parent's servers for the delegation as it is, and asks each address. Then it prints
 * mistakes and remedies. The exit status is 0 if there is no mistake, so that monitoring can run
 * it. With --inbound, verifyinbound.c takes over; it needs no parent.
 */
#include "dnsd/verify/verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/cleanup.h"
#include "common/ctl/ctlrequest.h"
#include "common/site/value.h"
#include "dnsd/delegationask.h"
#include "dnsd/dnsd.h"

enum { DNS_PORT = 53 };

const struct cli_option verify_options[] = {
	{.name = "server",
		.value = "ADDR...",
		.summary = "a server of the parent zone, instead of looking for them"},
	{.name = "resolver",
		.value = "ADDR...",
		.summary = "a resolver to ask for them, instead of those of /etc/resolv.conf"},
	{.name = "inbound", .summary = "whether queries of resolvers come in by every uplink"},
	{.name = "via",
		.value = "ADDR...",
		.summary = "with --inbound: the resolver to ask; better a public one"},
	{0},
};

/* ---- the delegation as it should be ---- */

static bool flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static void read_live_addr(const json_t *object, struct verify_live_ns *ns)
{
	const char *address = json_string_value(json_object_get(object, "address"));
	const char *uplink = json_string_value(json_object_get(object, "uplink"));
	struct verify_live_addr *addr = &ns->addrs[ns->n_addrs];

	if (!address || ns->n_addrs == VERIFY_MAX_ADDRS ||
		addr_parse(address, &addr->addr) < 0)
		return;
	if (uplink)
		snprintf(addr->uplink, sizeof(addr->uplink), "%s", uplink);
	addr->is_translated = flag(object, "translated");
	addr->is_dynamic = flag(object, "dynamic");
	addr->ttl_s = (uint32_t)json_integer_value(json_object_get(object, "ttl"));
	ns->n_addrs++;
}

static void read_live_ns(const json_t *object, struct verify_live *live)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	const json_t *addrs = json_object_get(object, "addresses");
	struct verify_live_ns *ns = &live->ns[live->n_ns];
	size_t len;

	if (!name || live->n_ns == VERIFY_MAX_NS || name_from_str(name, ns->name, &len) < 0)
		return;
	ns->is_within = flag(object, "within");
	ns->is_closed = flag(object, "closed");
	ns->is_unknown = flag(object, "unknown");
	for (size_t i = 0; i < json_array_size(addrs); i++)
		read_live_addr(json_array_get(addrs, i), ns);
	live->n_ns++;
}

void verify_read_live(const json_t *zone, struct verify_live *ret_live)
{
	const json_t *list = json_object_get(zone, "ns");

	memset(ret_live, 0, sizeof(*ret_live));
	for (size_t i = 0; i < json_array_size(list); i++)
		read_live_ns(json_array_get(list, i), ret_live);
}

/* ---- names that the running dnsd waits for ---- */

int verify_expected(
	const struct verify *verify, const char *token, bool done, json_t **ret_reply)
{
	AUTO(freep) char *path = cli_path(verify->runtime_dir, DNSD_SOCKET);
	json_t *request = json_pack(
		"{s:s, s:s, s:b}", "verb", "inbound-token", "token", token, "done", (int)done);
	int err = path && request ? ctl_request_object(
					    path, request, DNSD_SOCKET_TIMEOUT_MS, ret_reply)
				  : -ENOMEM;

	json_decref(request);
	if (err == 0 && json_object_get(*ret_reply, "error")) {
		json_decref(*ret_reply);
		*ret_reply = NULL;
		err = -EPROTO; /* an older dnsd, or too many of us */
	}
	return err;
}

int verify_expect(const struct verify *verify, char ret_token[33], json_t **ret_reply)
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	snprintf(ret_token, 33, "%016llx%016llx", (unsigned long long)random[0],
		(unsigned long long)random[1]);
	return verify_expected(verify, ret_token, false, ret_reply);
}

/* ---- the command line ---- */

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "dnsd: %s%s\n'dnsd verify --help' tells more.\n", what, value);
	return EXIT_USAGE;
}

static int read_servers(const struct cli *cli, struct verify *verify)
{
	const char *text;

	for (int i = 0; (text = cli_option_at(cli, "server", i)); i++) {
		struct endpoint at;

		if (verify->n_servers == VERIFY_MAX_SERVERS)
			return usage_error("there are too many servers", "");
		if (value_endpoint(text, DNS_PORT, &at.addr, &at.port) < 0)
			return usage_error("not an address, with or without :PORT: ", text);
		verify->servers[verify->n_servers++].at = at;
	}
	return EXIT_DONE;
}

static int read_resolvers(const struct cli *cli, struct verify *verify)
{
	const char *text;

	for (int i = 0; (text = cli_option_at(cli, "resolver", i)); i++) {
		struct endpoint at;

		if (verify->n_resolvers == RESOLVCONF_MAX)
			return usage_error("there are too many resolvers", "");
		if (value_endpoint(text, DNS_PORT, &at.addr, &at.port) < 0)
			return usage_error("not an address, with or without :PORT: ", text);
		verify->resolvers[verify->n_resolvers++] = at;
	}
	if (verify->n_resolvers == 0)
		verify->n_resolvers = resolvconf_read(RESOLVCONF_PATH, verify->resolvers);
	return EXIT_DONE;
}

static int check_vias(const struct cli *cli)
{
	struct endpoint at;
	const char *text;

	for (int i = 0; (text = cli_option_at(cli, "via", i)); i++)
		if (value_endpoint(text, DNS_PORT, &at.addr, &at.port) < 0)
			return usage_error("not an address, with or without :PORT: ", text);
	return EXIT_DONE;
}

static int read_options(const struct cli *cli, struct verify *verify)
{
	bool inbound = cli_option(cli, "inbound") != NULL;
	int status = read_servers(cli, verify);

	if (status == EXIT_DONE)
		status = read_resolvers(cli, verify);
	if (status != EXIT_DONE)
		return status;
	if (inbound && !cli_option(cli, "via"))
		return usage_error("--inbound needs a resolver: --via ADDR, best a public "
				   "one, such as your ISPs do not run",
			"");
	if (!inbound && cli_option(cli, "via"))
		return usage_error("--via goes with --inbound", "");
	return check_vias(cli);
}

/* ---- the verb ---- */

static int verify_parent(const struct cli *cli, struct verify *verify)
{
	struct verify_result result;

	if (verify->n_servers == 0 && verify_find(verify) < 0)
		return EXIT_FAILED;
	if (verify_ask_servers(verify) < 0 || verify_ask_addresses(verify) < 0) {
		fprintf(stderr, "dnsd: there is no memory for the questions\n");
		return EXIT_FAILED;
	}
	verify_check(verify, &result);
	if (cli->json) {
		json_t *json = verify_json(verify, &result);

		json_dumpf(json, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(json);
	} else {
		verify_print(verify, &result);
	}
	int status = result.n_errors == 0 ? EXIT_DONE : EXIT_FAILED;
	verify_result_fini(&result);
	return status;
}

static int verify_zone(const struct cli *cli, struct verify *verify)
{
	json_t *delegations = delegation_ask(cli, &verify->is_running);
	const json_t *zone = delegations ? delegation_find(delegations, cli->args[0]) : NULL;
	int status = EXIT_FAILED;
	size_t len;

	if (zone) {
		verify->zone = json_string_value(json_object_get(zone, "name"));
		verify_read_live(zone, &verify->live);
	}
	if (zone && name_from_str(verify->zone, verify->apex, &len) == 0)
		status = cli_option(cli, "inbound") ? verify_inbound(cli, verify)
						    : verify_parent(cli, verify);
	json_decref(delegations);
	return status;
}

int verify_run(const struct cli *cli)
{
	struct verify *verify = calloc(1, sizeof(*verify));
	int status = EXIT_FAILED;

	if (!verify)
		return EXIT_FAILED;
	verify->runtime_dir = cli->runtime_dir;
	status = read_options(cli, verify);
	if (status == EXIT_DONE)
		status = verify_zone(cli, verify);
	free(verify);
	return status;
}
