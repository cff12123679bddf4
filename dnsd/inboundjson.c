/* inboundjson.c - the control verb `inbound-token`: opens a token, and reports the arrivals
 *
 * The server side of `verify --inbound`. The tokens themselves are in answer/inboundtoken.c;
 * here their views get names.
 */
#include "dnsd/inboundjson.h"

#include <errno.h>

static json_t *json_arrivals_of(
	const char *view, enum site_family family, const _Atomic uint32_t *counts)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I}", "view", view, "family",
		family == SITE_IPV4 ? "ipv4" : "ipv6", "udp",
		(json_int_t)atomic_load(&counts[INBOUND_BY_UDP]), "tcp",
		(json_int_t)atomic_load(&counts[INBOUND_BY_TCP]), "truncated",
		(json_int_t)atomic_load(&counts[INBOUND_TC]));
}

static json_t *json_arrivals(const struct inbound_token *token, const struct config *config)
{
	int views[SITE_MAX_UPLINKS + 1];
	size_t n = config_views(config, views);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		for (enum site_family family = 0; family < SITE_FAMILIES; family++)
			json_array_append_new(
				list, json_arrivals_of(config_view_name(config, views[i]),
					      family, token->n_arrived[views[i] + 1][family]));
	return list;
}

json_t *inbound_json(struct inbound_tokens *tokens, const json_t *request,
	const struct config *config, uint32_t now_s)
{
	const char *text = json_string_value(json_object_get(request, "token"));

	if (!text)
		return json_pack("{s:s}", "error", "'inbound-token' needs a token");
	bool is_fresh = inbound_token_find(tokens, text, now_s) == NULL;
	int err = inbound_token_open(tokens, text, now_s);
	if (err == -EBUSY)
		return json_pack("{s:s}", "error",
			"too many tokens are open already: try again in a minute");
	if (err < 0)
		return json_pack("{s:s}", "error", "a token is 32 hexadecimal digits, a to f");

	json_t *arrived = json_arrivals(inbound_token_find(tokens, text, now_s), config);
	if (json_is_true(json_object_get(request, "done")))
		inbound_token_close(tokens, text);
	return json_pack("{s:i, s:b, s:o}", "seconds", INBOUND_TOKEN_OPEN_S, "fresh",
		(int)is_fresh, "arrived", arrived);
}
