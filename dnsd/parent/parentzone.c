/* parentzone.c - one zone's addresses at the parent's primary: looks, changes, looks again
 *
 * A cycle goes through the names one by one, with one question at a time:
 *
 *     RESOLVE   the primary's addresses, where site.yaml gives its name
 *     FIND      SOA of the NS name, then of the names above: which zone holds it?
 *     LOOK      the RRset of the name                          -> parentplan_decide()
 *     GUARD     before an unknown address is replaced: is the name one of the primary's own
 *               name servers?
 *     UPDATE    signed, with the RRset that was seen as prerequisite
 *     CONFIRM   LOOK once more
 *
 * Everything except RESOLVE is signed, the questions too: a primary with views answers from the
 * view that the key belongs to. A response without a good signature is ignored. If the primary
 * does not answer at one address, the next one is tried. If it answers at none, the cycle ends,
 * and parent.c begins another one later with new sockets, which may leave by another uplink.
 */
#include "dnsd/parent/parentzone.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/timer.h"
#include "dnsd/client/resolvconf.h"
#include "dnsd/parent/parenterror.h"
#include "dnsd/wire/response.h"

enum phase {
	PHASE_IDLE,
	PHASE_RESOLVE,
	PHASE_FIND,
	PHASE_LOOK,
	PHASE_GUARD,
	PHASE_UPDATE,
	PHASE_CONFIRM
};

enum {
	UDP_MS = 2000,
	N_TRIES = 3,
	TCP_MS = 10000,
	MAX_NS = 32, /* name servers of the primary's zone that are compared */
};

struct parentzone {
	struct event_base *base;
	char *zone;
	uint8_t zone_name[NAME_MAX_LEN];
	struct parent_how how;
	struct parent_name *names;
	size_t n_names;
	struct parentowned *owned; /* borrowed */
	parentzone_done_fn *done;
	void *arg;

	struct event *start; /* the cycle begins from the event loop */
	enum phase phase;
	struct ask *ask;
	struct ask_how ask_how;
	struct tsig_mac mac;
	struct endpoint servers[PARENT_MAX_SERVERS];
	size_t n_servers;
	size_t i_server;
	struct endpoint resolvers[RESOLVCONF_MAX];
	size_t n_resolvers;
	size_t i_resolver;
	enum site_family resolving;
	size_t i_name;
	uint8_t walk[NAME_MAX_LEN]; /* FIND: the name whose SOA is asked for */
	struct parent_change change;
	bool has_failed; /* a name, in this cycle */
	char why[PARENT_WHY_CAP];
};

static void find_begin(struct parentzone *zone);
static void look_begin(struct parentzone *zone, enum phase phase);
static void update_begin(struct parentzone *zone);
static void parentzone_on_answer(const struct ask_result *result, void *arg);

/* ---- small things ---- */

const char *parent_state_str(enum parent_state state)
{
	static const char *const words[] = {
		[PARENT_UNKNOWN] = "unknown",
		[PARENT_RIGHT] = "right",
		[PARENT_KEPT] = "kept",
		[PARENT_LEFT] = "left",
		[PARENT_FAILED] = "failed",
	};

	return words[state];
}

static struct parent_name *current_name(const struct parentzone *zone)
{
	return &zone->names[zone->i_name];
}

static const char *name_type_str(const struct parent_name *name)
{
	return name->target.family == SITE_IPV4 ? "A" : "AAAA";
}

static const char *addrs_str(const struct addr *addrs, size_t n, char *out, size_t cap)
{
	size_t len = 0;

	snprintf(out, cap, "nothing");
	for (size_t i = 0; i < n && len < cap; i++)
		len += (size_t)snprintf(
			out + len, cap - len, "%s%s", i > 0 ? ", " : "", addr_str(&addrs[i]));
	return out;
}

/* ---- the end of a cycle, and the next name ---- */

static void cycle_end(struct parentzone *zone, bool is_done)
{
	zone->phase = PHASE_IDLE;
	zone->done(is_done && !zone->has_failed, zone->why, zone->arg);
}

static void cycle_give_up(struct parentzone *zone, const char *why)
{
	snprintf(zone->why, sizeof(zone->why), "%s", why);
	cycle_end(zone, false);
}

