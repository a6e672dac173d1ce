// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic done at a glance: whatever it takes on, what members give is in the
 * result. The second operand is any number, or one that is known.
 */

#include <uapi/linux/bpf.h>

#include "core/scalar_plain.c"

#include "cbmc.h"

#define PLAIN(kind, name, op, operand, result)				\
	void kind ## _plain_ ## name(void)				\
	{								\
		struct kps_scalar a = any_scalar(), b = operand;	\
		u64 x = scalar_member(&a), y = scalar_member(&b);	\
									\
		if (kps_scalar_plain(op, 64, &a, &b))			\
			prove(kps_scalar_has(&a, result));		\
	}

PLAIN(hard, add, BPF_ADD, any_scalar(), x + y)
PLAIN(prove, add_const, BPF_ADD, kps_scalar_const(nondet_u64()), x + y)
PLAIN(hard, sub_const, BPF_SUB, kps_scalar_const(nondet_u64()), x - y)
PLAIN(prove, and, BPF_AND, kps_scalar_const(nondet_u64()), x & y)
PLAIN(prove, lsh, BPF_LSH, kps_scalar_const(nondet_u64()), x << (y & 63))
PLAIN(prove, rsh, BPF_RSH, kps_scalar_const(nondet_u64()), x >> (y & 63))

/* A sum may be larger than either operand. */
PLAIN(control, add_stays, BPF_ADD, any_scalar(), x)
