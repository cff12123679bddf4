/* parentowned.c - the addresses in parents' zones that dnsd knows to be ours, kept over restarts
 *
 *     {"addresses": [{"name": "www-ns1.example.com.", "address": "192.168.2.1",
 *                     "uplink": "isp-a", "seen": true}]}
 *
 * One flat list, the latest last; parentzone.c asks by name and family. An address is recorded
 * before it is sent, so that a crash in between does not make it foreign, and again when it is
 * seen at the primary. The file is our own, but people edit files: entries that make no sense
 * are left out.
 */
#include "dnsd/parent/parentowned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/net/family.h"
#include "common/statefile.h"

enum { OWNED_MAX = 16384 /* entries: what 512 zones may have; the oldest go */ };

struct entry {
	uint8_t name[NAME_MAX_LEN];
	struct parent_addr addr;
	bool is_seen;
};

struct parentowned {
	char *path;
	struct entry *entries;
	size_t n;
	size_t cap;
	bool is_changed;
};

static bool entry_matches(const struct entry *entry, const uint8_t *name, int family)
{
	return entry->addr.addr.family == family && name_eq(entry->name, name);
}

static void entry_drop(struct parentowned *owned, size_t i)
{
	memmove(&owned->entries[i], &owned->entries[i + 1],
		(owned->n - i - 1) * sizeof(owned->entries[0]));
	owned->n--;
}

static int entry_append(struct parentowned *owned, const uint8_t *name,
	const struct parent_addr *addr, bool is_seen)
{
	if (owned->n == OWNED_MAX)
		entry_drop(owned, 0);
	if (owned->n == owned->cap) {
		size_t cap = 2 * owned->cap + 16;
		void *more = reallocarray(owned->entries, cap, sizeof(owned->entries[0]));

		if (!more)
			return -ENOMEM;
		owned->entries = more;
		owned->cap = cap;
	}
	struct entry *entry = &owned->entries[owned->n++];
	memset(entry, 0, sizeof(*entry));
	memcpy(entry->name, name, name_len(name));
	entry->addr = *addr;
	entry->is_seen = is_seen;
	return 0;
}

/* Drops the oldest address of the name if there are too many. */
static void entry_make_room(struct parentowned *owned, const uint8_t *name, int family)
{
	size_t oldest = owned->n;
	size_t n = 0;

	for (size_t i = owned->n; i-- > 0;)
		if (entry_matches(&owned->entries[i], name, family)) {
			oldest = i;
			n++;
		}
	if (n >= PARENT_MAX_OWNED)
		entry_drop(owned, oldest);
}

/* ---- the file ---- */

static void owned_read_entry(struct parentowned *owned, const json_t *object)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	const char *address = json_string_value(json_object_get(object, "address"));
	const char *uplink = json_string_value(json_object_get(object, "uplink"));
	struct parent_addr addr = {0};
	uint8_t wire[NAME_MAX_LEN];
	size_t len;

	if (!name || !address || name_from_str(name, wire, &len) < 0 ||
		addr_parse(address, &addr.addr) < 0)
		return;
	if (uplink && strlen(uplink) <= SITE_NAME_MAX)
		memcpy(addr.uplink, uplink, strlen(uplink));
	entry_make_room(owned, wire, addr.addr.family);
	entry_append(owned, wire, &addr, json_is_true(json_object_get(object, "seen")));
}

static void owned_read_file(struct parentowned *owned)
{
	json_error_t error = {0};
	const char *problem = error.text;
	struct file file = {0};
	int err = file_read(owned->path, FILE_STATE_MAX, FILE_REGULAR, &file, &problem);
	json_t *root = err == 0 ? json_loadb(
					  file.text, file.len, JSON_REJECT_DUPLICATES, &error)
				: NULL;
	const json_t *list = json_object_get(root, "addresses");

	free(file.text);
	if (!root && err != -ENOENT)
		log_warning("parent",
			"%s: %s; it is taken for empty, so an old address of ours at the parent "
			"may be taken for a foreign one",
			owned->path, problem);
	for (size_t i = 0; i < json_array_size(list) && i < OWNED_MAX; i++)
		owned_read_entry(owned, json_array_get(list, i));
	json_decref(root);
}

static char *owned_file_text(const struct parentowned *owned)
{
	json_t *list = json_array();

	for (size_t i = 0; i < owned->n; i++) {
		char name[NAME_STR_LEN];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:b}", "name",
				      name_str(owned->entries[i].name, name), "address",
				      addr_str(&owned->entries[i].addr.addr), "uplink",
				      owned->entries[i].addr.uplink, "seen",
				      (int)owned->entries[i].is_seen));
	}
	json_t *root = json_pack("{s:o}", "addresses", list);
	char *text = json_dumps(root, JSON_INDENT(1));
	json_decref(root);
	return text;
}

void parentowned_write(struct parentowned *owned)
{
	if (!owned->is_changed)
		return;

	AUTO(freep) char *text = owned_file_text(owned);
	int err = text ? statefile_write(owned->path, text, strlen(text), 0) : -ENOMEM;

	owned->is_changed = err < 0;
	if (err < 0)
		log_error(err, "parent", "cannot write %s: tried again with the next change",
			owned->path);
}

void parentowned_save(struct parentowned *owned, parentowned_used_fn *is_used, void *arg)
{
	if (!owned->is_changed)
		return;
	for (size_t i = owned->n; i-- > 0;)
		if (!is_used(owned->entries[i].name, arg))
			entry_drop(owned, i);
	parentowned_write(owned);
}

/* ---- look-ups and additions ---- */

int parentowned_new(const char *path, struct parentowned **ret_owned)
{
	struct parentowned *owned = calloc(1, sizeof(*owned));

	if (!owned)
		return -ENOMEM;
	owned->path = strdup(path);
	if (!owned->path) {
		free(owned);
		return -ENOMEM;
	}
	owned_read_file(owned);
	*ret_owned = owned;
	return 0;
}

void parentowned_free(struct parentowned *owned)
{
	if (!owned)
		return;
	free(owned->path);
	free(owned->entries);
	free(owned);
}

void parentowned_get(const struct parentowned *owned, const uint8_t *name,
	enum site_family family, struct parent_owned *ret_known)
{
	int af = family_af(family);

	*ret_known = (struct parent_owned){0};
	for (size_t i = 0; i < owned->n && ret_known->n < PARENT_MAX_OWNED; i++) {
		if (!entry_matches(&owned->entries[i], name, af))
			continue;
		ret_known->items[ret_known->n++] = owned->entries[i].addr;
		ret_known->was_right |= owned->entries[i].is_seen;
	}
}

void parentowned_add(struct parentowned *owned, const uint8_t *name,
	const struct parent_addr *addr, bool is_seen)
{
	for (size_t i = 0; i < owned->n; i++) {
		const struct entry *entry = &owned->entries[i];

		if (!entry_matches(entry, name, addr->addr.family) ||
			!addr_eq(&entry->addr.addr, &addr->addr))
			continue;
		if (strcmp(entry->addr.uplink, addr->uplink) == 0 &&
			(entry->is_seen || !is_seen))
			return;
		is_seen |= entry->is_seen;
		entry_drop(owned, i);
		break;
	}
	entry_make_room(owned, name, addr->addr.family);
	if (entry_append(owned, name, addr, is_seen) == 0)
		owned->is_changed = true;
}
