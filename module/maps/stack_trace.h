/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - map type stack trace */
#ifndef KPS_STACK_TRACE_H
#define KPS_STACK_TRACE_H

#include <linux/types.h>

struct kps_map;

/**
 * kps_stack_trace_id - the id of a stack, which is stored if it is new
 * @map: of type stack trace
 * @ips: of the stack
 * @nr: how many, 1 or more and as many as fit in a value
 * @flags: of bpf_get_stackid(), of which BPF_F_FAST_STACK_CMP and
 *	BPF_F_REUSE_STACKID count
 *
 * Any context.
 *
 * Return: the id, or -EEXIST: another stack has it; -ENOMEM: the map is full;
 * -EBUSY: its lock is not to be had here. The last two are counted as lost.
 */
long kps_stack_trace_id(struct kps_map *map, const u64 *ips, u32 nr, u64 flags);

#endif
