// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - running a program, in any context */

#include <linux/jump_label.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/preempt.h>

#include "prog.h"
#include "run.h"

#define NR_LEVELS	4

/**
 * struct kps_cpu - what a CPU needs to run programs
 * @now: the innermost run; saved and restored like a stack, since contexts nest
 * @levels: a run for each level of context
 */
struct kps_cpu {
	struct kps_exec *now;
	struct kps_exec levels[NR_LEVELS];
};

/* Not static per-CPU data: modules share few kilobytes of that. */
static struct kps_cpu __percpu *cpus;

DEFINE_STATIC_KEY_FALSE(kps_stats_time);

notrace struct kps_exec *kps_run_current(void)
{
	return this_cpu_ptr(cpus)->now;
}

static __always_inline enum kps_outcome
interpret(struct kps_run *run, const struct kps_prog *prog, void *ctx, u64 *ret)
{
	run->fuel = prog->fuel;
	*ret = kps_interp_run(prog->code, run, (unsigned long)ctx, 0);
	return run->end == KPS_RUN_DONE ? KPS_RAN : KPS_ABORTED;
}

/* Compiled code carries no mark by which calls would be checked. */
static __always_inline __nocfi enum kps_outcome
run_here(struct kps_cpu *cpu, struct kps_exec *exec, const struct kps_prog *prog,
	 void *ctx, u64 *ret)
{
	struct kps_exec *outer = cpu->now;

	enum kps_outcome outcome = KPS_RAN;

	exec->prog = prog;
	cpu->now = exec;
	if (prog->entry)
		*ret = prog->entry(ctx, NULL);
	else
		outcome = interpret(&exec->run, prog, ctx, ret);
	cpu->now = outer;
	return outcome;
}

/*
 * @busy needs no atomicity: preemption is off, and whatever interrupts here runs
 * on another level or finds it set. The barriers keep it around the run.
 */
notrace __nocfi enum kps_outcome kps_prog_run(const struct kps_prog *prog,
					      void *ctx, u64 *ret)
{
	enum kps_outcome outcome = KPS_RECURSED;
	struct kps_exec *exec;
	struct kps_cpu *cpu;

	preempt_disable_notrace();
	cpu = this_cpu_ptr(cpus);
	exec = &cpu->levels[interrupt_context_level()];
	if (!exec->busy) {
		exec->busy = true;
		barrier();
		outcome = run_here(cpu, exec, prog, ctx, ret);
		barrier();
		exec->busy = false;
	}
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
	cpus = alloc_percpu(struct kps_cpu);
	return cpus ? 0 : -ENOMEM;
}

void kps_run_exit(void)
{
	free_percpu(cpus);
}
