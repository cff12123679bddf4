/* cli.c - the command line of both programs: one verb, a few options, its folders
 *
 * main() hands over its table of verbs. A wrong call ends with 2 and a sentence that says
 * what was wrong and, if something similar exists, what may have been meant. Nothing is
 * guessed silently.
 */
#include "common/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/guess.h"
#include "common/invariant.h"
#include "common/log.h"

#define CLI_DEFAULT_RUNTIME "/run/multihomed"
#define CLI_DEFAULT_STATE   "/var/lib/multihomed"
#define CLI_SHORT_OPTIONS   ":c:vhV"

/* From OPT_OWN on: options of verbs, in the order of call.own. */
enum { OPT_RUNTIME = 256, OPT_STATE, OPT_JSON, OPT_WATCH, OPT_OWN };

static const struct option common_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"runtime", required_argument, NULL, OPT_RUNTIME},
	{"state", required_argument, NULL, OPT_STATE},
	{"json", no_argument, NULL, OPT_JSON},
	{"watch", no_argument, NULL, OPT_WATCH},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
};
enum { N_COMMON = sizeof(common_options) / sizeof(common_options[0]) };

struct call {
	const char *program;
	const char *purpose;
	const struct cli_verb *verbs;
	struct option options[N_COMMON + CLI_MAX_OWN + 1]; /* common ones, then `own` */
	const struct cli_option *own[CLI_MAX_OWN];	   /* of all verbs, each name once */
	int n_own;
	struct cli cli;
	bool help;
	bool version;
	char *runtime_owned; /* what runtime_dir and state_dir may point to */
	char *state_owned;
};

__attribute__((format(printf, 2, 3))) static int cli_usage_error(
	const struct call *call, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", call->program);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n'%s --help' tells more.\n", call->program);
	return EXIT_USAGE;
}

/* ---- what was meant ---- */

/* The beginning of the word is as good as a misspelt word. */
static bool is_beginning_of(const char *typed, const char *word)
{
	size_t len = strlen(typed);

	return len >= 3 && strncmp(typed, word, len) == 0;
}

static const char *closest_verb(const struct call *call, const char *typed)
{
	struct guess guess = guess_of(typed);

	for (const struct cli_verb *verb = call->verbs; verb->name; verb++) {
		if (is_beginning_of(typed, verb->name))
			return verb->name;
		guess_offer(&guess, verb->name);
	}
	return guess.best;
}

static const char *closest_option(const struct call *call, const char *typed)
{
	struct guess guess = guess_of(typed);

	for (const struct option *option = call->options; option->name; option++) {
		if (is_beginning_of(typed, option->name))
			return option->name;
		guess_offer(&guess, option->name);
	}
	return guess.best;
}

/* ---- the options of verbs ---- */

static bool own_is_known(const struct call *call, const char *name)
{
	for (int i = 0; i < call->n_own; i++)
		if (strcmp(call->own[i]->name, name) == 0)
			return true;
	return false;
}

/* The verb may stand behind its options: first all options of all verbs are parsed, then
 * those of another verb are refused. */
static void collect_options(struct call *call)
{
	memcpy(call->options, common_options, sizeof(common_options));
	for (const struct cli_verb *verb = call->verbs; verb->name; verb++)
		for (const struct cli_option *own = verb->options; own && own->name; own++) {
			if (own_is_known(call, own->name))
				continue;
			invariant(call->n_own < CLI_MAX_OWN,
				"the verbs have more than %d options", CLI_MAX_OWN);
			call->options[N_COMMON + call->n_own] = (struct option){
				.name = own->name,
				.has_arg = !own->value	   ? no_argument
					   : own->is_value ? optional_argument
							   : required_argument,
				.val = OPT_OWN + call->n_own,
			};
			call->own[call->n_own++] = own;
		}
}

static bool verb_takes(const struct cli_verb *verb, const char *name)
{
	for (const struct cli_option *own = verb->options; own && own->name; own++)
		if (strcmp(own->name, name) == 0)
			return true;
	return false;
}

static bool repeats(const struct cli_option *own)
{
	size_t len = own->value ? strlen(own->value) : 0;

	return len > 3 && strcmp(own->value + len - 3, "...") == 0;
}

static bool take_own(struct cli *cli, const struct cli_option *own, const char *value)
{
	int i = repeats(own) ? cli->n_given : 0;

	while (i < cli->n_given && strcmp(cli->given[i].name, own->name) != 0)
		i++;
	if (i == CLI_MAX_GIVEN)
		return false;
	cli->given[i] = (struct cli_given){.name = own->name, .value = value ? value : ""};
	if (i == cli->n_given)
		cli->n_given++;
	return true;
}

const char *cli_option(const struct cli *cli, const char *name)
{
	for (int i = 0; i < cli->n_given; i++)
		if (strcmp(cli->given[i].name, name) == 0)
			return cli->given[i].value;
	return NULL;
}

