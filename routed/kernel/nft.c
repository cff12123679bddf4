/* nft.c - writes our nftables table, and notices when another program changed it
 *
 * Generations tell who changed it: the kernel counts the transactions of all programs, and
 * announces each with the process that made it. A transaction of ours takes the number from G
 * to G + 1; any other number, or an announcement beyond the last one that was looked at, is
 * another program's. Then the digest of our table (nftdigest.h) is taken and compared:
 *
 *     nft_apply -> transaction -> take_digest: digest, file   (30 ms later for a large table)
 *     nft_on_message -> [20 ms] look: digest; differs -> changed()
 *
 * Between a transaction and its digest the table is trusted on the strength of the generation
 * alone; if that has moved meanwhile, there is no telling what the other program did, and the
 * whole is written again.
 *
 * The socket of the monitor takes announcements only: a filter of the kernel keeps out the
 * thousands of messages, one for each element, that go with them.
 *
 * libnftables keeps what it parsed until the context is freed; a context per transaction costs
 * 30 microseconds. It reads the text, but for port forwards: ten thousand of them are written,
 * and one of ten thousand changed, by messages of our own (nftelements.h).
 */
#include "routed/kernel/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <malloc.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <nftables/libnftables.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/invariant.h"
#include "common/log.h"
#include "common/net/nlcmd.h"
#include "common/net/nlmonitor.h"
#include "common/statefile.h"
#include "common/timer.h"
#include "common/xalloc.h"
#include "routed/kernel/nftdiff.h"
#include "routed/kernel/nftelements.h"
#include "routed/kernel/text.h"

enum {
	NFT_WHY_MAX = 512,
	NFT_SETTLE_MS = 30,
	NFT_LOOK_MS = 20,
	NFT_TRIES = 3,		       /* of a transaction that another one came into */
	NFT_MANY_FORWARDS = 1000,      /* libnftables is slow with more */
	NFT_LARGE_COMMANDS = 64 << 10, /* octets */
};

static const char file_head[] = "# digest ";

enum { FILE_HEAD_LEN = sizeof(file_head) - 1 + 16 + 1 };

struct nft {
	struct nlcmd *cmd;
	struct nlmonitor *monitor;
	struct event *settle_timer;
	struct event *look_timer;
	char *state;		/* path, or NULL */
	struct nfttable *table; /* in the kernel as of `generation`; NULL: nothing known */
	uint64_t digest;	/* of the same; 0: not taken yet */
	uint32_t generation;
	struct nft_author author;
	struct nft_counters counters;
	nft_changed_fn *on_changed;
	void *arg;
	char why[NFT_WHY_MAX];
};

/* ---- transactions ---- */

static void nft_ctx_freep(struct nft_ctx **ctx)
{
	if (*ctx)
		nft_ctx_free(*ctx);
}

/* The first line that says "Error", without what follows: guesses at what was meant, and the
 * position in a text that no one has seen. */
static void copy_why(const char *said, char *why, size_t cap)
{
	const char *error = strstr(said, "Error: ");

	if (error)
		said = error + strlen("Error: ");
	snprintf(why, cap, "%.*s", (int)strcspn(said, "\n;"), said);
}

/* Runs commands as one transaction. libnftables leaves the kernel's errno only in words. */
static int run(const char *commands, bool dry, char *why, size_t cap)
{
	AUTO(nft_ctx_freep) struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);

	why[0] = '\0';
	if (!ctx || nft_ctx_buffer_output(ctx) || nft_ctx_buffer_error(ctx))
		return -ENOMEM;
	nft_ctx_set_dry_run(ctx, dry);
	errno = 0;
	int r = nft_run_cmd_from_buffer(ctx, commands);
	int err = errno;
	if (r == 0)
		return 0;
	copy_why(nft_ctx_get_error_buffer(ctx), why, cap);
	if (err == EPERM || strstr(why, "Operation not permitted"))
		return -EPERM;
	return -EIO;
}

