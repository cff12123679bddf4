/* replay.c - runs each seed file once through a fuzzer's entry, for builds without libFuzzer
 *
 * Arguments are seed files, or folders of them. Fails if there is not a single seed, so that a
 * lost folder does not pass as a test.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f) {
		perror(path);
		exit(1);
	}

	static uint8_t bytes[1 << 20];
	size_t len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);

	/* a copy of exactly this size lets the address sanitizer see every read beyond the end
	 */
	uint8_t *exact = malloc(len ? len : 1);
	if (!exact)
		abort();
	memcpy(exact, bytes, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 1;
}

static int replay_folder(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);
	int n_replayed = 0;

	for (int i = 0; i < n; i++) {
		char file[4096];
		struct stat st;

		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		if (stat(file, &st) == 0 && S_ISREG(st.st_mode))
			n_replayed += replay_file(file);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return n_replayed;
}

int main(int argc, char **argv)
{
	int n_replayed = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) < 0) {
			perror(argv[i]);
			return 1;
		}
		n_replayed += S_ISDIR(st.st_mode) ? replay_folder(argv[i])
						  : replay_file(argv[i]);
	}

	printf("%d seeds replayed\n", n_replayed);
	return n_replayed > 0 ? 0 : 1;
}
