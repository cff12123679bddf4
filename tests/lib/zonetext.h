/* zonetext.h - a zone from a text, with the site of zones/site.yaml, and the report about it */
#pragma once
#include "common/site/report.h"
#include "common/site/site.h"
#include "dnsd/zone/zone.h"

/* Three lines that make a sound zone. The first line of the test's own text is line 4. */
#define ZONETEXT_HEAD                                               \
	"$TTL 60\n"                                                 \
	"@ SOA ns.example.net. hostmaster.example.net. 1 2 3 4 5\n" \
	"@ NS ns.example.net.\n"

struct zonetext {
	struct site *site; /* of zones/site.yaml; a test may change it */
	struct zone *zone; /* NULL if there was an error */
	char *said;	   /* what `check` prints, a line each */
	int err;
};

void zonetext_init(struct zonetext *t);
void zonetext_fini(struct zonetext *t);

/* Reads `text` as the zone www.example.com; messages name the file "z". */
void zonetext_read(struct zonetext *t, const char *text);
void zonetext_read_octets(struct zonetext *t, const char *text, size_t len);

/* The zone of that file and name. */
void zonetext_read_file(struct zonetext *t, const char *origin, const char *path);

/* The records, one a line: "owner TTL TYPE data", in the zone's order, as ldns reads them back.
 * Those outside the zone begin with "+". The caller frees the text. */
char *zonetext_dump(const struct zone *zone);

/* For cmocka: a struct zonetext on the heap as the state of a test. */
int zonetext_setup(void **state);
int zonetext_teardown(void **state);
