/* probekind.h - the kinds of probes: how each is sent, and what counts as its answer
 *
 * Part of probe.h. Each kind of site.yaml has a row in the table of probekind.c; probe.c, which
 * has the event loop and the target's state, knows no kind by name.
 */
#pragma once
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/site/site.h"
#include "routed/uplink/probesock.h"
#include "routed/uplink/target.h"

struct probe; /* probe.c: the edge of one target */

/* What is needed to recognise the answer to one probe. */
struct probe_flight {
	uint32_t seq; /* 0: none was sent yet */
	uint64_t cookie;
	int64_t sent_wall_us;
};

/* What is asked, of whom, and over which uplink. */
struct probe_question {
	const struct site_probe *config;
	struct probesock_path path; /* the target's address is set, the rest may be missing */
	uint16_t id; /* one per target: tells our raw echo replies from others' */
	const struct probe_flight *flights; /* TARGET_FLIGHTS of them, by seq modulo */
};

struct probe_socket {
	int fd;	      /* -1: closed */
	uint32_t seq; /* the last probe that it sent */
	bool raw;     /* icmp: see probewire_echo_read */
	struct event event;
	struct probe *probe;
};

enum probe_result { PROBE_NO_ANSWER, PROBE_ANSWERED, PROBE_FAILED };

struct probe_answer {
	enum probe_result result;
	uint32_t seq;
	int64_t received_wall_us; /* by the kernel; 0: just now */
};

/* One kind. Functions return 0 or a negative errno, and log nothing. */
struct probe_kind {
	/* Each probe has a socket of its own, which ends with its answer. Otherwise all probes
	 * of a target share one socket. */
	bool has_socket_per_probe;

	/* EV_READ or EV_WRITE: what the socket becomes when there may be an answer. */
	short answer_event;

	/* A non-blocking socket, tied to the uplink. Sets fd. */
	int (*open)(struct probe_socket *socket, const struct probe_question *question);

	int (*send)(const struct probe_socket *socket, const struct probe_question *question,
		const struct probe_flight *flight);

	/* Takes one message, or the end of one attempt. -EAGAIN: there is nothing. What does
	 * not belong to any of `flights` is PROBE_NO_ANSWER. */
	int (*read)(const struct probe_socket *socket, const struct probe_question *question,
		struct probe_answer *ret_answer);
};

const struct probe_kind *probe_kind(enum site_probe_kind kind);
