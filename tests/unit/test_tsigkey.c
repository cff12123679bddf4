/* test_tsigkey.c - the file with the key: both formats, and every mistake with its line */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/client/tsigkey.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/reports.h"

#define SECRET "bWFkZSBvZiB0aGlydHktdHdvIG9jdGV0cyEhISEhIQ=="

static int parse(const char *text, struct report *report, struct tsig_key *ret_key)
{
	report_init(report);
	return tsigkey_parse("k", text, strlen(text), report, ret_key);
}

static void assert_key(const char *text)
{
	struct report report;
	struct tsig_key key;
	char name[NAME_STR_LEN];
	int err = parse(text, &report, &key);

	if (err < 0)
		report_print(&report, stderr);
	assert_int_equal(err, 0);
	assert_int_equal(report.n_warnings, 0);
	assert_string_equal(name_str(key.name, name), "multihomed.");
	assert_int_equal(key.algorithm, TSIG_HMAC_SHA512);
	assert_int_equal(key.secret_len, 31);
	assert_memory_equal(key.secret, "made of thirty-two octets!!!!!!", 31);
	report_fini(&report);
}

static void what_tsig_keygen_prints_is_read(void **state)
{
	(void)state;
	assert_key("key \"multihomed\" {\n\talgorithm hmac-sha512;\n\tsecret \"" SECRET
		   "\";\n};\n");
	assert_key("# a\n// b\n/* c\n * d */ key Multihomed. { secret " SECRET
		   "; algorithm HMAC-SHA512; };");
}

static void what_keymgr_prints_is_read(void **state)
{
	(void)state;
	assert_key("# hmac-sha512:multihomed:" SECRET "\nkey:\n  - id: multihomed\n"
		   "    algorithm: hmac-sha512\n    secret: " SECRET "\n");
}

static void mistakes_have_a_line(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} cases[] = {
		{"", "k:1: a 'key' is missing\n"},
		{"kee \"a\" {", "k:1: a 'key' is missing\n"},
		{"key {", "k:1: a value is missing\n"},
		{"key \"a\"\n;", "k:2: a '{' is missing\n"},
		{"key \"a\" {\n algorithm hmac-sha256\n secret \"" SECRET "\"; };",
			"k:3: a ';' is missing\n"},
		{"key \"a\" {\n algorithm hmac-sha256;\n};", "k:1: the key has no secret\n"},
		{"key \"a\" { secret \"" SECRET "\"; };", "k:1: the key has no algorithm\n"},
		{"key \"a\" {\n algorithm hmac-md5; secret \"" SECRET "\"; };",
			"k:2: algorithm 'hmac-md5' is not offered: "
			"make a key with hmac-sha256 or hmac-sha512\n"},
		{"key \"a..b\" { algorithm hmac-sha256; secret \"" SECRET "\"; };",
			"k:1: 'a..b' is not the name of a key\n"},
		{"key \"a\" { algorithm hmac-sha256;\n\n secret \"not base64!\"; };",
			"k:3: the secret is not 1 to 512 octets in base64\n"},
		{"key \"a\" { algorithm hmac-sha256; algorithm hmac-sha256; };",
			"k:1: is there twice\n"},
		{"key \"a\" { inherit yes; };",
			"k:1: neither 'algorithm', 'secret' nor '}' stands here\n"},
		{"key \"a\" { algorithm hmac-sha256; secret \"" SECRET "\"; };\nkey \"b\" {};",
			"k:2: something follows the key: "
			"a file holds one key and nothing else\n"},
		{"key \"a", "k:1: a quote does not end\n"},
		{"\n/* a\n\n", "k:2: the comment does not end\n"},
		{"key:\n  - id: a\n    algorithm: hmac-sha256\n",
			"k:2: key[0]: the key 'secret' is missing\n"},
		{"key: x\n", "k:1: key: must be a list with one key\n"},
		{"key:\n - {id: a, algorithm: hmac-sha1, secret: " SECRET "}\n",
			"k:2: algorithm 'hmac-sha1' is not offered: make a key with "
			"hmac-sha256 or hmac-sha512\n"},
	};
	size_t n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report report;
		struct tsig_key key;
		int err = parse(cases[i].text, &report, &key);
		char *said = report_lines(&report);

		if (err != -EINVAL || strcmp(said, cases[i].said) != 0) {
			fprintf(stderr, "case %zu: %d\nwanted %sgot    %s", i, err,
				cases[i].said, said);
			n_wrong++;
		}
		free(said);
		report_fini(&report);
	}
	assert_int_equal(n_wrong, 0);
}

static void a_short_secret_is_warned_of(void **state)
{
	struct report report;
	struct tsig_key key;

	(void)state;
	assert_int_equal(
		parse("key a { algorithm hmac-sha256; secret \"c2hvcnQ=\"; };", &report, &key),
		0);
	assert_int_equal(report.n_warnings, 1);
	report_fini(&report);
}

/* No message may carry it into a log. */
static void the_secret_is_never_said(void **state)
{
	static const char *const cases[] = {
		"key a { algorithm hmac-sha256; secret \"$" SECRET "\"; };",
		"key a { algorithm hmac-sha256; secret " SECRET " };",
		"key:\n - {id: a, algorithm: hmac-sha256, secret: \"$" SECRET "\"}\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report report;
		struct tsig_key key;

		assert_int_equal(parse(cases[i], &report, &key), -EINVAL);
		char *said = report_lines(&report);
		assert_null(strstr(said, "bWFkZSBv"));
		free(said);
		report_fini(&report);
	}
}

static void a_file_is_read_and_its_mode_looked_at(void **state)
{
	static const char text[] = "key a { algorithm hmac-sha256; secret \"" SECRET "\"; };";
	char path[] = "/tmp/test_tsigkey.XXXXXX";
	struct report report;
	struct tsig_key key;
	const char *problem = NULL;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	report_init(&report);
	assert_int_equal(fchmod(fd, 0640), 0);
	assert_int_equal(tsigkey_read(path, &report, &key, &problem), 0);
	assert_int_equal(report.n_warnings, 0);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(tsigkey_read(path, &report, &key, &problem), 0);
	assert_int_equal(report.n_warnings, 1);
	assert_int_equal(ftruncate(fd, TSIGKEY_MAX_LEN + 1), 0);
	assert_int_equal(tsigkey_read(path, &report, &key, &problem), -EFBIG);
	unlink(path);
	close(fd);
	assert_int_equal(tsigkey_read(path, &report, &key, &problem), -ENOENT);
	assert_int_equal(tsigkey_read("/", &report, &key, &problem), -EISDIR);
	assert_string_equal(problem, "it is a folder");
	report_fini(&report);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_tsig_keygen_prints_is_read),
		cmocka_unit_test(what_keymgr_prints_is_read),
		cmocka_unit_test(mistakes_have_a_line),
		cmocka_unit_test(a_short_secret_is_warned_of),
		cmocka_unit_test(the_secret_is_never_said),
		cmocka_unit_test(a_file_is_read_and_its_mode_looked_at),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("tsigkey", tests, NULL, NULL);
}
