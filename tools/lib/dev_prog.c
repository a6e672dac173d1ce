// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - programs and links on the device */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "core/diag.h"
#include "core/insn.h"
#include "host.h"

#define FIRST_LOG (64u << 10)
#define MAX_LOG (64u << 20)

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* The program with the maps' fds in place of their indexes. */
static struct bpf_insn *with_fds(const struct kapsel_prog *prog)
{
	size_t size = prog->insn_cnt * sizeof(struct bpf_insn);
	struct bpf_insn *insns = malloc(size);
	u32 i;

	if (!insns)
		return NULL;
	memcpy(insns, prog->insns, size);
	for (i = 0; i < prog->insn_cnt; i += kps_insn_slots(&insns[i])) {
		struct bpf_insn *insn = &insns[i];

		if (kps_insn_slots(insn) == 2 && (insn->src_reg == BPF_PSEUDO_MAP_FD ||
						  insn->src_reg == BPF_PSEUDO_MAP_VALUE))
			insn->imm = kapsel_map_at(prog->obj, insn->imm)->fd;
	}
	return insns;
}

static void fill_load(struct kapsel_prog_load *arg, const struct kapsel_prog *prog,
		      const struct bpf_insn *insns, const struct kapsel_load_opts *opts)
{
	memset(arg, 0, sizeof(*arg));
	arg->insns = (uintptr_t)insns;
	arg->insn_cnt = prog->insn_cnt;
	arg->prog_type = prog->hook.prog_type;
	if (opts) {
		arg->engine = opts->engine;
		arg->flags = opts->budget.metered ? KAPSEL_PROG_METERED : 0;
		arg->ceiling = opts->budget.ceiling;
		arg->budget_insns = opts->budget.insns;
		arg->budget_bytes = opts->budget.bytes;
		arg->budget_ms = opts->budget.ms;
	}
	snprintf(arg->name, sizeof(arg->name), "%s", prog->name);
	snprintf(arg->license, sizeof(arg->license), "%s", kapsel_license(prog->obj));
}

/* Calls until all records fit. Returns an fd or -errno. */
static int call_load(const struct kapsel_dev *dev, struct kapsel_prog_load *arg,
		     struct kapsel_result *res)
{
	u32 size = FIRST_LOG;
	int fd;

	for (;;) {
		void *recs = realloc(res->recs, size);

		if (!recs)
			return -ENOMEM;
		res->recs = recs;
		arg->log.buf = (uintptr_t)recs;
		arg->log.size = size;
		arg->log.true_size = 0;
		fd = ioctl(dev->fd, KAPSEL_PROG_LOAD, arg);
		if (fd < 0)
			fd = -errno;
		if (arg->log.true_size <= size || size >= MAX_LOG || fd >= 0)
			break;
		size = min(arg->log.true_size, MAX_LOG);
	}
	res->verdict = arg->log.verdict;
	res->size = min(arg->log.true_size, size);
	return fd;
}

static const char *capability_name(u32 capability)
{
	static const char * const names[] = {
		[12] = "CAP_NET_ADMIN", [21] = "CAP_SYS_ADMIN",
		[38] = "CAP_PERFMON", [39] = "CAP_BPF",
	};

	return capability < ARRAY_SIZE(names) ? names[capability] : NULL;
}

/* What the module says of itself rather than of the program. */
static int environment_error(const struct kapsel_verdict *verdict, int code,
			     const char *what, struct kapsel_error *err)
{
	const struct kapsel_code *row = kapsel_code_find(verdict->code);
	const char *cap = capability_name(verdict->capability);
	char name[16];

	if (!row)
		return kl_errno(err, code, "%s", what);
	kl_fail(err, code, "%s: %s: %s", what,
		kapsel_code_name(row->code, name, sizeof(name)), row->title);
	if (err)
		err->code = row->code;
	if (row->code == KPS_D_CAPABILITY && cap)
		kl_hint(err, "%s is missing: run as root, or with that capability", cap);
	else
		kl_hint(err, "%s", row->fix);
	return code;
}

/* The record that says what was refused; warnings may stand before it. */
static u64 detail_of(const struct kapsel_result *res)
{
	const struct kapsel_rec_problem *rec = NULL;
	u32 at = 0;

	while (res->size - at >= sizeof(*rec)) {
		rec = (const void *)((const char *)res->recs + at);
		if (rec->hdr.kind == KAPSEL_REC_ERROR || !rec->hdr.size)
			break;
		at += rec->hdr.size;
	}
	return rec && rec->hdr.kind == KAPSEL_REC_ERROR ? rec->detail : 0;
}

