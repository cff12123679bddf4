/* cli.h - what both programs share of their command line: one verb, a few options, its folders
 *
 *     PROGRAM VERB [-c FILE] [--runtime DIR] [--state DIR] [--json] [--watch] [ARGUMENT...]
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
};

struct cli_verb {
	const char *name;
	const char *args;		   /* "ZONE", or "" */
	const char *summary;		   /* one line for --help */
	int (*run)(const struct cli *cli); /* returns the exit status */
	int n_args;
	bool takes_json;
	bool takes_watch;
};

/* Parses the arguments, prints --help or the usage error, else starts the log (-v: at debug)
 * and runs the verb. `verbs` ends with a NULL name. Returns the exit status, which is
 * EXIT_FAILED also where standard output could not be written. */
int cli_main(int argc, char **argv, const char *program, const char *purpose,
	const struct cli_verb *verbs);

/* "DIR/NAME", the path of a socket or a state file. The caller frees it; NULL without memory.
 */
char *cli_path(const char *dir, const char *name);
