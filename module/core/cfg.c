// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - control flow: subprograms and blocks */

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "core/arena.h"
#include "core/cfg.h"
#include "core/cfg_build.h"
#include "core/diag.h"
#include "core/insn.h"
#include "core/proto.h"

/* Jumps and constants of two slots; others can't change where a program goes. */
static bool needs_mark(const struct bpf_insn *insn)
{
	const u32 classes = BIT(BPF_LD) | BIT(BPF_JMP) | BIT(BPF_JMP32);

	return classes >> BPF_CLASS(insn->code) & 1;
}

static u32 mark_insn(struct kps_cfg_build *build, u32 pc)
{
	const struct bpf_insn *insn = &build->insns[pc];

	if (BPF_CLASS(insn->code) != BPF_LD)
		build->marks[pc] = KPS_MARK_JUMP;
	if (kps_insn_refers(insn)) {
		build->marks[pc] |= KPS_MARK_REFERS;
		build->references++;
	}
	if (kps_insn_slots(insn) == 2) {
		build->marks[++pc] = KPS_MARK_SECOND;
		build->cfg->nr_lddw++;
	}
	return pc;
}

static int decode(struct kps_cfg_build *build)
{
	u32 pc, code;
	u64 detail;
	int err;

	for (pc = 0; ; pc++) {
		pc = kps_insn_next_special(build->insns, pc, build->cnt);
		if (pc == build->cnt)
			return 0;
		code = kps_insn_check(build->insns, build->cnt, pc, &detail);
		if (code)
			return kps_cfg_refuse(build, code, pc, detail);
		if (needs_mark(&build->insns[pc]))
			pc = mark_insn(build, pc);
		err = kps_cfg_tick(build);
		if (err)
			return err;
	}
}

static void mark_leader(struct kps_cfg_build *build, u32 pc)
{
	build->leaders += !(build->marks[pc] & KPS_MARK_LEADER);
	build->marks[pc] |= KPS_MARK_LEADER;
}

static void mark_subprog(struct kps_cfg_build *build, u32 pc)
{
	mark_leader(build, pc);
	build->functions += !(build->marks[pc] & KPS_MARK_SUBPROG);
	build->marks[pc] |= KPS_MARK_SUBPROG;
}

static int mark_function(struct kps_cfg_build *build, u32 pc)
{
	const struct bpf_insn *insn = &build->insns[pc];
	s64 target = (s64)pc + 1 + insn->imm;

	if (target < 0 || target >= build->cnt ||
	    build->marks[target] & KPS_MARK_SECOND)
		return kps_cfg_refuse(build, KPS_D_CALL_TARGET, pc, target);
	mark_subprog(build, target);
	if (insn->src_reg == BPF_PSEUDO_FUNC)
		build->marks[target] |= KPS_MARK_CALLBACK;
	return 0;
}

static int mark_functions(struct kps_cfg_build *build)
{
	int err = 0;
	u32 pc;

	mark_subprog(build, 0);
	for (pc = 0; build->references && !err; pc++) {
		pc = kps_next_mark(build, pc, build->cnt, KPS_MARK_REFERS);
		if (pc == build->cnt)
			break;
		err = mark_function(build, pc);
		if (!err)
			err = kps_cfg_tick(build);
	}
	return err;
}

static int find_subprogs(struct kps_cfg_build *build)
{
	struct kps_cfg *cfg = build->cfg;
	struct kps_subprog *sub;
	u32 pc;

	cfg->subprogs = kps_arena_array(build->arena, build->functions, sizeof(*sub));
	if (!cfg->subprogs)
		return -ENOMEM;
	for (pc = 0; (pc = kps_next_mark(build, pc, build->cnt, KPS_MARK_SUBPROG)) < build->cnt;
	     pc++) {
		if (cfg->nr_subprogs)
			cfg->subprogs[cfg->nr_subprogs - 1].end = pc;
		sub = &cfg->subprogs[cfg->nr_subprogs++];
		sub->start = pc;
		sub->end = build->cnt;
		sub->callback = build->marks[pc] & KPS_MARK_CALLBACK;
	}
	return 0;
}

/* What comes after: what decode() let through is told apart by its opcode. */
static u32 flow_kind(const struct bpf_insn *insn)
{
	u8 class = BPF_CLASS(insn->code);

	if (class != BPF_JMP && class != BPF_JMP32)
		return KPS_OP_NONE;
	switch (BPF_OP(insn->code)) {
	case BPF_JA:
		return KPS_OP_JA;
	case BPF_EXIT:
		return KPS_OP_EXIT;
	case BPF_CALL:
		return insn->src_reg == BPF_PSEUDO_CALL ? KPS_OP_CALL_LOCAL : KPS_OP_CALL;
	default:
		return KPS_OP_JCOND;
	}
}

/* The last instruction before @end; a lddw's second slot is skipped. */
static u32 last_insn(const struct kps_cfg_build *build, u32 end)
{
	return build->marks[end - 1] & KPS_MARK_SECOND ? end - 2 : end - 1;
}

/* A helper that runs a function of the program: a call like a local one. */
static bool ends_block(u32 kind, const struct bpf_insn *insn)
{
	return kind == KPS_OP_JA || kind == KPS_OP_JCOND ||
	       kind == KPS_OP_CALL_LOCAL || kind == KPS_OP_EXIT ||
	       (kind == KPS_OP_CALL && kps_calls_back(insn));
}

static s64 jump_target(const struct bpf_insn *insns, u32 pc)
{
	return (s64)pc + 1 + kps_insn_jump(&insns[pc]);
}