static bool is_large(const struct nfttable *table)
{
	return nfttable_n_forwards(table) > NFT_MANY_FORWARDS;
}

/* libnftables needs 24 MB for 10,000 forwards. */
static void trim_heap(const char *commands)
{
	if (strlen(commands) > NFT_LARGE_COMMANDS)
		malloc_trim(0);
}

/* By a question that changes nothing, but takes the same privilege: CAP_NET_ADMIN in the user
 * namespace of this network namespace (nfnetlink). */
int nft_check_privilege(void)
{
	AUTO(nlcmd_freep) struct nlcmd *cmd = NULL;
	uint32_t generation;
	int r = nlcmd_new(NETLINK_NETFILTER, &cmd);

	return r < 0 ? r : nftdigest_generation(cmd, &generation);
}

/* The text that the kernel has to check: of a large table all but the forwards, which are of one
 * shape, if no key is there twice. The caller's to free. */
static char *text_to_check(const struct nfttable *table)
{
	struct nftchange fill;

	if (!is_large(table) || !nftdiff_fill(table, &fill))
		return nfttable_text(table, false);
	nftchange_fini(&fill);
	return nfttable_text(table, true);
}

/* Under another name: to have it replace the present table would cost the kernel a walk over
 * all of that one's elements, there and back. */
static char *text_for_trial(const char *text)
{
	static const char head[] = "table inet " NFT_TABLE " {";
	struct text all = {0};

	invariant(strncmp(text, head, strlen(head)) == 0,
		"the text of a whole table does not begin with '%s'", head);
	text_str(&all, "table inet " NFT_TABLE "-trial {");
	text_str(&all, text + strlen(head));
	return text_take(&all);
}

/* A table that the kernel had no objection to needs no second trial, for it ends with a grace
 * period: 20 ms, if it comes to that. The table itself goes to the kernel all the same. */
static char *last_tried;

int nft_check(const struct nfttable *table, char *why, size_t cap)
{
	AUTO(freep) char *text = text_to_check(table);
	int r = nft_check_privilege(); /* the library would print its own words */

	if (r < 0) {
		snprintf(why, cap, "%s", strerror(-r));
		return r;
	}
	if (last_tried && strcmp(last_tried, text) == 0)
		return 0;
	AUTO(freep) char *commands = text_for_trial(text);
	r = run(commands, true, why, cap);
	trim_heap(commands);
	if (r == 0) {
		free(last_tried);
		last_tried = TAKE(text);
	}
	return r;
}

static int look_at_generation(struct nft *nft, uint32_t *ret_generation)
{
	int r = nftdigest_generation(nft->cmd, ret_generation);

	if (r < 0)
		snprintf(
			nft->why, sizeof(nft->why), "the kernel does not tell its generation");
	return r;
}

/* ---- the file ---- */

static void invalidate(struct nft *nft)
{
	nfttable_unref(nft->table);
	nft->table = NULL;
	nft->digest = 0;
}

static void save_table(struct nft *nft)
{
	if (!nft->state)
		return;

	AUTO(freep) char *table = nfttable_text(nft->table, false);
	AUTO(freep)
	char *text = xasprintf(
		"%s%016llx\n%s", file_head, (unsigned long long)nft->digest, table);
	int err = statefile_write(nft->state, text, strlen(text), 0);
	if (err < 0)
		log_error(err, "nft", "cannot write %s; the next start writes its table again",
			nft->state);
}

