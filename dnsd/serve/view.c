/* view.c - the current answers of one view, handed from the main thread to the workers
 *
 * The main thread calls all functions here; the workers' half is inline in view.h. See M.
 * Michael, "Hazard Pointers" (2004). The number of readers is small and publications are rare,
 * so lists are walked.
 */
#include "dnsd/serve/view.h"

#include <stdio.h>
#include <stdlib.h>

struct answers *answers_new(struct table *table, const struct respond_conf *conf)
{
	struct answers *answers = table ? calloc(1, sizeof(*answers)) : NULL;

	if (!answers) {
		table_free(table);
		return NULL;
	}
	answers->table = table;
	answers->conf = *conf;
	return answers;
}

void answers_free(struct answers *answers)
{
	if (!answers)
		return;
	table_free(answers->table);
	free(answers);
}

struct view *view_new(const char *name, int index)
{
	struct view *view = calloc(1, sizeof(*view));

	if (!view)
		return NULL;
	snprintf(view->name, sizeof(view->name), "%s", name);
	view->index = index;
	return view;
}

void view_free(struct view *view)
{
	if (!view)
		return;
	answers_free(atomic_load(&view->current));
	while (view->retired) {
		struct answers *answers = view->retired;

		view->retired = answers->next_retired;
		answers_free(answers);
	}
	free(view);
}

void view_publish(struct view *view, struct answers *answers)
{
	struct answers *old = atomic_exchange(&view->current, answers);

	if (old) {
		old->next_retired = view->retired;
		view->retired = old;
	}
	view_reclaim(view);
}

void view_close_to(struct view *view, const int *ifindices, size_t n)
{
	for (size_t i = 0; i < SITE_MAX_UPLINKS; i++)
		atomic_store_explicit(
			&view->closed_to[i], i < n ? ifindices[i] : 0, memory_order_relaxed);
}

static bool is_held(const struct view *view, const struct answers *answers)
{
	for (const struct view_reader *reader = view->readers; reader; reader = reader->next)
		if (atomic_load(&reader->holds) == answers)
			return true;
	return false;
}

bool view_reclaim(struct view *view)
{
	struct answers **at = &view->retired;

	while (*at) {
		struct answers *answers = *at;

		if (is_held(view, answers)) {
			at = &answers->next_retired;
		} else {
			*at = answers->next_retired;
			answers_free(answers);
		}
	}
	return view->retired != NULL;
}

const struct answers *view_current(const struct view *view)
{
	return atomic_load_explicit(&view->current, memory_order_relaxed);
}

void view_join(struct view *view, struct view_reader *reader)
{
	atomic_init(&reader->holds, NULL);
	reader->next = view->readers;
	view->readers = reader;
}

void view_leave(struct view *view, struct view_reader *reader)
{
	struct view_reader **at = &view->readers;

	while (*at && *at != reader)
		at = &(*at)->next;
	if (*at)
		*at = reader->next;
}
