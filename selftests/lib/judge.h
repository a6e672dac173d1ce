/* SPDX-License-Identifier: GPL-2.0-only */
/* The verifier's verdict on a program, given the maps that it may use */
#ifndef KPS_TEST_JUDGE_H
#define KPS_TEST_JUDGE_H

#include <linux/types.h>
#include <uapi/linux/bpf.h>

#include "core/host.h"

/**
 * kt_judge - verify a program under a GPL-compatible license
 * @type: KAPSEL_PROG_*
 * @insns: the program
 * @cnt: its slots
 * @maps: what "map[fd:N]" means, or NULL: there is none
 * @nr_maps: how many
 *
 * Return: 0 if it is accepted, else the code that it is refused with, or -errno.
 */
int kt_judge(u32 type, const struct bpf_insn *insns, u32 cnt,
	     const struct kps_map_facts *maps, u32 nr_maps);

/** kt_judge_within - the same with no more memory than @bytes, 0: the default */
int kt_judge_within(u64 bytes, u32 type, const struct bpf_insn *insns, u32 cnt,
		    const struct kps_map_facts *maps, u32 nr_maps);

/** struct kt_returns - what hooks are told of a program: see struct kps_proof */
struct kt_returns {
	s64 min;
	s64 max;
	bool writes_packet;
};

/** kt_judge_returns - the same as kt_judge(), and what an accepted program returns */
int kt_judge_returns(u32 type, const struct bpf_insn *insns, u32 cnt,
		     const struct kps_map_facts *maps, u32 nr_maps, struct kt_returns *returns);

#endif
