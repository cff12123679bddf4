/* eventsink.c - where events go: the subscribers of `events`, and the operator's program */
#include "routed/report/eventsink.h"

#include "common/ctl/ctl.h"
#include "common/ctl/json.h"
#include "common/wallclock.h"

json_t *eventsink_event(const char *kind)
{
	json_t *time = json_time_us(wallclock_now_us());

	return json_pack("{s:s, s:o}", "event", kind, "time", time);
}

void eventsink_emit(const struct eventsink *sink, json_t *event)
{
	if (event)
		ctl_publish(sink->ctl, EVENTS_VERB, event);
	json_decref(event);
}
