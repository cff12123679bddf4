/* sitecheck.h - what no single value of site.yaml can tell: contradictions, and traps */
#pragma once
#include "common/doc.h"
#include "common/site.h"

/* Adds to the document's report. Values that were refused before are unset in `site` and not
 * complained about again. */
void site_check(const struct doc *doc, const struct site *site);
