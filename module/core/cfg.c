// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - control flow: subprograms and blocks */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "core/arena.h"
#include "core/cfg.h"
#include "core/cfg_build.h"
#include "core/diag.h"
#include "core/insn.h"

static int decode(struct kps_cfg_build *build)
{
	u32 pc, code;
	u64 detail;
	int err;

	for (pc = 0; pc < build->cnt; pc++) {
		code = kps_insn_check(build->insns, build->cnt, pc, &detail);
		if (code)
			return kps_cfg_refuse(build, code, pc, detail);
		if (kps_insn_slots(&build->insns[pc]) == 2)
			build->marks[++pc] |= KPS_MARK_SECOND;
		err = kps_cfg_tick(build);
		if (err)
			return err;
	}
	return 0;
}

static int mark_function(struct kps_cfg_build *build, u32 pc)
{
	const struct bpf_insn *insn = &build->insns[pc];
	s64 target = (s64)pc + 1 + insn->imm;

	if (target < 0 || target >= build->cnt ||
	    build->marks[target] & KPS_MARK_SECOND)
		return kps_cfg_refuse(build, KPS_D_CALL_TARGET, pc, target);
	build->marks[target] |= KPS_MARK_SUBPROG | KPS_MARK_LEADER;
	if (insn->src_reg == BPF_PSEUDO_FUNC)
		build->marks[target] |= KPS_MARK_CALLBACK;
	return 0;
}

static int mark_functions(struct kps_cfg_build *build)
{
	int err = 0;
	u32 pc;

	build->marks[0] |= KPS_MARK_SUBPROG | KPS_MARK_LEADER;
	for (pc = 0; pc < build->cnt && !err; pc++) {
		if (build->marks[pc] & KPS_MARK_SECOND)
			continue;
		if (kps_insn_refers(&build->insns[pc]))
			err = mark_function(build, pc);
		if (!err)
			err = kps_cfg_tick(build);
	}
	return err;
}

static u32 count_marks(const struct kps_cfg_build *build, u8 mark)
{
	u32 pc, n = 0;

	for (pc = 0; pc < build->cnt; pc++)
		n += !!(build->marks[pc] & mark);
	return n;
}

static int find_subprogs(struct kps_cfg_build *build)
{
	struct kps_cfg *cfg = build->cfg;
	u32 n = count_marks(build, KPS_MARK_SUBPROG);
	struct kps_subprog *sub;
	u32 pc;

	cfg->subprogs = kps_arena_array(build->arena, n, sizeof(*sub));
	if (!cfg->subprogs)
		return -ENOMEM;
	for (pc = 0; pc < build->cnt; pc++) {
		if (!(build->marks[pc] & KPS_MARK_SUBPROG))
			continue;
		if (cfg->nr_subprogs)
			cfg->subprogs[cfg->nr_subprogs - 1].end = pc;
		sub = &cfg->subprogs[cfg->nr_subprogs++];
		sub->start = pc;
		sub->end = build->cnt;
		sub->callback = build->marks[pc] & KPS_MARK_CALLBACK;
	}
	return 0;
}

/* The loop helper runs a function of the program: a call like a local one. */
static bool ends_block(u32 kind, const struct bpf_insn *insn)
{
	return kind == KPS_OP_JA || kind == KPS_OP_JCOND ||
	       kind == KPS_OP_CALL_LOCAL || kind == KPS_OP_EXIT ||
	       (kind == KPS_OP_CALL && insn->imm == BPF_FUNC_loop);
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
	build->marks[target] |= KPS_MARK_LEADER;
	return 0;
}

static int mark_leaders(struct kps_cfg_build *build,
			const struct kps_subprog *sub)
{
	u32 pc, kind = KPS_OP_NONE, last = sub->start;
	int err;

	for (pc = sub->start; pc < sub->end;
	     pc += kps_insn_slots(&build->insns[pc])) {
		kind = kps_insn_kind(&build->insns[pc]);
		last = pc;
		err = kps_cfg_tick(build);
		if (!err && (kind == KPS_OP_JA || kind == KPS_OP_JCOND))
			err = mark_jump(build, sub, pc);
		if (err)
			return err;
		if (ends_block(kind, &build->insns[pc]) && pc + 1 < sub->end)
			build->marks[pc + 1] |= KPS_MARK_LEADER;
	}
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
	u32 n = count_marks(build, KPS_MARK_LEADER);
	struct kps_cfg *cfg = build->cfg;
	u32 pc, subprog = KPS_NONE;

	cfg->blocks = kps_arena_array(build->arena, n, sizeof(*cfg->blocks));
	cfg->block_of = kps_arena_array(build->arena, build->cnt, sizeof(u32));
	if (!cfg->blocks || !cfg->block_of)
		return -ENOMEM;
	for (pc = 0; pc < build->cnt; pc++) {
		if (build->marks[pc] & KPS_MARK_SUBPROG)
			cfg->subprogs[++subprog].first_block = cfg->nr_blocks;
		if (build->marks[pc] & KPS_MARK_LEADER) {
			add_block(cfg, pc, subprog);
			cfg->subprogs[subprog].blocks++;
		}
		cfg->block_of[pc] = cfg->nr_blocks - 1;
	}
	cfg->blocks[cfg->nr_blocks - 1].end = build->cnt;
	return 0;
}

/* The last instruction of a block; a lddw's second slot is skipped. */
static u32 last_insn(const struct kps_cfg_build *build,
		     const struct kps_block *block)
{
	u32 pc = block->end - 1;

	return build->marks[pc] & KPS_MARK_SECOND ? pc - 1 : pc;
}

static int link_blocks(struct kps_cfg_build *build)
{
	struct kps_cfg *cfg = build->cfg;
	u32 i, pc, kind;
	int err;

	for (i = 0; i < cfg->nr_blocks; i++) {
		struct kps_block *block = &cfg->blocks[i];

		pc = last_insn(build, block);
		kind = kps_insn_kind(&build->insns[pc]);
		if (kind == KPS_OP_JA)
			block->succ[0] = cfg->block_of[jump_target(build->insns, pc)];
		else if (kind != KPS_OP_EXIT)
			block->succ[0] = i + 1;
		if (kind == KPS_OP_JCOND)
			block->succ[1] = cfg->block_of[jump_target(build->insns, pc)];
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

	build->marks = kps_arena_alloc(&build->scratch, build->cnt);
	if (!build->marks)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(steps) && !err; i++)
		err = steps[i](build);
	return err;
}

int kps_cfg_build(struct kps_cfg *cfg, const struct bpf_insn *insns, u32 cnt,
		  struct kps_arena *arena, struct kps_cfg_error *err)
{
	struct kps_cfg_build build = {
		.cfg = cfg, .insns = insns, .cnt = cnt, .arena = arena,
		.err = err,
	};
	int ret;

	*cfg = (struct kps_cfg){};
	*err = (struct kps_cfg_error){};
	if (!cnt || cnt > KAPSEL_MAX_INSNS)
		return kps_cfg_refuse(&build, KPS_D_SIZE, 0, cnt);
	kps_arena_init(&build.scratch, arena->host, arena->limit);
	ret = build_graph(&build);
	arena->exhausted |= build.scratch.exhausted;
	kps_arena_free(&build.scratch);
	return ret;
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