static void name_keep(struct parent_name *name)
{
	const char *family = name->target.family == SITE_IPV4 ? "IPv4" : "IPv6";

	name->state = PARENT_KEPT;
	name->has_apex =
		false; /* the apex is of an earlier cycle: the next name must not take it */
	if (name->target.n_absent > 0)
		snprintf(name->why, sizeof(name->why), "uplink %s has no %s address now",
			name->target.absent[0], family);
	else
		snprintf(name->why, sizeof(name->why), "its uplink has inbound: no");
}

/* Skips names whose uplinks have no address: the primary's records stay. */
static void name_begin(struct parentzone *zone)
{
	for (; zone->i_name < zone->n_names; zone->i_name++) {
		if (current_name(zone)->target.n_wanted > 0) {
			find_begin(zone);
			return;
		}
		name_keep(current_name(zone));
	}
	cycle_end(zone, true);
}

static void name_end(struct parentzone *zone, enum parent_state state, const char *why)
{
	struct parent_name *name = current_name(zone);

	name->state = state;
	snprintf(name->why, sizeof(name->why), "%s", why);
	if (state == PARENT_FAILED && !zone->has_failed) {
		zone->has_failed = true;
		snprintf(zone->why, sizeof(zone->why), "%s", why);
	}
	zone->i_name++;
	name_begin(zone);
}

/* ---- questions ---- */

static enum ask_verdict check_signature(const struct message *response, void *arg)
{
	const struct parentzone *zone = arg;
	struct tsig_check check = tsig_verify(
		&zone->how.key, (uint64_t)time(NULL), &zone->mac, response);

	return check.verdict == TSIG_GOOD ? ASK_TAKE : ASK_DOUBT;
}

static void send_to(struct parentzone *zone, const struct endpoint *server,
	const struct message_writer *writer, ask_check_fn *check)
{
	zone->ask_how = (struct ask_how){
		.server = *server,
		.udp_ms = UDP_MS,
		.n_tries = N_TRIES,
		.tcp_ms = TCP_MS,
		.check = check,
		.done = parentzone_on_answer,
		.arg = zone,
	};
	if (ask_start(zone->base, &zone->ask_how, writer->bytes, writer->len, &zone->ask) < 0)
		cycle_give_up(zone, "there is no memory for a question");
}

static void send_signed(struct parentzone *zone, struct message_writer *writer)
{
	if (tsig_sign(&zone->how.key, (uint64_t)time(NULL), writer, &zone->mac) < 0)
		name_end(zone, PARENT_FAILED, "the message would be too long");
	else
		send_to(zone, &zone->servers[zone->i_server], writer, check_signature);
}

/* Without OPT: the answers are short, and primaries disagree about EDNS beside TSIG. */
static void ask_primary(
	struct parentzone *zone, enum phase phase, const uint8_t *name, uint16_t type)
{
	uint8_t bytes[MESSAGE_QUERY_CAP];
	struct message_writer writer;

	zone->phase = phase;
	message_begin(&writer, bytes, sizeof(bytes), ask_id(), 0);
	message_put_question(&writer, name, type, DNS_CLASS_IN);
	send_signed(zone, &writer);
}

/* ---- RESOLVE ---- */

static void parentzone_resolve(struct parentzone *zone)
{
	uint8_t bytes[MESSAGE_QUERY_CAP];
	uint8_t name[NAME_MAX_LEN];
	struct message_writer writer;
	size_t len;

	zone->phase = PHASE_RESOLVE;
	(void)name_from_str(zone->how.host, name, &len); /* site.yaml was checked */
	message_begin(&writer, bytes, sizeof(bytes), ask_id(), DNS_RD);
	message_put_question(&writer, name, dns_addr_type(zone->resolving), DNS_CLASS_IN);
	send_to(zone, &zone->resolvers[zone->i_resolver], &writer, NULL);
}

