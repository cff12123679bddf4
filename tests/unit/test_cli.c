/* test_cli.c - the command line that both programs share */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "common/cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/log.h"

enum { OUTPUT_MAX = 8192, MAX_ARGS = 12 };

#define END ((const char *)NULL) /* of the arguments of call() */

/* What the last verb was given, copied: the strings end with cli_main. */
struct seen {
	int n_calls;
	char verb[32];
	char config[128];
	char runtime_dir[128];
	char state_dir[128];
	char arg[64];
	bool json;
	bool watch;
	bool verbose;
	enum log_level level;
	char format[32]; /* "-": not given */
	char vias[64];	 /* all of them, one behind the other */
	bool force;
	char wait[32]; /* likewise */
};

static struct seen seen;
static char out[OUTPUT_MAX];
static char err[OUTPUT_MAX];

static int verb_run(const struct cli *cli)
{
	seen.n_calls++;
	snprintf(seen.verb, sizeof(seen.verb), "%s", cli->verb);
	snprintf(seen.config, sizeof(seen.config), "%s", cli->config);
	snprintf(seen.runtime_dir, sizeof(seen.runtime_dir), "%s", cli->runtime_dir);
	snprintf(seen.state_dir, sizeof(seen.state_dir), "%s", cli->state_dir);
	snprintf(seen.arg, sizeof(seen.arg), "%s", cli->n_args ? cli->args[0] : "");
	seen.json = cli->json;
	seen.watch = cli->watch;
	seen.verbose = cli->verbose;
	seen.level = log_level();
	const char *format = cli_option(cli, "format");
	snprintf(seen.format, sizeof(seen.format), "%s", format ? format : "-");
	seen.force = cli_option(cli, "force") != NULL;
	seen.vias[0] = '\0';
	for (int i = 0; cli_option_at(cli, "via", i) && i < 8; i++)
		strcat(strcat(seen.vias, cli_option_at(cli, "via", i)), " ");
	const char *wait = cli_option(cli, "wait");
	snprintf(seen.wait, sizeof(seen.wait), "%s", wait ? wait : "-");
	return EXIT_DONE;
}

static int verb_fail(const struct cli *cli)
{
	(void)cli;
	return EXIT_BAD_CONFIG;
}

static int verb_print(const struct cli *cli)
{
	(void)cli;
	puts("something");
	return EXIT_DONE;
}

static const struct cli_option deploy_options[] = {
	{.name = "format", .value = "NAME", .summary = "how it is written: a or b"},
	{.name = "force", .summary = "also where it hurts"},
	{.name = "via", .value = "ADDR...", .summary = "by whom"},
	{0},
};

static bool is_time(const char *text)
{
	return *text >= '0' && *text <= '9';
}

static const struct cli_option drain_options[] = {
	{.name = "force", .summary = "also where it hurts"},
	{.name = "wait", .value = "[TIME]", .summary = "for the end", .is_value = is_time},
	{0},
};

static const struct cli_verb verbs[] = {
	{.name = "check",
		.args = "",
		.summary = "validates site.yaml and the zones",
		.run = verb_run},
	{.name = "run", .args = "", .summary = "serves", .run = verb_fail},
	{.name = "status",
		.args = "",
		.summary = "how things are",
		.run = verb_run,
		.takes_json = true,
		.takes_watch = true},
	{.name = "delegation",
		.args = "ZONE",
		.summary = "what to paste into the parent zone",
		.run = verb_run,
		.n_args = 1},
	{.name = "print", .args = "", .summary = "prints", .run = verb_print},
	{.name = "deploy",
		.args = "SERVER",
		.summary = "what to paste elsewhere",
		.run = verb_run,
		.n_args = 1,
		.options = deploy_options},
	{.name = "drain",
		.args = "UPLINK",
		.summary = "takes it out",
		.run = verb_run,
		.n_args = 1,
		.options = drain_options},
	{0},
};

static int redirect(int fd)
{
	int file = memfd_create("output", MFD_CLOEXEC);
	int before = dup(fd);

	dup2(file, fd);
	close(file);
	return before;
}

