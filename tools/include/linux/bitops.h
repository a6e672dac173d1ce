/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for the kernel's header: single bits */
#ifndef KPS_SHIM_BITOPS_H
#define KPS_SHIM_BITOPS_H

#include <linux/types.h>

#ifndef BIT
#define BIT(n)		(1UL << (n))
#define BIT_ULL(n)	(1ULL << (n))
#endif
#define BITS_PER_LONG	64
#define GENMASK(h, l)		((~0UL << (l)) & (~0UL >> (63 - (h))))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))

#define hweight8(x)	((unsigned int)__builtin_popcount((u8)(x)))
#define hweight16(x)	((unsigned int)__builtin_popcount((u16)(x)))
#define hweight32(x)	((unsigned int)__builtin_popcount((u32)(x)))
#define hweight64(x)	((unsigned int)__builtin_popcountll(x))

static inline int fls(unsigned int x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

/* Undefined for 0, as in the kernel. */
static inline unsigned int __ffs64(u64 x)
{
	return (unsigned int)__builtin_ctzll(x);
}

#define __ffs(x)	((unsigned long)__builtin_ctzl(x))
#define __fls(x)	(63UL - (unsigned long)__builtin_clzl(x))

static inline s32 sign_extend32(u32 x, int index)
{
	return (s32)(x << (31 - index)) >> (31 - index);
}

static inline s64 sign_extend64(u64 x, int index)
{
	return (s64)(x << (63 - index)) >> (63 - index);
}

#endif
