/* test_query.c - every kind of query that is not a plain one: headers, questions, classes,
 * meta types, TSIG, and octets that are no query at all
 *
 * The rows are those of the usual compliance probes (RFC 8906 and the RFCs named below).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fixture.h"
#include "tests/lib/invariant.h"
#include "tests/lib/prng.h"

#define HOST "www.example.com."

static int setup(void **state)
{
	*state = fixture_new(&fixture_host_zone, 1);
	return 0;
}

static int teardown(void **state)
{
	fixture_free(*state);
	return 0;
}

static void assert_invariants(struct fixture *f, const struct packet *packet, bool tcp)
{
	const char *broken = invariant_broken(packet->bytes, packet->len, tcp, &f->reply);

	if (!broken)
		return;
	for (size_t i = 0; i < packet->len; i++)
		fprintf(stderr, "%02x", packet->bytes[i]);
	fprintf(stderr, "\n");
	reply_assert(&f->reply, false, broken, __FILE__, __LINE__);
}

static void send_packet(struct fixture *f, const struct packet *packet)
{
	ask_packet(f, "isp-a", packet, false);
	assert_invariants(f, packet, false);
}

/* Silence */

static void a_response_gets_none(void **state)
{
	struct fixture *f = *state;

	for (unsigned int opcode = 0; opcode < 16; opcode++) {
		ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A,
			.flags = (uint16_t)(PACKET_QR | opcode << PACKET_OPCODE_SHIFT));
		assert_int_equal(f->reply.len, 0);
	}
}

static void less_than_a_header_gets_none(void **state)
{
	struct fixture *f = *state;
	struct packet packet = {0};

	packet_query(&packet, HOST, LDNS_RR_TYPE_A, &(const struct asking){0});
	for (packet.len = 0; packet.len < 12; packet.len++) {
		ask_packet(f, "isp-a", &packet, false);
		assert_int_equal(f->reply.len, 0);
	}
}

/* Opcodes */

static void unknown_opcodes_are_not_implemented(void **state)
{
	static const unsigned int opcodes[] = {1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++) {
		uint16_t flags = (uint16_t)(opcodes[i] << PACKET_OPCODE_SHIFT | PACKET_RD);
		struct packet bare;

		ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .flags = flags);
		assert_status(f, "NOTIMP rd");
		assert_invariants(f, &f->query, false);
		assert_section_empty(f, LDNS_SECTION_ANSWER);

		ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .flags = flags, .edns = true);
		assert_status(f, "NOTIMP rd");
		assert_invariants(f, &f->query, false);

		packet_begin(&bare, 7, flags);
		send_packet(f, &bare);
		assert_status(f, "NOTIMP rd");
	}
}

/* RFC 1996: dnsd is the secondary of no server */
static void notify_is_not_for_us(void **state)
{
	struct fixture *f = *state;

	ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_SOA,
		.flags = 4 << PACKET_OPCODE_SHIFT | PACKET_AA);

	assert_reply(f, f->reply.rcode == LDNS_RCODE_REFUSED ||
				f->reply.rcode == LDNS_RCODE_NOTAUTH ||
				f->reply.rcode == LDNS_RCODE_NOTIMPL);
	assert_invariants(f, &f->query, false);
}

/* Flags */

static void flags_of_the_query_do_not_matter(void **state)
{
	static const uint16_t flags[] = {
		PACKET_AA, PACKET_TC, PACKET_RA, PACKET_Z, PACKET_AD, PACKET_CD, 0x000f};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .flags = flags[i]);
		assert_reply(f, f->reply.rcode == 0 && f->reply.aa && !f->reply.tc);
		assert_reply(f, !f->reply.rd && n_rrs(f, LDNS_SECTION_ANSWER) == 1);
		assert_invariants(f, &f->query, false);
	}
}

static void rd_is_copied_and_ra_is_not_set(void **state)
{
	struct fixture *f = *state;

	ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .flags = PACKET_RD);
	assert_status(f, "NOERROR aa rd");
	ask_with(f, "isp-a", "example.org.", LDNS_RR_TYPE_A, .flags = PACKET_RD);
	assert_status(f, "REFUSED rd");
}

