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

	/* the result */
	enum ask_outcome outcome;
	int error;		/* ASK_UNREACHABLE: negative errno */
	char problem[128];	/* where there is no message */
	struct message message; /* ASK_ANSWERED; into `reply` */
	uint8_t *reply;		/* owned */
};

/* Asks all of them, ASKALL_PARALLEL at a time, and returns after the last. -ENOMEM. */
int askall(const struct askall_how *how, struct question *questions, size_t n);

/* Frees what the questions own, not the array. */
void questions_fini(struct question *questions, size_t n);
