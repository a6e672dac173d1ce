// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - liveness: what may still be read, and whether its value matters */

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "core/live.h"

#define ARGS		0x3e	/* r1 to r5 */
#define ALL_SLOTS	(~0ULL)
#define NEAR		8	/* instructions between a copy of r10 and its offset */

static bool is_memory(const struct bpf_insn *insn)
{
	u8 class = BPF_CLASS(insn->code);

	return class == BPF_LDX || class == BPF_ST || class == BPF_STX;
}

static u32 base_of(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_LDX ? insn->src_reg : insn->dst_reg;
}

static u32 size_of(const struct bpf_insn *insn)
{
	static const u8 size[] = {
		[BPF_W >> 3] = 4, [BPF_H >> 3] = 2, [BPF_B >> 3] = 1, [BPF_DW >> 3] = 8,
	};

	return size[BPF_SIZE(insn->code) >> 3];
}

/* The slots of the bytes from @lo up to below @hi, offsets from r10; 0: none. */
static u64 slots_of(s64 lo, s64 hi)
{
	u32 first, last;

	if (lo < -KAPSEL_MAX_STACK || hi > 0 || lo >= hi)
		return 0;
	first = (u32)(-hi / 8);
	last = (u32)((-lo - 1) / 8);
	return kps_width_mask(last + 1) & ~(first ? kps_width_mask(first) : 0);
}

/* Slots that an instruction reads or writes by r10 itself. */
static u64 slots_at(const struct bpf_insn *insn)
{
	if (!is_memory(insn) || base_of(insn) != KPS_FP)
		return 0;
	return slots_of(insn->off, (s64)insn->off + size_of(insn));
}

/*
 * A copy of r10 may reach any slot. What compilers make is a copy that soon gets the
 * offset of a variable, which is then used from there up; any other use of a copy
 * keeps all slots live.
 */
static u64 slots_of_copy(const struct kps_env *env, u32 pc, u32 end)
{
	u32 reg = env->in->insns[pc].dst_reg, n;

	for (n = 0; n < NEAR && ++pc < end; n++) {
		const struct bpf_insn *insn = &env->in->insns[pc];
		struct kps_regset set = kps_insn_regs(insn);

		if (!((set.use | set.def) & BIT(reg)))
			continue;
		if (insn->code != (BPF_ALU64 | BPF_ADD | BPF_K) || insn->imm >= 0)
			break;
		return slots_of(insn->imm, 0) ?: ALL_SLOTS;
	}
	return ALL_SLOTS;
}

/* A memory access by r10 reaches the slots that it says. */
static bool may_pin(const struct bpf_insn *insn)
{
	return (insn->src_reg == KPS_FP && BPF_CLASS(insn->code) != BPF_LDX) ||
	       (insn->dst_reg == KPS_FP && !is_memory(insn));
}

static u64 pinned_by(const struct kps_env *env, u32 pc, u32 end)
{
	const struct bpf_insn *insn = &env->in->insns[pc];

	if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_X) && insn->src_reg == KPS_FP && !insn->off)
		return slots_of_copy(env, pc, end);
	if (is_memory(insn))
		return BPF_CLASS(insn->code) == BPF_STX && insn->src_reg == KPS_FP ? ALL_SLOTS : 0;
	return kps_insn_regs(insn).use & BIT(KPS_FP) ? ALL_SLOTS : 0;
}

static bool names_fp(const struct bpf_insn *insn)
{
	return insn->src_reg == KPS_FP || insn->dst_reg == KPS_FP;
}

/*
 * Slots that are reached by other ways than r10 itself: live to the function's end.
 * By the way, how many there are.
 */
static u64 pinned_slots(const struct kps_env *env, struct kps_subprog *sub)
{
	u64 slots = 0, pinned = 0, direct = 0;
	u32 pc;

	for (pc = sub->start; pc < sub->end; pc++) {
		const struct bpf_insn *insn = &env->in->insns[pc];

		/* A lddw's second slot has no registers. */
		if (!names_fp(insn))
			continue;
		direct |= slots_at(insn);
		slots = may_pin(insn) ? pinned_by(env, pc, sub->end) : 0;
		direct |= slots == ALL_SLOTS ? 0 : slots;
		pinned |= slots;
	}
	sub->slots = fls64(direct);
	return pinned;
}

/* What a helper reads is in its prototype; an unknown one is refused anyway. */
static u16 helper_args(u32 id)
{
	const struct kps_helper *helper = kps_helper_find(id);
	u32 n = 0;

	while (helper && n < 5 && helper->args[n] != KPS_ARG_NONE)
		n++;
	return helper ? (u16)(ARGS & (BIT(n + 1) - 1)) : ARGS;
}

static bool is_helper_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg;
}

/* Addresses, arguments, results and comparisons are what checks and paths depend on. */
static u16 matters_to(const struct bpf_insn *insn, struct kps_regset set, u16 after)
{
	u8 class = BPF_CLASS(insn->code);

	if (class == BPF_JMP || class == BPF_JMP32)
		return set.use;
	if (is_memory(insn)) {
		/* What is spilled may come back as anything. */
		if (base_of(insn) == KPS_FP || BPF_MODE(insn->code) == BPF_ATOMIC)
			return set.use;
		return (u16)BIT(base_of(insn));
	}
	return after & set.def ? set.use : 0;
}

static bool is_alu(const struct bpf_insn *insn)
{
	return (BIT(BPF_ALU) | BIT(BPF_ALU64)) >> BPF_CLASS(insn->code) & 1;
}

/*
 * Over arithmetic, as long as there is some: what it reads is alive, and matters if
 * the result does. Returns what it came to.
 */