static void every_id_comes_back(void **state)
{
	struct fixture *f = *state;

	for (unsigned int id = 1; id < 0x10000; id += 257) {
		ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .id = (uint16_t)id);
		assert_int_equal(f->reply.id, id);
	}
}

/* Questions */

/* RFC 9619; RFC 7873 section 5.4 allows none with a cookie, which test_edns.c asks */
static void exactly_one_question_is_needed(void **state)
{
	struct fixture *f = *state;
	struct packet packet;

	packet_begin(&packet, 1, 0);
	send_packet(f, &packet);
	assert_status(f, "FORMERR");

	packet_begin(&packet, 2, PACKET_RD);
	packet_question(&packet, HOST, LDNS_RR_TYPE_A, LDNS_RR_CLASS_IN);
	packet_question(&packet, HOST, LDNS_RR_TYPE_AAAA, LDNS_RR_CLASS_IN);
	send_packet(f, &packet);
	assert_status(f, "FORMERR rd");

	/* announced, but not there */
	packet_begin(&packet, 3, 0);
	packet_question(&packet, HOST, LDNS_RR_TYPE_A, LDNS_RR_CLASS_IN);
	packet_count(&packet, PACKET_QDCOUNT, 1);
	send_packet(f, &packet);
	assert_status(f, "FORMERR");
	packet_begin(&packet, 4, 0);
	packet_count(&packet, PACKET_QDCOUNT, 0xffff);
	send_packet(f, &packet);
	assert_status(f, "FORMERR");
}

static void broken_names_are_format_errors(void **state)
{
	static const struct {
		const char *what;
		const char *octets;
		size_t len;
	} rows[] = {
		{"pointer to itself", "\xc0\x0c", 2},
		{"pointer forward", "\xc0\x20", 2},
		{"pointer to the header", "\xc0\x00", 2},
		{"label, then a loop", "\3www\xc0\x0c", 6},
		{"label type 0x40",
			"\x41"
			"a\0",
			3},
		{"label type 0x80",
			"\x81"
			"a\0",
			3},
		{"label of 64 octets' type",
			"\x40"
			"\0",
			2},
		{"half a pointer", "\xc0", 1},
		{"name without end", "\3www\7example\3com", 16},
		{"label beyond the end", "\3www\77example", 12},
		{"nothing", "", 0},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int complete = 0; complete < 2; complete++) {
			struct packet packet;

			packet_begin(&packet, 5, 0);
			packet_count(&packet, PACKET_QDCOUNT, 1);
			packet_put(&packet, rows[i].octets, rows[i].len);
			/* without and with a type and class that a careless reader may reach
			 */
			if (complete && i < 7)
				packet_put(&packet, "\0\1\0\1", 4);
			ask_packet(f, "isp-a", &packet, false);
			if (f->reply.rcode != LDNS_RCODE_FORMERR)
				print_error("%s\n", rows[i].what);
			assert_status(f, "FORMERR");
			assert_invariants(f, &packet, false);
		}
	}
}

static void put_labels(struct packet *packet, const size_t *lens, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		packet_put_u8(packet, (unsigned int)lens[i]);
		for (size_t c = 0; c < lens[i]; c++)
			packet_put_u8(packet, 'a');
	}
	packet_put_u8(packet, 0);
}

static void the_longest_name_is_answered_and_no_longer_one(void **state)
{
	static const size_t longest[] = {63, 63, 63, 61};
	static const size_t too_long[] = {63, 63, 63, 62};
	struct fixture *f = *state;
	struct packet packet;

	packet_begin(&packet, 6, 0);
	packet_count(&packet, PACKET_QDCOUNT, 1);
	put_labels(&packet, longest, 4);
	packet_put(&packet, "\0\1\0\1", 4);
	send_packet(f, &packet);
	assert_status(f, "REFUSED");

	packet_begin(&packet, 6, 0);
	packet_count(&packet, PACKET_QDCOUNT, 1);
	put_labels(&packet, too_long, 4);
	packet_put(&packet, "\0\1\0\1", 4);
	send_packet(f, &packet);
	assert_status(f, "FORMERR");
}

