/* timer.h - libevent's timers, armed in milliseconds or microseconds
 *
 * A timer is a struct event made by evtimer_new(). Arming one that is armed already moves it.
 * A wait below 0 counts as 0: the timer is due in the next round of the event loop.
 */
#pragma once
#include <stdint.h>
#include <sys/time.h>

struct event;

/* The same span as libevent takes it. Negative values become 0. */
struct timeval timer_span_us(int64_t us);

/* 0, or -ENOMEM: the event loop could not take the timer. */
int timer_arm_ms(struct event *timer, int64_t ms);
int timer_arm_us(struct event *timer, int64_t us);

/* Leaves a timer that is armed as it is: a burst of events must not postpone it for ever. */
int timer_arm_ms_if_idle(struct event *timer, int64_t ms);

/* Frees an event of any kind and sets the pointer to NULL; for AUTO too. Takes NULL. */
void event_freep(struct event **event);
