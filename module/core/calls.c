// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - the static call graph: who calls whom, how deep */

#include <linux/kernel.h>
#include <linux/types.h>

#include "core/arena.h"
#include "core/cfg.h"
#include "core/cfg_build.h"
#include "core/diag.h"
#include "core/insn.h"

/*
 * A walk in depth over the call graph on an explicit stack. A subprogram's
 * height stays 0 until all that it calls have theirs, so meeting one that is
 * entered and has none is meeting a caller again.
 */
struct visit {
	u32 subprog;
	u32 pc;		/* goes on looking for calls here */
	u32 deepest;	/* height of its highest callee so far */
};

struct walk {
	struct kps_cfg_build *build;
	struct visit *stack;
	bool *entered;
	u32 depth;
};

static void enter(struct walk *walk, u32 subprog)
{
	walk->entered[subprog] = true;
	walk->stack[walk->depth++] = (struct visit){
		.subprog = subprog,
		.pc = walk->build->cfg->subprogs[subprog].start,
	};
}

/* All calls of the subprogram on top are followed: its height is known. */
static void leave(struct walk *walk)
{
	const struct visit *visit = &walk->stack[--walk->depth];
	struct kps_cfg *cfg = walk->build->cfg;

	cfg->subprogs[visit->subprog].height = visit->deepest + 1;
}

static int follow(struct walk *walk, u32 pc)
{
	struct visit *visit = &walk->stack[walk->depth - 1];
	struct kps_cfg_build *build = walk->build;
	struct kps_cfg *cfg = build->cfg;
	u32 target = pc + 1 + build->insns[pc].imm;
	u32 callee = kps_cfg_subprog_at(cfg, target);
	u32 height = cfg->subprogs[callee].height;

	if (!height && walk->entered[callee])
		return kps_cfg_refuse(build, KPS_D_RECURSION, pc, target);
	if (!height) {
		enter(walk, callee);
		return 0;
	}
	if (height >= KAPSEL_MAX_DEPTH)
		return kps_cfg_refuse(build, KPS_D_DEPTH, pc, height + 1);
	visit->deepest = max(visit->deepest, height);
	visit->pc = pc + kps_insn_slots(&build->insns[pc]);
	return 0;
}

/* The next call or function reference of the subprogram on top. */
static u32 next_reference(const struct walk *walk)
{
	const struct visit *visit = &walk->stack[walk->depth - 1];
	const struct kps_cfg_build *build = walk->build;
	u32 end = build->cfg->subprogs[visit->subprog].end;
	u32 pc = kps_next_mark(build, visit->pc, end, KPS_MARK_REFERS);

	return pc < end ? pc : KPS_NONE;
}

static int step(struct walk *walk)
{
	u32 pc = next_reference(walk);

	if (pc == KPS_NONE) {
		leave(walk);
		return 0;
	}
	walk->stack[walk->depth - 1].pc = pc;
	return follow(walk, pc);
}

int kps_cfg_calls(struct kps_cfg_build *build)
{
	u32 i, n = build->cfg->nr_subprogs;
	struct walk walk = { .build = build };
	int err = 0;

	if (!build->references) {
		build->cfg->subprogs[0].height = 1;
		return 0;
	}
	walk.stack = kps_arena_array(build->scratch, n, sizeof(*walk.stack));
	walk.entered = kps_arena_array(build->scratch, n, sizeof(bool));
	if (!walk.stack || !walk.entered)
		return -ENOMEM;
	for (i = 0; i < n && !err; i++) {
		if (!walk.entered[i])
			enter(&walk, i);
		while (walk.depth && !err) {
			err = step(&walk);
			if (!err)
				err = kps_cfg_tick(build);
		}
	}
	return err;
}