static void restore(int fd, int before, char *text)
{
	ssize_t n = pread(fd, text, OUTPUT_MAX - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	dup2(before, fd);
	close(before);
}

/* Calls the program with these arguments, END at the end; its output is in out and err. */
__attribute__((sentinel)) static int call(const char *first, ...)
{
	char copies[MAX_ARGS][64];
	char *argv[MAX_ARGS + 1] = {copies[0]};
	int argc = 1;
	va_list args;

	strcpy(copies[0], "dnsd");
	va_start(args, first);
	for (const char *arg = first; arg && argc < MAX_ARGS;
		arg = va_arg(args, const char *)) {
		snprintf(copies[argc], sizeof(copies[argc]), "%s", arg);
		argv[argc] = copies[argc];
		argc++;
	}
	va_end(args);

	memset(&seen, 0, sizeof(seen));
	fflush(stdout);
	int before_out = redirect(STDOUT_FILENO);
	int before_err = redirect(STDERR_FILENO);
	int status = cli_main(
		argc, argv, "dnsd", "Authoritative split-view DNS server.", verbs);
	fflush(stdout);
	restore(STDOUT_FILENO, before_out, out);
	restore(STDERR_FILENO, before_err, err);
	return status;
}

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' lacks '%s'", text, part);
}

static int setup(void **state)
{
	(void)state;
	unsetenv("RUNTIME_DIRECTORY");
	unsetenv("STATE_DIRECTORY");
	return 0;
}

static void a_verb_runs_with_the_defaults(void **state)
{
	(void)state;
	assert_int_equal(call("check", END), EXIT_DONE);
	assert_int_equal(seen.n_calls, 1);
	assert_string_equal(seen.verb, "check");
	assert_string_equal(seen.config, "/etc/multihomed/site.yaml");
	assert_string_equal(seen.runtime_dir, "/run/multihomed");
	assert_string_equal(seen.state_dir, "/var/lib/multihomed");
	assert_int_equal(seen.level, LOG_LEVEL_INFO);
}

static void options_stand_before_or_after_the_verb(void **state)
{
	(void)state;
	assert_int_equal(
		call("-c", "a.yaml", "--json", "status", "--watch", "-v", END), EXIT_DONE);
	assert_string_equal(seen.config, "a.yaml");
	assert_true(seen.json && seen.watch && seen.verbose);
	assert_int_equal(seen.level, LOG_LEVEL_DEBUG);

	assert_int_equal(
		call("delegation", "www.example.com", "--config=b.yaml", END), EXIT_DONE);
	assert_string_equal(seen.config, "b.yaml");
	assert_string_equal(seen.arg, "www.example.com");
	assert_int_equal(call("delegation", "--", "--odd", END), EXIT_DONE);
	assert_string_equal(seen.arg, "--odd");
}

static void a_verb_has_options_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(call("deploy", "web", END), EXIT_DONE);
	assert_string_equal(seen.format, "-");
	assert_false(seen.force);

	assert_int_equal(call("--format", "a", "deploy", "--force", "web", END), EXIT_DONE);
	assert_string_equal(seen.format, "a");
	assert_string_equal(seen.arg, "web");
	assert_true(seen.force);

	assert_int_equal(call("deploy", "--format=a", "web", "--format=b", END), EXIT_DONE);
	assert_string_equal(seen.format, "b");
	assert_int_equal(call("drain", "isp-a", "--force", END), EXIT_DONE);
	assert_true(seen.force);
}

static void an_option_may_count_each_time(void **state)
{
	(void)state;
	assert_int_equal(
		call("deploy", "--via", "a", "web", "--via=b", "--force", "--via", "a", END),
		EXIT_DONE);
	assert_string_equal(seen.vias, "a b a ");
	assert_true(seen.force);
	assert_int_equal(call("deploy", "web", END), EXIT_DONE);
	assert_string_equal(seen.vias, "");
}