static void hint_engine(const struct kapsel_result *res, struct kapsel_error *err)
{
	u32 why = detail_of(res);

	if (why == KAPSEL_WHY_INSN)
		kl_hint(err, "%s: number %u", kapsel_why(why), res->verdict.insn);
	else
		kl_hint(err, "%s", kapsel_why(why));
}

/* Into the arrays that are to hold it. */
static int fill_arrays(const struct kapsel_prog *prog, struct kapsel_error *err)
{
	u32 i, j;
	int ret = 0;

	for (i = 0; i < kapsel_nr_maps(prog->obj); i++) {
		const struct kapsel_map *map = kapsel_map_at(prog->obj, i);

		if (!kapsel_map_holds(map, prog))
			continue;
		for (j = 0; j < map->nr_initial && !ret; j++)
			if (kapsel_prog_at(prog->obj, map->initial[j].target) == prog)
				ret = kl_map_put_fd(map, map->initial[j].index, prog->fd, err);
	}
	return ret;
}

int kapsel_prog_load(const struct kapsel_dev *dev, struct kapsel_prog *prog,
		     const struct kapsel_load_opts *opts, struct kapsel_result *res,
		     struct kapsel_error *err)
{
	struct kapsel_prog_load arg;
	struct bpf_insn *insns;
	char what[100];
	u64 start = now_ns();
	int fd;

	memset(res, 0, sizeof(*res));
	insns = with_fds(prog);
	if (!insns)
		return kl_nomem(err);
	fill_load(&arg, prog, insns, opts);
	fd = call_load(dev, &arg, res);
	free(insns);
	res->ns = now_ns() - start;
	if (fd >= 0) {
		prog->fd = fd;
		return fill_arrays(prog, err);
	}
	res->err = fd;
	snprintf(what, sizeof(what), "program '%s' could not be loaded", prog->name);
	if (res->verdict.code && res->verdict.code <= 1000)
		return kl_verdict_error(prog, res, err);
	environment_error(&res->verdict, fd, what, err);
	if (res->verdict.code == KPS_D_ENGINE)
		hint_engine(res, err);
	return fd;
}

static void fill_netfilter(struct kapsel_link_create *arg, const struct kapsel_hook *hook,
			   const struct kapsel_attach_opts *opts)
{
	arg->netfilter.family = hook->family;
	arg->netfilter.hooknum = hook->hooknum;
	arg->netfilter.linear = opts->linear;
	arg->flags = (opts->fail_closed ? KAPSEL_LINK_FAIL_CLOSED : 0) |
		     (opts->shadow ? KAPSEL_LINK_SHADOW : 0) |
		     (opts->defrag ? KAPSEL_LINK_DEFRAG : 0) | opts->beside;
	if (opts->beside)
		arg->netfilter.link_fd = opts->beside_fd;
	else
		arg->netfilter.priority = hook->priority;
	if (opts->netns_fd >= 0) {
		arg->flags |= KAPSEL_LINK_NETNS;
		arg->netfilter.netns_fd = opts->netns_fd;
	}
}

static void fill_hook(struct kapsel_link_create *arg, const struct kapsel_hook *hook,
		      const struct kapsel_attach_opts *opts)
{
	if (kapsel_hook_is_multi(hook))
		return;
	if (hook->hook == KAPSEL_HOOK_NETFILTER) {
		fill_netfilter(arg, hook, opts);
		return;
	}
	arg->kprobe.symbol = (uintptr_t)hook->target;
	arg->kprobe.addr = hook->addr;
	arg->kprobe.offset = hook->offset;
	arg->kprobe.maxactive = hook->maxactive;
	if (opts->wrap && hook->hook == KAPSEL_HOOK_KRETPROBE)
		arg->flags |= KAPSEL_LINK_WRAP;
}

static int attach_failed(const struct kapsel_hook *hook, struct kapsel_link_create *arg,
			 int code, struct kapsel_error *err)
{
	const struct kapsel_verdict *verdict = &arg->log.verdict;
	char where[KAPSEL_TARGET_LEN + 40], what[KAPSEL_TARGET_LEN + 80];

	kapsel_hook_format(hook, where, sizeof(where));
	snprintf(what, sizeof(what), "cannot attach to %s", where);
	environment_error(verdict, code, what, err);
	if (hook->hook != KAPSEL_HOOK_NETFILTER && !kapsel_hook_is_multi(hook) &&
	    (verdict->code == KPS_D_SYMBOL || (!verdict->code && code == -ENOENT)))
		kl_hint_names(NULL, hook->target, err);
	return code;
}

