// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - dynptrs: memory whose bounds are checked as it is used */

#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>

#include "core/check.h"
#include "core/dynptr.h"
#include "core/report.h"
#include "core/stack.h"

/*
 * On the stack a dynptr is two spilled values, of the kind DYNPTR, at offsets 0 and 8 of
 * it: so joins, inclusion and calls need to know nothing of dynptrs. What writes to one of
 * the halves ends both (stack.c), and nothing reads them, so both halves side by side are
 * always those of one dynptr.
 */

static int refuse(const struct kps_at *at, const struct kps_helper *helper, u32 n, u32 code)
{
	struct kapsel_rec_problem *p = kps_refuse(at, code, n);

	p->helper = helper->id;
	p->arg = (u16)n;
	p->detail = helper->args[n - 1];
	return -EACCES;
}

/* Where a register says that a dynptr is; false: nowhere that one could be. */
static bool is_place(const struct kps_reg *reg, s64 *off)
{
	*off = reg->val.r64.smin;
	return kps_scalar_is_const(&reg->val) && !(*off % 8) && *off >= -KAPSEL_MAX_STACK &&
	       *off <= -KPS_DYNPTR_SIZE;
}

static const struct kps_reg *half_at(const struct kps_frame *f, s64 off, u64 half)
{
	u32 i = (u32)(-off / 8) - 1;
	const struct kps_slot *slot = i < f->nr_slots ? &f->slot[i] : NULL;

	if (!slot || !kps_slot_has_value(slot) || slot->reg.kind != KAPSEL_KIND_DYNPTR ||
	    !kps_scalar_is_const(&slot->reg.val) || slot->reg.val.bits.value != half)
		return NULL;
	return &slot->reg;
}

/* The dynptr at a place on the stack, or the sample itself, or NULL. */
static const struct kps_reg *find(const struct kps_at *at, const struct kps_reg *reg)
{
	const struct kps_reg *first, *second;
	const struct kps_frame *f;
	s64 off;

	/* It can't be moved. */
	if (reg->kind == KAPSEL_KIND_SAMPLE)
		return reg;
	if (reg->kind != KAPSEL_KIND_STACK || !is_place(reg, &off))
		return NULL;
	f = at->s->frame[reg->object];
	first = half_at(f, off, 0);
	second = half_at(f, off + 8, 8);
	return first && second && first->object == second->object && first->ref == second->ref ?
	       first : NULL;
}

static void put(const struct kps_at *at, struct kps_frame *f, s64 off, u64 half, u16 object,
		u32 ref)
{
	struct kps_slot *slot = &f->slot[-(off + (s64)half) / 8 - 1];

	memset(slot->byte, KPS_BYTE_SPILL, sizeof(slot->byte));
	slot->at = 0;
	slot->len = 8;
	slot->reg = kps_reg_pointer(KAPSEL_KIND_DYNPTR, object, (s64)half, at->pc);
	slot->reg.ref = ref;
}

/* It is there whether or not the helper finds memory for it: it may be empty. */
static int make(const struct kps_at *at, const struct kps_helper *helper, u32 n)
{
	const struct kps_reg *reg = kps_reg_at(at, n);
	bool record = helper->args[0] == KPS_ARG_MAP;
	u16 object = record ? KAPSEL_DYNPTR_RINGBUF : KAPSEL_DYNPTR_LOCAL;
	u32 ref = 0, frame = reg->object;
	s64 off;
	int err;

	if (!is_place(reg, &off))
		return refuse(at, helper, n, KPS_D_DYNPTR_PLACE);
	err = kps_stack_clobber(at, frame, off, off + KPS_DYNPTR_SIZE, off + KPS_DYNPTR_SIZE, n);
	if (!err && record)
		err = kps_acquire(at, &ref);
	if (err)
		return err;
	put(at, at->s->frame[frame], off, 0, object, ref);
	put(at, at->s->frame[frame], off, 8, object, ref);
	return 0;
}

/* What it was is gone for good, and all slices of it. */
static int end(const struct kps_at *at, const struct kps_helper *helper, u32 n)
{
	const struct kps_reg *reg = kps_reg_at(at, n), *dynptr = find(at, reg);
	struct kps_frame *f;
	u32 i, ref;

	if (dynptr->kind != KAPSEL_KIND_DYNPTR || dynptr->object != KAPSEL_DYNPTR_RINGBUF)
		return refuse(at, helper, n, KPS_D_DYNPTR_RECORD);
	ref = dynptr->ref;
	f = kps_frame_own(&at->env->pool, at->s, reg->object, 0);
	if (!f)
		return -ENOMEM;
	i = (u32)(-reg->val.r64.smin / 8) - 1;
	kps_slot_clear(&f->slot[i]);
	kps_slot_clear(&f->slot[i - 1]);
	return kps_release(at, ref);
}

int kps_check_dynptr(const struct kps_at *at, const struct kps_helper *helper, u32 n)
{
	const struct kps_reg *reg = kps_reg_at(at, n);
	bool out = helper->args[n - 1] == KPS_ARG_DYNPTR_OUT;
	u32 code = kps_pointer_fault(reg);

	if (code || (reg->kind != KAPSEL_KIND_STACK && (out || reg->kind != KAPSEL_KIND_SAMPLE)))
		return refuse(at, helper, n, code ?: KPS_D_HELPER_ARG);
	if (out)
		return make(at, helper, n);
	if (!find(at, reg))
		return refuse(at, helper, n, KPS_D_DYNPTR_NONE);
	return helper->args[n - 1] == KPS_ARG_DYNPTR_RECORD ? end(at, helper, n) : 0;
}

static bool is_of_frame(const struct kps_reg *reg, const void *arg)
{
	return (reg->kind == KAPSEL_KIND_SAMPLE || reg->kind == KAPSEL_KIND_SLICE) &&
	       reg->object == *(const u32 *)arg;
}

/* Slices of other dynptrs are of no frame, that is of number 0. */
int kps_dynptr_leave(const struct kps_at *at)
{
	u32 frame = at->s->depth - 1, pc = kps_top(at->s)->call;

	if (at->env->in->insns[pc].imm != BPF_FUNC_user_ringbuf_drain)
		return 0;
	return kps_state_each(&at->env->pool, at->s, is_of_frame, kps_make_stale, &frame) ?
	       0 : -ENOMEM;
}

/* Memory of a map's value outlasts the dynptr; others' ends with it. */
void kps_dynptr_slice(const struct kps_at *at, struct kps_reg *out)
{
	const struct kps_reg *dynptr = find(at, kps_reg_at(at, 1));
	bool sample = dynptr->kind == KAPSEL_KIND_SAMPLE;

	kps_maybe_null(at, KAPSEL_KIND_SLICE, sample ? dynptr->object : 0, out);
	out->size = (u32)kps_reg_at(at, 3)->val.bits.value;
	out->ref = dynptr->ref;
}
