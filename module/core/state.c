// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - the abstract state: registers, stack frames, packet facts, references */

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>

#include "core/state.h"

#define FEW_SLOTS	2

/* Frames come in few sizes, so that a freed one fits the next need: 0, 2, 4, ... 64. */
static u32 size_class(u32 slots)
{
	return slots ? fls64((slots - 1) / FEW_SLOTS) + 1 : 0;
}

static u32 class_slots(u32 class)
{
	return class ? FEW_SLOTS << (class - 1) : 0;
}

static struct kps_frame *frame_alloc(struct kps_pool *pool, u32 slots)
{
	u32 class = size_class(slots);
	u32 cap = class_slots(class);
	struct kps_frame *f = pool->frames[class];

	if (f) {
		pool->frames[class] = f->next;
	} else {
		f = kps_arena_alloc(pool->arena, sizeof(*f) + cap * sizeof(f->slot[0]));
		if (!f)
			return NULL;
	}
	f->users = 1;
	f->cap = cap;
	f->nr_slots = 0;
	return f;
}

static void frame_put(struct kps_pool *pool, struct kps_frame *f)
{
	u32 class = size_class(f->cap);

	if (--f->users)
		return;
	f->next = pool->frames[class];
	pool->frames[class] = f;
}

static struct kps_state *state_alloc(struct kps_pool *pool)
{
	struct kps_state *s = pool->states;

	if (s)
		pool->states = s->next;
	else
		s = kps_arena_alloc(pool->arena, sizeof(*s));
	if (s)
		pool->peak = max(pool->peak, ++pool->live);
	return s;
}

struct kps_state *kps_state_copy(struct kps_pool *pool, const struct kps_state *s)
{
	struct kps_state *copy = state_alloc(pool);
	u32 i;

	if (!copy)
		return NULL;
	*copy = *s;
	copy->next = NULL;
	for (i = 0; i < s->depth; i++)
		s->frame[i]->users++;
	return copy;
}

void kps_state_free(struct kps_pool *pool, struct kps_state *s)
{
	while (s->depth)
		kps_frame_pop(pool, s);
	s->next = pool->states;
	pool->states = s;
	pool->live--;
}

void kps_state_free_list(struct kps_pool *pool, struct kps_state *s)
{
	while (s) {
		struct kps_state *next = s->next;

		kps_state_free(pool, s);
		s = next;
	}
}

static void copy_slot(struct kps_slot *to, const struct kps_slot *from)
{
	memcpy(to->byte, from->byte, sizeof(to->byte));
	to->at = from->at;
	to->len = from->len;
	if (from->len)
		to->reg = from->reg;
}

/* Most registers are dead most of the time. */
static void copy_values(struct kps_frame *to, const struct kps_frame *from)
{
	u32 i;

	for (i = 0; i < KPS_NR_REGS; i++) {
		if (from->reg[i].kind == KAPSEL_KIND_UNINIT)
			kps_reg_forget(&to->reg[i]);
		else
			to->reg[i] = from->reg[i];
	}
	for (i = 0; i < from->nr_slots; i++)
		copy_slot(&to->slot[i], &from->slot[i]);
}

struct kps_frame *kps_frame_own_slow(struct kps_pool *pool, struct kps_state *s, u32 n,
				     u32 slots)
{
	struct kps_frame *f = s->frame[n], *own = f;

	slots = max(slots, f->nr_slots);
	if (f->users > 1 || f->cap < slots) {
		own = frame_alloc(pool, slots);
		if (!own)
			return NULL;
		own->subprog = f->subprog;
		own->call = f->call;
		own->nr_slots = f->nr_slots;
		copy_values(own, f);
		frame_put(pool, f);
		s->frame[n] = own;
	}
	for (; own->nr_slots < slots; own->nr_slots++)
		kps_slot_clear(&own->slot[own->nr_slots]);
	return own;
}

bool kps_frame_push(struct kps_pool *pool, struct kps_state *s, u32 subprog, u32 slots, u32 call)
{
	struct kps_frame *f = frame_alloc(pool, slots);
	u32 i;

	if (!f)
		return false;
	f->subprog = subprog;
	f->call = call;
	for (i = 0; i < KPS_FP; i++)
		kps_reg_forget(&f->reg[i]);
	f->reg[KPS_FP] = kps_reg_pointer(KAPSEL_KIND_STACK, s->depth, 0, call);
	s->frame[s->depth++] = f;
	return true;
}

void kps_frame_pop(struct kps_pool *pool, struct kps_state *s)
{
	frame_put(pool, s->frame[--s->depth]);
}

struct kps_state *kps_state_new(struct kps_pool *pool, u32 slots)
{
	struct kps_state *s = state_alloc(pool);

	if (!s)
		return NULL;
	memset(s, 0, sizeof(*s));
	if (!kps_frame_push(pool, s, 0, slots, KPS_NO_INSN)) {
		kps_state_free(pool, s);
		return NULL;
	}
	kps_top(s)->reg[1] = kps_reg_pointer(KAPSEL_KIND_CTX, 0, 0, KPS_NO_INSN);
	return s;
}

bool kps_ref_add(struct kps_state *s, u32 ref)
{
	if (s->nr_refs == KPS_MAX_REFS)
		return false;
	s->ref[s->nr_refs++] = ref;
	return true;
}

bool kps_ref_held(const struct kps_state *s, u32 ref)
{
	u32 i;

	for (i = 0; i < s->nr_refs; i++)
		if (s->ref[i] == ref)
			return true;
	return false;
}

void kps_ref_drop(struct kps_state *s, u32 ref)
{
	u32 i, kept = 0;

	for (i = 0; i < s->nr_refs; i++)
		if (s->ref[i] != ref)
			s->ref[kept++] = s->ref[i];
	s->nr_refs = kept;
}