/* The table of a former run is ours if the kernel still holds it unchanged. */
static void load_saved(struct nft *nft)
{
	const char *problem = NULL;
	struct file state = {0};
	uint32_t generation = 0;
	uint64_t digest = 0;
	char *end = NULL;

	int err = nft->state ? file_read(nft->state, FILE_STATE_MAX, FILE_REGULAR, &state,
				       &problem)
			     : -ENOENT;
	if (err < 0) {
		if (err != -ENOENT)
			log_error(0, "nft", "cannot read %s: %s; the table is written again",
				nft->state, problem);
		return;
	}
	AUTO(freep) char *file = state.text;
	if (strlen(file) < FILE_HEAD_LEN || strncmp(file, file_head, strlen(file_head)) != 0)
		return;
	uint64_t wrote = strtoull(file + strlen(file_head), &end, 16);
	if (end != file + FILE_HEAD_LEN - 1 || *end != '\n')
		return;

	if (nftdigest_generation(nft->cmd, &generation) < 0 ||
		nftdigest_read(nft->cmd, &digest) < 0 || digest == 0 || digest != wrote)
		return;
	nft->table = nfttable_read(end + 1);
	if (!nft->table)
		return; /* of another version: the whole is written once */
	nft->digest = digest;
	nft->generation = generation;
	log_debug("nft", "the table of a former run is there unchanged");
}

/* ---- is it still ours? ---- */

/* Takes the digest of what was written, while nothing can have come in between. */
static void take_digest(struct nft *nft)
{
	uint32_t before = 0;
	uint32_t after = 0;
	uint64_t digest = 0;

	if (!nft->table || nft->digest)
		return;
	if (nftdigest_generation(nft->cmd, &before) < 0 ||
		nftdigest_read(nft->cmd, &digest) < 0 ||
		nftdigest_generation(nft->cmd, &after) < 0)
		return;
	if (before == nft->generation && after == nft->generation && digest) {
		nft->digest = digest;
		save_table(nft);
	}
}

/* Does the kernel hold what we wrote last? If another transaction came, the digest tells; if
 * there is none yet, nothing does. */
static bool is_unchanged(struct nft *nft)
{
	uint32_t generation = 0;
	uint64_t digest = 0;

	if (!nft->table)
		return false;
	if (nftdigest_generation(nft->cmd, &generation) < 0)
		return false;
	if (generation == nft->generation)
		return true;
	if (!nft->digest || nftdigest_read(nft->cmd, &digest) < 0 || digest != nft->digest)
		return false;
	nft->generation = generation; /* taken before the digest: never too new */
	return true;
}

const struct nfttable *nft_current(struct nft *nft)
{
	return is_unchanged(nft) ? nft->table : NULL;
}

/* ---- writing ---- */

static int run_text(struct nft *nft, const char *commands)
{
	int r = run(commands, false, nft->why, sizeof(nft->why));

	trim_heap(commands);
	return r;
}

/* Changes of forwards alone are laid out by us; all else is libnftables'. */
static int run_change(struct nft *nft, const struct nftchange *change)
{
	struct nftelements_batch batch;

	if (*change->before || *change->after) {
		AUTO(freep) char *commands = nftchange_text(change);

		return run_text(nft, commands);
	}
	nftelements_compile(
		change->elements, change->n_elements, nlcmd_next_seq(nft->cmd), &batch);
	int r = nlcmd_batch(nft->cmd, batch.data, batch.len);
	free(batch.data);
	if (r < 0)
		snprintf(nft->why, sizeof(nft->why), "the kernel refuses port forwards: %s",
			strerror(-r));
	return r;
}

/* Runs `change`, or `commands` if that is NULL; sets whether no other transaction came in
 * between. If one did, it may have come after ours: the generation of before keeps is_unchanged()
 * from trusting the table. */
static int transact(
	struct nft *nft, const char *commands, const struct nftchange *change, bool *ret_alone)
{
	uint32_t before = 0;
	uint32_t after = 0;

	int r = look_at_generation(nft, &before);
	if (r < 0)
		return r;
	r = change ? run_change(nft, change) : run_text(nft, commands);
	if (r == 0)
		r = look_at_generation(nft, &after);
	if (r < 0)
		return r;
	*ret_alone = after == before + 1;
	nft->generation = *ret_alone ? after : before;
	return 0;
}

