/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for the kernel's header: ends of the integer types */
#ifndef KPS_SHIM_LIMITS_H
#define KPS_SHIM_LIMITS_H

#include_next <linux/limits.h>
#include <stdint.h>

#define U8_MAX	((__u8)~0U)
#define S8_MAX	((__s8)(U8_MAX >> 1))
#define S8_MIN	((__s8)(-S8_MAX - 1))
#define U16_MAX	((__u16)~0U)
#define S16_MAX	((__s16)(U16_MAX >> 1))
#define S16_MIN	((__s16)(-S16_MAX - 1))
#define U32_MAX	((__u32)~0U)
#define U32_MIN	((__u32)0)
#define S32_MAX	((__s32)(U32_MAX >> 1))
#define S32_MIN	((__s32)(-S32_MAX - 1))
#define U64_MAX	((__u64)~0ULL)
#define S64_MAX	((__s64)(U64_MAX >> 1))
#define S64_MIN	((__s64)(-S64_MAX - 1))

#ifndef INT_MAX
#define INT_MAX		__INT_MAX__
#define INT_MIN		(-INT_MAX - 1)
#define UINT_MAX	(INT_MAX * 2U + 1U)
#endif

#endif
