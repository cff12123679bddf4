/* svcb.h - the parameters of SVCB and HTTPS records (RFC 9460) */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The problem of this RDATA, as a clause, or NULL. It is an error if clients reject the
 * record, and a warning if they ignore the faulty part: `*ret_is_error` is set with a problem.
 */
const char *svcb_problem(const uint8_t *rdata, size_t len, bool *ret_is_error);
