/* savedstate.c - what routed must still know after a restart: which uplinks are drained, their
 * states, and whether the router stands by
 *
 * Written by agent_save() after each change of state. Read at the next start, and by `plan` if
 * no agent runs.
 */
#include "routed/agent/savedstate.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/statefile.h"

enum { BOOT_ID_LEN = 36 };

/* "" where it cannot be read: then no state is from this boot. */
static void read_boot_id(char ret_id[BOOT_ID_LEN + 1])
{
	AUTO(fclosep) FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f || fread(ret_id, 1, BOOT_ID_LEN, f) != BOOT_ID_LEN)
		ret_id[0] = '\0';
	ret_id[BOOT_ID_LEN] = '\0';
}

/* ---- reading ---- */

static int64_t saved_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool read_saved_health(const json_t *object, enum uplink_state *ret_health)
{
	const char *text = json_string_value(json_object_get(object, "health"));

	for (enum uplink_state state = UPLINK_UP; text && state <= UPLINK_DOWN; state++)
		if (strcmp(text, uplink_state_str(state)) == 0) {
			*ret_health = state;
			return true;
		}
	return false;
}

static void read_saved_uplink(const json_t *object, bool same_boot, struct savedstate *saved)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	struct savedstate_uplink *uplink = &saved->uplinks[saved->n_uplinks];

	if (!name || strlen(name) > SITE_NAME_MAX || saved->n_uplinks == SITE_MAX_UPLINKS)
		return;
	*uplink = (struct savedstate_uplink){
		.drained = json_is_true(json_object_get(object, "drained")),
	};
	memcpy(uplink->name, name, strlen(name) + 1);
	if (same_boot && read_saved_health(object, &uplink->saved.health)) {
		uplink->saved.relapses = (unsigned int)saved_number(object, "relapses");
		uplink->saved.since_us = saved_number(object, "since_us");
		uplink->saved.returned_us = saved_number(object, "returned_us");
	}
	saved->n_uplinks++;
}

static const char *const role_names[] = {
	[SAVEDSTATE_NONE] = "none",
	[SAVEDSTATE_ACTIVE] = "active",
	[SAVEDSTATE_STANDBY] = "standby",
};

static enum savedstate_role read_saved_role(const json_t *root)
{
	const char *text = json_string_value(json_object_get(root, "role"));

	for (enum savedstate_role role = SAVEDSTATE_ACTIVE; text && role <= SAVEDSTATE_STANDBY;
		role++)
		if (strcmp(text, role_names[role]) == 0)
			return role;
	return SAVEDSTATE_NONE;
}

void savedstate_load(const char *path, struct savedstate *ret_saved)
{
	char boot_id[BOOT_ID_LEN + 1];
	const char *problem = NULL;
	json_error_t error;
	struct file file;

	*ret_saved = (struct savedstate){0};
	int err = file_read(path, FILE_STATE_MAX, FILE_REGULAR, &file, &problem);
	if (err < 0) {
		if (err != -ENOENT)
			log_error(0, "state", "cannot read %s: %s; nothing is drained", path,
				problem);
		return;
	}

	AUTO(json_decrefp) json_t *root = json_loadb(file.text, file.len, 0, &error);
	free(file.text);
	if (!json_is_object(root)) {
		log_warning("state", "%s cannot be used (%s): nothing is drained", path,
			root ? "it is no JSON object" : error.text);
		return;
	}
	const char *boot = json_string_value(json_object_get(root, "boot"));
	const json_t *uplinks = json_object_get(root, "uplinks");

	read_boot_id(boot_id);
	bool same_boot = boot && *boot_id && strcmp(boot, boot_id) == 0;
	for (size_t i = 0; i < json_array_size(uplinks); i++)
		read_saved_uplink(json_array_get(uplinks, i), same_boot, ret_saved);
	if (!same_boot)
		return;
	ret_saved->role = read_saved_role(root);

	int64_t mark = saved_number(root, "mark");
	/* people edit files: a mark without room for the uplinks would name none, or others' bits */
	if (mark > 0 && mark <= UINT32_MAX &&
		site_mark_has_room((uint32_t)mark, ret_saved->n_uplinks))
		ret_saved->mark = (uint32_t)mark;
}

const struct savedstate_uplink *savedstate_find(
	const struct savedstate *saved, const char *name)
{
	for (size_t i = 0; i < saved->n_uplinks; i++)
		if (strcasecmp(saved->uplinks[i].name, name) == 0)
			return &saved->uplinks[i];
	return NULL;
}

/* ---- writing ---- */

static json_t *json_savedstate(const struct savedstate *saved)
{
	char boot_id[BOOT_ID_LEN + 1];
	json_t *uplinks = json_array();

	for (size_t i = 0; i < saved->n_uplinks; i++) {
		const struct savedstate_uplink *uplink = &saved->uplinks[i];
		const struct uplink_saved *machine = &uplink->saved;

		json_array_append_new(
			uplinks, json_pack("{s:s, s:b, s:s, s:I, s:I, s:I}", "name",
					 uplink->name, "drained", (int)uplink->drained,
					 "health", uplink_state_str(machine->health),
					 "relapses", (json_int_t)machine->relapses, "since_us",
					 (json_int_t)machine->since_us, "returned_us",
					 (json_int_t)machine->returned_us));
	}
	read_boot_id(boot_id);
	return json_pack("{s:s, s:s, s:I, s:o}", "boot", boot_id, "role",
		role_names[saved->role], "mark", (json_int_t)saved->mark, "uplinks", uplinks);
}

int savedstate_store(const char *path, const struct savedstate *saved, bool durable)
{
	AUTO(json_decrefp) json_t *root = json_savedstate(saved);
	AUTO(freep) char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;

	if (!text)
		return log_error(-ENOMEM, "state", "cannot write %s", path);

	int err = statefile_write(path, text, strlen(text), durable ? STATEFILE_DURABLE : 0);
	return err < 0 ? log_error(err, "state", "cannot write %s", path) : 0;
}

int savedstate_make_folder(const char *path)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	return log_error(-errno, "state", "cannot make %s", path);
}
