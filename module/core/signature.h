/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - how a kernel function takes its arguments, from the kernel's BTF */
#ifndef KPS_SIGNATURE_H
#define KPS_SIGNATURE_H

#include <linux/types.h>

#define KPS_ARG_REGISTERS	6	/* that pass arguments, on x86-64 */

/** enum kps_signature - what became of the question */
enum kps_signature {
	KPS_SIGNATURE_REGISTERS,	/* all of it is in registers */
	KPS_SIGNATURE_UNKNOWN,		/* no such function, several, or a malformed description */
	KPS_SIGNATURE_MEMORY,		/* some of it may be on the stack, or varies */
};

/**
 * kps_signature_find - does a function take and give all in registers?
 * @btf: the kernel's types, or whatever is said to be
 * @size: bytes
 * @name: of the function
 *
 * A yes is certain for C's calling convention: what is in doubt, such as structs
 * with bitfields or with structs in them, is said to be in memory. Takes no memory,
 * looks through the types once for each that is asked for.
 */
enum kps_signature kps_signature_find(const void *btf, size_t size, const char *name);

/** kps_btf_following - bytes behind a type's record, by its @info; -1: of no known kind */
int kps_btf_following(u32 info);

#endif
