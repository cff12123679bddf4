/* wallclock.h - the time of day, for what people and other programs read
 *
 * The core counts in monotonic time (clock.h). A monotonic moment is turned into a time of day
 * only where it is printed, so a clock that was set meanwhile is right from then on.
 */
#pragma once
#include <stdint.h>

/* Microseconds since 1970, UTC. */
int64_t wallclock_now_us(void);

/* The time of day at a moment of the monotonic clock, past or future. */
int64_t wallclock_at_us(int64_t monotonic_us);
