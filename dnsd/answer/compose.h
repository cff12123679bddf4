/* compose.h - writes the RRsets of an answer into a message, compressed, until it is full */
#pragma once
#include "dnsd/answer/answer.h"
#include "dnsd/answer/grow.h"

/* compile.c keeps it of a composed message, beside the octets. */
struct compose_record {
	struct grow cuts;     /* struct table_cut: the end of each RRset, shortest first */
	struct grow relocate; /* uint16_t: where in the tail compression pointers are */
};

struct composed {
	size_t len;	/* octets of the whole message */
	uint16_t flags; /* AA, TC and RCODE */
	uint16_t counts[3];
};

/* `message` holds header and question, which ends at `question_end`. Whole RRsets follow, until
 * `limit`. If a required RRset does not fit, TC is set. `record` may be NULL. */
void compose(const struct table *table, const struct answer *answer, const uint8_t *qname,
	uint8_t *message, size_t question_end, size_t limit, struct compose_record *record,
	struct composed *ret_composed);
