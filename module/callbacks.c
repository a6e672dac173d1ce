// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - callbacks of compiled programs: bpf_loop(), bpf_for_each_map_elem() and so on */

#include <linux/errno.h>
#include <linux/kprobes.h>

#include "callbacks.h"
#include "helpers.h"
#include "core/code.h"
#include "core/interp.h"
#include "core/lower.h"

typedef u64 (*round_fn)(u64 round, u64 ctx);
typedef u64 (*sample_fn)(u64 dynptr, u64 ctx);
typedef u64 (*elem_fn)(u64 map, u64 key, u64 value, u64 ctx);

static __always_inline int loop_refused(u32 rounds, u64 flags)
{
	if (flags)
		return -EINVAL;
	return rounds > KPS_MAX_LOOPS ? -E2BIG : 0;
}

notrace __nocfi u64 kps_run_loop(u64 rounds, u64 callback, u64 ctx, u64 flags, u64 unused)
{
	round_fn fn = (round_fn)(unsigned long)callback;
	u32 nr = rounds, done = 0;

	if (loop_refused(nr, flags))
		return loop_refused(nr, flags);
	while (done < nr)
		if (fn(done++, ctx))
			break;
	return done;
}

NOKPROBE_SYMBOL(kps_run_loop);

static __always_inline bool has_fuel(const s64 *left)
{
	return READ_ONCE(*left) != KPS_LOWER_NO_FUEL;
}

/* The same in a metered program, whose callbacks may be ended. */
notrace __nocfi u64 kps_run_metered_loop(u64 rounds, u64 callback, u64 ctx, u64 flags,
					 u64 counter)
{
	round_fn fn = (round_fn)(unsigned long)callback;
	s64 *left = (s64 *)(unsigned long)counter;
	u32 nr = rounds, done = 0;
	u64 stop = 0;

	if (loop_refused(nr, flags))
		return loop_refused(nr, flags);
	if (nr && *left < 0)
		*left = KPS_LOWER_NO_FUEL;
	while (done < nr && !stop && has_fuel(left))
		stop = fn(done++, ctx);
	return done;
}

NOKPROBE_SYMBOL(kps_run_metered_loop);

static __always_inline bool next_elem(u64 map, struct kps_each *each)
{
	return kps_h_for_each_map_elem(map, (unsigned long)each, 0, 0, 0);
}

notrace __nocfi u64 kps_run_each(u64 map, u64 callback, u64 ctx, u64 flags, u64 unused)
{
	elem_fn fn = (elem_fn)(unsigned long)callback;
	struct kps_each each = {};

	if (flags)
		return -EINVAL;
	while (next_elem(map, &each))
		if (fn(map, each.key, each.value, ctx))
			break;
	return each.done;
}

NOKPROBE_SYMBOL(kps_run_each);

notrace __nocfi u64 kps_run_metered_each(u64 map, u64 callback, u64 ctx, u64 flags, u64 counter)
{
	elem_fn fn = (elem_fn)(unsigned long)callback;
	s64 *left = (s64 *)(unsigned long)counter;
	struct kps_each each = {};
	u64 stop = 0;

	if (flags)
		return -EINVAL;
	while (!stop && has_fuel(left) && next_elem(map, &each)) {
		/* There is none for as much as the first call. */
		if (*left < 0)
			*left = KPS_LOWER_NO_FUEL;
		else
			stop = fn(map, each.key, each.value, ctx);
	}
	return each.done;
}

NOKPROBE_SYMBOL(kps_run_metered_each);

/* Metered programs do not drain: what is drained is busy till the end. */
notrace __nocfi u64 kps_run_drain(u64 map, u64 callback, u64 ctx, u64 flags, u64 unused)
{
	sample_fn fn = (sample_fn)(unsigned long)callback;
	struct kps_drain drain = { .flags = flags };
	u64 stop = 0;

	while (kps_h_user_ringbuf_drain(map, (unsigned long)&drain, stop, 0, 0))
		stop = fn((unsigned long)&drain.sample, ctx);
	return drain.result;
}

NOKPROBE_SYMBOL(kps_run_drain);
