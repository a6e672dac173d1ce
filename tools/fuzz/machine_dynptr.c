// SPDX-License-Identifier: GPL-2.0-only
/* The checked machine's dynptrs: two slots of a stack, and the memory behind them */

#include <string.h>

#include <linux/kapsel.h>

#include "core/dynptr.h"
#include "machine_in.h"

static bool is_half(const struct fz_frame *f, u32 slot)
{
	return f->whole[slot] && f->slot[slot].tag == FZ_DYN;
}

/* The slot of the half at the lower address. */
static u32 first_half(const struct fz_frame *f, u32 slot)
{
	return f->slot[slot].n ? slot + 1 : slot;
}

/* Halves come and go together: none of the bytes may be read afterwards. */
static void end(struct fz_frame *f, u32 first)
{
	f->whole[first] = false;
	f->whole[first - 1] = false;
	memset(&f->init[8 * (first - 1)], false, KPS_DYNPTR_SIZE);
}

/* Of more records than the world has nothing is known. */
static bool is_held(const struct fz_obj *o)
{
	return o->index == KAPSEL_DYNPTR_RINGBUF &&
	       (o->record == FZ_NO_RECORD || fz_world.record[o->record].held);
}

bool fz_dynptr_unread(struct fz_machine *m, const struct fz_frame *f, u32 slot)
{
	return !is_half(f, slot) || fz_machine_bad(m, "bytes of a dynptr are read");
}

bool fz_dynptr_overwrite(struct fz_machine *m, struct fz_frame *f, u32 slot)
{
	if (!is_half(f, slot))
		return true;
	if (is_held(&m->obj[f->slot[slot].obj]))
		return fz_machine_bad(m, "a dynptr of a held record is overwritten");
	end(f, first_half(f, slot));
	return true;
}

/* The slot of @f that a register points to, for the first half; 0: none that may be. */
static u32 find(struct fz_machine *m, u32 n, struct fz_frame **f)
{
	const struct fz_val *p = reg(m, n);
	const struct fz_obj *o = &m->obj[p->obj];

	if (p->tag != FZ_PTR || o->kind != KAPSEL_KIND_STACK || (s64)p->n % 8 ||
	    (s64)p->n < o->lo || (s64)p->n > -KPS_DYNPTR_SIZE)
		return 0;
	*f = &m->frame[o->index];
	return -(s64)p->n / 8 - 1;
}

static struct fz_obj *dynptr_at(struct fz_machine *m, u32 n)
{
	struct fz_frame *f = NULL;
	u32 slot = find(m, n, &f);

	if (!slot || !is_half(f, slot) || f->slot[slot].n)
		return NULL;
	return &m->obj[f->slot[slot].obj];
}

bool fz_dynptr_arg(struct fz_machine *m, u32 n, bool record)
{
	const struct fz_obj *o = dynptr_at(m, n);

	if (!o)
		return fz_machine_bad(m, "argument %u is no dynptr", n);
	return !record || is_held(o) || fz_machine_bad(m, "argument %u is no record's dynptr", n);
}

bool fz_dynptr_place(struct fz_machine *m, u32 n)
{
	struct fz_frame *f;

	return find(m, n, &f) ? fz_span(m, n, KPS_DYNPTR_SIZE, true) :
	       fz_machine_bad(m, "argument %u is no place for a dynptr", n);
}

static u32 add_object(struct fz_machine *m, const struct fz_obj *o)
{
	m->obj[m->nr_objs] = *o;
	return m->nr_objs++;
}

void fz_dynptr_made(struct fz_machine *m, u32 n, bool record)
{
	struct fz_obj o = { .kind = KAPSEL_KIND_DYNPTR };
	struct kps_dynptr made;
	struct fz_frame *f = NULL;
	u32 slot = find(m, n, &f), obj;

	o.index = record ? KAPSEL_DYNPTR_RINGBUF : KAPSEL_DYNPTR_LOCAL;
	memcpy(&made, (const u8 *)(unsigned long)f->fp - 8 * (slot + 1), sizeof(made));
	/* Its number, from 1; else 0. */
	o.record = made.__reserved - 1;
	obj = add_object(m, &o);
	f->slot[slot] = (struct fz_val){ .tag = FZ_DYN, .obj = obj };
	f->slot[slot - 1] = (struct fz_val){ .tag = FZ_DYN, .obj = obj, .n = 8 };
	f->whole[slot] = true;
	f->whole[slot - 1] = true;
}

void fz_dynptr_gone(struct fz_machine *m, u32 n)
{
	struct fz_frame *f = NULL;
	u32 slot = find(m, n, &f);

	end(f, slot);
}

struct fz_val fz_dynptr_slice(struct fz_machine *m, u64 address)
{
	struct fz_obj o = {
		.kind = KAPSEL_KIND_SLICE, .base = (u8 *)(unsigned long)address,
		.hi = reg(m, 3)->n, .record = dynptr_at(m, 1)->record, .read = true, .write = true,
	};

	return pointer(add_object(m, &o), 0);
}
