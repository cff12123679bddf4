/* siteprobe.h - the kinds of probes: their text in site.yaml, and which two are the same
 *
 * A kind is a row of SITE_PROBE_KINDS (site.h). Each table that is made of that list, here and
 * in routed, names one function per kind and column: a kind that lacks one does not compile.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "common/site/site.h"

enum { SITE_PROBE_STR_LEN = 384 /* "dns", an address and a name */ };

/* "icmp ADDR|gateway", "tcp ADDR PORT", "dns ADDR [NAME]". Returns NULL, or the mistake in
 * words that follow the quoted text, valid until the next call of the thread.
 * site_probe_fini() frees. */
const char *site_probe_parse(const char *text, struct site_probe *ret_probe);

/* The same backwards, as an operator would write it. Returns `out`. */
const char *site_probe_str(const struct site_probe *probe, char out[SITE_PROBE_STR_LEN]);

/* Where it goes, for messages: "the gateway", "192.0.2.1", "192.0.2.1:443", "192.0.2.53
 * (dns)". Returns `out`. */
const char *site_probe_target_str(
	const struct site_probe *probe, char out[SITE_PROBE_STR_LEN]);

/* Would both ask the same of the same host? The line in site.yaml does not count. */
bool site_probe_eq(const struct site_probe *a, const struct site_probe *b);

/* A copy that outlives the site. 0 or -ENOMEM. */
int site_probe_copy(const struct site_probe *probe, struct site_probe *ret_copy);
void site_probe_fini(struct site_probe *probe);
