/* compile.h - the second half of building a view: the finished answers */
#pragma once

struct table;

/* Takes a table with names and records, and returns it with the answers to all questions that can
 * be enumerated. The argument is freed, or becomes the result. */
struct table *compile(struct table *table);
