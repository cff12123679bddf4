/* apply.c - performs a plan: the one place from which the kernel is changed
 *
 * The table comes first: it holds the guard, which must be there before packets are forwarded,
 * and the marks, which the rules look at. Then the steps in the order of plan.c. They are
 * independent enough that one failure is no reason to leave out the others: a loopback whose
 * server's address is out of reach must not keep the default route on a dead uplink. What
 * would do harm without a failed step is left out.
 *
 * Each failure becomes one line: what could not be done, why in the kernel's words, and what
 * the operator can do about it.
 */
#include "routed/kernel/apply.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/logonce.h"
#include "routed/kernel/nft.h"
#include "routed/kernel/plan.h"
#include "routed/kernel/rtnl.h"
#include "routed/kernel/sysctl.h"

enum { APPLY_TEXT_MAX = 1024 };

struct pass {
	struct apply *apply;
	struct apply_result result;
	uint64_t *logged; /* in this pass */
	size_t n_logged;
};

void apply_fini(struct apply *apply)
{
	free(apply->logged);
	apply->logged = NULL;
	apply->n_logged = 0;
}

/* ---- messages ---- */

static const char *step_remedy(int err, enum plan_op op)
{
	switch (-err) {
	case EPERM:
	case EACCES:
		return "; routed needs CAP_NET_ADMIN, and write access to /proc/sys/net";
	case EEXIST:
		return "; remove the other one, or choose other numbers in `routing`";
	case ENETUNREACH:
	case EHOSTUNREACH:
		return "; is the gateway in the subnet of that interface?";
	case ENETDOWN:
		return "; the interface is down";
	case EINVAL:
		return op == PLAN_ADD_ROUTE || op == PLAN_REPLACE_ROUTE
			       ? "; are gateway and source address those of that interface?"
			       : "";
	case EOPNOTSUPP:
	case EAFNOSUPPORT:
		return "; the kernel lacks support for it (policy routing, IPv6?)";
	case EROFS:
		return "; /proc/sys is read-only here: set it from outside";
	default:
		return "";
	}
}

static void pass_log(struct pass *pass, const char *area, int err, const char *line)
{
	uint64_t hash = logonce_key(line) + (uint64_t)(int64_t)err;
	uint64_t *logged = reallocarray(pass->logged, pass->n_logged + 1, sizeof(*logged));

	if (logged) {
		pass->logged = logged;
		logged[pass->n_logged++] = hash;
	}
	for (size_t i = 0; i < pass->apply->n_logged; i++)
		if (pass->apply->logged[i] == hash) {
			log_debug(area, "still: %s", line);
			return;
		}
	log_error(0, area, "%s", line);
}

/* Its interface vanished under our hands: the news of it is on its way, and brings a new plan.
 */
static bool lost_its_device(const struct plan_step *step)
{
	char name[IF_NAMESIZE];
	int ifindex = 0;

	if (step->op == PLAN_SET_GROUP)
		ifindex = step->group.ifindex;
	else if (step->op == PLAN_ADD_ROUTE || step->op == PLAN_REPLACE_ROUTE)
		ifindex = step->route.n_nexthops > 0 ? step->route.nexthops[0].ifindex : 0;
	return ifindex != 0 && !if_indextoname((unsigned int)ifindex, name);
}

static void pass_log_step(struct pass *pass, const struct plan_step *step, int err)
{
	char what[APPLY_TEXT_MAX];
	char line[2 * APPLY_TEXT_MAX];
	const char *why = step->op == PLAN_SET_SYSCTL ? "" : rtnl_why(pass->apply->rtnl);

	plan_step_str(step, pass->apply->ifname, pass->apply->ifname_arg, what, sizeof(what));
	snprintf(line, sizeof(line), "failed: %s: %s%s%s%s%s", what + 2, /* without the sign */
		why, why[0] ? " (" : "", strerror(-err), why[0] ? ")" : "",
		step_remedy(err, step->op));
	if (lost_its_device(step)) {
		log_debug("routes", "%s", line);
		return;
	}
	pass_log(pass, step->op == PLAN_SET_SYSCTL ? "sysctl" : "routes", err, line);
}

/* ---- steps ---- */

static bool sysctl_forwards(const struct kernel_sysctl *sysctl)
{
	const char *name = strrchr(sysctl->path, '/');

	return name && (strcmp(name, "/ip_forward") == 0 || strcmp(name, "/forwarding") == 0);
}