/* As a few changes. True: done; false: not possible this way. */
static bool apply_changes(struct nft *nft, const struct nfttable *table)
{
	struct nftchange change;
	bool alone = false;

	if (!is_unchanged(nft) || !nftdiff(nft->table, table, &change))
		return false;

	bool is_empty = nftchange_is_empty(&change); /* they differ in comments only */
	bool is_done = is_empty || (transact(nft, NULL, &change, &alone) == 0 && alone);
	nft->counters.changed += is_done && !is_empty;
	nftchange_fini(&change);
	return is_done;
}

/* A large table where there was none, in two transactions: no packet can miss for a moment the
 * forwards that were not there before. True: done; false: not possible this way. */
static bool apply_new(struct nft *nft, const struct nfttable *table)
{
	struct nftchange fill;
	bool alone = false;

	if (!is_large(table) || nftdigest_has_table(nft->cmd) != 0 ||
		!nftdiff_fill(table, &fill))
		return false;

	AUTO(freep) char *empty = nfttable_text(table, true);
	bool is_done = transact(nft, empty, NULL, &alone) == 0 && alone &&
		       transact(nft, NULL, &fill, &alone) == 0 && alone;
	nft->counters.replaced += is_done;
	nftchange_fini(&fill);
	return is_done;
}

static int apply_whole(struct nft *nft, const struct nfttable *table)
{
	AUTO(freep) char *text = nfttable_text(table, false);
	AUTO(freep)
	char *commands = xasprintf(
		"add table inet " NFT_TABLE "\ndelete table inet " NFT_TABLE "\n%s", text);
	bool alone = false;
	int r = 0;

	for (int i = 0; i < NFT_TRIES && r == 0 && !alone; i++)
		r = transact(nft, commands, NULL, &alone);
	if (r == 0)
		nft->counters.replaced++;
	return r;
}

int nft_apply(struct nft *nft, struct nfttable *table)
{
	nft->why[0] = '\0';
	if (nft->table && nfttable_eq(nft->table, table) && is_unchanged(nft))
		return 0;

	if (!apply_changes(nft, table) && !apply_new(nft, table)) {
		int r = apply_whole(nft, table);
		if (r < 0)
			return r;
	}
	invalidate(nft);
	nft->table = nfttable_ref(table);
	if (!nft->settle_timer || !is_large(table))
		take_digest(nft);
	if (!nft->digest && nft->settle_timer)
		timer_arm_ms_if_idle(nft->settle_timer, NFT_SETTLE_MS);
	return 0;
}

int nft_delete(struct nft *nft)
{
	bool alone;
	int r = transact(nft,
		"add table inet " NFT_TABLE "\ndelete table inet " NFT_TABLE "\n", NULL,
		&alone);

	if (r < 0)
		return r;
	invalidate(nft);
	if (nft->state)
		unlink(nft->state);
	return 0;
}

const char *nft_why(const struct nft *nft)
{
	return nft->why;
}

const struct nft_counters *nft_counters(const struct nft *nft)
{
	return &nft->counters;
}

int nft_each_counter(struct nft *nft, nftdigest_counter_fn *each, void *arg)
{
	return nftdigest_counters(nft->cmd, each, arg);
}

int nft_each_count(struct nft *nft, const char *set, nftdigest_count_fn *each, void *arg)
{
	return nftdigest_counts(nft->cmd, set, each, arg);
}

/* ---- following others ---- */

static void settle_on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	take_digest(arg);
}

static void look_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct nft *nft = arg;
	struct nft_author author = nft->author;

	(void)fd;
	(void)what;
	nft->author = (struct nft_author){0};
	if (!nft->table || is_unchanged(nft))
		return;
	invalidate(nft);
	nft->counters.foreign++;
	if (nft->on_changed)
		nft->on_changed(&author, nft->arg);
}

