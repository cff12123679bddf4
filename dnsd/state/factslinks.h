/* factslinks.h - from links to facts: the state of the site that the answers are made of
 *
 * Pure: values in, values out. follow.c calls it after each change of a link; the verbs
 * `check` and `delegation` call it once.
 */
#pragma once
#include "common/net/links.h"
#include "common/site/site.h"
#include "dnsd/state/facts.h"

/* The links that site.yaml names, as the mirror has them now; NULL where there is none.
 * Borrowed from the mirror: valid until the next wake-up of the event loop. */
struct site_links {
	const struct link *uplinks[SITE_MAX_UPLINKS]; /* as site->uplinks */
	const struct link **lan;		      /* as site->lan */
};

/* -ENOMEM. */
int site_links_find(
	const struct site *site, const struct links *links, struct site_links *ret_links);
void site_links_fini(struct site_links *links);

/* The uplink's own address by site.yaml and the link (NULL: none); unset: none. */
struct addr facts_own_addr(
	const struct site_uplink *uplink, const struct link *link, enum site_family family);

/* `ret_facts` is the caller's, to end with facts_fini. -ENOMEM. */
int facts_from_links(
	const struct site *site, const struct site_links *links, struct facts *ret_facts);

/* Facts to check a configuration without a kernel: all uplinks are up. Addresses that site.yaml
 * does not give are made up; IPv6 only where site.yaml mentions it. */
int facts_example(const struct site *site, struct facts *ret_facts);

/* Up or down, by link and address alone. */
enum uplink_state facts_link_state(const struct site_uplink *uplink, const struct link *link);

enum { FACTS_WHY_MAX = 128 };

/* Why the uplink is in its state, for people: "no carrier on wan-a". `out` is returned. */
const char *facts_link_why(
	const struct site_uplink *uplink, const struct link *link, char *out, size_t cap);
