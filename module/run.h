/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - running a program, in any context */
#ifndef KPS_RUN_H
#define KPS_RUN_H

#include <linux/compiler.h>
#include <linux/jump_label.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/timekeeping.h>
#include <linux/types.h>

#include "prog.h"
#include "unwind.h"
#include "core/format.h"
#include "core/interp.h"

struct kps_link;
struct kps_site;
struct kps_skb_ctx;

#define KPS_LINE_LEN	512	/* of trace_printk, with what goes before it */

/**
 * struct kps_exec - a run, while it runs
 * @busy: it does
 * @tail_calls: so far; of programs that make any
 * @prog: kept alive by the hook's read-side section, or by the test run's file
 * @next: the program to go on with, found by a tail call; kept alive likewise
 * @site: of the probe that it is run by, or NULL
 * @skb: of a program of packets, in place of that: its context
 * @lock: that it holds, in a map's value, or NULL
 * @lock_irq: the interrupt state before
 * @line: where trace_printk formats
 * @format: what it formats
 * @stack: where stacks of calls are gathered
 * @run: the interpreter's memory
 */
struct kps_exec {
	bool busy;
	u32 tail_calls;
	const struct kps_prog *prog;
	const struct kps_prog *next;
	union {
		const struct kps_site *site;
		const struct kps_skb_ctx *skb;
	};
	void *lock;
	unsigned long lock_irq;
	char line[KPS_LINE_LEN];
	union {
		struct kps_format format;
		u64 stack[KPS_MAX_FRAMES];
	};
	struct kps_run run;
};

#define KPS_NR_LEVELS	4

/**
 * struct kps_cpu - what a CPU needs to run programs
 * @now: the innermost run; saved and restored like a stack, since contexts nest
 * @levels: a run for each level of context
 */
struct kps_cpu {
	struct kps_exec *now;
	struct kps_exec levels[KPS_NR_LEVELS];
};

/* Not static per-CPU data: modules share few kilobytes of that. */
extern struct kps_cpu __percpu *kps_cpus;

DECLARE_STATIC_KEY_FALSE(kps_stats_time);

/** enum kps_outcome - what became of a run */
enum kps_outcome {
	KPS_RAN,
	KPS_RECURSED,		/* this context level runs a program already */
	KPS_ABORTED,		/* fuel, if metered; else never, nor a trap, for a sound verifier */
};

/* Most events happen in tasks. */
static __always_inline unsigned int kps_context_level(void)
{
	if (likely(!(preempt_count() & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET))))
		return 0;
	return interrupt_context_level();
}

/**
 * kps_run_chain - a program that is interpreted, metered, or makes tail calls
 *
 * What a tail call leads to runs when the program that made it has ended, in the same
 * memory, by its own engine, and with its own fuel.
 */
enum kps_outcome kps_run_chain(struct kps_exec *exec, const struct kps_prog *prog,
			       void *ctx, u64 *ret);

/* Compiled code carries no mark by which calls would be checked. */
static __always_inline __nocfi enum kps_outcome
kps_run_in(struct kps_exec *exec, const struct kps_prog *prog, void *ctx, u64 *ret)
{
	if (unlikely(!prog->entry))
		return kps_run_chain(exec, prog, ctx, ret);
	*ret = prog->entry(ctx, NULL);
	return KPS_RAN;
}

/* The clock is read inside of the guard: it may be what is probed. */
static __always_inline __nocfi enum kps_outcome
kps_run_timed(struct kps_exec *exec, const struct kps_prog *prog, void *ctx,
	      u64 *ret, u64 __percpu *ns)
{
	u64 start = ktime_get_mono_fast_ns();
	enum kps_outcome outcome = kps_run_in(exec, prog, ctx, ret);

	if (outcome == KPS_RAN)
		this_cpu_add(*ns, ktime_get_mono_fast_ns() - start);
	return outcome;
}

/**
 * kps_run_here - run a program; preemption is off
 * @prog: the program
 * @where: of a probe its struct kps_site, or NULL; of a packet its struct kps_skb_ctx
 * @ctx: its context
 * @ret: what it returned
 * @ns: gets the time it took, while that is measured; NULL: nobody asks
 *
 * Any context in which RCU is watching. Each CPU has one area for each level of
 * context (task, softirq, hardirq, NMI); when the level's own is in use, the
 * event comes from something that the program itself does, and is skipped.
 *
 * @busy needs no atomicity: preemption is off, and whatever interrupts here runs
 * on another level or finds it set. The barriers keep it around the run. Whatever
 * interrupts leaves @now as it was, but it is not to find a part of it.
 */
static __always_inline __nocfi enum kps_outcome
kps_run_here(const struct kps_prog *prog, const void *where, void *ctx,
	     u64 *ret, u64 __percpu *ns)
{
	struct kps_cpu *cpu = this_cpu_ptr(kps_cpus);
	struct kps_exec *exec = &cpu->levels[kps_context_level()];
	struct kps_exec *outer = READ_ONCE(cpu->now);
	enum kps_outcome outcome;

	if (unlikely(exec->busy))
		return KPS_RECURSED;
	exec->busy = true;
	barrier();
	exec->prog = prog;
	exec->site = where;
	WRITE_ONCE(cpu->now, exec);
	if (ns && static_branch_unlikely(&kps_stats_time))
		outcome = kps_run_timed(exec, prog, ctx, ret, ns);
	else
		outcome = kps_run_in(exec, prog, ctx, ret);
	WRITE_ONCE(cpu->now, outer);
	barrier();
	exec->busy = false;
	return outcome;
}

/** kps_prog_run - kps_run_here() for whoever has preemption on */
enum kps_outcome kps_prog_run(const struct kps_prog *prog, const void *where, void *ctx,
			      u64 *ret);

/** kps_run_current - the innermost run of this CPU; for helpers */
struct kps_exec *kps_run_current(void);

/**
 * kps_run_tail_call - go on with another program when the current one ends
 * @prog: what lives as long as the run, by RCU; or NULL
 *
 * Return: whether that is possible; then the current one is to end.
 */
bool kps_run_tail_call(const struct kps_prog *prog);

/** kps_stats_time_on - are run times measured? */
bool kps_stats_time_on(void);

int kps_run_init(void);
void kps_run_exit(void);

#endif
