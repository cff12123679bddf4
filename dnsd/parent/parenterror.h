/* parenterror.h - what the primary's refusals mean, in words for an operator
 *
 * Pure.
 */
#pragma once
#include "dnsd/parent/parentplan.h"
#include "dnsd/wire/tsig.h"

struct parent_response {
	bool is_update; /* or a question */
	const struct tsig_key *key;
	const struct parent_target *target;
	const uint8_t *apex; /* of the zone to change; NULL: not known yet */
	const struct message *response;
	struct tsig_check check; /* of the response */
	uint64_t now_s;
};

/* True if the signature is good and the response reports success, or for a question that the
 * name does not exist. Else `out` says what is wrong and what to do. */
bool parenterror_check(const struct parent_response *response, char *out, size_t cap);