static void resolve_next(struct parentzone *zone)
{
	char why[PARENT_WHY_CAP];

	if (zone->resolving == SITE_IPV4) {
		zone->resolving = SITE_IPV6;
		parentzone_resolve(zone);
	} else if (zone->n_servers > 0) {
		name_begin(zone);
	} else if (zone->i_resolver + 1 < zone->n_resolvers) {
		zone->i_resolver++;
		zone->resolving = SITE_IPV4;
		parentzone_resolve(zone);
	} else {
		snprintf(why, sizeof(why),
			"no resolver of %s finds an address of the primary, %s",
			RESOLVCONF_PATH, zone->how.host);
		cycle_give_up(zone, why);
	}
}

static void on_resolved(struct parentzone *zone, const struct message *response)
{
	struct addr addrs[PARENT_MAX_SERVERS];
	size_t n = response_addrs(response, MESSAGE_ANSWER, NULL, zone->resolving, addrs,
		PARENT_MAX_SERVERS, NULL);

	for (size_t i = 0; i < n && zone->n_servers < PARENT_MAX_SERVERS; i++)
		zone->servers[zone->n_servers++] = (struct endpoint){
			addrs[i], zone->how.endpoint.port};
	resolve_next(zone);
}

/* ---- FIND ---- */

/* Glue is in the zone above the cut, whichever servers have the zone itself. */
static void find_begin(struct parentzone *zone)
{
	struct parent_name *name = current_name(zone);
	const uint8_t *from = name->target.name;

	if (zone->i_name > 0 && (name - 1)->has_apex &&
		name_eq((name - 1)->target.name, from)) {
		memcpy(name->apex, (name - 1)->apex, NAME_MAX_LEN);
		name->has_apex = true;
		look_begin(zone, PHASE_LOOK);
		return;
	}
	name->has_apex = false;
	if (name->target.is_glue)
		from = zone->zone_name + 1 + zone->zone_name[0];
	memcpy(zone->walk, from, name_len(from));
	ask_primary(zone, PHASE_FIND, zone->walk, DNS_TYPE_SOA);
}

static void find_above(struct parentzone *zone)
{
	char name[NAME_STR_LEN];
	char why[PARENT_WHY_CAP];
	size_t len = name_len(zone->walk);

	if (len > 1) {
		memmove(zone->walk, zone->walk + 1 + zone->walk[0], len - 1 - zone->walk[0]);
		ask_primary(zone, PHASE_FIND, zone->walk, DNS_TYPE_SOA);
		return;
	}
	snprintf(why, sizeof(why),
		"the server has no zone that holds %s: "
		"parent.server must be the primary of that zone",
		name_str(current_name(zone)->target.name, name));
	name_end(zone, PARENT_FAILED, why);
}

static void on_found(struct parentzone *zone, const struct message *response)
{
	struct parent_name *name = current_name(zone);
	uint32_t serial;

	if (response->flags & DNS_AA && response_soa(response, name->apex, &serial) &&
		name_is_within(name->target.name, name->apex)) {
		name->has_apex = true;
		look_begin(zone, PHASE_LOOK);
	} else {
		find_above(zone);
	}
}

/* ---- LOOK and what follows ---- */

static void look_begin(struct parentzone *zone, enum phase phase)
{
	const struct parent_target *target = &current_name(zone)->target;

	ask_primary(zone, phase, target->name, dns_addr_type(target->family));
}

/* Glue comes in the additional section of a referral. */
static bool read_seen(const struct parent_name *name, const struct message *response,
	struct parent_seen *ret_seen)
{
	const struct parent_target *target = &name->target;
	bool is_referral = response_kind(response) == RESPONSE_REFERRAL;
	struct addr addrs[PARENT_MAX_SEEN + 1];
	size_t n;

	*ret_seen = (struct parent_seen){0};
	if (!(response->flags & DNS_AA) && !(is_referral && target->is_glue))
		return false;
	n = response_addrs(response, is_referral ? MESSAGE_ADDITIONAL : MESSAGE_ANSWER,
		target->name, target->family, addrs, PARENT_MAX_SEEN + 1, &ret_seen->ttl_s);
	ret_seen->has_more = n > PARENT_MAX_SEEN;
	ret_seen->n = n > PARENT_MAX_SEEN ? PARENT_MAX_SEEN : n;
	memcpy(ret_seen->addrs, addrs, ret_seen->n * sizeof(addrs[0]));
	return true;
}