const char *cli_option_at(const struct cli *cli, const char *name, int i)
{
	for (int k = 0; k < cli->n_given; k++)
		if (strcmp(cli->given[k].name, name) == 0 && i-- == 0)
			return cli->given[k].value;
	return NULL;
}

/* ---- --help ---- */

static void print_own(const struct cli_option *own)
{
	char shape[64];

	snprintf(shape, sizeof(shape), "--%s%s%s", own->name, own->value ? " " : "",
		own->value ? own->value : "");
	printf("      %-15s %s\n", shape, own->summary);
}

static void print_options(const struct cli_verb *verb)
{
	puts("\nOptions:");
	printf("  -c, --config FILE   the configuration (%s)\n", CLI_DEFAULT_CONFIG);
	puts("      --runtime DIR   where the sockets are "
	     "($RUNTIME_DIRECTORY, or " CLI_DEFAULT_RUNTIME ")");
	puts("      --state DIR     what outlives a restart (DIR/state "
	     "with --runtime DIR, else\n"
	     "                      $STATE_DIRECTORY, or " CLI_DEFAULT_STATE ")");
	if (!verb || verb->takes_json)
		puts("      --json          for programs");
	if (!verb || verb->takes_watch)
		puts("      --watch         redraws until interrupted");
	for (const struct cli_option *own = verb ? verb->options : NULL; own && own->name;
		own++)
		print_own(own);
	puts("  -v, --verbose       debug messages\n"
	     "  -h, --help          this text, or with a verb that verb's\n"
	     "      --version       the version");
}

static int print_help(const struct call *call)
{
	printf("Usage: %s VERB [OPTION]... [ARGUMENT]...\n%s\n\nVerbs:\n", call->program,
		call->purpose);
	for (const struct cli_verb *verb = call->verbs; verb->name; verb++) {
		char shape[64];

		snprintf(shape, sizeof(shape), "%s%s%s", verb->name, *verb->args ? " " : "",
			verb->args);
		printf("  %-20s %s\n", shape, verb->summary);
	}
	print_options(NULL);
	puts("\nExit status: 0 done, 1 failed, 2 wrong usage, "
	     "78 `run` on a bad configuration.");
	return EXIT_DONE;
}

static int print_verb_help(const struct call *call, const struct cli_verb *verb)
{
	printf("Usage: %s %s [OPTION]...%s%s\n%s\n", call->program, verb->name,
		*verb->args ? " " : "", verb->args, verb->summary);
	print_options(verb);
	return EXIT_DONE;
}

/* ---- parsing ---- */

/* Reports what getopt_long refused. `typed` is the argument that held it, unless that is a
 * cluster of short options with more to come. */
static int option_error(const struct call *call, int problem, const char *typed)
{
	char letter[] = {'-', (char)optopt, '\0'};
	bool is_long = strncmp(typed, "--", 2) == 0;

	if (problem == ':')
		return cli_usage_error(
			call, "option '%s' needs a value", is_long ? typed : letter);
	if (optopt >= OPT_RUNTIME || (optopt && strchr(CLI_SHORT_OPTIONS, optopt)))
		return cli_usage_error(call, "option '%s' takes no value", typed);
	if (optopt)
		return cli_usage_error(call, "unknown option '%s'", letter);

	const char *meant = closest_option(call, typed + 2);
	if (meant)
		return cli_usage_error(
			call, "unknown option '%s' (did you mean '--%s'?)", typed, meant);
	return cli_usage_error(call, "unknown option '%s'", typed);
}

static bool take_option(struct call *call, int option)
{
	switch (option) {
	case 'c':
		call->cli.config = optarg;
		break;
	case OPT_RUNTIME:
		call->cli.runtime_dir = optarg;
		break;
	case OPT_STATE:
		call->cli.state_dir = optarg;
		break;
	case OPT_JSON:
		call->cli.json = true;
		break;
	case OPT_WATCH:
		call->cli.watch = true;
		break;
	case 'v':
		call->cli.verbose = true;
		break;
	case 'V':
		call->version = true;
		break;
	case 'h':
		call->help = true;
		break;
	default:
		return take_own(&call->cli, call->own[option - OPT_OWN], optarg);
	}
	return true;
}

/* An optional value that stands behind its option as the next argument: getopt_long does not
 * look for it there. It continues at optind, so this moves it. */
static void take_next(const struct call *call, int option, int argc, char **argv)
{
	const struct cli_option *own = option >= OPT_OWN ? call->own[option - OPT_OWN] : NULL;

	if (own && own->is_value && !optarg && optind < argc && own->is_value(argv[optind]))
		optarg = argv[optind++];
}

