/* sysctl.h - reads and writes kernel settings below /proc/sys, and remembers what was there
 *
 * Before a setting is changed for the first time, what was found is written to a file, so that
 * `flush` can put it back, also after a crash. Forwarding is never switched off again: others
 * may rely on it by now.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct kernel;
struct kernel_sysctl;
struct sysctl_store; /* opaque, see sysctl.c */

/* `state` is the path of the file; NULL: nothing is remembered, one can only read. A file that
 * cannot be understood is set aside (".bad"), and that is logged. -ENOMEM, logged. */
int sysctl_store_new(const char *state, struct sysctl_store **ret_store);
void sysctl_store_free(struct sysctl_store *store);

/* The value of one setting ("net/ipv4/ip_forward"). Negative errno, not logged. */
int sysctl_read(const char *path, long *ret_value);

/* Appends to `actual` what is there now of each setting that `wanted` names; LONG_MIN where it
 * cannot be read. */
void sysctl_read_all(const struct kernel *wanted, struct kernel *actual);

/* Sets it to `sysctl->value`. Negative errno, not logged; that what was there cannot be
 * remembered is logged, and no failure. */
int sysctl_write(struct sysctl_store *store, const struct kernel_sysctl *sysctl);

/* Did we set it, and does it still have that value? */
bool sysctl_is_ours(struct sysctl_store *store, const char *path);

/* Puts back what was found, where our value still stands; other values are a later
 * will. Removes the file. Logs each, returns how many could not be put back. */
size_t sysctl_restore(struct sysctl_store *store);