/* Wanted addresses that are at the primary are ours from now on. */
static void record_owned(struct parentzone *zone, const struct parent_name *name)
{
	for (size_t i = 0; i < name->target.n_wanted; i++)
		for (size_t k = 0; k < name->seen.n; k++)
			if (addr_eq(&name->target.wanted[i].addr, &name->seen.addrs[k]))
				parentowned_add(zone->owned, name->target.name,
					&name->target.wanted[i], true);
}

static void end_right(struct parentzone *zone)
{
	const struct addr *foreign = &zone->change.foreign;
	char why[PARENT_WHY_CAP] = "";

	if (addr_is_set(foreign))
		snprintf(why, sizeof(why), "%s is there too, which is not ours",
			addr_str(foreign));
	name_end(zone, PARENT_RIGHT, why);
}

static void end_foreign(struct parentzone *zone)
{
	const struct parent_name *name = current_name(zone);
	char text[NAME_STR_LEN];
	char has[256];
	char why[PARENT_WHY_CAP];

	addrs_str(name->seen.addrs, name->seen.n, has, sizeof(has));
	snprintf(why, sizeof(why),
		"%s %s is %s%s, which another program or person put there; it is left alone. Delete that "
		"record and reload dnsd, and ours is put in its place",
		name_str(name->target.name, text), name_type_str(name), has,
		name->seen.has_more ? " and more" : "");
	name_end(zone, PARENT_LEFT, why);
}

static void on_looked(struct parentzone *zone, const struct message *response)
{
	struct parent_name *name = current_name(zone);
	bool is_confirmation = zone->phase == PHASE_CONFIRM;
	struct parent_owned owned;

	name->is_seen = false;
	if (response_has(response, MESSAGE_ANSWER, name->target.name, DNS_TYPE_CNAME)) {
		name_end(zone, PARENT_FAILED,
			"it is a CNAME there, which the name of a name server must not be "
			"(RFC 2181 section 10.3)");
		return;
	}
	if (!read_seen(name, response, &name->seen)) {
		name_end(zone, PARENT_FAILED,
			"the server does not answer for it itself: it is delegated to others");
		return;
	}
	name->is_seen = true;
	record_owned(zone, name);
	parentowned_get(zone->owned, name->target.name, name->target.family, &owned);
	name->ttl_is_tried |= is_confirmation;
	zone->change = parentplan_decide(
		&name->target, &name->seen, &owned, zone->how.ttl_s, !name->ttl_is_tried);
	if (zone->change.action == PARENT_CURRENT)
		end_right(zone);
	else if (zone->change.action != PARENT_CHANGE)
		end_foreign(zone);
	else if (is_confirmation)
		name_end(zone, PARENT_FAILED,
			"the primary took the change, but does not show it yet");
	else if (zone->change.takes_over)
		ask_primary(zone, PHASE_GUARD, name->apex, DNS_TYPE_NS);
	else
		update_begin(zone);
}

/* ---- GUARD, UPDATE ---- */

static void on_guarded(struct parentzone *zone, const struct message *response)
{
	const struct parent_name *name = current_name(zone);
	uint8_t names[MAX_NS][NAME_MAX_LEN];
	size_t n = response_ns(response, MESSAGE_ANSWER, name->apex, names, MAX_NS);
	char text[NAME_STR_LEN];
	char apex[NAME_STR_LEN];
	char why[PARENT_WHY_CAP];

	for (size_t i = 0; i < n; i++) {
		if (!name_eq(names[i], name->target.name))
			continue;
		snprintf(why, sizeof(why),
			"%s is a name server of %s itself, with another address than ours: it "
			"is left alone. Give ours names of their own",
			name_str(name->target.name, text), name_str(name->apex, apex));
		name_end(zone, PARENT_LEFT, why);
		return;
	}
	update_begin(zone);
}

