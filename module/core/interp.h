/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - the interpreter */
#ifndef KPS_INTERP_H
#define KPS_INTERP_H

#include <linux/minmax.h>
#include <linux/types.h>
#include <linux/kapsel.h>

#include "core/dynptr.h"

struct kps_code;

/** enum kps_run_end - how a run ended */
enum kps_run_end {
	KPS_RUN_DONE,
	KPS_RUN_FUEL,		/* out of fuel */
	KPS_RUN_TRAP,		/* an instruction that no path reaches was reached */
};

/**
 * struct kps_each - a walk over the elements of a map; zeroed at first
 * @done: elements that were found
 * @at: how far it is, by the map's own count
 * @link: likewise
 * @index: of an array, what @key points to
 * @key: address of the element's key
 * @value: and of its value
 */
struct kps_each {
	u32 done;
	u32 at;
	u64 link;
	u64 index;
	u64 key;
	u64 value;
};

#define KPS_MAX_SAMPLES	0x20000		/* that Linux drains at once */

/**
 * kps_most_samples - how many are drained at once of a ring of @size bytes
 *
 * So many as it holds, each of which has a head of 8 bytes, though Linux goes on as long
 * as more come: a run's instructions are bounded by it.
 */
static inline u32 kps_most_samples(u32 size)
{
	return min_t(u32, size / 8, KPS_MAX_SAMPLES);
}

/**
 * struct kps_drain - samples of a user ring buffer being drained; zeroed at first
 * @sample: what the callback gets
 * @flags: of the helper's call
 * @samples: that were taken
 * @discarded: of them: those that userspace took back
 * @result: in the end: how many the callback got, or -errno
 */
struct kps_drain {
	struct kps_dynptr sample;
	u64 flags;
	u32 samples;
	u32 discarded;
	s64 result;
};

/**
 * struct kps_caller - a suspended function
 * @ret: where it goes on
 * @fp: its frame pointer
 * @saved: its r6 to r9
 * @loop_left: @loop_done: progress of the loop helper that called the callback
 * @loop_ctx: the callback's last argument
 * @loop_map: of for_each_map_elem and user_ringbuf_drain
 * @each: likewise
 * @drain: of user_ringbuf_drain
 */
struct kps_caller {
	const void *ret;
	u64 fp;
	u64 saved[4];
	u64 loop_left;
	u64 loop_done;
	u64 loop_ctx;
	u64 loop_map;
	union {
		struct kps_each each;
		struct kps_drain drain;
	};
};

/**
 * struct kps_run - the memory of one run; the caller provides it, uninitialised
 *	but for @fuel. One run at a time
 * @fuel: in: instructions it may take; out: what is left
 * @end: out: enum kps_run_end
 * @frames: suspended callers
 * @stack: of the program, all frames
 */
struct kps_run {
	u64 fuel;
	u32 end;
	struct kps_caller frames[KAPSEL_MAX_DEPTH];
	u64 stack[KAPSEL_MAX_STACK / 8] __aligned(16);
};

/**
 * kps_interp_prepare - let instructions that often follow each other run as one
 * @code: from kps_rewrite(); no other engine understands it from here on
 *
 * Nothing is moved, and no more or less fuel is taken. Optional, and once.
 */
void kps_interp_prepare(struct kps_code *code);

/**
 * kps_interp_run - run a program
 * @code: from kps_rewrite()
 * @run: memory of this run
 * @ctx: r1 at the start
 * @arg2: r2 at the start (test runs on bare memory), else 0
 *
 * Does not sleep, allocate or recurse, and needs no more than 256 bytes of the
 * caller's stack. Any context. Division by zero gives 0, modulo by zero the
 * dividend, shift amounts are masked, as RFC 9669 says.
 *
 * Return: r0; 0 unless run->end is KPS_RUN_DONE.
 */
u64 kps_interp_run(const struct kps_code *code, struct kps_run *run, u64 ctx,
		   u64 arg2);

#endif
