/* invariant.c - what must hold for the response to any octets
 *
 * Used by the fuzzer and by the tests that send random and broken queries. It reads the query
 * by itself, with ldns. Where the server has a choice, nothing is wrong.
 */
#include "tests/lib/invariant.h"

#include <string.h>

struct question {
	bool whole; /* one, well formed, without pointers */
	size_t len;
};

/* RFC 1035 section 4.1.2, strictly: labels only. */
static struct question read_question(const uint8_t *query, size_t len)
{
	size_t at = 12;

	if (query[4] != 0 || query[5] != 1)
		return (struct question){0};
	while (at < len && query[at]) {
		if (query[at] > 63)
			return (struct question){0};
		at += 1u + query[at];
	}
	if (at + 5 > len || at + 1 - 12 > 255)
		return (struct question){0};
	return (struct question){.whole = true, .len = at + 5 - 12};
}

/* The most that a reply over UDP may have: by the OPT record if one can be found. */
static size_t udp_limit(const uint8_t *query, size_t len, const struct question *question)
{
	size_t at = 12 + question->len;
	size_t size;

	/* only the plain case: question, then at once OPT, alone */
	if (!question->whole || query[10] || query[11] != 1 || query[7] || query[9] ||
		query[6] || query[8] || at + 11 > len || query[at] || query[at + 1] ||
		query[at + 2] != 41)
		return 1232;
	size = (size_t)(query[at + 3] << 8 | query[at + 4]);
	if (size < 512)
		return 512;
	return size < 1232 ? size : 1232;
}

static bool has_no_additional(const uint8_t *query)
{
	return !query[10] && !query[11];
}

static const char *header_broken(const uint8_t *query, const struct reply *reply)
{
	if (memcmp(reply->wire, query, 2) != 0)
		return "the id is not the query's";
	if (reply->opcode != (query[2] >> 3 & 15))
		return "the opcode is not the query's";
	if (reply->rd != (query[2] & 1))
		return "RD is not the query's";
	if (reply->ra || reply->ad || reply->z)
		return "RA, AD or Z is set";
	if (reply->cd && !(query[3] & 16))
		return "CD is set though the query's was not";
	if (reply->rcode == LDNS_RCODE_SERVFAIL)
		return "SERVFAIL for a loaded zone";
	return NULL;
}

const char *invariant_broken(
	const uint8_t *query, size_t len, bool tcp, const struct reply *reply)
{
	struct question question;
	const char *broken;

	if (len < 12 || query[2] & 0x80)
		return reply->len ? "a reply to what is not a query" : NULL;
	if (!reply->len)
		return "silence";
	if (reply->defect)
		return reply->defect;
	broken = header_broken(query, reply);
	if (broken)
		return broken;

	question = read_question(query, len);
	if (reply->counts[0] > 1)
		return "more than one question";
	if (reply->counts[0] == 1 &&
		(!question.whole || reply->question_len != question.len ||
			memcmp(reply->wire + 12, query + 12, question.len) != 0))
		return "the question is not the query's, octet by octet";
	if (reply->counts[0] == 0 && (reply_n_rrs(reply, LDNS_SECTION_ANSWER) ||
					     reply_n_rrs(reply, LDNS_SECTION_AUTHORITY)))
		return "records without a question";

	if (has_no_additional(query) && (reply->opt || reply->tsig))
		return "OPT or TSIG though the query had none";
	if (!tcp && reply->len > (has_no_additional(query) ? 512
							   : udp_limit(query, len, &question)))
		return "longer than the asker takes";
	if (tcp && reply->tc)
		return "TC over TCP";
	if (reply->opt && reply->edns_version != 0)
		return "an EDNS version other than 0";
	if (reply->opt && reply->edns_size < 512)
		return "an EDNS size below 512";
	return NULL;
}
