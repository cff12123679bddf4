/* speaker.h - a control socket that says what a test tells it to, in the test's own event loop
 *
 * Plays the daemon that is followed: it listens, takes connections when told to, speaks and
 * hangs up. The follower runs in the same loop, which `speaker_turn_until` turns.
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

/* Begins to listen; the socket's file is there from then on, and stays when it ends, as after
 * kill -9. */
void speaker_listen(struct speaker *speaker);
void speaker_end(struct speaker *speaker);

/* Waits for the next connection and for its request, which must be `request`. */
void speaker_accept(struct speaker *speaker, const char *request);
void speaker_hang_up(struct speaker *speaker);

/* As much as the other side takes, turning the loop. False if it has hung up. */
bool speaker_say(struct speaker *speaker, const char *text, size_t len);

/* Has the follower hung up? */
bool speaker_is_left(struct speaker *speaker);

/* Turns the loop until it holds, or fails the test after some seconds. */
typedef bool speaker_condition(void *arg);
void speaker_turn_until(struct speaker *speaker, speaker_condition *holds, void *arg);
void speaker_turn_ms(struct speaker *speaker, int ms);
