/* parentmemory.c - the addresses that are known to be ours in parents' zones, kept over
 * restarts
 *
 *     {"addresses": [{"name": "www-ns1.example.com.", "address": "192.168.2.1",
 *                     "uplink": "isp-a", "seen": true}]}
 *
 * One flat list, the latest last; parentzone.c asks by name and family. An address is put down
 * before it is sent, so that a crash in between does not make it a stranger's, and once more
 * when it is seen at the primary. The file is our own, but people edit files: whatever does
 * not make sense in it is left out.
 */
#include "dnsd/parent/parentmemory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/net/family.h"
#include "common/statefile.h"

enum { MEMORY_MAX = 16384 /* entries: what 512 zones may have; the oldest go */ };

struct entry {
	uint8_t name[NAME_MAX_LEN];
	struct parent_addr addr;
	bool is_seen;
};

struct parentmemory {
	char *path;
	struct entry *entries;
	size_t n;
	size_t cap;
	bool is_changed;
};

static bool is_of(const struct entry *entry, const uint8_t *name, int family)
{
	return entry->addr.addr.family == family && name_eq(entry->name, name);
}

static void drop(struct parentmemory *memory, size_t i)
{
	memmove(&memory->entries[i], &memory->entries[i + 1],
		(memory->n - i - 1) * sizeof(memory->entries[0]));
	memory->n--;
}

static int append(struct parentmemory *memory, const uint8_t *name,
	const struct parent_addr *addr, bool is_seen)
{
	if (memory->n == MEMORY_MAX)
		drop(memory, 0);
	if (memory->n == memory->cap) {
		size_t cap = 2 * memory->cap + 16;
		void *more = reallocarray(memory->entries, cap, sizeof(memory->entries[0]));

		if (!more)
			return -ENOMEM;
		memory->entries = more;
		memory->cap = cap;
	}
	struct entry *entry = &memory->entries[memory->n++];
	memset(entry, 0, sizeof(*entry));
	memcpy(entry->name, name, name_len(name));
	entry->addr = *addr;
	entry->is_seen = is_seen;
	return 0;
}

/* One address of the name goes: the oldest that there is, if there are too many. */
static void make_room(struct parentmemory *memory, const uint8_t *name, int family)
{
	size_t oldest = memory->n;
	size_t n = 0;

	for (size_t i = memory->n; i-- > 0;)
		if (is_of(&memory->entries[i], name, family)) {
			oldest = i;
			n++;
		}
	if (n >= PARENT_MAX_MEMORY)
		drop(memory, oldest);
}

/* ---- the file ---- */

static void read_entry(struct parentmemory *memory, const json_t *object)
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
	make_room(memory, wire, addr.addr.family);
	append(memory, wire, &addr, json_is_true(json_object_get(object, "seen")));
}

static void read_file(struct parentmemory *memory)
{
	json_error_t error = {0};
	const char *problem = error.text;
	struct file file = {0};
	int err = file_read(memory->path, FILE_STATE_MAX, FILE_REGULAR, &file, &problem);
	json_t *root = err == 0 ? json_loadb(
					  file.text, file.len, JSON_REJECT_DUPLICATES, &error)
				: NULL;
	const json_t *list = json_object_get(root, "addresses");

	free(file.text);
	if (!root && err != -ENOENT)
		log_warning("parent",
			"%s: %s; it is taken for empty, so that an old address of ours at the "
			"parent may be taken for somebody else's",
			memory->path, problem);
	for (size_t i = 0; i < json_array_size(list) && i < MEMORY_MAX; i++)
		read_entry(memory, json_array_get(list, i));
	json_decref(root);
}

static char *file_text(const struct parentmemory *memory)
{
	json_t *list = json_array();

	for (size_t i = 0; i < memory->n; i++) {
		char name[NAME_STR_LEN];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:b}", "name",
				      name_str(memory->entries[i].name, name), "address",
				      addr_str(&memory->entries[i].addr.addr), "uplink",
				      memory->entries[i].addr.uplink, "seen",
				      (int)memory->entries[i].is_seen));
	}
	json_t *root = json_pack("{s:o}", "addresses", list);
	char *text = json_dumps(root, JSON_INDENT(1));
	json_decref(root);
	return text;
}

void parentmemory_write(struct parentmemory *memory)
{
	if (!memory->is_changed)
		return;

	AUTO(freep) char *text = file_text(memory);
	int err = text ? statefile_write(memory->path, text, strlen(text), 0) : -ENOMEM;

	memory->is_changed = err < 0;
	if (err < 0)
		log_error(err, "parent", "cannot write %s: tried again with the next change",
			memory->path);
}

void parentmemory_save(struct parentmemory *memory, parentmemory_used_fn *is_used, void *arg)
{
	if (!memory->is_changed)
		return;
	for (size_t i = memory->n; i-- > 0;)
		if (!is_used(memory->entries[i].name, arg))
			drop(memory, i);
	parentmemory_write(memory);
}

/* ---- asking and telling ---- */

int parentmemory_new(const char *path, struct parentmemory **ret_memory)
{
	struct parentmemory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return -ENOMEM;
	memory->path = strdup(path);
	if (!memory->path) {
		free(memory);
		return -ENOMEM;
	}
	read_file(memory);
	*ret_memory = memory;
	return 0;
}

void parentmemory_free(struct parentmemory *memory)
{
	if (!memory)
		return;
	free(memory->path);
	free(memory->entries);
	free(memory);
}

void parentmemory_get(const struct parentmemory *memory, const uint8_t *name,
	enum site_family family, struct parent_memory *ret_known)
{
	int af = family_af(family);

	*ret_known = (struct parent_memory){0};
	for (size_t i = 0; i < memory->n && ret_known->n < PARENT_MAX_MEMORY; i++) {
		if (!is_of(&memory->entries[i], name, af))
			continue;
		ret_known->items[ret_known->n++] = memory->entries[i].addr;
		ret_known->was_right |= memory->entries[i].is_seen;
	}
}

void parentmemory_put(struct parentmemory *memory, const uint8_t *name,
	const struct parent_addr *addr, bool is_seen)
{
	for (size_t i = 0; i < memory->n; i++) {
		const struct entry *entry = &memory->entries[i];

		if (!is_of(entry, name, addr->addr.family) ||
			!addr_eq(&entry->addr.addr, &addr->addr))
			continue;
		if (strcmp(entry->addr.uplink, addr->uplink) == 0 &&
			(entry->is_seen || !is_seen))
			return;
		is_seen |= entry->is_seen;
		drop(memory, i);
		break;
	}
	make_room(memory, name, addr->addr.family);
	if (append(memory, name, addr, is_seen) == 0)
		memory->is_changed = true;
}
