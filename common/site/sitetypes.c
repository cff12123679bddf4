/* sitetypes.c - readers of the kinds of value that several keys of site.yaml share
 *
 * Called through the tables of siteread.c and siteservices.c. Each reports a mistake at the
 * place of the value and leaves its output unset for the checks that follow.
 */
#include "common/site/sitetypes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/guess.h"
#include "common/net/family.h"
#include "common/site/sitevalue.h"
#include "common/site/uplinkset.h"
#include "common/site/value.h"

enum { MAX_PREFIXES = 4096 };

int site_line_of(const struct doc_place *at)
{
	return (int)at->node->start_mark.line + 1;
}

struct site *site_of_place(const struct doc_place *at)
{
	return at->doc->owner;
}

void site_read_name(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);

	(void)key;
	if (!text)
		return;
	if (!value_is_name(text, SITE_NAME_MAX))
		doc_error(at,
			"'%s' is not a name: at most %d letters, digits, "
			"'-' and '_', the first a letter or digit",
			doc_printable(text), SITE_NAME_MAX);
	snprintf(out, SITE_NAME_MAX + 1, "%s", text); /* others may refer to it even so */
}

void site_read_interface(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);

	(void)key;
	if (text && !value_is_interface(text))
		doc_error(at,
			"'%s' is not an interface name (1 to 15 of A-Z a-z 0-9 . _ : @ -)",
			doc_printable(text));
	else if (text)
		snprintf(out, IFNAMSIZ, "%s", text);
}

/* The prefix that was probably meant, if bits beyond its length are set. */
static const char *masked(const char *text)
{
	char host[ADDR_STR_LEN];
	struct addr addr = {0};

	snprintf(host, sizeof(host), "%.*s", (int)strcspn(text, "/"), text);
	(void)addr_parse(host, &addr);
	struct prefix prefix = prefix_of(
		&addr, (unsigned int)strtoul(strchr(text, '/') + 1, NULL, 10));
	return prefix_str(&prefix);
}

static void prefix_read(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);

	(void)key;
	if (!text)
		return;
	int err = prefix_parse(text, out);
	if (err == -ERANGE)
		doc_error(at, "%s has bits set beyond its length (did you mean %s?)", text,
			masked(text));
	else if (err < 0)
		doc_error(at, "'%s' is not an address or prefix", doc_printable(text));
}

/* May the address take the place of its family? `want` is 0 or the only family allowed. */
static bool check_place(const struct doc_place *at, int want, const struct addr *addr,
	const struct addr *taken)
{
	const char *version = addr->family == AF_INET ? "IPv4" : "IPv6";

	if (want && want != addr->family)
		doc_error(at, "%s is an %s address: this key takes the other family",
			doc_text(at), version);
	else if (site_addr_fault(addr))
		doc_error(at, "%s %s", doc_text(at), site_addr_fault(addr));
	else if (addr_is_set(taken))
		doc_error(at, "%s is a second %s address: one of each family at most",
			doc_text(at), version);
	else
		return true;
	return false;
}

static void read_address(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct addr *families = out;
	const char *text = doc_text(at);
	struct addr addr = {0};

	if (!text)
		return;
	if (addr_parse(text, &addr) < 0) {
		doc_error(at, "'%s' is not an IP address%s", doc_printable(text),
			strchr(text, '/') ? " (no prefix length here)" : "");
		return;
	}
	if (check_place(at, key->family, &addr, &families[family_of(addr.family)]))
		families[family_of(addr.family)] = addr;
}

static void read_within(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct prefix *families = out;
	struct prefix prefix = {0};

	prefix_read(at, key, &prefix);
	if (!addr_is_set(&prefix.addr))
		return;
	if (prefix.len == 0) {
		doc_error(at, "%s holds every address: leave the key out instead",
			prefix_str(&prefix));
		return;
	}
	if (check_place(at, key->family, &prefix.addr,
		    &families[family_of(prefix.addr.family)].addr))
		families[family_of(prefix.addr.family)] = prefix;
}

static void each_of_list(
	const struct doc_place *at, const struct schema_key *key, void *out, schema_read *read)
{
	if (!doc_is_list(at)) {
		read(at, key, out);
		return;
	}
	if (doc_n_items(at) == 0)
		doc_error(at, "is an empty list: leave the key out instead");
	for (size_t i = 0; i < doc_n_items(at); i++) {
		struct doc_place item = doc_item(at, i);

		read(&item, key, out);
	}
}

void site_read_address(const struct doc_place *at, const struct schema_key *key, void *out)
{
	each_of_list(at, key, out, read_address);
}

void site_read_within(const struct doc_place *at, const struct schema_key *key, void *out)
{
	each_of_list(at, key, out, read_within);
}

void site_read_prefixes(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_prefixes *prefixes = out;
	void *items = NULL;

	if (doc_is_list(at) && doc_n_items(at) == 0)
		doc_error(at, "is an empty list: leave the key out instead");
	schema_one_or_list(at, key->n_max ? key->n_max : MAX_PREFIXES, sizeof(struct prefix),
		prefix_read, &items, &prefixes->n);
	prefixes->items = items;
	for (size_t i = 0; i < prefixes->n; i++)
		if (key->family == AF_INET6 && prefixes->items[i].addr.family == AF_INET)
			doc_error(at, "%s is IPv4: this key takes IPv6 prefixes",
				prefix_str(&prefixes->items[i]));
}

int site_read_uplink_ref(const struct doc_place *at, const char *text)
{
	const struct site *site = site_of_place(at);
	int i = site_find_uplink(site, text);

	if (i >= 0)
		return i;

	struct guess guess = guess_of(text);
	for (size_t j = 0; j < site->n_uplinks; j++)
		guess_offer(&guess, site->uplinks[j].name);
	if (guess.best)
		doc_error(at, "there is no uplink '%s' (did you mean '%s'?)",
			doc_printable(text), guess.best);
	else
		doc_error(at, "there is no uplink '%s'", doc_printable(text));
	return -1;
}

size_t site_read_uplink_list(const struct doc_place *at, uint8_t ret_list[SITE_MAX_UPLINKS])
{
	uint32_t seen = 0;
	size_t n = 0;

	if (!doc_is_list(at) || doc_n_items(at) == 0) {
		doc_error(at, "must be a list of uplinks, as in [isp-a]");
		return 0;
	}
	for (size_t i = 0; i < doc_n_items(at); i++) {
		struct doc_place item = doc_item(at, i);
		const char *text = doc_text(&item);
		int uplink = text ? site_read_uplink_ref(&item, text) : -1;

		if (uplink < 0)
			continue;
		if (uplinkset_has(seen, (size_t)uplink)) {
			doc_error(&item, "uplink '%s' is listed twice", text);
			continue;
		}
		uplinkset_add(&seen, (size_t)uplink);
		ret_list[n++] = (uint8_t)uplink;
	}
	return n;
}