static void a_value_may_be_left_out(void **state)
{
	static const struct {
		const char *args[4];
		const char *wait;
		bool force;
	} cases[] = {
		{{"isp-a"}, "-", false},
		{{"isp-a", "--wait"}, "", false},
		{{"--wait", "isp-a"}, "", false},
		{{"isp-a", "--wait", "5m"}, "5m", false},
		{{"isp-a", "--wait=5m"}, "5m", false},
		{{"--wait", "5m", "isp-a"}, "5m", false},
		{{"--wait", "5m", "--force", "isp-a"}, "5m", true},
		{{"isp-a", "--wait", "5m", "--force"}, "5m", true},
		{{"isp-a", "--wait", "--force"}, "", true},
		{{"--force", "isp-a", "--wait=x"}, "x", true},
		{{"isp-a", "--wait=5m", "--wait"}, "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *const *args = cases[i].args;

		assert_int_equal(
			call("drain", args[0], args[1], args[2], args[3], END), EXIT_DONE);
		assert_string_equal(seen.wait, cases[i].wait);
		assert_string_equal(seen.arg, "isp-a");
		assert_int_equal(seen.force, cases[i].force);
	}
	assert_int_equal(call("drain", "--wait", "isp-a", "5m", END), EXIT_USAGE);
	assert_says(err, "does not know what to do with '5m'");
	assert_int_equal(call("drain", "--wait", "5m", END), EXIT_USAGE);
	assert_says(err, "'drain' needs UPLINK");
	assert_int_equal(call("drain", "isp-a", "--wait=", END), EXIT_USAGE);
	assert_says(err, "must not be empty");
	assert_int_equal(call("drain", "--help", END), EXIT_DONE);
	assert_says(out, "--wait [TIME]");
}

static void the_verbs_exit_status_is_the_programs(void **state)
{
	(void)state;
	assert_int_equal(call("run", END), EXIT_BAD_CONFIG);
}

/* --runtime, $RUNTIME_DIRECTORY, --state, $STATE_DIRECTORY and what follows. */
static void folders_come_from_options_then_the_environment(void **state)
{
	static const struct {
		const char *runtime;
		const char *env_runtime;
		const char *state;
		const char *env_state;
		const char *is_runtime;
		const char *is_state;
	} cases[] = {
		{NULL, NULL, NULL, NULL, "/run/multihomed", "/var/lib/multihomed"},
		{NULL, "/run/a", NULL, "/var/lib/a", "/run/a", "/var/lib/a"},
		{NULL, "/run/a:/run/b", NULL, "/var/a:/var/b", "/run/a", "/var/a"},
		{NULL, "", NULL, "", "/run/multihomed", "/var/lib/multihomed"},
		{"/tmp/x", NULL, NULL, NULL, "/tmp/x", "/tmp/x/state"},
		{"/tmp/x", "/run/a", NULL, "/var/lib/a", "/tmp/x", "/tmp/x/state"},
		{"/tmp/x", NULL, "/tmp/y", "/var/lib/a", "/tmp/x", "/tmp/y"},
		{NULL, "/run/a", "/tmp/y", "/var/lib/a", "/run/a", "/tmp/y"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char runtime[64];
		char state_option[64];

		setup(NULL);
		snprintf(runtime, sizeof(runtime), "--runtime=%s", cases[i].runtime);
		snprintf(state_option, sizeof(state_option), "--state=%s", cases[i].state);
		if (cases[i].env_runtime)
			setenv("RUNTIME_DIRECTORY", cases[i].env_runtime, 1);
		if (cases[i].env_state)
			setenv("STATE_DIRECTORY", cases[i].env_state, 1);
		print_message("  case %zu\n", i);
		assert_int_equal(call("check", cases[i].runtime ? runtime : "-v",
					 cases[i].state ? state_option : "-v", END),
			EXIT_DONE);
		assert_string_equal(seen.runtime_dir, cases[i].is_runtime);
		assert_string_equal(seen.state_dir, cases[i].is_state);
	}
}

static void wrong_usage_exits_2_and_says_what_was_wrong(void **state)
{
	static const struct {
		const char *args[4];
		const char *says;
	} cases[] = {
		{{NULL}, "a verb is missing"},
		{{"stauts"}, "unknown verb 'stauts' (did you mean 'status'?)"},
		{{"deleg", "x"}, "(did you mean 'delegation'?)"},
		{{"frobnicate"}, "unknown verb 'frobnicate'\n"},
		{{"--jsno", "status"}, "unknown option '--jsno' (did you mean '--json'?)"},
		{{"status", "--frobnicate"}, "unknown option '--frobnicate'\n"},
		{{"status", "-x"}, "unknown option '-x'"},
		{{"status", "--json", "-xv"}, "unknown option '-x'"},
		{{"status", "--json=yes"}, "option '--json=yes' takes no value"},
		{{"status", "--verbose=3"}, "option '--verbose=3' takes no value"},
		{{"check", "--runtime"}, "option '--runtime' needs a value"},
		{{"check", "-c"}, "option '-c' needs a value"},
		{{"check", "--state="}, "must not be empty"},
		{{"check", "--state", ""}, "option '--state' must not be empty"},
		{{"check", "--json"}, "'check' takes no --json"},
		{{"check", "--watch"}, "'check' takes no --watch"},
		{{"check", "site.yaml"}, "'check' does not know what to do with 'site.yaml'"},
		{{"delegation"}, "'delegation' needs ZONE"},
		{{"check", "--force"}, "'check' takes no --force"},
		{{"drain", "isp-a", "--format=a"}, "'drain' takes no --format"},
		{{"deploy", "web", "--format"}, "option '--format' needs a value"},
		{{"deploy", "web", "--format="}, "option '--format=' must not be empty"},
		{{"deploy", "web", "--force=x"}, "option '--force=x' takes no value"},
		{{"deploy", "web", "--fromat"}, "(did you mean '--format'?)"},
		{{"delegation", "a", "b"}, "does not know what to do with 'b'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *const *a = cases[i].args;

		print_message("  case %zu: %s\n", i, cases[i].says);
		assert_int_equal(call(a[0], a[1], a[2], a[3], END), EXIT_USAGE);
		assert_int_equal(seen.n_calls, 0);
		assert_string_equal(out, "");
		assert_says(err, "dnsd: ");
		assert_says(err, cases[i].says);
		assert_says(err, "'dnsd --help'");
	}
}

static void help_lists_every_verb(void **state)
{
	(void)state;
	assert_int_equal(call("--help", END), EXIT_DONE);
	for (const struct cli_verb *verb = verbs; verb->name; verb++)
		assert_says(out, verb->summary);
	assert_says(out, "delegation ZONE");
	assert_says(out, "--runtime DIR");
	assert_string_equal(err, "");
}

static void help_with_a_verb_shows_only_its_options(void **state)
{
	(void)state;
	assert_int_equal(call("status", "--help", END), EXIT_DONE);
	assert_says(out, "Usage: dnsd status");
	assert_says(out, "--json");
	assert_int_equal(call("delegation", "-h", END), EXIT_DONE); /* its ZONE may lack */
	assert_says(out, "Usage: dnsd delegation [OPTION]... ZONE");
	assert_null(strstr(out, "--json"));
	assert_null(strstr(out, "--force"));
	assert_int_equal(call("deploy", "--help", END), EXIT_DONE);
	assert_says(out, "      --format NAME   how it is written: a or b\n");
	assert_says(out, "      --force         also where it hurts\n");
	assert_says(out, "      --via ADDR...   by whom\n");
	assert_int_equal(seen.n_calls, 0);
}

static void version_names_program_and_version(void **state)
{
	(void)state;
	assert_int_equal(call("--version", END), EXIT_DONE);
	assert_string_equal(out, "dnsd " MH_VERSION "\n");
}

static void output_that_cannot_be_written_is_a_failure(void **state)
{
	char *argv[] = {(char[]){"dnsd"}, (char[]){"print"}, NULL};
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int before = dup(STDOUT_FILENO);

	(void)state;
	fflush(stdout);
	dup2(full, STDOUT_FILENO);
	int status = cli_main(2, argv, "dnsd", "", verbs);
	dup2(before, STDOUT_FILENO);
	clearerr(stdout);
	close(before);
	close(full);
	assert_int_equal(status, EXIT_FAILED);
}

static void a_path_joins_folder_and_name(void **state)
{
	char *path = cli_path("/run/multihomed", "dnsd.sock");

	(void)state;
	assert_string_equal(path, "/run/multihomed/dnsd.sock");
	free(path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_verb_runs_with_the_defaults, setup),
		cmocka_unit_test_setup(options_stand_before_or_after_the_verb, setup),
		cmocka_unit_test_setup(a_verb_has_options_of_its_own, setup),
		cmocka_unit_test_setup(an_option_may_count_each_time, setup),
		cmocka_unit_test_setup(a_value_may_be_left_out, setup),
		cmocka_unit_test_setup(the_verbs_exit_status_is_the_programs, setup),
		cmocka_unit_test_setup(folders_come_from_options_then_the_environment, setup),
		cmocka_unit_test_setup(wrong_usage_exits_2_and_says_what_was_wrong, setup),
		cmocka_unit_test_setup(help_lists_every_verb, setup),
		cmocka_unit_test_setup(help_with_a_verb_shows_only_its_options, setup),
		cmocka_unit_test_setup(version_names_program_and_version, setup),
		cmocka_unit_test_setup(output_that_cannot_be_written_is_a_failure, setup),
		cmocka_unit_test_setup(a_path_joins_folder_and_name, setup),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
