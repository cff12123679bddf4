/* test_cookie.c - SipHash, server cookies of RFC 9018 and the file of secrets */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsd/wire/cookie.h"

static void hex(const char *text, uint8_t *ret_bytes)
{
	for (; *text; text += 2) {
		unsigned int octet;

		assert_int_equal(sscanf(text, "%2x", &octet), 1);
		*ret_bytes++ = (uint8_t)octet;
	}
}

/* The reference implementation's vectors for key 00..0f and input 00, 00 01, 00 01 02, ... */
static void siphash_gives_the_reference_vectors(void **state)
{
	static const struct {
		size_t len;
		const char *hash;
	} vectors[] = {
		{0, "310e0edd47db6f72"},
		{1, "fd67dc93c539f874"},
		{2, "5a4fa9d909806c0d"},
		{7, "37d1018bf50002ab"},
		{8, "6224939a79f5f593"},
		{15, "e545be4961ca29a1"},
		{63, "724506eb4c328a95"},
	};
	uint8_t key[16];
	uint8_t data[64];

	(void)state;
	for (unsigned int i = 0; i < sizeof(data); i++) {
		data[i] = (uint8_t)i;
		if (i < sizeof(key))
			key[i] = (uint8_t)i;
	}
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t want[8];
		uint8_t got[8];

		hex(vectors[i].hash, want);
		siphash24(key, data, vectors[i].len, got);
		assert_memory_equal(got, want, 8);
	}
}

struct vector {
	const char *secret;
	const char *client_cookie;
	const char *client;
	uint32_t now_s;
	const char *server;
};

/* RFC 9018 appendix A: what the server sends in A.1, A.2, A.3 and A.4. */
static const struct vector vectors[] = {
	{"e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "198.51.100.100", 1559731985,
		"010000005cf79f111f8130c3eee29480"},
	{"e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "198.51.100.100", 1559734385,
		"010000005cf7a871d4a564a1442aca77"},
	{"e5e973e5a6b2a43f48e7dc849e37bfcf", "fc93fc62807ddb86", "203.0.113.203", 1559734700,
		"010000005cf7a9acf73a7810aca2381e"},
	{"445536bcd2513298075a5d379663c962", "22681ab97d52c298",
		"2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961,
		"010000005cf7c609a6bb79d16625507a"},
};

static struct cookie_keys keys_of(const char *first, const char *second)
{
	struct cookie_keys keys = {.n_secrets = second ? 2 : 1};

	hex(first, keys.secrets[0]);
	if (second)
		hex(second, keys.secrets[1]);
	return keys;
}

static bool is_valid(const struct cookie_keys *keys, const char *client_cookie,
	const char *server, const char *client, uint32_t now_s)
{
	uint8_t cookie[COOKIE_CLIENT_LEN];
	uint8_t bytes[32];
	struct addr addr;

	hex(client_cookie, cookie);
	hex(server, bytes);
	assert_int_equal(addr_parse(client, &addr), 0);
	return cookie_is_valid(keys, cookie, bytes, strlen(server) / 2, &addr, now_s);
}

static void cookies_are_those_of_rfc_9018(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		struct cookie_keys keys = keys_of(v->secret, NULL);
		uint8_t client_cookie[COOKIE_CLIENT_LEN];
		uint8_t want[COOKIE_SERVER_LEN];
		uint8_t got[COOKIE_SERVER_LEN];
		struct addr client;

		hex(v->client_cookie, client_cookie);
		hex(v->server, want);
		assert_int_equal(addr_parse(v->client, &client), 0);

		cookie_make(&keys, client_cookie, &client, v->now_s, got);

		assert_memory_equal(got, want, sizeof(want));
		assert_true(is_valid(&keys, v->client_cookie, v->server, v->client, v->now_s));
	}
}

/* A.3: the reserved octets are the sender's and belong to the hash. */
static void reserved_octets_of_another_server_are_accepted(void **state)
{
	struct cookie_keys keys = keys_of(vectors[2].secret, NULL);

	(void)state;
	assert_true(is_valid(&keys, "fc93fc62807ddb86", "01abcdef5cf78f71a314227b6679ebf5",
		"203.0.113.203", 0x5cf78f71 + 60));
}

/* A.4: the query carries a cookie of the old secret. */
static void the_second_secret_is_accepted_but_not_used(void **state)
{
	const char *old = "dd3bdf9344b678b185a6f5cb60fca715";
	const struct vector *v = &vectors[3];
	struct cookie_keys keys = keys_of(v->secret, old);
	struct cookie_keys without = keys_of(v->secret, NULL);
	const char *server = "010000005cf7c57926556bd0934c72f8";

	(void)state;
	assert_true(is_valid(&keys, v->client_cookie, server, v->client, v->now_s));
	assert_false(is_valid(&without, v->client_cookie, server, v->client, v->now_s));
}