static const struct bpf_insn *step_back_alu(const struct bpf_insn *insn,
					    const struct bpf_insn *first, struct kps_live *live)
{
	u32 regs = live->regs, matter = live->matter;

	for (; insn >= first && is_alu(insn); insn--) {
		struct kps_regset set = kps_insn_regs(insn);

		regs = (regs & ~set.def) | set.use;
		if (matter & set.def)
			matter = (matter & ~set.def) | set.use;
	}
	live->regs = (u16)regs;
	live->matter = (u16)matter;
	return insn;
}

/* A load: what it reads by is alive, and matters, being an address. */
static void step_back_load(const struct bpf_insn *insn, struct kps_live *live)
{
	u16 dst = (u16)BIT(insn->dst_reg), src = (u16)BIT(insn->src_reg);

	live->regs = (live->regs & ~dst) | src;
	live->matter = (live->matter & ~dst) | src;
	if (insn->src_reg == KPS_FP)
		live->slots |= slots_at(insn);
}

static void step_back(const struct bpf_insn *insn, struct kps_live *live)
{
	struct kps_regset set = kps_insn_regs(insn);
	u64 slots = slots_at(insn);

	if (is_helper_call(insn))
		set.use = helper_args((u32)insn->imm);
	live->matter = (live->matter & ~set.def) | matters_to(insn, set, live->matter);
	live->regs = (live->regs & ~set.def) | set.use;
	if (!slots)
		return;
	if (BPF_CLASS(insn->code) == BPF_LDX || BPF_MODE(insn->code) == BPF_ATOMIC)
		live->slots |= slots;
	else if (size_of(insn) == 8 && !(insn->off & 7))
		live->slots &= ~slots;
}

static struct kps_live before_block(const struct kps_env *env, u32 b, u64 pinned)
{
	const struct kps_block *block = &env->cfg.blocks[b];
	struct kps_live live = { .slots = pinned };
	const struct bpf_insn *first = &env->in->insns[block->start];
	const struct bpf_insn *insn = &env->in->insns[block->end - 1];
	u32 i;

	for (i = 0; i < 2; i++) {
		if (block->succ[i] == KPS_NONE)
			continue;
		live.slots |= env->live[block->succ[i]].slots;
		live.regs |= env->live[block->succ[i]].regs;
		live.matter |= env->live[block->succ[i]].matter;
	}
	while ((insn = step_back_alu(insn, first, &live)) >= first) {
		/* A lddw's second slot has opcode 0 and touches nothing. */
		if (BPF_CLASS(insn->code) == BPF_LDX)
			step_back_load(insn, &live);
		else if (insn->code)
			step_back(insn, &live);
		insn--;
	}
	live.slots |= pinned;
	return live;
}

static bool pass_over(struct kps_env *env, const struct kps_subprog *sub, u64 pinned)
{
	bool changed = false;
	u32 i;

	for (i = sub->sched_len; i--;) {
		u32 b = env->cfg.schedule[sub->sched + i];

		if (!b && env->cfg.blocks[b].loop == KPS_NONE)
			break;
		struct kps_live live = before_block(env, b, pinned), *old = &env->live[b];

		changed |= live.slots != old->slots || live.regs != old->regs ||
			   live.matter != old->matter;
		*old = live;
	}
	return changed;
}

/*
 * Nothing goes on at the program's very first block, unless that is in a loop: what is
 * live there nobody asks.
 *
 * Backwards over the schedule: once for code without loops, else until nothing
 * changes, once more for each level of nesting.
 */
int kps_live_build(struct kps_env *env)
{
	const struct kps_cfg *cfg = &env->cfg;
	u64 pinned;
	u32 i;

	/* Nothing goes on anywhere; there may be some use for a stack. */
	if (cfg->nr_blocks == 1) {
		cfg->subprogs[0].slots = 2;
		return 0;
	}
	env->live = kps_arena_array(&env->arena, cfg->nr_blocks, sizeof(*env->live));
	if (!env->live)
		return -ENOMEM;
	for (i = 0; i < cfg->nr_subprogs; i++) {
		pinned = pinned_slots(env, &cfg->subprogs[i]);
		while (pass_over(env, &cfg->subprogs[i], pinned) && cfg->nr_loops)
			;
	}
	return 0;
}

static bool slot_is_empty(const struct kps_slot *slot)
{
	u64 bytes;

	memcpy(&bytes, slot->byte, sizeof(bytes));
	return !bytes;
}

static void drop_slots(struct kps_frame *f, u64 live)
{
	u32 n;

	for (n = 0; n < f->nr_slots; n++) {
		if (live & (1ULL << n) || slot_is_empty(&f->slot[n]))
			continue;
		memset(f->slot[n].byte, KPS_BYTE_INVALID, sizeof(f->slot[n].byte));
		f->slot[n].len = 0;
	}
	while (f->nr_slots && slot_is_empty(&f->slot[f->nr_slots - 1]))
		f->nr_slots--;
}

void kps_drop_unless(struct kps_state *s, const struct kps_live *live)
{
	struct kps_frame *f = kps_top(s);
	u32 n, dead;

	for (n = 0, dead = ~live->regs; n < KPS_FP; n++, dead >>= 1)
		if (dead & 1 && f->reg[n].kind != KAPSEL_KIND_UNINIT)
			kps_reg_forget(&f->reg[n]);
	if (f->nr_slots)
		drop_slots(f, live->slots);
}

void kps_drop_dead(const struct kps_env *env, struct kps_state *s, u32 block)
{
	kps_drop_unless(s, &env->live[block]);
}
