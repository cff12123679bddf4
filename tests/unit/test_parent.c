/* test_parent.c - a zone's addresses at a primary of our own making, from site.yaml to the
 * UPDATE
 *
 * The primary sits on a loopback address in the same event loop, has the zone example.com, and
 * signs what it says. Real ones are asked in tests/e2e/pair-parent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/config.h"
#include "dnsd/parent/parent.h"

#include <event2/event.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/bigendian.h"
#include "common/clock.h"
#include "dnsd/state/factslinks.h"
#include "dnsd/wire/message.h"

enum { MAX_RECORDS = 8, PATIENCE_MS = 10000, SECRET_LEN = 32 };

#define ZONE "www.example.com"
static const char secret[] = "made of thirty-two octets!!!!!!!";
static const uint8_t apex[] = "\7example\3com";
static const uint8_t ns1[] = "\7www-ns1\7example\3com";

/* Of type A, all of them. */
struct record {
	uint8_t name[NAME_MAX_LEN];
	uint8_t addr[4];
	uint32_t ttl_s;
};

struct fixture {
	char dir[64];
	struct event_base *base;
	struct parent *parent;
	struct config *config;
	struct facts facts;
	/* the primary */
	int fd;
	uint16_t port;
	struct event *on_udp;
	struct record records[MAX_RECORDS];
	size_t n_records;
	bool has_wildcard;  /* *.example.com A 203.0.113.9 */
	bool signs_nothing; /* though it was asked with a signature */
	int n_updates;
	bool was_written; /* our memory, when the last UPDATE came */
};

/* ---- the primary ---- */

static const uint8_t wildcard_addr[4] = {203, 0, 113, 9};

static void put_record(struct message_writer *writer, const uint8_t *name, const uint8_t *addr,
	uint32_t ttl_s)
{
	const struct message_rr rr = {name, DNS_TYPE_A, DNS_CLASS_IN, ttl_s, addr, 4};

	message_put(writer, MESSAGE_ANSWER, &rr);
}

static void put_soa(struct message_writer *writer, enum message_section section)
{
	static const uint8_t numbers[1 + 1 + 20];
	const struct message_rr rr = {
		apex, DNS_TYPE_SOA, DNS_CLASS_IN, 60, numbers, sizeof(numbers)};

	message_put(writer, section, &rr);
}

static size_t n_records_of(const struct fixture *f, const uint8_t *name)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_records; i++)
		n += name_eq(f->records[i].name, name);
	return n;
}

static void answer(
	const struct fixture *f, const struct message *query, struct message_writer *writer)
{
	bool asks_address = query->qtype == DNS_TYPE_A;

	message_put_question(writer, query->qname, query->qtype, query->qclass);
	for (size_t i = 0; asks_address && i < f->n_records; i++)
		if (name_eq(f->records[i].name, query->qname))
			put_record(
				writer, query->qname, f->records[i].addr, f->records[i].ttl_s);
	if (asks_address && f->has_wildcard && n_records_of(f, query->qname) == 0)
		put_record(writer, query->qname, wildcard_addr, 300);
	put_soa(writer, query->qtype == DNS_TYPE_SOA && name_eq(query->qname, apex)
				? MESSAGE_ANSWER
				: MESSAGE_AUTHORITY);
}

static bool has(const struct fixture *f, const struct message_record *record)
{
	for (size_t i = 0; i < f->n_records; i++)
		if (name_eq(f->records[i].name, record->owner) &&
			memcmp(f->records[i].addr, record->rdata, 4) == 0)
			return true;
	return false;
}

/* RFC 2136 section 3.2, for one RRset. */
static unsigned int check_prerequisites(const struct fixture *f, const struct message *update)
{
	struct message_walk walk = {0};
	struct message_record record;

	while (message_next(update, &walk, &record)) {
		if (record.section != MESSAGE_PREREQUISITE)
			continue;
		size_t n = n_records_of(f, record.owner);
		if (record.class == DNS_CLASS_NONE && n > 0)
			return DNS_RCODE_YXRRSET;
		if (record.class == DNS_CLASS_IN &&
			(n != update->counts[MESSAGE_PREREQUISITE] || !has(f, &record)))
			return DNS_RCODE_NXRRSET;
	}
	return DNS_RCODE_NOERROR;
}

static void delete_record(struct fixture *f, const struct message_record *record)
{
	for (size_t i = f->n_records; i-- > 0;)
		if (name_eq(f->records[i].name, record->owner) &&
			memcmp(f->records[i].addr, record->rdata, 4) == 0)
			f->records[i] = f->records[--f->n_records];
}

static void add_record(
	struct fixture *f, const uint8_t *name, const uint8_t *addr, uint32_t ttl_s)
{
	struct record *record = &f->records[f->n_records++];

	assert_true(f->n_records < MAX_RECORDS);
	memcpy(record->name, name, name_len(name));
	memcpy(record->addr, addr, 4);
	record->ttl_s = ttl_s;
}