static void a_cookie_is_good_for_one_client_and_one_hour(void **state)
{
	const struct vector *v = &vectors[0];
	struct cookie_keys keys = keys_of(v->secret, NULL);

	(void)state;
	assert_true(is_valid(&keys, v->client_cookie, v->server, v->client, v->now_s + 3600));
	assert_false(is_valid(&keys, v->client_cookie, v->server, v->client, v->now_s + 3601));
	assert_true(is_valid(&keys, v->client_cookie, v->server, v->client, v->now_s - 300));
	assert_false(is_valid(&keys, v->client_cookie, v->server, v->client, v->now_s - 301));
	assert_false(is_valid(&keys, v->client_cookie, v->server, "198.51.100.101", v->now_s));
	assert_false(is_valid(&keys, "2464c4abcf10c958", v->server, v->client, v->now_s));
}

static void foreign_versions_and_lengths_are_refused(void **state)
{
	const struct vector *v = &vectors[0];
	struct cookie_keys keys = keys_of(v->secret, NULL);

	(void)state;
	assert_false(is_valid(&keys, v->client_cookie, "020000005cf79f111f8130c3eee29480",
		v->client, v->now_s));
	assert_false(
		is_valid(&keys, v->client_cookie, "010000005cf79f11", v->client, v->now_s));
	assert_false(is_valid(&keys, v->client_cookie,
		"010000005cf79f111f8130c3eee2948000000000", v->client, v->now_s));
}

static int make_folder(void **state)
{
	char *dir = strdup("/tmp/test_cookie.XXXXXX");

	*state = dir && mkdtemp(dir) ? dir : NULL;
	return *state ? 0 : -1;
}

static int remove_folder(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/secrets", (char *)*state);
	unlink(path);
	rmdir(*state);
	free(*state);
	return 0;
}

static void secrets_file(void **state, const char *text, char path[128])
{
	snprintf(path, 128, "%s/secrets", (char *)*state);
	unlink(path);
	if (!text)
		return;

	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void a_missing_file_is_made_and_read_again(void **state)
{
	struct cookie_keys made;
	struct cookie_keys again;
	struct stat st;
	char path[128];

	secrets_file(state, NULL, path);
	assert_int_equal(cookie_keys_load(path, &made), 0);
	assert_int_equal(cookie_keys_load(path, &again), 0);
	assert_int_equal(made.n_secrets, 1);
	assert_memory_equal(&made, &again, sizeof(made));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void two_secrets_are_read_in_order(void **state)
{
	struct cookie_keys want = keys_of(
		"445536bcd2513298075a5d379663c962", "dd3bdf9344b678b185a6f5cb60fca715");
	struct cookie_keys keys;
	char path[128];

	secrets_file(state,
		"# newest first\n445536BCD2513298075A5D379663C962\n\n"
		"  dd3bdf9344b678b185a6f5cb60fca715",
		path);
	assert_int_equal(cookie_keys_load(path, &keys), 0);
	assert_memory_equal(&keys, &want, sizeof(keys));
}

static void a_damaged_file_is_refused_and_kept(void **state)
{
	static const char *const texts[] = {
		"",
		"445536bcd2513298075a5d379663c9\n",
		"445536bcd2513298075a5d379663c96g\n",
		"445536bcd2513298075a5d379663c962\n445536bcd2513298075a5d379663c962\n"
		"445536bcd2513298075a5d379663c962\n",
	};
	struct cookie_keys keys;
	struct stat st;
	char path[128];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		secrets_file(state, texts[i], path);
		assert_int_equal(cookie_keys_load(path, &keys), -EINVAL);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size, (off_t)strlen(texts[i]));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_gives_the_reference_vectors),
		cmocka_unit_test(cookies_are_those_of_rfc_9018),
		cmocka_unit_test(reserved_octets_of_another_server_are_accepted),
		cmocka_unit_test(the_second_secret_is_accepted_but_not_used),
		cmocka_unit_test(a_cookie_is_good_for_one_client_and_one_hour),
		cmocka_unit_test(foreign_versions_and_lengths_are_refused),
		cmocka_unit_test(a_missing_file_is_made_and_read_again),
		cmocka_unit_test(two_secrets_are_read_in_order),
		cmocka_unit_test(a_damaged_file_is_refused_and_kept),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("cookie", tests, make_folder, remove_folder);
}
