/* rtnl.h - reads and writes the kernel's routes, rules and interface groups
 *
 * What is ours carries KERNEL_PROTOCOL; nothing else is read or changed. Blocking, some
 * microseconds per step.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routed/kernel/kernel.h"

struct plan_step;
struct rtnl; /* opaque, see rtnl.c */
struct rtnlmsg_route;

/* Negative errno after a logged message. */
int rtnl_new(struct rtnl **ret_rtnl);
void rtnl_free(struct rtnl *rtnl);

/* How the kernel names this writer in its notifications, for rtnlwatch.h. */
uint32_t rtnl_port(const struct rtnl *rtnl);

/* Appends our routes (of all tables, both families), our rules and the groups of all
 * interfaces to `kernel`. On failure a logged negative errno, and `kernel` is as it was. */
int rtnl_read(struct rtnl *rtnl, struct kernel *kernel);

/* Performs one step of a plan other than PLAN_SET_SYSCTL. Done already counts as done: what is
 * to be added is there, what is to go is gone. A route or rule of another program is neither
 * replaced nor removed. Negative errno, not logged: rtnl_why has the reason. */
int rtnl_write(struct rtnl *rtnl, const struct plan_step *step);

/* Why the last rtnl_write failed, in the kernel's words or ours; "" if all there is is the
 * errno. */
const char *rtnl_why(const struct rtnl *rtnl);

/* Each route of any program in any table, both families; one that uses a nexthop object has
 * the next hops of the object. 0, or a logged negative errno. */
typedef void rtnl_route_fn(const struct rtnlmsg_route *route, void *arg);
int rtnl_each_route(struct rtnl *rtnl, rtnl_route_fn *each, void *arg);

/* The carrier as it is now: the kernel's notification of a loss may be a second late. -ENODEV
 * if there is no such interface. Not logged. */
int rtnl_carrier(struct rtnl *rtnl, int ifindex, bool *ret_carrier);