/* The function that the kernel refused, by its address. */
static int function_failed(const struct kapsel_hook *hook, struct kapsel_link_create *arg,
			   const struct kapsel_rec_problem *rec, int code,
			   struct kapsel_error *err)
{
	struct kapsel_symbol sym;
	struct kapsel_hook one = {
		.hook = hook->hook == KAPSEL_HOOK_KPROBE_MULTI ? KAPSEL_HOOK_KPROBE :
								 KAPSEL_HOOK_KRETPROBE,
	};

	if (arg->log.true_size < sizeof(*rec) || !rec->detail ||
	    !kapsel_symbol_at(NULL, rec->detail, &sym))
		return attach_failed(hook, arg, code, err);
	snprintf(one.target, sizeof(one.target), "%s", sym.name);
	return attach_failed(&one, arg, code, err);
}

static int attach_multi(const struct kapsel_dev *dev, struct kapsel_link_create *arg,
			const struct kapsel_hook *hook, const struct kapsel_attach_opts *opts,
			struct kapsel_error *err)
{
	struct kapsel_rec_problem rec = {};
	struct kl_functions found = {};
	int ret = kl_functions_find(hook->target, NULL, opts, &found, err);

	if (!ret) {
		arg->flags = found.pattern ? KAPSEL_LINK_SKIP : 0;
		arg->multi.pattern = (uintptr_t)hook->target;
		arg->multi.addrs = (uintptr_t)found.addrs;
		arg->multi.cookies = (uintptr_t)found.cookies;
		arg->multi.count = found.count;
		arg->multi.maxactive = hook->maxactive;
		arg->log.buf = (uintptr_t)&rec;
		arg->log.size = sizeof(rec);
		ret = ioctl(dev->fd, KAPSEL_LINK_CREATE, arg);
		if (ret < 0)
			ret = function_failed(hook, arg, &rec, -errno, err);
	}
	kl_functions_free(&found);
	return ret;
}

int kapsel_attach(const struct kapsel_dev *dev, int prog_fd, const struct kapsel_hook *hook,
		  const struct kapsel_attach_opts *opts, struct kapsel_error *err)
{
	struct kapsel_link_create arg = {
		.prog_fd = prog_fd, .hook = hook->hook, .cookie = opts->cookie,
	};
	int fd, ret;

	if (!hook->hook || (hook->hook != KAPSEL_HOOK_NETFILTER && !hook->target[0]))
		return kl_fail(err, -EDESTADDRREQ, "the program's section does not say where to attach it: give a HOOK");
	ret = kapsel_hook_check(hook, NULL, err);
	if (ret)
		return ret;
	fill_hook(&arg, hook, opts);
	if (opts->name)
		snprintf(arg.name, sizeof(arg.name), "%s", opts->name);
	if (kapsel_hook_is_multi(hook))
		return attach_multi(dev, &arg, hook, opts, err);
	if (opts->nr_cookies)
		return kl_fail(err, -EINVAL, "a cookie for each is for several functions");
	fd = ioctl(dev->fd, KAPSEL_LINK_CREATE, &arg);
	return fd >= 0 ? fd : attach_failed(hook, &arg, -errno, err);
}

int kapsel_detach(int link_fd, struct kapsel_error *err)
{
	struct kapsel_flags arg = {};

	if (ioctl(link_fd, KAPSEL_LINK_DETACH, &arg))
		return kl_errno(err, -errno, "cannot detach");
	return 0;
}

int kapsel_update(int link_fd, int prog_fd, int old_fd, struct kapsel_error *err)
{
	struct kapsel_link_update arg = {
		.prog_fd = prog_fd,
		.old_prog_fd = old_fd >= 0 ? old_fd : 0,
		.flags = old_fd >= 0 ? KAPSEL_UPDATE_EXPECT : 0,
	};

	if (ioctl(link_fd, KAPSEL_LINK_UPDATE, &arg))
		return kl_errno(err, -errno, "cannot put the program in its place");
	return 0;
}

int kapsel_run_device(int prog_fd, const struct kapsel_run_opts *opts,
		      struct kapsel_run_result *run, struct kapsel_error *err)
{
	struct kapsel_test_run arg = {
		.ctx_in = (uintptr_t)opts->ctx, .ctx_size = opts->ctx_size,
		.data_in = (uintptr_t)opts->data, .data_size_in = opts->data_size,
		.repeat = opts->repeat, .hooknum = opts->hooknum,
	};

	memset(run, 0, sizeof(*run));
	if (ioctl(prog_fd, KAPSEL_PROG_TEST_RUN, &arg))
		return errno == ETIME ?
		       kl_fail(err, -ETIME, "the program ran out of instructions") :
		       kl_errno(err, -errno, "cannot run the program");
	run->retval = arg.retval;
	run->duration_ns = arg.duration_ns;
	run->finished = true;
	return 0;
}
