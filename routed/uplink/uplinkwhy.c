/* uplinkwhy.c - why an uplink is in its state, in words for an operator
 *
 * Part of uplink.h. The text is made at each call from the fields of the state machine, so it
 * always describes the present. Times are local, as in the log.
 */
#include "common/site/siteprobe.h"
#include "routed/uplink/uplink.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

enum {
	MS = 1000,
	SEC = 1000 * MS,
	NAMED_MAX = 3, /* targets named one by one */
	DAY_S = 24 * 3600,
};

struct why {
	char *out;
	size_t cap;
	size_t len;
	int64_t now_us;
	int64_t wall_us;
};

__attribute__((format(printf, 2, 3))) static void add(struct why *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(why->out + why->len, why->cap - why->len, format, args);
	va_end(args);
	if (n > 0)
		why->len += (size_t)n;
	if (why->len >= why->cap)
		why->len = why->cap - 1; /* cut off */
}

/* The time of day, with the date if that is more than a day from now. */
static void add_time(struct why *why, int64_t at_us)
{
	time_t at_s = (time_t)((why->wall_us + at_us - why->now_us) / SEC);
	int64_t off_s = (at_us - why->now_us) / SEC;
	char when[32];
	struct tm tm;

	localtime_r(&at_s, &tm);
	strftime(when, sizeof(when), off_s < -DAY_S || off_s > DAY_S ? "%F %T" : "%T", &tm);
	add(why, "%s", when);
}

static void add_target_name(struct why *why, const struct site_probe *probe)
{
	char target[SITE_PROBE_STR_LEN];

	add(why, "%s", site_probe_target_str(probe, target));
}

static void add_silent_target(struct why *why, const struct uplink_target *silent)
{
	const struct target *target = &silent->target;

	if (target->lost_in_row > 0) {
		add(why, "%u of %u probes to ", target->lost_in_row, target->lost_in_row);
		add_target_name(why, &silent->probe);
		add(why, " lost since ");
		add_time(why, target->first_lost_us);
		return;
	}
	add_target_name(why, &silent->probe);
	if (target->verdict == TARGET_DEAD)
		add(why, " answers again, %u of %u probes", target->answered_in_row,
			target->probing.rise);
	else
		add(why, " has not answered yet");
}

/* `all`: also targets without an answer yet, which an uplink that is down waits for. */
static bool is_target_silent(const struct uplink_target *target, bool all)
{
	enum target_verdict verdict = target->target.verdict;

	return verdict == TARGET_DEAD ||
	       (all && (verdict == TARGET_UNKNOWN || verdict == TARGET_SUSPECT));
}

static void add_silent_targets(
	struct why *why, const struct uplink *uplink, bool all, const char *lead)
{
	size_t n = 0;

	for (size_t i = 0; i < uplink->n_targets; i++) {
		const struct uplink_target *target = &uplink->targets[i];

		if (!is_target_silent(target, all) || n++ >= NAMED_MAX)
			continue;
		add(why, "%s", n == 1 ? lead : ", ");
		add_silent_target(why, target);
	}
	if (n > NAMED_MAX)
		add(why, " and %zu more", n - NAMED_MAX);
}

static void add_count(struct why *why, const struct uplink *uplink, size_t n)
{
	add(why, "%zu of %zu target%s %s", n, uplink->n_targets,
		uplink->n_targets == 1 ? "" : "s",
		n == 1 && uplink->n_targets == 1 ? "answers" : "answer");
}

static void add_no_answers(struct why *why, const struct uplink *uplink)
{
	if (uplink->n_targets > 1) {
		add_count(why, uplink, uplink_count(uplink, TARGET_ALIVE));
		if (uplink->quorum > 1)
			add(why, ", %zu must", uplink_needed(uplink));
	}
	add_silent_targets(why, uplink, true, uplink->n_targets > 1 ? ": " : "");
}

static void add_held(struct why *why, const struct uplink *uplink)
{
	add(why, "good again since ");
	add_time(why, uplink->healthy_since_us);
	if (uplink->failback_ms == SITE_FAILBACK_MANUAL) {
		add(why, "; failback is manual: `routed undrain %s` brings it back",
			uplink->name);
		return;
	}
	add(why, ", used again at ");
	add_time(why, uplink->healthy_since_us + uplink_hold_us(uplink));
	if (uplink->relapses > 0)
		add(why, " (%u relapse%s within an hour)", uplink->relapses,
			uplink->relapses == 1 ? "" : "s");
}

static void add_down(struct why *why, const struct uplink *uplink)
{
	switch (uplink->fault) {
	case UPLINK_NO_INTERFACE:
		add(why, "no interface %s", uplink->interface);
		break;
	case UPLINK_IS_PORT:
		add(why,
			"%s is a port of another device (`ip link show %s` names it): remove "
			"it from that device, or name the device in site.yaml",
			uplink->interface, uplink->interface);
		break;
	case UPLINK_NO_CARRIER:
		add(why, "no carrier");
		break;
	case UPLINK_NO_ADDRESS:
		add(why, "no %saddress on %s",
			uplink->facts.address[SITE_IPV6]   ? "IPv4 "
			: uplink->facts.address[SITE_IPV4] ? "IPv6 "
							   : "",
			uplink->interface);
		break;
	case UPLINK_NO_GATEWAY:
		add(why, "no gateway known: set `gateway:` or check the DHCP client");
		break;
	case UPLINK_NO_ANSWERS:
		add_no_answers(why, uplink);
		break;
	case UPLINK_NO_FAULT:
		add_held(why, uplink);
		break;
	}
}

static void add_degraded(struct why *why, const struct uplink *uplink)
{
	const struct site_probing *limit = &uplink->probing;
	double rtt_ms = (double)uplink->rtt_us / MS;

	if (uplink->below_limit_since_us) {
		add(why, "loss and round-trip time good again since ");
		add_time(why, uplink->below_limit_since_us);
	} else if (uplink->loss > limit->degraded_loss / 2) {
		add(why, "%.1f %% loss over the last minute (limit %g %%, up below %g %%)",
			uplink->loss * 100, limit->degraded_loss * 100,
			limit->degraded_loss * 50);
	} else {
		add(why,
			"round-trip time %.0f ms over the last minute (limit %lld ms, "
			"up below %g ms)",
			rtt_ms, (long long)limit->degraded_rtt_ms,
			(double)limit->degraded_rtt_ms / 2);
	}
}

static void add_up(struct why *why, const struct uplink *uplink)
{
	size_t n_unknown = uplink_count(uplink, TARGET_UNKNOWN);

	if (uplink->n_targets == 0) {
		add(why, "has carrier, address and gateway");
		return;
	}
	add_count(why, uplink,
		uplink_count(uplink, TARGET_ALIVE) + uplink_count(uplink, TARGET_SUSPECT));
	if (n_unknown)
		add(why, ", %zu without an answer yet", n_unknown);
	add_silent_targets(why, uplink, false, "; ");
	if (uplink->deferred_until_us)
		add(why, "; but replies to other traffic still arrive");
}

const char *uplink_why(
	const struct uplink *uplink, int64_t now_us, int64_t wall_us, char *out, size_t cap)
{
	struct why why = {.out = out, .cap = cap, .now_us = now_us, .wall_us = wall_us};

	out[0] = '\0';
	if (uplink->drained)
		add(&why, "drained by the operator; ");
	if (uplink->health == UPLINK_DOWN)
		add_down(&why, uplink);
	else if (uplink->health == UPLINK_DEGRADED && !uplink->deferred_until_us)
		add_degraded(&why, uplink);
	else
		add_up(&why, uplink);
	return out;
}
