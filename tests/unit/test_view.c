/* test_view.c - answers change hands between threads; also to be run with the thread sanitizer
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/serve/view.h"

#include <pthread.h>
#include <stdlib.h>

#include "tests/lib/serving.h"

enum { N_WORKERS = 3, N_PUBLICATIONS = 3000 };

static int setup(void **state)
{
	*state = fixture_new(&fixture_host_zone, 1);
	return 0;
}

static int teardown(void **state)
{
	fixture_free(*state);
	return 0;
}

static void what_is_published_is_taken(void **state)
{
	struct view *view = serving_view(*state, "isp-a");
	struct view_reader reader;
	struct answers *second = serving_answers(*state, "isp-a");

	view_join(view, &reader);
	view_publish(view, second);

	assert_ptr_equal(view_take(view, &reader), second);
	assert_ptr_equal(view_current(view), second);
	view_drop(&reader);
	view_leave(view, &reader);
	view_free(view);
}

static void answers_live_as_long_as_a_worker_holds_them(void **state)
{
	struct view *view = serving_view(*state, "isp-a");
	struct view_reader reader;

	view_join(view, &reader);
	const struct answers *held = view_take(view, &reader);
	view_publish(view, serving_answers(*state, "isp-a"));
	view_publish(view, serving_answers(*state, "isp-a"));

	assert_true(view_reclaim(view));
	assert_true(table_n_answers(held->table) > 0); /* the sanitizer would object */
	view_drop(&reader);
	assert_false(view_reclaim(view));
	view_leave(view, &reader);
	view_free(view);
}

static void a_view_that_goes_frees_all_its_answers(void **state)
{
	struct view *view = serving_view(*state, "isp-a");
	struct view_reader reader;

	view_join(view, &reader);
	view_take(view, &reader);
	view_publish(view, serving_answers(*state, "isp-a"));
	view_leave(view, &reader);
	view_free(view); /* the leak sanitizer would object */
}

struct worker {
	pthread_t thread;
	struct view *view;
	struct view_reader reader;
	struct stats stats;
	const struct packet *query;
	atomic_bool *stop;
	uint64_t n_bad;
};

static void *worker_run(void *arg)
{
	struct worker *worker = arg;
	const struct addr client = serving_addr("192.0.2.33");
	struct sockaddr_storage sa;
	addr_to_sockaddr(&client, 5353, 0, &sa);
	const struct respond_from from = {.client = (const struct sockaddr *)&sa};
	uint8_t reply[RESPOND_UDP_CAP];

	while (!atomic_load(worker->stop)) {
		const struct answers *answers = view_take(worker->view, &worker->reader);
		size_t len = respond(answers->table, &answers->conf, &from,
			worker->query->bytes, worker->query->len, reply, &worker->stats);

		worker->n_bad += len < 12 || (reply[3] & 0x0f) != 0;
		view_drop(&worker->reader);
	}
	return NULL;
}

static void workers_answer_while_answers_change_all_the_time(void **state)
{
	struct fixture *f = *state;
	struct view *view = serving_view(f, "isp-a");
	struct worker *workers = aligned_alloc(
		_Alignof(struct worker), N_WORKERS * sizeof(*workers));
	struct packet query;
	atomic_bool stop = false;

	packet_query(&query, "www.example.com.", 1, &(const struct asking){0});
	for (int i = 0; i < N_WORKERS; i++) {
		workers[i] = (struct worker){.view = view, .query = &query, .stop = &stop};
		view_join(view, &workers[i].reader);
		pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]);
	}
	for (int i = 0; i < N_PUBLICATIONS; i++)
		view_publish(view, serving_answers(f, "isp-a"));
	atomic_store(&stop, true);

	for (int i = 0; i < N_WORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		view_leave(view, &workers[i].reader);
		assert_int_equal(workers[i].n_bad, 0);
	}
	assert_false(view_reclaim(view));
	view_free(view);
	free(workers);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_published_is_taken),
		cmocka_unit_test(answers_live_as_long_as_a_worker_holds_them),
		cmocka_unit_test(a_view_that_goes_frees_all_its_answers),
		cmocka_unit_test(workers_answer_while_answers_change_all_the_time),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("view", tests, setup, teardown);
}
