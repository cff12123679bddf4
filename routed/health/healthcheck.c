/* healthcheck.c - one address and port of a server: are connections to it accepted?
 *
 *              accepted                    a connection is lost
 *   unknown ------------> alive <=======================================> alive, suspect
 *      |                    ^      an accepted connection                       |
 *      |                    | HEALTH_RISE accepted in a row                     |
 *      | HEALTH_FALL lost   |                                                   |
 *      +-----------------> dead <-----------------------------------------------+
 *           in a row                     HEALTH_FALL lost in a row
 *
 * A suspect or unknown address is tried every HEALTH_SUSPECT_MS. A refused connection is lost,
 * just as a silent one: the host is there, but the service is not. The number of tries is
 * fixed, unlike that of probe targets (target.h), since a LAN has no usual loss to adapt to. A
 * check is small, since a site may have tens of thousands.
 *
 * How long it takes from the end of the service: the next connection, a second later at most,
 * is refused, and the verdict follows two more connections later: 1.4 s. With a silent server
 * each connection takes its time-out: 4 s.
 */
#include "routed/health/healthcheck.h"

#include <stdio.h>
#include <time.h>

enum { SEC = 1000000 /* us */, DAY_S = 24 * 3600 };

static void outage_add(
	struct healthcheck *check, enum health_outcome outcome, int64_t begun_us)
{
	if (check->n_lost == 0) {
		check->outage_us = begun_us;
		check->n_tried = 0;
		check->mixed = false;
	} else if (outcome != check->last) {
		check->mixed = true;
	}
	check->n_tried++;
	check->n_lost++;
	check->last = outcome;
}

static enum health_verdict verdict_next(const struct healthcheck *check)
{
	if (check->verdict == HEALTH_DEAD)
		return check->accepted_in_row >= HEALTH_RISE ? HEALTH_ALIVE : HEALTH_DEAD;
	if (check->lost_in_row >= HEALTH_FALL)
		return HEALTH_DEAD;
	return check->accepted_in_row > 0 ? HEALTH_ALIVE : check->verdict;
}

bool healthcheck_take(struct healthcheck *check, enum health_outcome outcome, int64_t begun_us,
	int64_t now_us)
{
	enum health_verdict before = check->verdict;

	if (outcome == HEALTH_ACCEPTED) {
		check->lost_in_row = 0;
		check->accepted_in_row++;
		check->rtt_us = now_us - begun_us;
		check->n_tried += check->n_lost > 0;
	} else {
		check->accepted_in_row = 0;
		check->lost_in_row++;
		outage_add(check, outcome, begun_us);
	}

	check->verdict = verdict_next(check);
	if (check->verdict == HEALTH_ALIVE && outcome == HEALTH_ACCEPTED)
		check->n_lost = 0; /* the outage is over */
	if (check->verdict != before)
		check->since_us = now_us;
	return (check->verdict == HEALTH_DEAD) != (before == HEALTH_DEAD);
}

int64_t healthcheck_delay_ms(const struct healthcheck *check)
{
	bool suspect = check->verdict == HEALTH_DEAD ? check->accepted_in_row > 0
						     : check->lost_in_row > 0;

	return suspect || check->verdict == HEALTH_UNKNOWN ? HEALTH_SUSPECT_MS
							   : HEALTH_INTERVAL_MS;
}

/* ---- words ---- */

static const char *outcome_str(enum health_outcome outcome)
{
	static const char *const words[] = {
		[HEALTH_ACCEPTED] = "accepted",
		[HEALTH_REFUSED] = "refused",
		[HEALTH_SILENT] = "unanswered",
		[HEALTH_UNREACHABLE] = "found the host unreachable",
		[HEALTH_VIA_UPLINK] = "found no route but one over an uplink",
	};

	return words[outcome];
}

/* Local time, as in the log, with the date if it is more than a day ago. */
static void outage_time(const struct healthcheck *check, const struct healthcheck_about *about,
	char *out, size_t cap)
{
	int64_t ago_us = about->now_us - check->outage_us;
	time_t at_s = (time_t)((about->wall_us - ago_us) / SEC);
	struct tm tm;

	localtime_r(&at_s, &tm);
	strftime(out, cap, ago_us / SEC > DAY_S ? "%F %T" : "%T", &tm);
}

static void outage_str(const struct healthcheck *check, const struct healthcheck_about *about,
	char *out, size_t cap)
{
	const char *addr = addr_str(about->addr);
	const char *last = outcome_str(check->last);
	char since[32];

	outage_time(check, about, since, sizeof(since));
	if (check->n_tried == 1)
		snprintf(out, cap, "1 connection to %s port %u %s at %s", addr, about->port,
			last, since);
	else if (check->mixed)
		snprintf(out, cap,
			"%u of %u connections to %s port %u lost since %s, the last one %s",
			check->n_lost, check->n_tried, addr, about->port, since, last);
	else
		snprintf(out, cap, "%u of %u connections to %s port %u %s since %s",
			check->n_lost, check->n_tried, addr, about->port, last, since);
}

const char *healthcheck_why(const struct healthcheck *check,
	const struct healthcheck_about *about, char *out, size_t cap)
{
	const char *addr = addr_str(about->addr);

	if (check->n_lost > 0)
		outage_str(check, about, out, cap);
	else if (check->verdict == HEALTH_ALIVE)
		snprintf(out, cap, "%s port %u accepts connections", addr, about->port);
	else
		snprintf(out, cap, "%s port %u has not been tried yet", addr, about->port);
	return out;
}