/* Was `failed` to take the place of `gone`? */
static bool was_to_replace(const struct plan_step *failed, const struct plan_step *gone)
{
	if (gone->op == PLAN_DEL_ROUTE &&
		(failed->op == PLAN_ADD_ROUTE || failed->op == PLAN_REPLACE_ROUTE)) {
		const struct kernel_route *a = &failed->route;
		const struct kernel_route *b = &gone->route;

		return a->family == b->family && a->table == b->table &&
		       a->dst.len == b->dst.len &&
		       (a->dst.len == 0 || addr_eq(&a->dst.addr, &b->dst.addr));
	}
	if (gone->op == PLAN_DEL_RULE && failed->op == PLAN_ADD_RULE)
		return failed->rule.family == gone->rule.family &&
		       failed->rule.priority == gone->rule.priority;
	return false;
}

static bool must_skip(const struct plan *plan, size_t at, const struct pass *pass)
{
	const struct plan_step *step = &plan->steps[at];

	if (step->op == PLAN_SET_SYSCTL)
		return pass->result.nft_failed && sysctl_forwards(&step->sysctl);
	for (size_t i = 0; i < at && pass->result.n_failed > 0; i++)
		if (plan->steps[i].failed && was_to_replace(&plan->steps[i], step))
			return true;
	return false;
}

static void perform_steps(struct pass *pass, struct plan *plan)
{
	for (size_t i = 0; i < plan->n_steps; i++) {
		struct plan_step *step = &plan->steps[i];

		if (must_skip(plan, i, pass)) {
			step->failed = true;
			pass->result.n_skipped++;
			continue;
		}
		int r = step->op == PLAN_SET_SYSCTL
				? sysctl_write(pass->apply->sysctls, &step->sysctl)
				: rtnl_write(pass->apply->rtnl, step);
		if (r == 0) {
			pass->result.n_done++;
			continue;
		}
		pass_log_step(pass, step, r);
		step->failed = true;
		pass->result.n_failed++;
	}
}

static void write_table(struct pass *pass, struct nfttable *table)
{
	struct nft *nft = pass->apply->nft;
	char line[APPLY_TEXT_MAX];
	int r = nft_apply(nft, table);

	if (r == 0)
		return;
	pass->result.nft_failed = true;
	pass->result.n_failed++;
	snprintf(line, sizeof(line),
		"the table inet %s stays as it is: %s; forwarding is not switched on%s",
		NFT_TABLE, nft_why(nft)[0] ? nft_why(nft) : strerror(-r),
		step_remedy(r, PLAN_SET_GROUP));
	pass_log(pass, "nft", r, line);
}

static void pass_end(struct pass *pass)
{
	free(pass->apply->logged);
	pass->apply->logged = pass->logged;
	pass->apply->n_logged = pass->n_logged;
}

void apply_plan(struct apply *apply, struct plan *plan, struct nfttable *table,
	struct apply_result *ret_result)
{
	struct pass pass = {.apply = apply};

	if (table && !apply->withdraws)
		write_table(&pass, table);
	perform_steps(&pass, plan);
	if (table && apply->withdraws)
		write_table(&pass, table);
	pass_end(&pass);
	*ret_result = pass.result;
}

int apply_withdraw(struct apply *apply, struct apply_result *ret_result)
{
	struct pass pass = {.apply = apply};
	struct kernel actual = {0};
	struct kernel nothing = {0};
	struct plan plan;

	int r = rtnl_read(apply->rtnl, &actual);
	if (r < 0)
		return r;
	plan_diff(&actual, &nothing, &plan);
	perform_steps(&pass, &plan);
	plan_fini(&plan);
	kernel_fini(&actual);

	if (nft_delete(apply->nft) < 0) {
		log_error(0, "nft", "cannot delete the table inet %s: %s", NFT_TABLE,
			nft_why(apply->nft));
		pass.result.nft_failed = true;
		pass.result.n_failed++;
	}
	pass_end(&pass);
	*ret_result = pass.result;
	return pass.result.n_failed ? -EIO : 0;
}

int apply_flush(struct apply *apply, struct apply_result *ret_result)
{
	int r = apply_withdraw(apply, ret_result);

	if (r < 0 && r != -EIO)
		return r;
	ret_result->n_failed += sysctl_restore(apply->sysctls);
	return ret_result->n_failed ? -EIO : 0;
}
