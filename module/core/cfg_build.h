/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - what the steps of kps_cfg_build() share */
#ifndef KPS_CFG_BUILD_H
#define KPS_CFG_BUILD_H

#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>

#include "core/arena.h"
#include "core/cfg.h"
#include "core/insn.h"

/**
 * struct kps_cfg_build - a control flow graph in the making
 * @cfg: the result, allocated in @arena
 * @insns: the program
 * @cnt: its slots
 * @arena: the caller's
 * @scratch: likewise, for what the graph itself has no need of
 * @err: the caller's
 * @marks: KPS_MARK_* of each slot
 * @leaders: slots that are marked as such
 * @functions: likewise
 * @references: instructions that kps_insn_refers() is true of
 * @steps: since the last poll
 */
struct kps_cfg_build {
	struct kps_cfg *cfg;
	const struct bpf_insn *insns;
	u32 cnt;
	struct kps_arena *arena;
	struct kps_arena *scratch;
	struct kps_cfg_error *err;
	u8 *marks;
	u32 leaders;
	u32 functions;
	u32 references;
	u32 steps;
};

#define KPS_MARK_SECOND		1	/* second slot of a lddw */
#define KPS_MARK_SUBPROG	2	/* a subprogram begins */
#define KPS_MARK_CALLBACK	4	/* and its address is taken */
#define KPS_MARK_LEADER		8	/* a block begins */
#define KPS_MARK_JUMP		16	/* a jump, a call, exit */
#define KPS_MARK_REFERS		32	/* kps_insn_refers() */

/** kps_next_mark - the first slot from @pc on that has one of @marks, or @end */
static inline u32 kps_next_mark(const struct kps_cfg_build *build, u32 pc, u32 end, u8 marks)
{
	const u64 all = marks * 0x0101010101010101ULL;
	u64 eight;

	for (; pc < end; pc++) {
		if (build->marks[pc] & marks)
			break;
		/* Most slots have no mark: those are looked at eight at a time. */
		while (end - pc > 8) {
			memcpy(&eight, &build->marks[pc + 1], sizeof(eight));
			if (eight & all)
				break;
			pc += 8;
		}
	}
	return pc;
}

/** kps_cfg_tick - called once a step; asks the host now and then */
static inline int kps_cfg_tick(struct kps_cfg_build *build)
{
	const struct kps_host *host = build->arena->host;

	if (++build->steps & 1023 || !host->poll)
		return 0;
	return host->poll(host->priv);
}

/** kps_cfg_refuse - note the rule that is broken; returns -EINVAL */
static inline int kps_cfg_refuse(struct kps_cfg_build *build, u32 code, u32 pc,
				 u64 detail)
{
	*build->err = (struct kps_cfg_error){
		.code = code, .pc = pc, .detail = detail,
	};
	return -EINVAL;
}

/** kps_insn_refers - is it a local call, or a lddw of a function? */
static inline bool kps_insn_refers(const struct bpf_insn *insn)
{
	if (insn->code == (BPF_JMP | BPF_CALL))
		return insn->src_reg == BPF_PSEUDO_CALL;
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW) &&
	       insn->src_reg == BPF_PSEUDO_FUNC;
}

/** kps_cfg_calls - heights of the call chains; refuses recursion and depth */
int kps_cfg_calls(struct kps_cfg_build *build);

/** kps_cfg_order - loops and the schedule */
int kps_cfg_order(struct kps_cfg_build *build);

#endif
