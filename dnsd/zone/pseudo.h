/* pseudo.h - the pseudo records SERVER and UPLINK: their kinds and their text in a zone file
 *
 * A pseudo record stands for addresses that only a view knows (facts.c). A kind is a row of
 * PSEUDO_KINDS. Modules that treat the kinds differently do it in a switch without a default,
 * so that a forgotten kind does not compile.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guess;
struct site;
struct zonetoken;

/* The kind; the word in the place of the type; does the name of a server or uplink follow; the
 * keyword at the end. If two rows fit a line, the one with the keyword is meant. */
#define PSEUDO_KINDS(X)                                                      \
	X(SERVER, SERVER, true, NULL)			/* SERVER web */     \
	X(SERVER_ALL, SERVER, true, "all")		/* SERVER web all */ \
	X(UPLINK, UPLINK, true, NULL)			/* UPLINK isp-a */   \
	X(UPLINK_ALL, UPLINK, false, "all")		/* UPLINK all */     \
	X(UPLINK_RECEIVING, UPLINK, false, "receiving") /* UPLINK receiving */

#define PSEUDO_NUMBER(KIND, WORD, has_name, keyword) PSEUDO_##KIND,
enum pseudo_kind { PSEUDO_KINDS(PSEUDO_NUMBER) };
#undef PSEUDO_NUMBER

struct pseudo {
	enum pseudo_kind kind;
	unsigned int index; /* of the server or uplink in site.yaml; 0 where none is named */
	uint32_t ttl_s;
	const char *file; /* borrowed from the zone */
	int line;
};

/* "SERVER" or "UPLINK". */
const char *pseudo_word(const struct pseudo *pseudo);

/* `index` is that of a server, or that of an uplink. */
bool pseudo_is_server(const struct pseudo *pseudo);
bool pseudo_names_uplink(const struct pseudo *pseudo);

/* ---- reading ---- */

enum { PSEUDO_WHY_LEN = 320 };

/* Does the word in the place of the type begin a pseudo record? */
bool pseudo_is_word(const struct zonetoken *token);
void pseudo_offer_words(struct guess *guess);

/* Reads `n` tokens, that word first; sets kind and index. With NULL for `site` no server and
 * no uplink is known. -EINVAL with a sentence in `why`, which has PSEUDO_WHY_LEN octets. */
int pseudo_parse(const struct zonetoken *tokens, size_t n, const struct site *site,
	struct pseudo *ret_pseudo, char *why);