static void update_begin(struct parentzone *zone)
{
	const struct parent_name *name = current_name(zone);
	uint8_t bytes[MESSAGE_QUERY_CAP];
	struct message_writer writer;

	/* before it is sent: a crash in between must not make our address foreign */
	for (size_t i = 0; i < name->target.n_wanted; i++)
		parentowned_add(
			zone->owned, name->target.name, &name->target.wanted[i], false);
	parentowned_write(zone->owned);
	zone->phase = PHASE_UPDATE;
	message_begin(&writer, bytes, sizeof(bytes), ask_id(),
		(unsigned int)DNS_OPCODE_UPDATE << 11);
	parentplan_write(&name->target, name->apex, &name->seen, &zone->change, &writer);
	send_signed(zone, &writer);
}

/* The RRset that was seen does not exist: another program changed it meanwhile, or a wildcard
 * answers for the name. In both cases W can be added where there is no RRset. */
static void update_nothing(struct parentzone *zone)
{
	struct parent_name *name = current_name(zone);
	struct parent_owned owned;

	name->seen = (struct parent_seen){0};
	parentowned_get(zone->owned, name->target.name, name->target.family, &owned);
	zone->change = parentplan_decide(
		&name->target, &name->seen, &owned, zone->how.ttl_s, false);
	update_begin(zone);
}

static bool is_removed(const struct parent_change *change, const struct addr *addr)
{
	for (size_t i = 0; i < change->n_remove; i++)
		if (addr_eq(&change->remove[i], addr))
			return true;
	return false;
}

/* The RRset after the change. */
static size_t result_of(const struct parent_seen *seen, const struct parent_change *change,
	struct addr ret_addrs[PARENT_MAX_SEEN + SITE_MAX_UPLINKS])
{
	size_t n = 0;

	for (size_t i = 0; i < seen->n; i++)
		if (!is_removed(change, &seen->addrs[i]))
			ret_addrs[n++] = seen->addrs[i];
	for (size_t i = 0; i < change->n_add; i++)
		ret_addrs[n++] = change->add[i];
	return n;
}

static void on_updated(struct parentzone *zone)
{
	const struct parent_name *name = current_name(zone);
	const struct parent_change *change = &zone->change;
	struct addr result[PARENT_MAX_SEEN + SITE_MAX_UPLINKS];
	size_t n = result_of(&name->seen, change, result);
	char server[ENDPOINT_STR_LEN];
	char text[NAME_STR_LEN];
	char was[256];
	char is[256];
	char ttl[32] = "";

	if (name->seen.n > 0)
		snprintf(ttl, sizeof(ttl), ", TTL %u", name->seen.ttl_s);
	log_notice("parent", "%s: at the primary %s, %s %s is now %s, TTL %u (was %s%s%s)",
		zone->zone, endpoint_str(&zone->servers[zone->i_server], server),
		name_str(name->target.name, text), name_type_str(name),
		addrs_str(result, n, is, sizeof(is)), change->ttl_s,
		addrs_str(name->seen.addrs, name->seen.n, was, sizeof(was)), ttl,
		change->takes_over ? ", which was never ours but stood alone" : "");
	look_begin(zone, PHASE_CONFIRM);
}

/* ---- responses ---- */

/* Goes on at the primary's next address, from the current name. */
static void next_server(struct parentzone *zone, const struct ask_result *result)
{
	char server[ENDPOINT_STR_LEN];
	char problem[128];
	char why[PARENT_WHY_CAP];

	ask_problem(&zone->ask_how, result, problem, sizeof(problem));
	snprintf(why, sizeof(why), "%s: %s", endpoint_str(&zone->ask_how.server, server),
		problem);
	if (zone->phase == PHASE_RESOLVE) {
		resolve_next(zone);
	} else if (zone->i_server + 1 < zone->n_servers) {
		log_info("parent", "%s: %s; the next address is tried", zone->zone, why);
		zone->i_server++;
		name_begin(zone);
	} else {
		cycle_give_up(zone, why);
	}
}