/* 119 labels of one octet and our apex make 255 octets. */
static void the_longest_name_below_the_apex_is_nxdomain(void **state)
{
	struct fixture *f = *state;

	for (size_t n = 1; n <= 119; n++) {
		struct packet packet;

		packet_begin(&packet, 6, 0);
		packet_count(&packet, PACKET_QDCOUNT, 1);
		for (size_t i = 0; i < n; i++)
			packet_put(&packet, "\1a", 2);
		packet_put_name(&packet, HOST);
		packet_put(&packet, "\0\1\0\1", 4);
		send_packet(f, &packet);
		assert_status(f, "NXDOMAIN aa");
		assert_authority(f, "www.example.com. 10 SOA");
	}
}

static void octets_of_any_value_may_be_in_a_label(void **state)
{
	struct fixture *f = *state;

	for (unsigned int c = 0; c < 256; c++) {
		struct packet packet;

		packet_begin(&packet, 6, 0);
		packet_count(&packet, PACKET_QDCOUNT, 1);
		packet_put_u8(&packet, 3);
		packet_put_u8(&packet, c);
		packet_put_u8(&packet, c);
		packet_put_u8(&packet, c);
		packet_put_name(&packet, HOST);
		packet_put(&packet, "\0\1\0\1", 4);
		send_packet(f, &packet);
		assert_status(f, "NXDOMAIN aa");
	}
}

static void octets_after_the_end_do_no_harm(void **state)
{
	struct fixture *f = *state;

	for (size_t n = 1; n < 64; n++) {
		struct packet packet;

		packet_query(&packet, HOST, LDNS_RR_TYPE_A, &(const struct asking){0});
		for (size_t i = 0; i < n; i++)
			packet_put_u8(&packet, (unsigned int)(i * 37));
		send_packet(f, &packet);
		assert_reply(f, f->reply.rcode == 0 || f->reply.rcode == LDNS_RCODE_FORMERR);
	}
}

static void records_announced_but_missing_are_a_format_error(void **state)
{
	static const size_t counters[] = {PACKET_ANCOUNT, PACKET_NSCOUNT, PACKET_ARCOUNT};
	struct fixture *f = *state;

	for (size_t i = 0; i < 3; i++) {
		struct packet packet;

		packet_query(&packet, HOST, LDNS_RR_TYPE_A, &(const struct asking){0});
		packet_count(&packet, counters[i], 1);
		send_packet(f, &packet);
		assert_status(f, "FORMERR");
	}
}

/* Types and classes */

/* RFC 8906 section 3.1.2 */
static void unknown_types_are_nodata(void **state)
{
	static const uint16_t types[] = {3, 10, 38, 99, 127, 128, 247, 248, 258, 1000, 32769,
		65280, 65281, 65282, 65534};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		ask(f, "isp-a", HOST, types[i]);
		assert_status(f, "NOERROR aa");
		assert_section_empty(f, LDNS_SECTION_ANSWER);
		assert_authority(f, "www.example.com. 10 SOA");
		ask(f, "isp-a", "none." HOST, types[i]);
		assert_status(f, "NXDOMAIN aa");
	}
}

/* Whatever they give: an answer, no fault, nothing about the pseudo records. */
static void every_type_has_an_answer(void **state)
{
	struct fixture *f = *state;

	for (unsigned int type = 0; type < 0x10000;
		type += type < 300 || type > 65200 ? 1 : 97) {
		ask(f, "isp-a", "all." HOST, (uint16_t)type);
		assert_invariants(f, &f->query, false);
		if (type == LDNS_RR_TYPE_A || type == LDNS_RR_TYPE_ANY)
			continue;
		assert_section_empty(f, LDNS_SECTION_ANSWER);
	}
}

static void other_classes_are_refused(void **state)
{
	static const uint16_t classes[] = {2, 4, 5, 254, 256, 65280};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .qclass = classes[i]);
		assert_status(f, "REFUSED");
		assert_section_empty(f, LDNS_SECTION_ANSWER);
		assert_invariants(f, &f->query, false);
	}

	/* class ANY may be answered */
	ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .qclass = LDNS_RR_CLASS_ANY);
	assert_reply(f, f->reply.rcode == 0 || f->reply.rcode == LDNS_RCODE_REFUSED);
	assert_invariants(f, &f->query, false);

	ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .qclass = LDNS_RR_CLASS_CH);
	assert_status(f, "REFUSED");
	assert_section_empty(f, LDNS_SECTION_ANSWER);
}

