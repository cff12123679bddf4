/* reply.c - a response as ldns reads it, and assertions about it
 *
 * The message is read record by record instead of by ldns_wire2pkt, which hides a second OPT
 * and octets after the last record.
 */
#include "tests/lib/reply.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "common/cleanup.h"

static uint16_t read_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void read_header(struct reply *reply)
{
	uint16_t flags = read_u16(reply->wire + 2);

	reply->id = read_u16(reply->wire);
	reply->qr = flags & 0x8000;
	reply->opcode = flags >> 11 & 15;
	reply->aa = flags & 0x0400;
	reply->tc = flags & 0x0200;
	reply->rd = flags & 0x0100;
	reply->ra = flags & 0x0080;
	reply->z = flags & 0x0040;
	reply->ad = flags & 0x0020;
	reply->cd = flags & 0x0010;
	reply->rcode = flags & 15;
	for (size_t i = 0; i < REPLY_N_SECTIONS; i++)
		reply->counts[i] = read_u16(reply->wire + 4 + 2 * i);
}

static void take_opt(struct reply *reply, ldns_rr *rr)
{
	uint32_t ttl = ldns_rr_ttl(rr);

	reply->n_opts++;
	ldns_rr_free(reply->opt);
	reply->opt = rr;
	reply->rcode = (reply->rcode & 15) | ttl >> 24 << 4;
	reply->edns_version = (uint8_t)(ttl >> 16);
	reply->edns_flags = (uint16_t)ttl;
	reply->edns_size = (uint16_t)ldns_rr_get_class(rr);
	if (ldns_rr_rd_count(rr) > 0) {
		reply->options = ldns_rdf_data(ldns_rr_rdf(rr, 0));
		reply->options_len = ldns_rdf_size(ldns_rr_rdf(rr, 0));
	}
}

static const char *read_records(struct reply *reply)
{
	size_t pos = 12;

	for (unsigned int s = 0; s < REPLY_N_SECTIONS; s++) {
		for (unsigned int i = 0; i < reply->counts[s]; i++) {
			ldns_rr *rr = NULL;

			if (ldns_wire2rr(&rr, reply->wire, reply->len, &pos,
				    (ldns_pkt_section)s) != LDNS_STATUS_OK)
				return "a record that cannot be read";
			if (s == LDNS_SECTION_ADDITIONAL &&
				ldns_rr_get_type(rr) == LDNS_RR_TYPE_OPT)
				take_opt(reply, rr);
			else if (s == LDNS_SECTION_ADDITIONAL && !reply->tsig &&
				 ldns_rr_get_type(rr) == LDNS_RR_TYPE_TSIG)
				reply->tsig = rr;
			else
				ldns_rr_list_push_rr(reply->sections[s], rr);
		}
		if (s == LDNS_SECTION_QUESTION)
			reply->question_len = pos - 12;
	}
	return pos == reply->len ? NULL : "octets after the last record";
}

/* Every option within the RDATA of the OPT record. */
static bool options_are_whole(const struct reply *reply)
{
	size_t at = 0;

	while (at + 4 <= reply->options_len)
		at += 4u + read_u16(reply->options + at + 2);
	return at == reply->options_len;
}

void reply_decode(struct reply *reply, const uint8_t *wire, size_t len)
{
	*reply = (struct reply){.len = len};
	for (size_t i = 0; i < REPLY_N_SECTIONS; i++)
		reply->sections[i] = ldns_rr_list_new();
	if (!len)
		return;

	reply->wire = malloc(len);
	if (!reply->wire)
		abort();
	memcpy(reply->wire, wire, len);
	if (len < 12) {
		reply->defect = "shorter than a header";
		return;
	}

	read_header(reply);
	reply->defect = read_records(reply);
	if (!reply->defect && !reply->qr)
		reply->defect = "QR is not set";
	if (!reply->defect && reply->n_opts > 1)
		reply->defect = "more than one OPT record";
	if (!reply->defect && !options_are_whole(reply))
		reply->defect = "an EDNS option beyond the OPT record's RDATA";
}

void reply_fini(struct reply *reply)
{
	free(reply->wire);
	for (size_t i = 0; i < REPLY_N_SECTIONS; i++)
		ldns_rr_list_deep_free(reply->sections[i]);
	ldns_rr_free(reply->opt);
	ldns_rr_free(reply->tsig);
	*reply = (struct reply){0};
}

void reply_print(const struct reply *reply)
{
	static const char *const titles[] = {"question", "answer", "authority", "additional"};

	if (!reply->len) {
		fprintf(stderr, ";; no reply\n");
		return;
	}
	fprintf(stderr, ";; %zu octets, opcode %u, rcode %u,%s%s%s%s%s%s%s%s%s\n", reply->len,
		reply->opcode, reply->rcode, reply->aa ? " aa" : "", reply->tc ? " tc" : "",
		reply->rd ? " rd" : "", reply->ra ? " ra" : "", reply->z ? " z" : "",
		reply->ad ? " ad" : "", reply->cd ? " cd" : "",
		reply->defect ? " DEFECT: " : "", reply->defect ? reply->defect : "");
	for (unsigned int s = 0; s < REPLY_N_SECTIONS; s++) {
		if (!ldns_rr_list_rr_count(reply->sections[s]))
			continue;
		fprintf(stderr, ";; %s (%u)\n", titles[s], reply->counts[s]);
		ldns_rr_list_print(stderr, reply->sections[s]);
	}
	if (reply->opt)
		fprintf(stderr, ";; OPT version %u, size %u, flags %04x, %zu octets\n",
			reply->edns_version, reply->edns_size, reply->edns_flags,
			reply->options_len);
	if (reply->tsig)
		ldns_rr_print(stderr, reply->tsig);
}

