/* serving.h - real sockets that serve the fixture's answers, and clients for them
 *
 * For tests of udp.c, tcp.c and sockets.c, in a network namespace of their own (netns.h).
 */
#pragma once
#include "dnsd/serve/view.h"
#include "tests/lib/fixture.h"

/* A view with the fixture's answers. The caller owns it: view_free(). */
struct view *serving_view(struct fixture *f, const char *name);
struct answers *serving_answers(struct fixture *f, const char *name);

struct addr serving_addr(const char *text);

/* A socket connected to ADDRESS port 53. Receiving gives up after 5 s. */
int serving_connect(int type, const char *address);

/* Sends the query; over TCP with its length in front. */
void serving_send(int fd, const struct packet *query, bool tcp);

/* Receives one response. Returns its length, 0 at the end of a TCP connection, -1 if no
 * response came in time. */
long serving_receive(int fd, uint8_t *bytes, size_t cap, bool tcp);

/* Asks over UDP and decodes into f->reply. */
void serving_ask(struct fixture *f, const char *address, const char *name, uint16_t type);
