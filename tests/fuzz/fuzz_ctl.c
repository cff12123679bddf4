/* fuzz_ctl.c - any octets as a request line of the control socket
 *
 * Whatever comes, there is a reply, it is an object, and it goes on one line.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "common/ctl/ctl.h"

static json_t *handler(const char *verb, const json_t *request, void *arg)
{
	(void)arg;
	if (strcmp(verb, "status") != 0)
		return NULL;
	return json_pack("{s:O}", "request", request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *reply = ctl_answer((const char *)data, size, handler, NULL);
	char *text = json_dumps(reply, JSON_COMPACT);

	if (!json_is_object(reply) || !text || strchr(text, '\n'))
		abort();
	free(text);
	json_decref(reply);
	return 0;
}
