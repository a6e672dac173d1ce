/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module that everything is compared with does when asked */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define FLOOR_DEVICE	"/dev/kapsel_floor"
/* Exported, traced, described by BTF, short, and hardly ever called. */
#define FLOOR_TARGET	"jiffies_to_usecs"

/** enum floor_hook - handlers in C that do nothing, all but one */
enum floor_hook {
	FLOOR_NOTHING,
	FLOOR_FTRACE,		/* an ftrace_ops on the target */
	FLOOR_ENTRY,		/* a kprobe on its entry */
	FLOOR_OFFSET,		/* a kprobe inside of it */
	FLOOR_RETURN,		/* a kretprobe */
	FLOOR_PACKETS,		/* netfilter, LOCAL_OUT and LOCAL_IN */
	FLOOR_LOOKS,		/* the same, but looks at packets, and counts */
	FLOOR_HOOKS
};

/**
 * struct floor_arg - the argument of all ioctls
 * @what: FLOOR_ATTACH: enum floor_hook, of which one is attached at a time;
 *	FLOOR_COMPUTE: a kernel of kernels.h
 * @rounds: FLOOR_CALL, FLOOR_COMPUTE: how many
 * @offset: FLOOR_ATTACH: where FLOOR_OFFSET goes
 * @ns: out: what all rounds took
 * @result: out: FLOOR_COMPUTE: what the kernel came to
 */
struct floor_arg {
	__u32 what;
	__u32 rounds;
	__u64 offset;
	__u64 ns;
	__u64 result;
};

#define FLOOR_ATTACH	_IOWR(0xB6, 0, struct floor_arg)
#define FLOOR_CALL	_IOWR(0xB6, 1, struct floor_arg)
#define FLOOR_COMPUTE	_IOWR(0xB6, 2, struct floor_arg)

#endif
