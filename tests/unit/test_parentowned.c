/* test_parentowned.c - the addresses that are known to be ours, over a restart */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/parent/parentowned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const uint8_t ns1[] = "\7www-ns1\7example\3com";
static const uint8_t ns2[] = "\7www-ns2\7example\3com";

struct fixture {
	char path[64];
	struct parentowned *memory;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->path, sizeof(f->path), "/tmp/test_parentowned.%d", (int)getpid());
	unlink(f->path);
	assert_int_equal(parentowned_new(f->path, &f->memory), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	parentowned_free(f->memory);
	unlink(f->path);
	free(f);
	return 0;
}

static void put(struct fixture *f, const uint8_t *name, const char *address, bool is_seen)
{
	struct parent_addr addr = {.uplink = "isp-a"};

	assert_int_equal(addr_parse(address, &addr.addr), 0);
	parentowned_add(f->memory, name, &addr, is_seen);
}

static bool all(const uint8_t *name, void *arg)
{
	(void)name;
	(void)arg;
	return true;
}

static bool only_ns1(const uint8_t *name, void *arg)
{
	(void)arg;
	return name_eq(name, ns1);
}

static void restart(struct fixture *f, parentowned_used_fn *is_used)
{
	parentowned_save(f->memory, is_used, NULL);
	parentowned_free(f->memory);
	assert_int_equal(parentowned_new(f->path, &f->memory), 0);
}

static struct parent_owned get(
	const struct fixture *f, const uint8_t *name, enum site_family family)
{
	struct parent_owned known;

	parentowned_get(f->memory, name, family, &known);
	return known;
}

static void it_outlives_a_restart(void **state)
{
	struct fixture *f = *state;

	put(f, ns1, "192.168.2.1", true);
	put(f, ns1, "2001:db8:a::1", false);
	put(f, ns2, "172.16.1.1", false);
	restart(f, all);

	struct parent_owned known = get(f, ns1, SITE_IPV4);
	assert_int_equal(known.n, 1);
	assert_string_equal(addr_str(&known.items[0].addr), "192.168.2.1");
	assert_string_equal(known.items[0].uplink, "isp-a");
	assert_true(known.was_right);
	assert_int_equal(get(f, ns1, SITE_IPV6).n, 1);
	assert_false(get(f, ns1, SITE_IPV6).was_right);
	assert_int_equal(get(f, ns2, SITE_IPV4).n, 1);
}

static void names_that_are_not_minded_are_forgotten(void **state)
{
	struct fixture *f = *state;

	put(f, ns1, "192.168.2.1", true);
	put(f, ns2, "172.16.1.1", true);
	restart(f, only_ns1);
	assert_int_equal(get(f, ns1, SITE_IPV4).n, 1);
	assert_int_equal(get(f, ns2, SITE_IPV4).n, 0);
}

static void the_oldest_goes_first(void **state)
{
	struct fixture *f = *state;
	char address[32];

	for (int i = 1; i <= PARENT_MAX_OWNED + 2; i++) {
		snprintf(address, sizeof(address), "192.0.2.%d", i);
		put(f, ns1, address, true);
	}
	restart(f, all);
	struct parent_owned known = get(f, ns1, SITE_IPV4);
	assert_int_equal(known.n, PARENT_MAX_OWNED);
	assert_string_equal(addr_str(&known.items[0].addr), "192.0.2.3");
}

static void what_was_seen_once_stays_seen(void **state)
{
	struct fixture *f = *state;

	put(f, ns1, "192.168.2.1", false);
	put(f, ns1, "192.168.2.1", true);
	put(f, ns1, "192.168.2.1", false);
	assert_true(get(f, ns1, SITE_IPV4).was_right);
	assert_int_equal(get(f, ns1, SITE_IPV4).n, 1);
}

static void a_broken_file_is_an_empty_memory(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{\"addresses\": 7}",
		"{\"addresses\": [7, {}, {\"name\": \"a..b\", \"address\": \"192.0.2.1\"}, "
		"{\"name\": \"www-ns1.example.com.\", \"address\": \"x\"}]}"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		FILE *file = fopen(f->path, "w");

		fputs(texts[i], file);
		fclose(file);
		parentowned_free(f->memory);
		assert_int_equal(parentowned_new(f->path, &f->memory), 0);
		assert_int_equal(get(f, ns1, SITE_IPV4).n, 0);
	}
}

/* What is said on standard error while the file is read. */
static bool warns(struct fixture *f)
{
	static char text[4096];
	int before = dup(STDERR_FILENO);
	FILE *log = tmpfile();

	fflush(stderr);
	dup2(fileno(log), STDERR_FILENO);
	parentowned_free(f->memory);
	assert_int_equal(parentowned_new(f->path, &f->memory), 0);
	dup2(before, STDERR_FILENO);
	close(before);
	ssize_t len = pread(fileno(log), text, sizeof(text) - 1, 0);
	text[len > 0 ? len : 0] = '\0';
	fclose(log);
	return strstr(text, "is taken for empty") != NULL;
}

/* A socket here, which root cannot open either. */
static void a_file_that_cannot_be_read_is_told(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_false(warns(f)); /* there is none */
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", f->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_true(warns(f));
	close(fd);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(it_outlives_a_restart),
		TEST(names_that_are_not_minded_are_forgotten),
		TEST(the_oldest_goes_first),
		TEST(what_was_seen_once_stays_seen),
		TEST(a_broken_file_is_an_empty_memory),
		TEST(a_file_that_cannot_be_read_is_told),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("parentowned", tests, NULL, NULL);
}
