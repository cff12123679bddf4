/* askall.h - many questions at once, for the verbs, which may wait */
#pragma once
#include "dnsd/client/ask.h"

enum { ASKALL_PARALLEL = 32 };

/* What every question of a call has in common. */
struct askall_how {
	int udp_ms;
	int n_tries;
	int tcp_ms;
};

extern const struct askall_how askall_default;

struct question {
	struct endpoint server;
	uint8_t name[NAME_MAX_LEN];
	uint16_t type;
	bool recursive; /* RD */
	bool tcp;

	/* what came of it */
	enum ask_outcome outcome;
	int error;		/* ASK_UNREACHABLE: negative errno */
	char problem[128];	/* where there is no message */
	struct message message; /* ASK_ANSWERED; into `reply` */
	uint8_t *reply;		/* owned */
};

/* Asks them all, ASKALL_PARALLEL at a time, and returns when the last is through. -ENOMEM. */
int askall(const struct askall_how *how, struct question *questions, size_t n);

void questions_fini(struct question *questions, size_t n); /* what is in them */
