// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - locks in the values of maps: who may take them, and what goes on meanwhile */

#include <linux/errno.h>
#include <linux/types.h>

#include "core/check.h"
#include "core/report.h"

/*
 * One lock is held at a time, and nothing is called but what gives it back: so nobody
 * who has one waits for another. All pointers to the same value have the same ref, by
 * which it is the same lock.
 */

static void refuse_arg(const struct kps_at *at, u32 code)
{
	struct kapsel_rec_problem *p = kps_refuse(at, code, 1);

	p->helper = (u32)kps_insn_at(at)->imm;
	p->arg = 1;
}

bool kps_may_lock(const struct kps_env *env)
{
	const struct kps_helper *helper = kps_helper_find(BPF_FUNC_spin_lock);

	return helper->progs & env->type->bit && !env->in->any_return;
}

u32 kps_value_ref(struct kps_env *env, u32 map)
{
	const struct kps_map_facts *facts = &env->maps[map];

	if (!facts->lock_size)
		return 0;
	if (facts->type == BPF_MAP_TYPE_ARRAY && facts->max_entries == 1)
		return KPS_ONLY_VALUE + map;
	return kps_new_id(&env->pool);
}

bool kps_touches_lock(const struct kps_at *at, const struct kps_access *a)
{
	const struct kps_reg *reg = kps_reg_at(at, a->reg);
	const struct kps_map_facts *map = &at->env->maps[reg->object];
	s64 first = reg->val.r64.smin + a->off, end = reg->val.r64.smax + a->off + (s64)a->size;

	return map->lock_size && first < (s64)map->lock_off + map->lock_size &&
	       end > (s64)map->lock_off;
}

int kps_check_unlocked(const struct kps_at *at, u32 code)
{
	if (!at->s->lock)
		return 0;
	kps_refuse(at, code, KAPSEL_NO_REG);
	return -EACCES;
}

static bool is_lock(const struct kps_at *at, const struct kps_reg *reg)
{
	const struct kps_map_facts *map;

	if (reg->kind != KAPSEL_KIND_MAP_VALUE)
		return false;
	map = &at->env->maps[reg->object];
	return map->lock_size && kps_scalar_is_const(&reg->val) &&
	       reg->val.bits.value == map->lock_off;
}

int kps_check_lock(const struct kps_at *at)
{
	const struct kps_reg *reg = kps_reg_at(at, 1);
	u32 code = kps_pointer_fault(reg);

	if (!code && !is_lock(at, reg))
		code = KPS_D_LOCK;
	if (!code && kps_insn_at(at)->imm == BPF_FUNC_spin_unlock && at->s->lock != reg->ref)
		code = KPS_D_LOCK_NONE;
	if (!code)
		return 0;
	refuse_arg(at, code);
	return -EACCES;
}

void kps_change_lock(const struct kps_at *at)
{
	if (kps_insn_at(at)->imm == BPF_FUNC_spin_unlock) {
		at->s->lock = 0;
		return;
	}
	at->s->lock = kps_reg_at(at, 1)->ref;
	if (!at->env->unjudged)
		at->env->acquired = at->pc + 1;
}
