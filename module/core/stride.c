// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - congruence: numbers that come in steps, as a counter's by 24 */

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/types.h>

#include "core/stride.h"

static const struct kps_stride any;

static u64 common_step(u64 a, u64 b)
{
	while (b) {
		u64 rest;

		div64_u64_rem(a, b, &rest);
		a = b;
		b = rest;
	}
	return a;
}

/* A set of step 0 that has but one member is in every step. */
static struct kps_stride make(u64 step, u64 member)
{
	if (step < 2 || step > U32_MAX)
		return any;
	return (struct kps_stride){ .step = (u32)step, .rest = kps_stride_rest(member, (u32)step) };
}

struct kps_stride kps_stride_join(struct kps_stride a, u64 a_member,
				  struct kps_stride b, u64 b_member)
{
	u64 apart = a_member > b_member ? a_member - b_member : b_member - a_member;

	return make(common_step(common_step(a.step, b.step), apart), a_member);
}

bool kps_stride_cut(struct kps_stride s, u64 *min, u64 *max)
{
	u32 low = kps_stride_rest(*min, s.step), high = kps_stride_rest(*max, s.step);
	u32 up = s.rest >= low ? s.rest - low : s.rest + (s.step - low);
	u32 down = high >= s.rest ? high - s.rest : high + (s.step - s.rest);

	if (*min > U64_MAX - up || *max < down)
		return false;
	*min += up;
	*max -= down;
	return *min <= *max;
}

struct kps_stride kps_stride_scale(struct kps_stride s, u64 n)
{
	u64 step = s.step ?: 1;

	if (n > U32_MAX)
		return any;
	return make(step * n, (u64)s.rest * n);
}

struct kps_stride kps_stride_add(struct kps_stride a, struct kps_stride b)
{
	if (!a.step || !b.step)
		return any;
	return make(common_step(a.step, b.step), (u64)a.rest + b.rest);
}

struct kps_stride kps_stride_negate(struct kps_stride s)
{
	return (struct kps_stride){ .step = s.step, .rest = s.rest ? s.step - s.rest : 0 };
}

struct kps_stride kps_stride_shift(struct kps_stride s, s64 n)
{
	u64 size = n < 0 ? -(u64)n : (u64)n;
	struct kps_stride by;

	if (!s.step)
		return any;
	by = make(s.step, size);
	return kps_stride_add(s, n < 0 ? kps_stride_negate(by) : by);
}
