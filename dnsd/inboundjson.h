/* inboundjson.h - the control verb `inbound-token`: opens a token, and reports the arrivals */
#pragma once
#include <jansson.h>

#include "dnsd/answer/inboundtoken.h"
#include "dnsd/config.h"

/* Request: {"verb": "inbound-token", "token": HEX}, with "done": true to close the token.
 * Reply: the arrivals so far, {"seconds": , "fresh": , "arrived": [{"view": , "family": ,
 * "udp": , "tcp": , "truncated": }]}. "fresh" says that the token was not open before: it is
 * new, it has expired, or a reload has closed it. A new reference; NULL without memory. */
json_t *inbound_json(struct inbound_tokens *tokens, const json_t *request,
	const struct config *config, uint32_t now_s);