size_t reply_n_rrs(const struct reply *reply, ldns_pkt_section section)
{
	return ldns_rr_list_rr_count(reply->sections[section]);
}

const uint8_t *reply_option(const struct reply *reply, uint16_t code, size_t *ret_len)
{
	size_t at = 0;

	while (at + 4 <= reply->options_len) {
		uint16_t len = read_u16(reply->options + at + 2);

		if (read_u16(reply->options + at) == code) {
			*ret_len = len;
			return reply->options + at + 4;
		}
		at += 4u + len;
	}
	return NULL;
}

/* One word of `text` into `word`; returns what follows it. */
static const char *next_word(const char *text, char *word, size_t cap)
{
	size_t len;

	text += strspn(text, " ");
	len = strcspn(text, " ");
	snprintf(word, cap, "%.*s", (int)len, text);
	text += len;
	return text + strspn(text, " ");
}

static bool is_number(const char *word)
{
	return *word && word[strspn(word, "0123456789")] == '\0';
}

static bool owner_is(const ldns_rr *rr, const char *name)
{
	ldns_rdf *wanted = ldns_dname_new_frm_str(name);
	bool same = wanted && ldns_dname_compare(ldns_rr_owner(rr), wanted) == 0;

	ldns_rdf_deep_free(wanted);
	return same;
}

static bool rr_matches(const ldns_rr *rr, const char *spec)
{
	char owner[1024];
	char word[64];
	const char *rest = next_word(spec, owner, sizeof(owner));
	ldns_rr *wanted = NULL;
	bool same;

	rest = next_word(rest, word, sizeof(word));
	if (!owner_is(rr, owner))
		return false;
	if (is_number(word)) {
		if (ldns_rr_ttl(rr) != strtoul(word, NULL, 10))
			return false;
		rest = next_word(rest, word, sizeof(word));
	}
	if (ldns_rr_get_type(rr) != ldns_get_rr_type_by_name(word))
		return false;
	if (!*rest)
		return true;

	AUTO(freep) char *text = NULL;
	if (asprintf(&text, "%s 0 IN %s %s", owner, word, rest) < 0)
		abort();
	if (ldns_rr_new_frm_str(&wanted, text, 0, NULL, NULL) != LDNS_STATUS_OK) {
		fprintf(stderr, "reply: the test's record '%s' is not one\n", spec);
		abort();
	}
	same = ldns_rr_compare(rr, wanted) == 0;
	ldns_rr_free(wanted);
	return same;
}

static size_t count_matches(
	const struct reply *reply, ldns_pkt_section section, const char *spec)
{
	size_t n = 0;

	for (size_t i = 0; i < reply_n_rrs(reply, section); i++)
		n += rr_matches(ldns_rr_list_rr(reply->sections[section], i), spec);
	return n;
}

bool reply_has(const struct reply *reply, ldns_pkt_section section, const char *spec)
{
	return count_matches(reply, section, spec) > 0;
}

void reply_assert(
	const struct reply *reply, bool holds, const char *what, const char *file, int line)
{
	if (holds && !reply->defect)
		return;
	fprintf(stderr, "%s:%d: %s\n", file, line,
		reply->defect ? "not a well-formed message" : what);
	reply_print(reply);
	_fail(file, line);
}

void reply_assert_has(const struct reply *reply, ldns_pkt_section section, const char *spec,
	bool wanted, const char *file, int line)
{
	char what[512];

	snprintf(what, sizeof(what), "section %d should %shave: %s", (int)section,
		wanted ? "" : "not ", spec);
	reply_assert(reply, reply_has(reply, section, spec) == wanted, what, file, line);
}

void reply_assert_section(const struct reply *reply, ldns_pkt_section section,
	const char *const *specs, size_t n, const char *file, int line)
{
	char what[512];

	for (size_t i = 0; i < n; i++) {
		snprintf(what, sizeof(what), "section %d should have once: %s", (int)section,
			specs[i]);
		reply_assert(
			reply, count_matches(reply, section, specs[i]) == 1, what, file, line);
	}
	snprintf(what, sizeof(what), "section %d should have %zu records", (int)section, n);
	reply_assert(reply, reply_n_rrs(reply, section) == n, what, file, line);
}

static unsigned int rcode_by_name(const char *name)
{
	static const struct {
		const char *name;
		unsigned int rcode;
	} names[] = {
		{"NOERROR", 0},
		{"FORMERR", 1},
		{"SERVFAIL", 2},
		{"NXDOMAIN", 3},
		{"NOTIMP", 4},
		{"REFUSED", 5},
		{"YXDOMAIN", 6},
		{"NOTAUTH", 9},
		{"BADVERS", 16},
		{"BADCOOKIE", 23},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].rcode;
	fprintf(stderr, "reply: the test's RCODE '%s' is not one\n", name);
	abort();
}

void reply_assert_status(
	const struct reply *reply, const char *status, const char *file, int line)
{
	const struct {
		const char *name;
		bool set;
	} flags[] = {
		{"aa", reply->aa},
		{"tc", reply->tc},
		{"rd", reply->rd},
		{"ra", reply->ra},
		{"z", reply->z},
		{"ad", reply->ad},
		{"cd", reply->cd},
	};
	char word[64];
	char what[128];
	const char *rest = next_word(status, word, sizeof(word));
	bool wanted[sizeof(flags) / sizeof(flags[0])] = {false};
	bool same = reply->len > 0 && reply->rcode == rcode_by_name(word);

	while (*rest) {
		rest = next_word(rest, word, sizeof(word));
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			wanted[i] |= strcmp(flags[i].name, word) == 0;
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		same = same && flags[i].set == wanted[i];
	snprintf(what, sizeof(what), "the status should be: %s", status);
	reply_assert(reply, same, what, file, line);
}
