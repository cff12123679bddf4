/* askall.c - many questions at once, for the verbs, which may wait
 *
 * An event loop of its own, in which ask.c does the work. Not for the daemon.
 */
#include "dnsd/client/askall.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct askall_how askall_default = {.udp_ms = 1500, .n_tries = 3, .tcp_ms = 5000};

struct crowd {
	struct event_base *base;
	const struct askall_how *how;
	struct question *questions;
	size_t n;
	size_t n_begun;
	size_t n_over;
	int err;
};

/* One of them while it is asked. */
struct asked {
	struct crowd *crowd;
	struct question *question;
	struct ask_how how;
};

static void begin_more(struct crowd *crowd);

static void keep_reply(struct question *question, const struct message *message)
{
	question->reply = malloc(message->len);
	if (!question->reply) {
		question->outcome = ASK_UNREACHABLE;
		snprintf(question->problem, sizeof(question->problem), "no memory");
		return;
	}
	memcpy(question->reply, message->bytes, message->len);
	question->message = *message;
	question->message.bytes = question->reply;
}

static void on_done(const struct ask_result *result, void *arg)
{
	struct asked *asked = arg;
	struct crowd *crowd = asked->crowd;
	struct question *question = asked->question;

	question->outcome = result->outcome;
	question->error = result->error;
	if (result->outcome == ASK_ANSWERED)
		keep_reply(question, &result->message);
	else
		ask_problem(&asked->how, result, question->problem, sizeof(question->problem));
	free(asked);
	crowd->n_over++;
	begin_more(crowd);
}

static int begin(struct crowd *crowd, struct question *question)
{
	uint8_t bytes[MESSAGE_QUERY_CAP];
	struct asked *asked = calloc(1, sizeof(*asked));
	struct ask *ask; /* known by its end alone */

	if (!asked)
		return -ENOMEM;
	*asked = (struct asked){
		.crowd = crowd,
		.question = question,
		.how =
			{
				.server = question->server,
				.tcp = question->tcp,
				.udp_ms = crowd->how->udp_ms,
				.n_tries = crowd->how->n_tries,
				.tcp_ms = crowd->how->tcp_ms,
				.done = on_done,
				.arg = asked,
			},
	};
	size_t len = message_write_query(
		bytes, ask_id(), question->name, question->type, question->recursive);
	int err = ask_start(crowd->base, &asked->how, bytes, len, &ask);
	if (err < 0)
		free(asked);
	return err;
}

static void begin_more(struct crowd *crowd)
{
	while (crowd->err == 0 && crowd->n_begun < crowd->n &&
		crowd->n_begun - crowd->n_over < ASKALL_PARALLEL) {
		crowd->err = begin(crowd, &crowd->questions[crowd->n_begun]);
		crowd->n_begun += crowd->err == 0;
	}
	if (crowd->n_over == crowd->n_begun)
		event_base_loopbreak(crowd->base);
}

int askall(const struct askall_how *how, struct question *questions, size_t n)
{
	struct crowd crowd = {
		.base = event_base_new(),
		.how = how,
		.questions = questions,
		.n = n,
	};

	if (!crowd.base)
		return -ENOMEM;
	begin_more(&crowd);
	if (crowd.n_begun > 0)
		event_base_dispatch(crowd.base);
	event_base_free(crowd.base);
	return crowd.err;
}

void questions_fini(struct question *questions, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(questions[i].reply);
		questions[i].reply = NULL;
	}
}
