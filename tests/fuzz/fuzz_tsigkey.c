/* fuzz_tsigkey.c - any octets as the file of the key: a key or a complaint, and nothing else
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "dnsd/client/tsigkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1); /* no octet behind it */
	struct tsig_key key;
	struct report report;

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	report_init(&report);
	int err = tsigkey_parse("k", text, size, &report, &key);
	if ((err == 0) != (report.n_errors == 0))
		abort();
	if (err == 0 && (key.secret_len == 0 || key.secret_len > TSIG_SECRET_MAX ||
				name_len(key.name) < 2))
		abort();
	report_fini(&report);
	free(text);
	return 0;
}
