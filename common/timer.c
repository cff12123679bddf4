/* timer.c - libevent's timers, armed in milliseconds or microseconds
 *
 * Both daemons count in milliseconds and microseconds (`idle_ms`, `wait_us`); libevent takes
 * a struct timeval. Only this file converts one to the other.
 */
#include "common/timer.h"

#include <errno.h>
#include <event2/event.h>
#include <stddef.h>

enum { US_PER_MS = 1000, US_PER_S = 1000000 };

struct timeval timer_span_us(int64_t us)
{
	if (us < 0)
		us = 0;
	return (struct timeval){
		.tv_sec = (time_t)(us / US_PER_S),
		.tv_usec = (suseconds_t)(us % US_PER_S),
	};
}

int timer_arm_us(struct event *timer, int64_t us)
{
	const struct timeval after = timer_span_us(us);

	return event_add(timer, &after) < 0 ? -ENOMEM : 0;
}

int timer_arm_ms(struct event *timer, int64_t ms)
{
	return timer_arm_us(timer, ms * US_PER_MS);
}

int timer_arm_ms_if_idle(struct event *timer, int64_t ms)
{
	return event_pending(timer, EV_TIMEOUT, NULL) ? 0 : timer_arm_ms(timer, ms);
}

void event_freep(struct event **event)
{
	if (*event)
		event_free(*event);
	*event = NULL;
}