static unsigned int update(struct fixture *f, const struct message *message)
{
	unsigned int rcode = check_prerequisites(f, message);
	struct message_walk walk = {0};
	struct message_record record;

	while (rcode == DNS_RCODE_NOERROR && message_next(message, &walk, &record)) {
		if (record.section != MESSAGE_UPDATE)
			continue;
		assert_int_equal(record.rdata_len, 4);
		delete_record(f, &record);
		if (record.class == DNS_CLASS_IN)
			add_record(f, record.owner, record.rdata, record.ttl_s);
	}
	return rcode;
}

/* What stands in the state folder at this moment. */
static bool memory_has(const struct fixture *f, const char *address)
{
	char path[128];
	json_t *root;
	bool found = false;

	snprintf(path, sizeof(path), "%s/parent.json", f->dir);
	root = json_load_file(path, 0, NULL);
	const json_t *list = json_object_get(root, "addresses");
	for (size_t i = 0; i < json_array_size(list); i++)
		found |= strcmp(json_string_value(
					json_object_get(json_array_get(list, i), "address")),
				 address) == 0;
	json_decref(root);
	return found;
}

/* RFC 8945 section 4.3: the request's MAC, the message, the variables. */
static void sign(const struct message *query, struct message_writer *writer)
{
	static const uint8_t algorithm[] = "\13hmac-sha256";
	static const uint8_t variables_ttl[] = {0, DNS_CLASS_ANY, 0, 0, 0, 0};
	uint8_t data[MESSAGE_QUERY_CAP];
	uint8_t rdata[128];
	uint8_t name[NAME_MAX_LEN];
	struct message_writer digest = {.bytes = data, .cap = sizeof(data)};
	struct message_walk walk = {0};
	struct message_record record = {0};
	size_t at;

	while (message_next(query, &walk, &record))
		; /* the last one */
	assert_int_equal(record.type, DNS_TYPE_TSIG);
	assert_true(message_rdata_name(query, &record, 0, name, &at));
	const uint8_t *timers = record.rdata + at;
	size_t mac_len = be16_read(timers + 8);

#define DIGEST(from, n) (memcpy(data + digest.len, from, n), digest.len += (n))
	DIGEST(timers + 8, 2 + mac_len);
	DIGEST(writer->bytes, writer->len);
	DIGEST(record.owner, name_len(record.owner));
	DIGEST(variables_ttl, sizeof(variables_ttl));
	DIGEST(algorithm, sizeof(algorithm));
	DIGEST(timers, 8);
	memset(data + digest.len, 0, 4); /* error and other length */
	digest.len += 4;
#undef DIGEST
	memcpy(rdata, algorithm, sizeof(algorithm));
	memcpy(rdata + sizeof(algorithm), timers, 8);
	at = sizeof(algorithm) + 8;
	be16_write(rdata + at, 32);
	HMAC(EVP_sha256(), secret, SECRET_LEN, data, digest.len, rdata + at + 2, NULL);
	memcpy(rdata + at + 34, writer->bytes, 2);
	memset(rdata + at + 36, 0, 4);
	const struct message_rr tsig = {
		record.owner, DNS_TYPE_TSIG, DNS_CLASS_ANY, 0, rdata, (uint16_t)(at + 40)};
	message_put(writer, MESSAGE_ADDITIONAL, &tsig);
}

static void on_udp(evutil_socket_t fd, short what, void *arg)
{
	struct fixture *f = arg;
	uint8_t bytes[MESSAGE_QUERY_CAP];
	uint8_t out[MESSAGE_QUERY_CAP];
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	struct message query;
	struct message_writer writer;
	ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);

	(void)what;
	assert_true(n > 0 && message_read(bytes, (size_t)n, &query));
	message_begin(&writer, out, sizeof(out), query.id,
		DNS_QR | DNS_AA | (query.flags & DNS_OPCODE_MASK));
	if (query.opcode == DNS_OPCODE_UPDATE) {
		f->n_updates++;
		f->was_written = memory_has(f, "192.168.2.1");
		be16_write(out + 2, be16_read(out + 2) | update(f, &query));
		message_put_question(&writer, query.qname, query.qtype, query.qclass);
	} else {
		answer(f, &query, &writer);
	}
	if (!f->signs_nothing)
		sign(&query, &writer);
	assert_false(writer.is_full);
	sendto(fd, out, writer.len, 0, (struct sockaddr *)&from, from_len);
}

/* ---- us ---- */

static void put_file(const struct fixture *f, const char *name, const char *text)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	out = fopen(path, "we");
	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

/* As a reload does it. */
static void follow(struct fixture *f, const char *ttl)
{
	struct config *before = f->config;
	struct report report;
	char text[512];
	char path[128];

	snprintf(text, sizeof(text),
		"uplinks:\n"
		"  - {name: isp-a, interface: wan-a, address: 192.168.2.1}\n"
		"dns:\n"
		"  zones:\n"
		"    - {name: " ZONE ", file: zone,\n"
		"       parent: {server: \"127.0.0.1:%u\", key: key, ttl: %s}}\n",
		f->port, ttl);
	put_file(f, "site.yaml", text);
	snprintf(path, sizeof(path), "%s/site.yaml", f->dir);
	report_init(&report);
	if (config_load(path, &report, &f->config) < 0) {
		report_print(&report, stderr);
		fail_msg("the configuration has a mistake");
	}
	report_fini(&report);
	facts_fini(&f->facts);
	assert_int_equal(facts_example(f->config->site, &f->facts), 0);
	const struct parent_input input = {
		f->config->site, f->config->zones, f->config->keys, &f->facts};

	parent_follow(f->parent, &input);
	config_free(before);
}

