// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers for kprobe programs: stacks of calls */

#include <linux/minmax.h>
#include <linux/string.h>
#include <uapi/linux/bpf.h>

#include "helpers.h"
#include "map.h"
#include "run.h"
#include "unwind.h"
#include "maps/stack_trace.h"

#define SKIP(flags)	((u32)((flags) & BPF_F_SKIP_FIELD_MASK))

/* The stack is in the run's memory; without the frames that are skipped. */
static u32 walk(u64 ctx, u32 most, u64 flags)
{
	struct kps_exec *exec = kps_run_current();

	return kps_unwind((struct pt_regs *)(unsigned long)ctx, flags & BPF_F_USER_STACK,
			  exec->stack, min_t(u32, most + SKIP(flags), KPS_MAX_FRAMES));
}

u64 kps_h_get_stackid(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	const u64 known = BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK |
			  BPF_F_FAST_STACK_CMP | BPF_F_REUSE_STACKID;
	struct kps_map *map = (void *)(unsigned long)r2;
	u32 nr, skip = SKIP(r3);

	if (r3 & ~known)
		return -EINVAL;
	nr = walk(r1, map->value_size / sizeof(u64), r3);
	if (nr <= skip)
		return -EFAULT;
	return kps_stack_trace_id(map, kps_run_current()->stack + skip, nr - skip, r3);
}

static long get_stack(u64 ctx, void *buf, u32 size, u64 flags)
{
	u32 nr, skip = SKIP(flags);

	if (flags & ~(u64)(BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK) || size % sizeof(u64))
		return -EINVAL;
	nr = walk(ctx, min_t(u32, size / sizeof(u64), KPS_MAX_FRAMES), flags);
	if (nr < skip)
		return -EFAULT;
	memcpy(buf, kps_run_current()->stack + skip, (nr - skip) * sizeof(u64));
	return (nr - skip) * sizeof(u64);
}

u64 kps_h_get_stack(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	void *buf = (void *)(unsigned long)r2;
	u32 size = r3;
	long len = get_stack(r1, buf, size, r4);
	u32 filled = max(len, 0L);

	memset(buf + filled, 0, size - filled);
	return len;
}
