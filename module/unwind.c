// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - stacks of calls, as perf sees them */

#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <asm/unwind.h>

#include "probe.h"
#include "unwind.h"

/**
 * struct trace - addresses so far
 * @ips: where they go
 * @nr: how many there are
 * @max: how many fit
 */
struct trace {
	u64 *ips;
	u32 nr;
	u32 max;
};

static bool put(struct trace *trace, u64 ip)
{
	if (trace->nr == trace->max)
		return false;
	trace->ips[trace->nr++] = ip;
	return true;
}

/*
 * From the probe's registers, not from here: the unwinder knows nothing of a
 * compiled program's frame. It believes the stack pointer only as far as it points
 * into one of the kernel's stacks, so that made up registers of a test run do no
 * harm. Those that ftrace left out are not needed at a function's entry.
 */
static void walk_kernel(struct trace *trace, struct pt_regs *regs)
{
	struct unwind_state state;
	unsigned long ip;

	if (!put(trace, regs->ip))
		return;
	for (unwind_start(&state, current, regs, NULL); !unwind_done(&state);
	     unwind_next_frame(&state)) {
		ip = unwind_get_return_address(&state);
		if (!ip || !put(trace, ip))
			return;
	}
}

/**
 * struct frame - what a frame pointer points to
 * @next: the caller's frame
 * @ip: where it goes on
 */
struct frame {
	u64 next;
	u64 ip;
};

static bool read_frame(u64 at, bool wide, struct frame *frame)
{
	u32 narrow[2];

	if (wide)
		return !kps_read_user(frame, at, sizeof(*frame));
	if (kps_read_user(narrow, (u32)at, sizeof(narrow)))
		return false;
	*frame = (struct frame){ .next = narrow[0], .ip = narrow[1] };
	return true;
}

static void walk_user(struct trace *trace, struct pt_regs *regs)
{
	bool wide = user_64bit_mode(regs);
	struct frame frame = { .next = regs->bp, .ip = regs->ip };

	while (put(trace, frame.ip))
		if (!read_frame(frame.next, wide, &frame))
			return;
}

/* Kernel threads have no user side, though they may borrow memory of somebody's. */
static struct pt_regs *user_regs(struct pt_regs *regs)
{
	if (user_mode(regs))
		return regs;
	if (!current->mm || current->flags & PF_KTHREAD)
		return NULL;
	return task_pt_regs(current);
}

u32 kps_unwind(struct pt_regs *regs, bool user, u64 *ips, u32 max)
{
	struct trace trace = { .ips = ips, .max = max };
	struct pt_regs *from = user ? user_regs(regs) : NULL;

	if (from)
		walk_user(&trace, from);
	else if (!user && !user_mode(regs))
		walk_kernel(&trace, regs);
	return trace.nr;
}
