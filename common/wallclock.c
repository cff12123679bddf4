/* wallclock.c - the time of day, for what people and other programs read */
#include "common/wallclock.h"

#include <time.h>

#include "common/clock.h"

int64_t wallclock_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t wallclock_at_us(int64_t monotonic_us)
{
	return wallclock_now_us() + monotonic_us - clock_now_us();
}
