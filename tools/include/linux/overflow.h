/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for the kernel's header: sums and products that may not fit */
#ifndef KPS_SHIM_OVERFLOW_H
#define KPS_SHIM_OVERFLOW_H

#include <linux/limits.h>
#include <linux/types.h>

#define check_add_overflow(a, b, d)	__builtin_add_overflow(a, b, d)
#define check_sub_overflow(a, b, d)	__builtin_sub_overflow(a, b, d)
#define check_mul_overflow(a, b, d)	__builtin_mul_overflow(a, b, d)

#endif
