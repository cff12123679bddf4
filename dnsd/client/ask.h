/* ask.h - one question to one DNS server, without waiting for the answer
 *
 * Over UDP, repeated, and over TCP where the response is truncated or in doubt. Runs in the
 * event loop of `run`, and in one of their own for the verbs.
 */
#pragma once
#include "common/net/addr.h"
#include "dnsd/wire/message.h"

struct ask; /* opaque, see ask.c */
struct event_base;

struct endpoint {
	struct addr addr;
	uint16_t port;
};

enum { ENDPOINT_STR_LEN = ADDR_STR_LEN + 8 };

/* "192.0.2.53", "192.0.2.53:5353", "[2001:db8::53]:5353": with the port where it is not 53.
 * `out` is returned. */
const char *endpoint_str(const struct endpoint *endpoint, char out[ENDPOINT_STR_LEN]);

enum ask_outcome {
	ASK_ANSWERED,
	ASK_TIMEOUT,	 /* no response to our question came */
	ASK_UNREACHABLE, /* an error of the kernel or the network: `error` */
	ASK_MALFORMED,	 /* the message over TCP is no response to our question */
};

struct ask_result {
	enum ask_outcome outcome;
	int error; /* negative errno */
	bool by_tcp;
	bool is_doubtful;	/* `check` said ASK_DOUBT, and TCP brought nothing better */
	struct message message; /* ASK_ANSWERED: valid during the callback */
};

/* The verdict of `check` on a response that belongs to the question. */
enum ask_verdict {
	ASK_TAKE,
	ASK_DOUBT, /* it may be forged: over UDP, ask again by TCP before it counts */
};

typedef enum ask_verdict ask_check_fn(const struct message *response, void *arg);
typedef void ask_done_fn(const struct ask_result *result, void *arg);

struct ask_how {
	struct endpoint server;
	bool tcp;	     /* from the beginning */
	bool keep_truncated; /* a truncated response is the answer too */
	int udp_ms;	     /* for each try */
	int n_tries;
	int tcp_ms;	     /* for all of it */
	ask_check_fn *check; /* NULL: all are taken */
	ask_done_fn *done;
	void *arg;
};

/* Sends `query`, a message of at most MESSAGE_QUERY_CAP octets, which is copied. `done` is
 * called once from the event loop, never from here; the ask is gone when it is called.
 * -ENOMEM. */
int ask_start(struct event_base *base, const struct ask_how *how, const uint8_t *query,
	size_t len, struct ask **ret_ask);

/* Without calling `done`. NULL is fine. */
void ask_cancel(struct ask *ask);

/* "no answer within 4.5 s", "cannot be reached: Network is unreachable", ...: why there is no
 * message. `out` is returned. */
const char *ask_problem(
	const struct ask_how *how, const struct ask_result *result, char *out, size_t cap);

/* An ID that cannot be guessed. */
uint16_t ask_id(void);
