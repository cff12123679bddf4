/* parenterror.c - what the primary's refusals mean, in words for an operator
 *
 * Called by parentzone.c for every response. RFC 2136 section 2.2 and RFC 8945 section 5.2. An
 * error without a good signature may be forged. That does no harm: the error is logged, and
 * dnsd tries again.
 */
#include "dnsd/parent/parenterror.h"

#include <stdio.h>
#include <time.h>

static const char *target_type_str(const struct parent_target *target)
{
	return target->family == SITE_IPV4 ? "A" : "AAAA";
}

static void time_text(uint64_t s, char out[32])
{
	time_t when = (time_t)s;
	struct tm tm;

	if (!gmtime_r(&when, &tm) || strftime(out, 32, "%FT%TZ", &tm) == 0)
		snprintf(out, 32, "%llu", (unsigned long long)s);
}

static void clocks_text(const struct parent_response *response, char *out, size_t cap)
{
	uint64_t theirs_s = response->check.server_s;
	bool is_ahead = theirs_s > response->now_s;
	char theirs[32];
	char ours[32];

	time_text(theirs_s, theirs);
	time_text(response->now_s, ours);
	snprintf(out, cap,
		"the primary's clock is %llu s %s ours, of which %d are allowed: there it is "
		"%s, here %s (BADTIME); let NTP set them",
		(unsigned long long)(is_ahead ? theirs_s - response->now_s
					      : response->now_s - theirs_s),
		is_ahead ? "ahead of" : "behind", TSIG_FUDGE_S, theirs, ours);
}

/* Errors of the signature come before the response itself. False: there is none. */
static bool tsig_error_text(const struct parent_response *response, char *out, size_t cap)
{
	char key[NAME_STR_LEN];

	name_str(response->key->name, key);
	switch (response->check.error) {
	case DNS_RCODE_BADKEY:
		snprintf(out, cap,
			"the primary does not know the key %s with %s (BADKEY): name and "
			"algorithm must be the same on both sides",
			key, tsig_algorithm_str(response->key->algorithm));
		return true;
	case DNS_RCODE_BADSIG:
		snprintf(out, cap,
			"the primary has another secret for the key %s (BADSIG): copy the "
			"same key file to both sides",
			key);
		return true;
	case DNS_RCODE_BADTIME:
		clocks_text(response, out, cap);
		return true;
	case DNS_RCODE_BADTRUNC:
		snprintf(out, cap, "the primary does not accept whole signatures (BADTRUNC)");
		return true;
	default:
		break;
	}
	if (response->check.verdict == TSIG_STALE) {
		clocks_text(response, out, cap);
		return true;
	}
	return false;
}

static void unsigned_text(const struct parent_response *response, char *out, size_t cap)
{
	static const char *const words[] = {
		[TSIG_MISSING] = "is not signed",
		[TSIG_OTHER_KEY] = "is signed with another key",
		[TSIG_FORGED] = "has a wrong signature",
	};

	snprintf(out, cap, "the primary's response %s, so it is not believed",
		words[response->check.verdict]);
}

static void update_error_text(const struct parent_response *response, char *out, size_t cap)
{
	char name[NAME_STR_LEN];
	char apex[NAME_STR_LEN];
	char key[NAME_STR_LEN];

	name_str(response->target->name, name);
	name_str(response->apex, apex);
	name_str(response->key->name, key);
	switch (response->response->rcode) {
	case DNS_RCODE_NXDOMAIN:
	case DNS_RCODE_YXDOMAIN:
	case DNS_RCODE_YXRRSET:
	case DNS_RCODE_NXRRSET:
		snprintf(out, cap,
			"%s %s was changed by another program meanwhile (%s): it is looked up "
			"again",
			name, target_type_str(response->target),
			message_rcode_str(response->response->rcode));
		break;
	case DNS_RCODE_REFUSED:
		snprintf(out, cap,
			"the primary refuses the change (REFUSED): its update-policy (BIND) "
			"or acl (Knot) for %s must let the key %s change %s of %s",
			apex, key, target_type_str(response->target), name);
		break;
	case DNS_RCODE_NOTAUTH:
		snprintf(out, cap,
			"the server is not authoritative for %s (NOTAUTH): parent.server must "
			"be the primary",
			apex);
		break;
	case DNS_RCODE_NOTZONE:
		snprintf(out, cap, "the server says that %s is not in %s (NOTZONE)", name,
			apex);
		break;
	case DNS_RCODE_NOTIMP:
		snprintf(out, cap,
			"the server offers no DNS UPDATE (NOTIMP): "
			"change the records by hand, or by its own means");
		break;
	case DNS_RCODE_SERVFAIL:
		snprintf(out, cap,
			"the primary failed to make the change (SERVFAIL): its log says why; "
			"often it cannot write the zone's journal");
		break;
	default:
		snprintf(out, cap, "the primary does not accept the change: %s",
			message_rcode_str(response->response->rcode));
	}
}

static void question_error_text(const struct parent_response *response, char *out, size_t cap)
{
	char name[NAME_STR_LEN];

	snprintf(out, cap, "the primary does not answer the question for %s: %s",
		name_str(response->target->name, name),
		message_rcode_str(response->response->rcode));
}

bool parenterror_check(const struct parent_response *response, char *out, size_t cap)
{
	unsigned int rcode = response->response->rcode;
	bool is_fine = rcode == DNS_RCODE_NOERROR ||
		       (rcode == DNS_RCODE_NXDOMAIN && !response->is_update);

	if (tsig_error_text(response, out, cap))
		return false;
	if (is_fine && response->check.verdict == TSIG_GOOD)
		return true;
	if (is_fine)
		unsigned_text(response, out, cap);
	else if (response->is_update)
		update_error_text(response, out, cap);
	else
		question_error_text(response, out, cap);
	return false;
}