static int parse_options(struct call *call, int argc, char **argv)
{
	int option;

	opterr = 0; /* our own words */
	optind = 0; /* glibc: resets getopt, for tests that call this more than once */
	while ((option = getopt_long(argc, argv, CLI_SHORT_OPTIONS, call->options, NULL)) !=
		-1) {
		const char *typed = argv[optind - 1];

		if (option == '?' || option == ':')
			return option_error(call, option, typed);
		if (optarg && !*optarg)
			return cli_usage_error(call, "option '%s' must not be empty",
				*typed ? typed : argv[optind - 2]);
		take_next(call, option, argc, argv);
		if (!take_option(call, option))
			return cli_usage_error(call, "there are too many options");
		optarg = NULL;
	}

	call->cli.args = argv + optind;
	call->cli.n_args = argc - optind;
	return 0;
}

/* ---- folders ---- */

/* The folder that the service manager made: the first one if it lists several
 * (systemd.exec(5)). */
static char *env_dir(const char *variable)
{
	const char *value = getenv(variable);

	if (!value || !*value || *value == ':')
		return NULL;
	return strndup(value, strcspn(value, ":"));
}

static void choose_dirs(struct call *call)
{
	struct cli *cli = &call->cli;

	if (!cli->state_dir) {
		call->state_owned = cli->runtime_dir ? cli_path(cli->runtime_dir, "state")
						     : env_dir("STATE_DIRECTORY");
		cli->state_dir = call->state_owned ? call->state_owned : CLI_DEFAULT_STATE;
	}
	if (!cli->runtime_dir) {
		call->runtime_owned = env_dir("RUNTIME_DIRECTORY");
		cli->runtime_dir = call->runtime_owned ? call->runtime_owned
						       : CLI_DEFAULT_RUNTIME;
	}
}

char *cli_path(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* ---- the verb ---- */

static const struct cli_verb *find_verb(const struct call *call, const char *name)
{
	const struct cli_verb *verb = call->verbs;

	while (verb->name && strcmp(verb->name, name) != 0)
		verb++;
	return verb->name ? verb : NULL;
}

static int check_verb(const struct call *call, const struct cli_verb *verb)
{
	const struct cli *cli = &call->cli;

	if (cli->json && !verb->takes_json)
		return cli_usage_error(call, "'%s' takes no --json", verb->name);
	if (cli->watch && !verb->takes_watch)
		return cli_usage_error(call, "'%s' takes no --watch", verb->name);
	for (int i = 0; i < cli->n_given; i++)
		if (!verb_takes(verb, cli->given[i].name))
			return cli_usage_error(
				call, "'%s' takes no --%s", verb->name, cli->given[i].name);
	if (cli->n_args > verb->n_args)
		return cli_usage_error(call, "'%s' does not know what to do with '%s'",
			verb->name, cli->args[verb->n_args]);
	if (cli->n_args < verb->n_args)
		return cli_usage_error(call, "'%s' needs %s", verb->name, verb->args);
	return 0;
}

static int run_verb(struct call *call)
{
	if (call->version) {
		printf("%s %s\n", call->program, MH_VERSION);
		return EXIT_DONE;
	}
	if (call->cli.n_args == 0)
		return call->help
			       ? print_help(call)
			       : cli_usage_error(call, "a verb is missing: what shall it do?");

	call->cli.verb = *call->cli.args++;
	call->cli.n_args--;
	const struct cli_verb *verb = find_verb(call, call->cli.verb);
	if (!verb) {
		const char *meant = closest_verb(call, call->cli.verb);

		return meant ? cli_usage_error(call, "unknown verb '%s' (did you mean '%s'?)",
				       call->cli.verb, meant)
			     : cli_usage_error(call, "unknown verb '%s'", call->cli.verb);
	}
	if (call->help)
		return print_verb_help(call, verb);

	int r = check_verb(call, verb);
	return r ? r : verb->run(&call->cli);
}

/* If a full disk or a closed pipe cut the output short, the verb has failed. */
static int finish_output(const struct call *call, int status)
{
	bool lost = ferror(stdout) != 0;

	if (fflush(stdout) != 0)
		lost = true;
	if (!lost || status != EXIT_DONE)
		return status;
	fprintf(stderr, "%s: cannot write the output: %s\n", call->program, strerror(errno));
	return EXIT_FAILED;
}

int cli_main(int argc, char **argv, const char *program, const char *purpose,
	const struct cli_verb *verbs)
{
	struct call call = {
		.program = program,
		.purpose = purpose,
		.verbs = verbs,
		.cli = {.config = CLI_DEFAULT_CONFIG},
	};

	collect_options(&call);
	int status = parse_options(&call, argc, argv);
	if (status == 0) {
		log_init(program, call.cli.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
		choose_dirs(&call);
		status = run_verb(&call);
		status = finish_output(&call, status);
	}
	free(call.runtime_owned);
	free(call.state_owned);
	return status;
}