static int mark_jump(struct kps_cfg_build *build,
		     const struct kps_subprog *sub, u32 pc)
{
	s64 target = jump_target(build->insns, pc);

	if (target < sub->start || target >= sub->end)
		return kps_cfg_refuse(build, KPS_D_JUMP_RANGE, pc, target);
	if (build->marks[target] & KPS_MARK_SECOND)
		return kps_cfg_refuse(build, KPS_D_JUMP_MIDDLE, pc, target);
	mark_leader(build, target);
	return 0;
}

static int mark_leaders(struct kps_cfg_build *build,
			const struct kps_subprog *sub)
{
	u32 pc, kind, last = last_insn(build, sub->end);
	int err;

	for (pc = sub->start; (pc = kps_next_mark(build, pc, sub->end, KPS_MARK_JUMP)) < sub->end;
	     pc++) {
		kind = flow_kind(&build->insns[pc]);
		err = kps_cfg_tick(build);
		if (!err && (kind == KPS_OP_JA || kind == KPS_OP_JCOND))
			err = mark_jump(build, sub, pc);
		if (err)
			return err;
		if (ends_block(kind, &build->insns[pc]) && pc + 1 < sub->end)
			mark_leader(build, pc + 1);
	}
	kind = flow_kind(&build->insns[last]);
	if (kind != KPS_OP_JA && kind != KPS_OP_EXIT)
		return kps_cfg_refuse(build, KPS_D_FALL_OFF, last, sub->end);
	return 0;
}

static int mark_all_leaders(struct kps_cfg_build *build)
{
	int err = 0;
	u32 i;

	for (i = 0; i < build->cfg->nr_subprogs && !err; i++)
		err = mark_leaders(build, &build->cfg->subprogs[i]);
	return err;
}

static void add_block(struct kps_cfg *cfg, u32 pc, u32 subprog)
{
	if (cfg->nr_blocks)
		cfg->blocks[cfg->nr_blocks - 1].end = pc;
	cfg->blocks[cfg->nr_blocks++] = (struct kps_block){
		.start = pc,
		.subprog = subprog,
		.succ = { KPS_NONE, KPS_NONE },
		.loop = KPS_NONE,
		.order = KPS_NONE,
	};
}

static int find_blocks(struct kps_cfg_build *build)
{
	struct kps_cfg *cfg = build->cfg;
	u32 pc, subprog = KPS_NONE;

	cfg->blocks = kps_arena_array(build->arena, build->leaders, sizeof(*cfg->blocks));
	if (!cfg->blocks)
		return -ENOMEM;
	for (pc = 0; (pc = kps_next_mark(build, pc, build->cnt, KPS_MARK_LEADER)) < build->cnt;
	     pc++) {
		if (build->marks[pc] & KPS_MARK_SUBPROG)
			cfg->subprogs[++subprog].first_block = cfg->nr_blocks;
		add_block(cfg, pc, subprog);
		cfg->subprogs[subprog].blocks++;
	}
	cfg->blocks[cfg->nr_blocks - 1].end = build->cnt;
	return 0;
}

static int link_blocks(struct kps_cfg_build *build)
{
	struct kps_cfg *cfg = build->cfg;
	u32 i, pc, kind;
	int err;

	for (i = 0; i < cfg->nr_blocks; i++) {
		struct kps_block *block = &cfg->blocks[i];

		pc = last_insn(build, block->end);
		kind = flow_kind(&build->insns[pc]);
		if (kind == KPS_OP_JA)
			block->succ[0] = kps_cfg_block_at(cfg, jump_target(build->insns, pc));
		else if (kind != KPS_OP_EXIT)
			block->succ[0] = i + 1;
		if (kind == KPS_OP_JCOND)
			block->succ[1] = kps_cfg_block_at(cfg, jump_target(build->insns, pc));
		err = kps_cfg_tick(build);
		if (err)
			return err;
	}
	return 0;
}

static int build_graph(struct kps_cfg_build *build)
{
	static int (* const steps[])(struct kps_cfg_build *build) = {
		decode, mark_functions, find_subprogs, mark_all_leaders,
		find_blocks, link_blocks, kps_cfg_calls, kps_cfg_order,
	};
	int err = 0;
	u32 i;

	build->marks = kps_arena_zalloc(build->scratch, build->cnt);
	if (!build->marks)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(steps) && !err; i++)
		err = steps[i](build);
	return err;
}

int kps_cfg_build(struct kps_cfg *cfg, const struct bpf_insn *insns, u32 cnt,
		  struct kps_arena *arena, struct kps_arena *scratch,
		  struct kps_cfg_error *err)
{
	struct kps_cfg_build build = {
		.cfg = cfg, .insns = insns, .cnt = cnt, .arena = arena,
		.scratch = scratch, .err = err,
	};

	*cfg = (struct kps_cfg){};
	*err = (struct kps_cfg_error){};
	if (!cnt || cnt > KAPSEL_MAX_INSNS)
		return kps_cfg_refuse(&build, KPS_D_SIZE, 0, cnt);
	return build_graph(&build);
}

u32 kps_cfg_block_at(const struct kps_cfg *cfg, u32 pc)
{
	u32 lo = 0, hi = cfg->nr_blocks;

	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2;

		if (cfg->blocks[mid].start <= pc)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

u32 kps_cfg_subprog_at(const struct kps_cfg *cfg, u32 pc)
{
	u32 lo = 0, hi = cfg->nr_subprogs;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (cfg->subprogs[mid].start == pc)
			return mid;
		if (cfg->subprogs[mid].start < pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return KPS_NONE;
}
