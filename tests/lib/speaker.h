/* speaker.h - a control socket that sends what a test gives it, in the test's own event loop
 *
 * It plays the daemon that is followed: it listens, accepts connections when told to, sends and
 * hangs up. The subscriber runs in the same loop, which `speaker_turn_until` runs.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct event_base;

struct speaker {
	struct event_base *base;
	char dir[64];
	char path[128];
	int listener; /* -1: not there */
	int client;   /* -1: none */
};

void speaker_init(struct speaker *speaker, struct event_base *base);
void speaker_fini(struct speaker *speaker);

/* Begins to listen, and ends. The socket's file stays at the end, as after kill -9. */
void speaker_listen(struct speaker *speaker);
void speaker_end(struct speaker *speaker);

/* Waits for the next connection and for its request, which must be `request`. */
void speaker_accept(struct speaker *speaker, const char *request);
void speaker_hang_up(struct speaker *speaker);

/* Sends all of it while the loop runs. False if the other side has hung up. */
bool speaker_say(struct speaker *speaker, const char *text, size_t len);

/* Has the subscriber hung up? */
bool speaker_is_left(struct speaker *speaker);

/* Runs the loop until the condition holds. After some seconds the test fails. */
typedef bool speaker_condition(void *arg);
void speaker_turn_until(struct speaker *speaker, speaker_condition *holds, void *arg);
void speaker_turn_ms(struct speaker *speaker, int ms);