static void nft_on_message(struct nlmsghdr *msg, void *arg)
{
	struct nlattr *tb[NFTA_GEN_MAX + 1];
	struct nft *nft = arg;

	if (nlmsg_parse(msg, sizeof(struct nfgenmsg), tb, NFTA_GEN_MAX, NULL) < 0 ||
		!tb[NFTA_GEN_ID] || nla_len(tb[NFTA_GEN_ID]) < 4)
		return;

	uint32_t generation = ntohl(nla_get_u32(tb[NFTA_GEN_ID]));
	if ((int32_t)(generation - nft->generation) <= 0)
		return; /* ours, or looked at already */
	if (tb[NFTA_GEN_PROC_PID] && nla_len(tb[NFTA_GEN_PROC_PID]) >= 4)
		nft->author.pid = (pid_t)ntohl(nla_get_u32(tb[NFTA_GEN_PROC_PID]));
	if (tb[NFTA_GEN_PROC_NAME] && nla_len(tb[NFTA_GEN_PROC_NAME]) > 0)
		nla_strlcpy(
			nft->author.name, tb[NFTA_GEN_PROC_NAME], sizeof(nft->author.name));
	timer_arm_ms_if_idle(nft->look_timer, NFT_LOOK_MS);
}

static void nft_on_read(const struct nlmonitor_read *read, void *arg)
{
	struct nft *nft = arg;

	if (read->n_overruns > 0)
		timer_arm_ms_if_idle(nft->look_timer, NFT_LOOK_MS);
}

/* Lets datagrams through whose first message is NFT_MSG_NEWGEN: the kernel sends it alone. */
static int monitor_filter(int fd)
{
	/* a netlink header is in host order, what BPF loads is taken for network order */
	uint32_t wanted = htons((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWGEN);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, wanted, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		return -errno;
	return 0;
}

static int nft_follow(struct nft *nft, struct event_base *base)
{
	static const struct nlmonitor_calls calls = {nft_on_message, nft_on_read};
	static const int group = NFNLGRP_NFTABLES;

	nft->settle_timer = evtimer_new(base, settle_on_timer, nft);
	nft->look_timer = evtimer_new(base, look_on_timer, nft);
	if (!nft->settle_timer || !nft->look_timer)
		return -ENOMEM;
	int r = nlmonitor_new(base, NETLINK_NETFILTER, &calls, nft, &nft->monitor);
	if (r == 0)
		r = monitor_filter(nlmonitor_fd(nft->monitor)); /* before the first message */
	return r < 0 ? r : nlmonitor_join(nft->monitor, &group, 1);
}

/* ---- the object ---- */

static int start(struct nft *nft, struct event_base *base, const char *state)
{
	int r = nlcmd_new(NETLINK_NETFILTER, &nft->cmd);

	if (r < 0)
		return log_error(r, "nft", "cannot speak to the kernel's packet filter");
	if (state && !(nft->state = strdup(state)))
		return log_error(-ENOMEM, "nft", "cannot start");
	r = base ? nft_follow(nft, base) : 0;
	if (r < 0)
		return log_error(r, "nft",
			"cannot follow changes of the packet filter; "
			"does the kernel have nf_tables, and may we?");
	load_saved(nft);
	return 0;
}

int nft_new(struct event_base *base, const char *state, nft_changed_fn *changed, void *arg,
	struct nft **ret_nft)
{
	struct nft *nft = calloc(1, sizeof(*nft));

	if (!nft)
		return log_error(-ENOMEM, "nft", "cannot start");
	nft->on_changed = changed;
	nft->arg = arg;
	int r = start(nft, base, state);
	if (r < 0) {
		nft_free(nft);
		return r;
	}
	*ret_nft = nft;
	return 0;
}

void nft_free(struct nft *nft)
{
	if (!nft)
		return;
	take_digest(nft); /* a transaction of the last milliseconds */
	event_freep(&nft->settle_timer);
	event_freep(&nft->look_timer);
	nlmonitor_free(nft->monitor);
	nlcmd_free(nft->cmd);
	nfttable_unref(nft->table);
	free(nft->state);
	free(nft);
}
