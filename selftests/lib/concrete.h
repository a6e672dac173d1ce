/* SPDX-License-Identifier: GPL-2.0-only */
/* RFC 9669's arithmetic and comparisons on numbers of any width */
#ifndef KPS_TEST_CONCRETE_H
#define KPS_TEST_CONCRETE_H

#include <linux/types.h>

/** concrete_alu - what @op (BPF_ADD and so on) makes of @a and @b, cut to @w bits */
u64 concrete_alu(u8 op, bool is_signed, u64 a, u64 b, unsigned int w);

/** concrete_jump - whether @op (BPF_JEQ and so on) jumps */
bool concrete_jump(u8 op, u64 a, u64 b, unsigned int w);

/** concrete_sext - the low @w bits of @n, sign-extended to 64 */
s64 concrete_sext(u64 n, unsigned int w);

#endif