static void put_files(const struct fixture *f)
{
	put_file(f, "key",
		"key \"multihomed\" { algorithm hmac-sha256; secret "
		"\"bWFkZSBvZiB0aGlydHktdHdvIG9jdGV0cyEhISEhISE=\"; };\n");
	put_file(f, "zone",
		"$TTL 60\n"
		"@ SOA www-ns1.example.com. hostmaster.example.com. 1 2 3 4 5\n"
		"  NS www-ns1.example.com.\n"
		"www-ns1.example.com. UPLINK isp-a\n");
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const uint8_t loopback[4] = {127, 0, 0, 1};
	const struct addr addr = addr_from_bytes(AF_INET, loopback);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&addr, 0, 0, &sa);

	*state = f;
	strcpy(f->dir, "/tmp/test_parent.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	put_files(f);
	f->base = event_base_new();
	f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&sa, len), 0);
	getsockname(f->fd, (struct sockaddr *)&sa, &len);
	f->port = sockaddr_port((struct sockaddr *)&sa);
	f->on_udp = event_new(f->base, f->fd, EV_READ | EV_PERSIST, on_udp, f);
	event_add(f->on_udp, NULL);
	assert_int_equal(parent_new(f->base, f->dir, &f->parent), 0);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	parent_free(f->parent);
	config_free(f->config);
	facts_fini(&f->facts);
	event_free(f->on_udp);
	close(f->fd);
	event_base_free(f->base);
	snprintf(command, sizeof(command), "rm -r %s", f->dir);
	free(f);
	return system(command);
}

static bool is_in_state(const struct fixture *f, const char *state)
{
	json_t *status = parent_json(f->parent, ZONE);
	const char *is = json_string_value(json_object_get(status, "state"));
	bool same = is && strcmp(is, state) == 0;

	json_decref(status);
	return same;
}

static void turn(const struct fixture *f)
{
	const struct timeval tick = {.tv_usec = 20000};

	event_base_loopexit(f->base, &tick);
	event_base_dispatch(f->base);
}

static void wait_for_state(const struct fixture *f, const char *state)
{
	int64_t until_ms = clock_now_ms() + PATIENCE_MS;

	while (!is_in_state(f, state)) {
		if (clock_now_ms() > until_ms)
			fail_msg("it is never %s", state);
		turn(f);
	}
}

static void assert_has_ours(const struct fixture *f, uint32_t ttl_s)
{
	static const uint8_t ours[4] = {192, 168, 2, 1};

	assert_int_equal(f->n_records, 1);
	assert_memory_equal(f->records[0].name, ns1, sizeof(ns1));
	assert_memory_equal(f->records[0].addr, ours, sizeof(ours));
	assert_int_equal(f->records[0].ttl_s, ttl_s);
}

/* ---- tests ---- */

static void a_missing_address_is_added(void **state)
{
	struct fixture *f = *state;

	follow(f, "60s");
	wait_for_state(f, "right");
	assert_has_ours(f, 60);
	assert_int_equal(f->n_updates, 1);
}

/* Or a crash right after it would make the address a stranger's. */
static void an_address_is_written_down_before_it_is_sent(void **state)
{
	struct fixture *f = *state;

	follow(f, "60s");
	wait_for_state(f, "right");
	assert_true(f->was_written);
}

static void another_ttl_is_set_by_a_reload(void **state)
{
	struct fixture *f = *state;
	int64_t until_ms = clock_now_ms() + PATIENCE_MS;

	follow(f, "60s");
	wait_for_state(f, "right");
	assert_has_ours(f, 60);
	follow(f, "300s");
	while (f->records[0].ttl_s == 60 && clock_now_ms() < until_ms)
		turn(f);
	assert_has_ours(f, 300);
	wait_for_state(f, "right");
	assert_int_equal(f->n_updates, 2);
}

static void a_name_is_made_where_a_wildcard_stands_for_it(void **state)
{
	struct fixture *f = *state;

	f->has_wildcard = true;
	follow(f, "60s");
	wait_for_state(f, "right");
	assert_has_ours(f, 60);
	assert_int_equal(f->n_updates, 2);
}

static void what_is_not_signed_changes_nothing(void **state)
{
	struct fixture *f = *state;

	f->signs_nothing = true;
	follow(f, "60s");
	wait_for_state(f, "failing");
	assert_int_equal(f->n_updates, 0);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_missing_address_is_added),
		TEST(an_address_is_written_down_before_it_is_sent),
		TEST(another_ttl_is_set_by_a_reload),
		TEST(a_name_is_made_where_a_wildcard_stands_for_it),
		TEST(what_is_not_signed_changes_nothing),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("parent", tests, NULL, NULL);
}
