/* netns.h - a network namespace for one test, so that its sockets never meet the machine's */
#pragma once

/* Moves the process into a new network namespace with loopback up. Without the privilege, the
 * program ends with 77: skipped. Call it before any thread exists. */
void netns_enter(void);

/* Adds the address ("192.168.2.1/32", "2001:db8::1/128") to an interface, or removes it. IPv6
 * without duplicate address detection. */
void netns_add(const char *interface, const char *address);
void netns_del(const char *interface, const char *address);

/* Runs lines of sh(1) in the namespace. A line that fails ends the program. */
void netns_run(const char *script);
