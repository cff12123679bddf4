/* cli.h - what both programs share of their command line: one verb, a few options, its folders
 *
 *     PROGRAM VERB [-c FILE] [--runtime DIR] [--state DIR] [--json] [--watch] [ARGUMENT...]
 *
 * A verb may have options of its own besides; verbs that share one describe it alike.
 */
#pragma once
#include <stdbool.h>

enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_BAD_CONFIG = 78, /* EX_CONFIG of sysexits.h */
};

#define CLI_DEFAULT_CONFIG "/etc/multihomed/site.yaml"

enum {
	CLI_MAX_OWN = 16,   /* options of all verbs of a program, each counted once */
	CLI_MAX_GIVEN = 48, /* on one command line; a repeated option counts each time */
};

/* An option that some verbs know and others refuse. */
struct cli_option {
	const char *name;    /* "format", without the dashes */
	const char *value;   /* "NAME", what stands for the value in --help; NULL: takes none;
				"NAME...": it may be given several times, and all count */
	const char *summary; /* for --help */

	/* Set: the value is optional. `--name=VALUE` always gives it; the next argument is
	 * taken as the value only if this returns true for it. */
	bool (*is_value)(const char *text);
};

struct cli_given {
	const char *name;
	const char *value; /* "" where the option takes none */
};

struct cli {
	const char *verb;
	const char *config;
	const char *runtime_dir; /* sockets: --runtime, $RUNTIME_DIRECTORY, /run/multihomed */
	const char *state_dir;	 /* --state, `state` below --runtime, $STATE_DIRECTORY,
				    /var/lib/multihomed; need not exist yet */
	bool json;
	bool watch;
	bool verbose; /* -v: debug messages */
	char **args;  /* after the verb */
	int n_args;
	struct cli_given given[CLI_MAX_GIVEN]; /* the verb's own options: see cli_option */
	int n_given;
};

struct cli_verb {
	const char *name;
	const char *args;		   /* "ZONE", or "" */
	const char *summary;		   /* one line for --help */
	int (*run)(const struct cli *cli); /* returns the exit status */
	int n_args;
	bool takes_json;
	bool takes_watch;
	const struct cli_option *options; /* ends with a NULL name; NULL: none of its own */
};

/* Parses the arguments, prints --help or the usage error, else starts the log (-v: at debug)
 * and runs the verb. `verbs` ends with a NULL name. Returns the exit status: EXIT_FAILED also
 * if standard output could not be written. */
int cli_main(int argc, char **argv, const char *program, const char *purpose,
	const struct cli_verb *verbs);

/* The value of an option of the verb. "" if the option takes none or its value was left out;
 * NULL if the option was not given. If it was given twice, the last value counts. */
const char *cli_option(const struct cli *cli, const char *name);

/* The i-th value of an option that repeats, from 0; NULL when there are no more. */
const char *cli_option_at(const struct cli *cli, const char *name, int i);

/* "DIR/NAME", the path of a socket or a state file. The caller frees it; NULL without memory.
 */
char *cli_path(const char *dir, const char *name);
