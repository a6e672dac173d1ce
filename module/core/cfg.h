/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - control flow: subprograms, blocks, loops, the schedule */
#ifndef KPS_CFG_H
#define KPS_CFG_H

#include <linux/types.h>
#include <uapi/linux/bpf.h>

struct kps_arena;

#define KPS_NONE 0xffffffffu

/**
 * struct kps_block - instructions entered at the first and left at the last
 * @start: first slot
 * @end: one past the last slot
 * @subprog: index of the subprogram
 * @succ: blocks that may follow: [0] fall through or ja's target, [1] a
 *	conditional jump's target; KPS_NONE: none. A local call, or a call of
 *	the loop helper, ends a block; succ[0] is where it returns
 * @loop: innermost loop that contains the block (as head or body), or KPS_NONE
 * @order: position in the subprogram's schedule; KPS_NONE: unreachable
 */
struct kps_block {
	u32 start;
	u32 end;
	u32 subprog;
	u32 succ[2];
	u32 loop;
	u32 order;
};

/**
 * struct kps_loop - a component of Bourdoncle's weak topological order
 * @head: its block; every cycle in the component goes through it or through
 *	the head of a loop inside
 * @parent: enclosing loop, or KPS_NONE
 * @depth: 1 for an outermost loop
 * @first: position of the head in the subprogram's schedule
 * @last: position after the last block of the component
 */
struct kps_loop {
	u32 head;
	u32 parent;
	u32 depth;
	u32 first;
	u32 last;
};

/**
 * struct kps_subprog - a function of the program
 * @start: first slot
 * @end: one past the last slot
 * @first_block: its blocks are contiguous, in slot order
 * @blocks: how many
 * @sched: its part of kps_cfg.schedule begins here, the entry block first
 * @sched_len: its reachable blocks
 * @callback: some lddw takes its address
 * @height: frames of the deepest call chain that begins here, itself included;
 *	callbacks count as called where their address is taken
 * @slots: of stack, 8 bytes each, that its instructions name; it may have use for more
 */
struct kps_subprog {
	u32 start;
	u32 end;
	u32 first_block;
	u32 blocks;
	u32 sched;
	u32 sched_len;
	bool callback;
	u32 height;
	u32 slots;
};

/**
 * struct kps_cfg - control flow of a program; all memory in the arena
 * @subprogs: sorted by start; [0] is the main function
 * @nr_subprogs: how many
 * @blocks: sorted by start
 * @nr_blocks: how many
 * @loops: outer loops before the loops inside them
 * @nr_loops: how many
 * @nr_lddw: instructions of two slots
 * @schedule: block indexes, each subprogram's reachable blocks in weak
 *	topological order: a block comes after all its predecessors but those
 *	that reach it by a back edge; a loop's blocks are contiguous, head first
 */
struct kps_cfg {
	struct kps_subprog *subprogs;
	u32 nr_subprogs;
	struct kps_block *blocks;
	u32 nr_blocks;
	struct kps_loop *loops;
	u32 nr_loops;
	u32 nr_lddw;
	u32 *schedule;
};

/**
 * struct kps_cfg_error - why there is no control flow graph
 * @code: of diag.tbl
 * @pc: the instruction
 * @detail: the target, subprogram or depth concerned
 */
struct kps_cfg_error {
	u32 code;
	u32 pc;
	u64 detail;
};

/**
 * kps_cfg_build - decode all instructions and find the control flow
 * @cfg: filled
 * @insns: the program
 * @cnt: its slots, 1 to KAPSEL_MAX_INSNS
 * @arena: where everything is allocated that remains
 * @scratch: for what does not; it may be the same
 * @err: filled when a rule is broken
 *
 * Rules: each instruction passes kps_insn_check(); jumps stay in their
 * subprogram and hit no second slot of a lddw; a subprogram's last instruction
 * does not fall through; call and callback targets are first slots of
 * subprograms by definition; no recursion, at most KAPSEL_MAX_DEPTH frames, dead
 * code included. Time is linear in @cnt, nothing recurses.
 *
 * Return: 0; -EINVAL with @err filled; -ENOMEM; or what the host's poll said.
 */
int kps_cfg_build(struct kps_cfg *cfg, const struct bpf_insn *insns, u32 cnt,
		  struct kps_arena *arena, struct kps_arena *scratch,
		  struct kps_cfg_error *err);

/** kps_cfg_block_at - index of the block that slot @pc is in */
u32 kps_cfg_block_at(const struct kps_cfg *cfg, u32 pc);

/** kps_cfg_subprog_at - index of the subprogram that begins at @pc, or KPS_NONE */
u32 kps_cfg_subprog_at(const struct kps_cfg *cfg, u32 pc);

#endif