static void on_primary(struct parentzone *zone, const struct message *response)
{
	const struct parent_name *name = current_name(zone);
	uint64_t now_s = (uint64_t)time(NULL);
	const struct parent_response told = {
		.is_update = zone->phase == PHASE_UPDATE,
		.key = &zone->how.key,
		.target = &name->target,
		.apex = name->apex,
		.response = response,
		.check = tsig_verify(&zone->how.key, now_s, &zone->mac, response),
		.now_s = now_s,
	};
	char why[PARENT_WHY_CAP];
	bool is_fine = parenterror_check(&told, why, sizeof(why));

	if (!is_fine && (told.check.error != 0 || told.check.verdict == TSIG_STALE)) {
		cycle_give_up(zone, why); /* every other name would fail alike */
		return;
	}
	if (zone->phase == PHASE_FIND && response->rcode == DNS_RCODE_REFUSED)
		find_above(zone);
	else if (zone->phase == PHASE_UPDATE && response->rcode == DNS_RCODE_NXRRSET &&
		 told.check.verdict == TSIG_GOOD && name->seen.n > 0)
		update_nothing(zone);
	else if (!is_fine)
		name_end(zone, PARENT_FAILED, why);
	else if (zone->phase == PHASE_FIND)
		on_found(zone, response);
	else if (zone->phase == PHASE_GUARD)
		on_guarded(zone, response);
	else if (zone->phase == PHASE_UPDATE)
		on_updated(zone);
	else
		on_looked(zone, response);
}

static void parentzone_on_answer(const struct ask_result *result, void *arg)
{
	struct parentzone *zone = arg;

	zone->ask = NULL;
	if (result->outcome != ASK_ANSWERED)
		next_server(zone, result);
	else if (zone->phase == PHASE_RESOLVE)
		on_resolved(zone, &result->message);
	else
		on_primary(zone, &result->message);
}

/* ---- life ---- */

static void cycle_begin(evutil_socket_t fd, short what, void *arg)
{
	struct parentzone *zone = arg;

	(void)fd;
	(void)what;
	zone->i_name = 0;
	zone->i_server = 0;
	zone->has_failed = false;
	zone->why[0] = '\0';
	if (zone->how.host) {
		zone->n_servers = 0;
		zone->n_resolvers = resolvconf_read(RESOLVCONF_PATH, zone->resolvers);
		zone->i_resolver = 0;
		zone->resolving = SITE_IPV4;
		parentzone_resolve(zone);
	} else {
		zone->servers[0] = zone->how.endpoint;
		zone->n_servers = 1;
		name_begin(zone);
	}
}

void parentzone_begin(struct parentzone *zone)
{
	ask_cancel(TAKE(zone->ask));
	zone->phase = PHASE_RESOLVE;
	timer_arm_ms(zone->start, 0);
}

bool parentzone_is_busy(const struct parentzone *zone)
{
	return zone->phase != PHASE_IDLE;
}

const struct parent_how *parentzone_how(const struct parentzone *zone)
{
	return &zone->how;
}

const struct parent_name *parentzone_names(const struct parentzone *zone, size_t *ret_n)
{
	*ret_n = zone->n_names;
	return zone->names;
}

void parent_how_fini(struct parent_how *how)
{
	free(how->server);
	free(how->host);
	OPENSSL_cleanse(&how->key, sizeof(how->key));
	*how = (struct parent_how){0};
}

int parentzone_new(struct event_base *base, const char *zone_name, struct parent_how *how,
	struct parent_name *names, size_t n_names, struct parentowned *owned,
	parentzone_done_fn *done, void *arg, struct parentzone **ret_zone)
{
	struct parentzone *zone = calloc(1, sizeof(*zone));
	size_t len;

	if (!zone) {
		parent_how_fini(how);
		free(names);
		return -ENOMEM;
	}
	zone->base = base;
	zone->how = *how;
	*how = (struct parent_how){0};
	zone->names = names;
	zone->n_names = n_names;
	zone->owned = owned;
	zone->done = done;
	zone->arg = arg;
	zone->zone = strdup(zone_name);
	zone->start = evtimer_new(base, cycle_begin, zone);
	if (!zone->zone || !zone->start ||
		name_from_str(zone_name, zone->zone_name, &len) < 0) {
		parentzone_free(zone);
		return -ENOMEM;
	}
	*ret_zone = zone;
	return 0;
}

void parentzone_free(struct parentzone *zone)
{
	if (!zone)
		return;
	ask_cancel(zone->ask);
	event_freep(&zone->start);
	parent_how_fini(&zone->how);
	free(zone->names);
	free(zone->zone);
	free(zone);
}
