/* svcb.h - the parameters of SVCB and HTTPS records (RFC 9460) */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is wrong with this RDATA, as a clause, or NULL. `*ret_is_error` is set then: an error
 * is what makes clients reject the record, the rest is ignored by them. */
const char *svcb_problem(const uint8_t *rdata, size_t len, bool *ret_is_error);
