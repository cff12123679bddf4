/* verify.h - does the parent's delegation lead to us? The questions, the answers, the verdicts
 *
 *     verify.c        the verb: options, and the order of the steps
 *     verifyfind.c    the servers of the parent zone
 *     verifyask.c     their answers, and the answers of the addresses that they name
 *     verifycheck.c   the mistakes, and the remedies (pure)
 *     verifytext.c    as a table, or as JSON
 *     verifyinbound.c the other half: do queries of a public resolver come in by every uplink?
 */
#pragma once
#include <jansson.h>

#include "common/cli.h"
#include "common/site/site.h"
#include "dnsd/client/ask.h"
#include "dnsd/client/resolvconf.h"

enum {
	VERIFY_MAX_SERVERS = 32, /* of the parent */
	VERIFY_MAX_NS = 16,	 /* of one delegation */
	VERIFY_MAX_ADDRS = 64,	 /* that one server tells, or that are tried */
	VERIFY_WORDS = 160,
	VERIFY_LONG_TTL_S = 300, /* of an address that may change any day */
};

/* ---- what should be: the zone file with the present addresses of the uplinks ---- */

struct verify_live_addr {
	struct addr addr;
	char uplink[SITE_NAME_MAX + 1]; /* "": of no uplink */
	bool is_translated;		/* the modem's address: cannot be tried from here */
	bool is_dynamic;
	uint32_t ttl_s;
};

struct verify_live_ns {
	uint8_t name[NAME_MAX_LEN];
	bool is_within;	 /* the zone */
	bool is_closed;	 /* all of its uplinks have inbound: no */
	bool is_unknown; /* an uplink of it has no address now */
	struct verify_live_addr addrs[VERIFY_MAX_ADDRS];
	size_t n_addrs;
};

struct verify_live {
	struct verify_live_ns ns[VERIFY_MAX_NS];
	size_t n_ns;
};

/* ---- answers of the parent's servers ---- */

struct verify_record {
	uint8_t name[NAME_MAX_LEN];
	struct addr addr;
	uint32_t ttl_s;
};

enum verify_kind {
	VERIFY_SILENT,	  /* no answer: `problem` */
	VERIFY_NO_ROUTE,  /* IPv6, and we have none */
	VERIFY_DELEGATES, /* NS records, as a referral */
	VERIFY_NOTHING,	  /* neither NS nor data */
	VERIFY_DATA,	  /* other records at the name, and no delegation */
	VERIFY_IS_ZONE,	  /* it has the zone itself */
	VERIFY_LAME,	  /* it does not have the parent zone */
};

struct verify_server {
	struct endpoint at;
	uint8_t name[NAME_MAX_LEN]; /* of its NS record; the root if --server named it */
	enum verify_kind kind;
	char problem[VERIFY_WORDS];
	bool has_serial;
	uint32_t serial;
	uint8_t apex[NAME_MAX_LEN]; /* of the parent zone, with the serial */
	uint8_t ns[VERIFY_MAX_NS][NAME_MAX_LEN];
	size_t n_ns;
	bool has_ds;
	bool has_data[3];				/* A, AAAA, MX at the name itself */
	struct verify_record records[VERIFY_MAX_ADDRS]; /* of the NS names */
	size_t n_records;
};

/* ---- answers of an address ---- */

enum verify_outcome {
	VERIFY_NOT_TRIED,
	VERIFY_OK, /* the zone's SOA, with authority */
	VERIFY_NO_ANSWER,
	VERIFY_UNREACHABLE,
	VERIFY_RCODE,	 /* an error: `rcode` */
	VERIFY_NOT_OURS, /* an answer without authority, or of another zone */
};

struct verify_try {
	enum verify_outcome outcome;
	uint8_t rcode;
};

struct verify_reach {
	struct addr addr;
	struct verify_try udp;
	struct verify_try tcp;
	char view[SITE_NAME_MAX + 1]; /* "": not known */
};

/* ---- all together ---- */

struct verify {
	const char *zone; /* as the configuration has it */
	uint8_t apex[NAME_MAX_LEN];
	struct endpoint resolvers[RESOLVCONF_MAX];
	size_t n_resolvers;
	const char *runtime_dir;
	bool is_running; /* dnsd: then views can be told */
	struct verify_live live;
	struct verify_server servers[VERIFY_MAX_SERVERS];
	size_t n_servers;
	struct verify_reach reaches[VERIFY_MAX_ADDRS];
	size_t n_reaches;
};

enum verify_verdict {
	VERIFY_GOOD,  /* at the parent, an address of the site, and it answers as it should */
	VERIFY_WRONG, /* at the parent, and no address of the site */
	VERIFY_MISSING,	   /* an address of the site, and not at the parent */
	VERIFY_NOT_SERVED, /* "lame": at the parent, and it does not answer as it should */
	VERIFY_EXTRA,	   /* of a name server that the zone does not have */
	VERIFY_OUTSIDE, /* the zone file does not say the name server's address; it answers */
	VERIFY_UNKNOWN, /* its uplink has no address now, or it cannot be tried from here */
	VERIFY_N_VERDICTS,
};

/* The pointers are borrowed from struct verify. */
struct verify_row {
	uint8_t name[NAME_MAX_LEN];
	struct addr addr;		     /* not set: the name server has none */
	const struct verify_record *record;  /* at the parent; NULL: it is not there */
	const struct verify_live_addr *live; /* NULL: no address of the site */
	const struct verify_reach *reach;    /* NULL: not tried */
	enum verify_verdict verdict;
};

struct verify_finding {
	bool is_error; /* or a warning */
	char *text;
	char *remedy; /* NULL: none */
};

struct verify_result {
	struct verify_row *rows;
	size_t n_rows;
	struct verify_finding *findings;
	size_t n_findings;
	size_t n_errors;
};

/* The verb. Returns the exit status. */
int verify_run(const struct cli *cli);
extern const struct cli_option verify_options[];

/* {"name": , "ns": [...]} of delegation.h. Names and addresses that do not fit are left out.
 */
void verify_read_live(const json_t *zone, struct verify_live *ret_live);

/* Finds the servers of the closest zone above, by the resolvers. A negative errno, after a message
 * on standard error. */
int verify_find(struct verify *verify);

/* Fill in the answers of the servers, then those of the addresses. -ENOMEM. */
int verify_ask_servers(struct verify *verify);
int verify_ask_addresses(struct verify *verify);

/* Pure. Out of memory ends the program. The result borrows from `verify`. */
void verify_check(const struct verify *verify, struct verify_result *ret_result);
void verify_result_fini(struct verify_result *result);

/* "good", "lame" ...: a literal. */
const char *verify_verdict_str(enum verify_verdict verdict);
/* "ok", "no answer", "REFUSED" ...; "" if it was not tried. Valid until the thread's next call. */
const char *verify_try_str(const struct verify_try *tried);

void verify_print(const struct verify *verify, const struct verify_result *result);
json_t *verify_json(const struct verify *verify, const struct verify_result *result);

/* `verify --inbound`. */
int verify_inbound(const struct cli *cli, struct verify *verify);

/* A fresh token for inboundtoken.h, told to the running dnsd. -errno without saying anything. */
int verify_expect(const struct verify *verify, char ret_token[33], json_t **ret_reply);
/* Speaks of a token again: counts so far, and a minute more; `done` ends it. */
int verify_expected(
	const struct verify *verify, const char *token, bool done, json_t **ret_reply);
