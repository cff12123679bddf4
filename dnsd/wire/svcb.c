/* svcb.c - the parameters of SVCB and HTTPS records (RFC 9460)
 *
 * Called by zonerules.c. ldns sorts the parameters, but accepts a duplicate, and a `mandatory`
 * that names a missing key; clients reject both (sections 2.2 and 8). Bounds are checked: an
 * operator may have written the octets by hand, after \#.
 */
#include "dnsd/wire/svcb.h"

#include "common/bigendian.h"
#include "dnsd/wire/name.h"

enum { KEY_MANDATORY = 0, KEY_ALPN = 1, KEY_NO_DEFAULT_ALPN = 2 };

struct params {
	const uint8_t *bytes;
	size_t len;
};

/* The parameter at `*pos`; moves `*pos` behind it. False at the end, or if it is cut short. */
static bool param_next(const struct params *params, size_t *pos, unsigned int *ret_key,
	struct params *ret_value)
{
	if (params->len - *pos < 4)
		return false;
	const uint8_t *at = params->bytes + *pos;
	size_t len = be16_read(at + 2);

	if (params->len - *pos - 4 < len)
		return false;
	*ret_key = be16_read(at);
	*ret_value = (struct params){.bytes = at + 4, .len = len};
	*pos += 4 + len;
	return true;
}

static bool params_have(const struct params *params, unsigned int wanted)
{
	struct params value;
	unsigned int key;
	size_t pos = 0;

	while (param_next(params, &pos, &key, &value))
		if (key == wanted)
			return true;
	return false;
}

static const char *mandatory_problem(const struct params *params, const struct params *value)
{
	if (value->len == 0 || value->len % 2 != 0)
		return "the value of 'mandatory' is not a list of keys";
	for (size_t i = 0; i < value->len; i += 2) {
		unsigned int key = be16_read(value->bytes + i);

		if (key == KEY_MANDATORY)
			return "'mandatory' names itself";
		if (i > 0 && key <= be16_read(value->bytes + i - 2))
			return "'mandatory' names a key twice, or out of order";
		if (!params_have(params, key))
			return "'mandatory' names a key that is not given";
	}
	return NULL;
}

static const char *params_problem(const struct params *params)
{
	struct params value;
	unsigned int key;
	size_t pos = 0;
	int last = -1;

	while (param_next(params, &pos, &key, &value)) {
		if ((int)key == last)
			return "a parameter is given twice";
		if ((int)key < last)
			return "the parameters are not in the order of their numbers";
		last = (int)key;
		if (key == KEY_MANDATORY) {
			const char *problem = mandatory_problem(params, &value);
			if (problem)
				return problem;
		}
	}
	if (pos != params->len)
		return "the parameters are cut short";
	if (params_have(params, KEY_NO_DEFAULT_ALPN) && !params_have(params, KEY_ALPN))
		return "no-default-alpn needs an alpn beside it";
	return NULL;
}

const char *svcb_problem(const uint8_t *rdata, size_t len, bool *ret_is_error)
{
	/* rdatatext.c made sure of priority and target name */
	size_t head = 2 + name_len(rdata + 2);
	const struct params params = {.bytes = rdata + head, .len = len - head};

	*ret_is_error = true;
	const char *problem = params_problem(&params);
	if (problem)
		return problem;
	*ret_is_error = false;
	return be16_read(rdata) == 0 && params.len > 0
		       ? "priority 0 makes it an alias, whose parameters are ignored"
		       : NULL;
}
