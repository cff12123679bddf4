/* uplinkstate.h - the four states of an uplink, as both daemons and their users name them */
#pragma once

enum uplink_state { UPLINK_UP, UPLINK_DEGRADED, UPLINK_DOWN, UPLINK_DRAINED };

static inline const char *uplink_state_str(enum uplink_state state)
{
	static const char *const names[] = {
		[UPLINK_UP] = "up",
		[UPLINK_DEGRADED] = "degraded",
		[UPLINK_DOWN] = "down",
		[UPLINK_DRAINED] = "drained",
	};

	return names[state];
}
