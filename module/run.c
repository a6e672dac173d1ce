// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - running a program, in any context */

#include <linux/jump_label.h>
#include <linux/kprobes.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/preempt.h>

#include "prog.h"
#include "run.h"
#include "value.h"
#include "core/lower.h"

struct kps_cpu __percpu *kps_cpus __read_mostly;

DEFINE_STATIC_KEY_FALSE(kps_stats_time);

notrace struct kps_exec *kps_run_current(void)
{
	return READ_ONCE(this_cpu_ptr(kps_cpus)->now);
}

/* A program that may be ended holds none, if its proof is right. */
static notrace void give_back(struct kps_exec *exec)
{
	if (!exec->lock)
		return;
	kps_value_unlock(exec->lock, exec->lock_irq);
	exec->lock = NULL;
}

NOKPROBE_SYMBOL(give_back);

static __always_inline enum kps_outcome
interpret(struct kps_exec *exec, const struct kps_prog *prog, void *ctx, u64 *ret)
{
	struct kps_run *run = &exec->run;

	run->fuel = prog->fuel;
	*ret = kps_interp_run(prog->code, run, (unsigned long)ctx, 0);
	if (likely(run->end == KPS_RUN_DONE))
		return KPS_RAN;
	give_back(exec);
	return KPS_ABORTED;
}

/* Compiled code carries no mark by which calls would be checked. */
static __always_inline __nocfi enum kps_outcome
run_metered(struct kps_run *run, const struct kps_prog *prog, void *ctx, u64 *ret)
{
	/* A jump forward adds to it. */
	run->fuel = min_t(u64, prog->fuel, S64_MAX / 2);
	*ret = prog->metered_entry(ctx, &run->fuel);
	return (s64)run->fuel == KPS_LOWER_NO_FUEL ? KPS_ABORTED : KPS_RAN;
}

static __always_inline __nocfi enum kps_outcome
run_one(struct kps_exec *exec, const struct kps_prog *prog, void *ctx, u64 *ret)
{
	kps_jit_fn entry = prog->entry ?: prog->tail_entry;

	if (prog->code)
		return interpret(exec, prog, ctx, ret);
	if (prog->metered_entry)
		return run_metered(&exec->run, prog, ctx, ret);
	*ret = entry(ctx, NULL);
	return KPS_RAN;
}

notrace __nocfi enum kps_outcome kps_run_chain(struct kps_exec *exec,
					       const struct kps_prog *prog,
					       void *ctx, u64 *ret)
{
	enum kps_outcome outcome;

	exec->tail_calls = 0;
	do {
		exec->prog = prog;
		exec->next = NULL;
		outcome = run_one(exec, prog, ctx, ret);
		prog = exec->next;
	} while (prog && outcome == KPS_RAN);
	return outcome;
}

NOKPROBE_SYMBOL(kps_run_chain);

notrace bool kps_run_tail_call(const struct kps_prog *prog)
{
	struct kps_exec *exec = kps_run_current();

	if (!prog || exec->tail_calls == KAPSEL_MAX_TAIL_CALLS)
		return false;
	exec->tail_calls++;
	exec->next = prog;
	return true;
}

notrace __nocfi enum kps_outcome kps_prog_run(const struct kps_prog *prog,
					      const void *where, void *ctx, u64 *ret)
{
	enum kps_outcome outcome;

	preempt_disable_notrace();
	outcome = kps_run_here(prog, where, ctx, ret, NULL);
	preempt_enable_notrace();
	return outcome;
}

NOKPROBE_SYMBOL(kps_prog_run);

bool kps_stats_time_on(void)
{
	return static_key_enabled(&kps_stats_time);
}

static int set_stats_time(const char *val, const struct kernel_param *kp)
{
	bool on;
	int err = kstrtobool(val, &on);

	if (err)
		return err;
	if (on)
		static_branch_enable(&kps_stats_time);
	else
		static_branch_disable(&kps_stats_time);
	return 0;
}

static int get_stats_time(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%c\n", kps_stats_time_on() ? 'Y' : 'N');
}

static const struct kernel_param_ops stats_time_ops = {
	.set = set_stats_time,
	.get = get_stats_time,
};
module_param_cb(stats_time, &stats_time_ops, NULL, 0644);
MODULE_PARM_DESC(stats_time, "measure the run time of programs (default: no)");

int kps_run_init(void)
{
	kps_cpus = alloc_percpu(struct kps_cpu);
	return kps_cpus ? 0 : -ENOMEM;
}

void kps_run_exit(void)
{
	free_percpu(kps_cpus);
}