/* RFC 4892: hidden, or one TXT record of class CH */
static void chaos_tells_nothing_by_accident(void **state)
{
	static const char *const names[] = {
		"version.bind.", "version.server.", "id.server.", "hostname.bind."};
	struct fixture *f = *state;

	for (size_t i = 0; i < 4; i++) {
		ask_with(f, "isp-a", names[i], LDNS_RR_TYPE_TXT, .qclass = LDNS_RR_CLASS_CH);
		assert_invariants(f, &f->query, false);
		if (f->reply.rcode == LDNS_RCODE_REFUSED) {
			assert_section_empty(f, LDNS_SECTION_ANSWER);
			continue;
		}
		assert_reply(f, f->reply.rcode == 0 && n_rrs(f, LDNS_SECTION_ANSWER) == 1);
		assert_reply(f, ldns_rr_get_class(ldns_rr_list_rr(
					f->reply.sections[LDNS_SECTION_ANSWER], 0)) ==
					LDNS_RR_CLASS_CH);
	}
}

static void transfers_are_not_given(void **state)
{
	struct fixture *f = *state;

	/* RFC 5936 section 4.2 leaves UDP undefined */
	ask(f, "isp-a", HOST, LDNS_RR_TYPE_AXFR);
	assert_reply(f,
		f->reply.rcode == LDNS_RCODE_NOTIMPL || f->reply.rcode == LDNS_RCODE_FORMERR);
	assert_section_empty(f, LDNS_SECTION_ANSWER);
	assert_invariants(f, &f->query, false);

	ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_AXFR, .tcp = true);
	assert_reply(f,
		f->reply.rcode == LDNS_RCODE_REFUSED || f->reply.rcode == LDNS_RCODE_NOTAUTH);
	assert_section_empty(f, LDNS_SECTION_ANSWER);
	assert_invariants(f, &f->query, true);

	/* RFC 1995: without the SOA that it must have */
	ask(f, "isp-a", HOST, LDNS_RR_TYPE_IXFR);
	assert_reply(f, f->reply.rcode == LDNS_RCODE_FORMERR ||
				f->reply.rcode == LDNS_RCODE_REFUSED ||
				f->reply.rcode == LDNS_RCODE_NOTIMPL);
	assert_section_empty(f, LDNS_SECTION_ANSWER);
}

