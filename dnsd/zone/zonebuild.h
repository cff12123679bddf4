/* zonebuild.h - collects records in any order into a zone */
#pragma once
#include "dnsd/zone/zone.h"

struct zone_builder; /* opaque, see zonebuild.c */

struct zone_builder *zone_builder_new(
	const uint8_t *apex, size_t apex_len); /* NULL: no memory */
void zone_builder_free(struct zone_builder *builder);

/* A copy of the file name that lives as long as the zone, or NULL without memory. */
const char *zone_builder_file(struct zone_builder *builder, const char *name);
size_t zone_builder_n_files(const struct zone_builder *builder);

/* The owner of a record, and the line where it stands. */
struct zone_entry {
	const uint8_t *owner; /* lower case */
	size_t owner_len;
	const char *file; /* from zone_builder_file */
	int line;
};

struct zone_record {
	uint16_t type;
	uint32_t ttl_s;
	const uint8_t *rdata; /* copied */
	size_t len;
};

/* Both return 0 or -ENOMEM. */
int zone_builder_add(struct zone_builder *builder, const struct zone_entry *entry,
	const struct zone_record *record);
int zone_builder_add_pseudo(struct zone_builder *builder, const struct zone_entry *entry,
	const struct pseudo *pseudo);

/* Notes a record that could not be read. NULL for `owner`: its owner is unknown. */
int zone_builder_note_unread(
	struct zone_builder *builder, const uint8_t *owner, size_t owner_len);

/* Sorts all, and hands the zone over. The caller still frees the builder. */
int zone_builder_finish(struct zone_builder *builder, struct zone **ret_zone);
