/* sitecheck.h - mistakes that only several values of site.yaml show together */
#pragma once

struct doc;
struct site;

/* Adds to the document's report. Values that were refused before are unset in `site`; nothing is
 * reported about them again. */
void site_check(struct doc *doc, const struct site *site);
