/* netns.h - a network namespace of the test's own, so that no socket of it meets the machine's
 */
#pragma once

/* Moves the process into a fresh network namespace with loopback up. Without the privilege for
 * it the program ends with 77: skipped. To be called before any thread exists. */
void netns_enter(void);

/* Adds the address ("192.168.2.1/32", "2001:db8::1/128") to an interface of it, or takes it
 * away; IPv6 without duplicate detection. */
void netns_add(const char *interface, const char *address);
void netns_del(const char *interface, const char *address);

/* Runs lines of sh(1) in it; one that fails ends the program. */
void netns_run(const char *script);