static void ixfr_with_its_soa_is_understood(void **state)
{
	static const uint8_t soa[] = {
		0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct fixture *f = *state;

	for (int tcp = 0; tcp < 2; tcp++) {
		struct packet packet;

		packet_query(&packet, HOST, LDNS_RR_TYPE_IXFR, &(const struct asking){0});
		packet_rr(&packet, PACKET_NSCOUNT, HOST, LDNS_RR_TYPE_SOA, LDNS_RR_CLASS_IN, 0,
			soa, sizeof(soa));
		ask_packet(f, "isp-a", &packet, tcp);
		assert_invariants(f, &packet, tcp);
		assert_reply(f, f->reply.rcode == LDNS_RCODE_REFUSED ||
					f->reply.rcode == LDNS_RCODE_NOTAUTH ||
					f->reply.rcode == LDNS_RCODE_NOTIMPL);
		assert_section_empty(f, LDNS_SECTION_ANSWER);
	}
}

/* TSIG: RFC 8945 */

static void put_tsig(struct packet *packet)
{
	struct packet rdata = {0};

	packet_put_name(&rdata, "hmac-sha256.");
	packet_put_u16(&rdata, 0);
	packet_put_u32(&rdata, 1795341600);
	packet_put_u16(&rdata, 300);
	packet_put_u16(&rdata, 32);
	packet_put(&rdata, "0123456789abcdef0123456789abcdef", 32);
	packet_put_u16(&rdata, ASKING_ID);
	packet_put_u16(&rdata, 0);
	packet_put_u16(&rdata, 0);
	packet_rr(packet, PACKET_ARCOUNT, "somebodys-key.", LDNS_RR_TYPE_TSIG,
		LDNS_RR_CLASS_ANY, 0, rdata.bytes, rdata.len);
}

/* Section 5.2.1: NOTAUTH, with a TSIG record that says BADKEY and is not signed */
static void unknown_key_is_not_authorised(void **state)
{
	struct fixture *f = *state;

	for (int edns = 0; edns < 2; edns++) {
		struct packet packet;
		ldns_rr *tsig;

		packet_query(
			&packet, HOST, LDNS_RR_TYPE_A, &(const struct asking){.edns = edns});
		put_tsig(&packet);
		send_packet(f, &packet);
		assert_reply(f, f->reply.rcode == LDNS_RCODE_NOTAUTH);
		assert_section_empty(f, LDNS_SECTION_ANSWER);
		tsig = f->reply.tsig;
		assert_reply(f, tsig != NULL);
		/* algorithm, time, fudge, MAC, original id, error, other data */
		assert_reply(f, ldns_rr_rd_count(tsig) == 7);
		assert_reply(f, ldns_rdf2native_int16(ldns_rr_rdf(tsig, 5)) == 17);
		assert_reply(f, ldns_rdf2native_int16(ldns_rr_rdf(tsig, 4)) == ASKING_ID);
		assert_reply(f, ldns_rdf_size(ldns_rr_rdf(tsig, 3)) == 2); /* an empty MAC */
	}
}

/* Section 5.1 */
static void tsig_must_be_last_and_alone(void **state)
{
	static const struct asking plain = {0};
	struct fixture *f = *state;
	struct packet packet;

	packet_query(&packet, HOST, LDNS_RR_TYPE_A, &plain);
	put_tsig(&packet);
	put_tsig(&packet);
	send_packet(f, &packet);
	assert_status(f, "FORMERR");

	packet_query(&packet, HOST, LDNS_RR_TYPE_A, &plain);
	put_tsig(&packet);
	packet_opt(&packet, &plain);
	send_packet(f, &packet);
	assert_reply(f, f->reply.rcode == LDNS_RCODE_FORMERR);
}

static void broken_tsig_is_a_format_error(void **state)
{
	struct fixture *f = *state;
	struct packet whole;
	size_t start;

	packet_query(&whole, HOST, LDNS_RR_TYPE_A, &(const struct asking){0});
	start = whole.len;
	put_tsig(&whole);
	for (size_t len = start; len < whole.len; len++) {
		struct packet cut = whole;

		cut.len = len;
		send_packet(f, &cut);
		assert_status(f, "FORMERR");
	}
}

/* Hostile octets */

static void every_prefix_of_a_query_is_survived(void **state)
{
	struct fixture *f = *state;
	struct packet whole;

	packet_query(&whole, "all." HOST, LDNS_RR_TYPE_A,
		&(const struct asking){.edns = true,
			.options = (const uint8_t *)"\0\12\0\01001234567",
			.options_len = 12});
	put_tsig(&whole);
	for (size_t len = 0; len <= whole.len; len++) {
		struct packet cut = whole;

		cut.len = len;
		for (int tcp = 0; tcp < 2; tcp++) {
			ask_packet(f, "isp-a", &cut, tcp);
			assert_invariants(f, &cut, tcp);
		}
	}
}

static void every_changed_octet_is_survived(void **state)
{
	struct fixture *f = *state;
	struct packet whole;

	packet_query(
		&whole, "all." HOST, LDNS_RR_TYPE_A, &(const struct asking){.edns = true});
	for (size_t at = 0; at < whole.len; at++) {
		for (unsigned int value = 0; value < 256; value++) {
			struct packet changed = whole;

			changed.bytes[at] = (uint8_t)value;
			send_packet(f, &changed);
		}
	}
}

static void random_changes_are_survived(void **state)
{
	struct fixture *f = *state;
	struct prng prng = {.state = 20261122};

	for (int round = 0; round < 20000; round++) {
		struct packet packet;
		unsigned int n_changes = 1 + prng_below(&prng, 6);
		bool tcp = prng_chance(&prng, 30);

		packet_query(&packet, "all." HOST, LDNS_RR_TYPE_A,
			&(const struct asking){.edns = prng_chance(&prng, 70)});
		if (prng_chance(&prng, 20))
			put_tsig(&packet);
		for (unsigned int i = 0; i < n_changes; i++)
			packet.bytes[prng_below(&prng, (unsigned int)packet.len)] = (uint8_t)
				prng_next(&prng);
		if (prng_chance(&prng, 20))
			packet.len = prng_below(&prng, (unsigned int)packet.len);
		ask_packet(f, "isp-a", &packet, tcp);
		assert_invariants(f, &packet, tcp);
	}
}

/* Counters */

static void what_happened_is_counted(void **state)
{
	const struct fixture_zone zones[] = {fixture_host_zone};
	struct fixture *f = fixture_new(zones, 1);
	struct packet packet;
	(void)state;

	ask(f, "isp-a", HOST, LDNS_RR_TYPE_A);
	ask_with(f, "isp-a", "none." HOST, LDNS_RR_TYPE_A, .edns = true);
	ask(f, "isp-a", "example.org.", LDNS_RR_TYPE_A);
	ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .flags = PACKET_QR);
	ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .edns = true, .version = 1);
	packet_begin(&packet, 1, 0);
	ask_packet(f, "isp-a", &packet, false);

	assert_int_equal(stats_get(&f->stats, STATS_QUERIES), 6);
	assert_int_equal(stats_get(&f->stats, STATS_RESPONSES), 5);
	assert_int_equal(stats_get(&f->stats, STATS_DROPPED), 1);
	assert_int_equal(stats_get(&f->stats, STATS_TRUNCATED), 0);
	assert_int_equal(stats_get(&f->stats, STATS_EDNS), 2);
	assert_int_equal(stats_get(&f->stats, STATS_RCODE_0), 1);
	assert_int_equal(stats_get(&f->stats, STATS_RCODE_0 + LDNS_RCODE_FORMERR), 1);
	assert_int_equal(stats_get(&f->stats, STATS_RCODE_0 + LDNS_RCODE_NXDOMAIN), 1);
	assert_int_equal(stats_get(&f->stats, STATS_RCODE_0 + LDNS_RCODE_REFUSED), 1);
	assert_int_equal(stats_get(&f->stats, STATS_RCODE_LAST), 1);
	fixture_free(f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_response_gets_none),
		cmocka_unit_test(less_than_a_header_gets_none),
		cmocka_unit_test(unknown_opcodes_are_not_implemented),
		cmocka_unit_test(notify_is_not_for_us),
		cmocka_unit_test(flags_of_the_query_do_not_matter),
		cmocka_unit_test(rd_is_copied_and_ra_is_not_set),
		cmocka_unit_test(every_id_comes_back),
		cmocka_unit_test(exactly_one_question_is_needed),
		cmocka_unit_test(broken_names_are_format_errors),
		cmocka_unit_test(the_longest_name_is_answered_and_no_longer_one),
		cmocka_unit_test(the_longest_name_below_the_apex_is_nxdomain),
		cmocka_unit_test(octets_of_any_value_may_be_in_a_label),
		cmocka_unit_test(octets_after_the_end_do_no_harm),
		cmocka_unit_test(records_announced_but_missing_are_a_format_error),
		cmocka_unit_test(unknown_types_are_nodata),
		cmocka_unit_test(every_type_has_an_answer),
		cmocka_unit_test(other_classes_are_refused),
		cmocka_unit_test(chaos_tells_nothing_by_accident),
		cmocka_unit_test(transfers_are_not_given),
		cmocka_unit_test(ixfr_with_its_soa_is_understood),
		cmocka_unit_test(unknown_key_is_not_authorised),
		cmocka_unit_test(tsig_must_be_last_and_alone),
		cmocka_unit_test(broken_tsig_is_a_format_error),
		cmocka_unit_test(every_prefix_of_a_query_is_survived),
		cmocka_unit_test(every_changed_octet_is_survived),
		cmocka_unit_test(random_changes_are_survived),
		cmocka_unit_test(what_happened_is_counted),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("query", tests, setup, teardown);
}
