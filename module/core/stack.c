// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - the stack in the abstract: bytes, spilled values, what may be read */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>

#include "core/report.h"
#include "core/stack.h"

#define EACH_BYTE	0x0101010101010101ULL

/* Byte @off of a frame, counted from the frame pointer, is byte_in() of slot_of(). */
static u32 slot_of(s64 off)
{
	return (u32)((-off - 1) / 8);
}

static u32 byte_in(s64 off)
{
	return (u32)(off & 7);
}

static const struct kps_slot *find_slot(const struct kps_frame *f, s64 off)
{
	u32 i = slot_of(off);

	return i < f->nr_slots ? &f->slot[i] : NULL;
}

static u8 byte_at(const struct kps_frame *f, s64 off)
{
	const struct kps_slot *slot = find_slot(f, off);

	return slot ? slot->byte[byte_in(off)] : KPS_BYTE_INVALID;
}

/* The deepest byte used is what the run time must provide. */
static void note_depth(const struct kps_at *at, u32 n, s64 lo)
{
	struct kps_proof_subprog *sub = &at->env->proof->subprogs[at->s->frame[n]->subprog];

	if (!at->env->unjudged)
		sub->stack = max(sub->stack, 8 * (slot_of(lo) + 1));
}

static struct kps_frame *frame_for_write(const struct kps_at *at, u32 n, s64 lo)
{
	note_depth(at, n, lo);
	return kps_frame_own(&at->env->pool, at->s, n, slot_of(lo) + 1);
}

static bool holds_pointer(const struct kps_slot *slot)
{
	return slot->len == 8 && kps_is_pointer(&slot->reg);
}

/* Beside holds_pointer(): half a dynptr, which nobody but helpers looks into. */
static bool is_opaque(const struct kps_slot *slot)
{
	return slot->reg.kind == KAPSEL_KIND_DYNPTR;
}

static int refuse_stack(const struct kps_at *at, u32 code, u32 reg, s64 off, u8 access)
{
	struct kapsel_rec_problem *p = kps_refuse(at, code, reg);

	p->access = access;
	p->access_size = 1;
	p->detail = (u64)off;
	return -EACCES;
}

/*
 * A byte that is read as a number. Parts of pointers are numbers only to
 * programs that may know addresses; so are bytes that were never written.
 */
static int read_byte(const struct kps_at *at, u32 n, s64 off, u32 reg)
{
	const struct kps_slot *slot = find_slot(at->s->frame[n], off);
	u8 byte = byte_at(at->s->frame[n], off);

	if (byte == KPS_BYTE_SPILL && holds_pointer(slot) && is_opaque(slot))
		return refuse_stack(at, KPS_D_DYNPTR_BYTES, reg, off, KAPSEL_ACCESS_READ);
	if (byte == KPS_BYTE_SPILL && holds_pointer(slot) && !at->env->type->leaks)
		return refuse_stack(at, KPS_D_SPILL, reg, off, KAPSEL_ACCESS_READ);
	if (byte != KPS_BYTE_INVALID)
		return 0;
	if (!at->env->type->leaks)
		return refuse_stack(at, KPS_D_UNINIT_STACK, reg, off, KAPSEL_ACCESS_READ);
	kps_warn(at, KPS_D_UNINIT_STACK, reg);
	return 0;
}

/*
 * All eight bytes at @off are numbers, whoever reads them. Kinds of bytes are small: of
 * those that are less by one, only one that was 0 has its highest bit set, or borrows.
 */
static bool slot_is_plain(const struct kps_frame *f, s64 off, s64 hi)
{
	const struct kps_slot *slot = find_slot(f, off);
	u64 bytes;

	if (byte_in(off) || hi - off < 8 || !slot || holds_pointer(slot))
		return false;
	memcpy(&bytes, slot->byte, sizeof(bytes));
	return !((bytes - EACH_BYTE) & (EACH_BYTE << 7));
}

int kps_stack_readable(const struct kps_at *at, u32 n, s64 lo, s64 hi, u32 reg)
{
	s64 off = lo;
	int err;

	note_depth(at, n, lo);
	while (off < hi) {
		if (slot_is_plain(at->s->frame[n], off, hi)) {
			off += 8;
			continue;
		}
		err = read_byte(at, n, off++, reg);
		if (err)
			return err;
	}
	return 0;
}

/* The low bytes of a number; it is still the same number if the others were zero. */
static void cut_value(struct kps_reg *reg, u32 size)
{
	if (reg->val.r64.umax <= kps_width_mask(8 * size))
		return;
	kps_scalar_zext(&reg->val, 8 * size);
	if (size == 4)
		kps_weaken(reg, KPS_LINK_LOW);
	else
		kps_unlink(reg);
}

/* The value read is exactly the one spilled here, or the low bytes of it. */
static bool read_spill(const struct kps_at *at, u32 n, s64 off, u32 size,
		       struct kps_reg *out)
{
	const struct kps_slot *slot = find_slot(at->s->frame[n], off);

	if (!slot || !slot->len || slot->at != byte_in(off) || size > slot->len)
		return false;
	if (slot->reg.kind != KAPSEL_KIND_SCALAR && (size < slot->len || is_opaque(slot)))
		return false;
	*out = slot->reg;
	if (size < slot->len)
		cut_value(out, size);
	return true;
}

static bool reads_zero(const struct kps_frame *f, s64 off, u32 size)
{
	u32 i;

	for (i = 0; i < size; i++)
		if (byte_at(f, off + i) != KPS_BYTE_ZERO)
			return false;
	return true;
}

int kps_stack_load(const struct kps_at *at, u32 n, s64 off, u32 size, u32 reg,
		   struct kps_reg *out)
{
	int err;

	if (read_spill(at, n, off, size, out))
		return 0;
	err = kps_stack_readable(at, n, off, off + size, reg);
	if (err)
		return err;
	if (reads_zero(at->s->frame[n], off, size))
		*out = kps_reg_scalar(kps_scalar_const(0), at->pc);
	else
		*out = kps_reg_scalar(kps_scalar_bytes(size), at->pc);
	return 0;
}

bool kps_stack_word(const struct kps_at *at, u32 n, s64 off, struct kps_range *word)
{
	struct kps_reg reg;

	if (off & 3)
		return false;
	if (read_spill(at, n, off, sizeof(u32), &reg)) {
		*word = reg.val.r32;
		return reg.kind == KAPSEL_KIND_SCALAR;
	}
	*word = kps_range_const(0, 32);
	return reads_zero(at->s->frame[n], off, sizeof(u32));
}

int kps_stack_load_any(const struct kps_at *at, u32 n, s64 lo, s64 hi, u32 size,
		       u32 reg, struct kps_reg *out)
{
	int err = kps_stack_readable(at, n, lo, hi + size, reg);

	if (err)
		return err;
	*out = kps_reg_scalar(kps_scalar_bytes(size), at->pc);
	return 0;
}

/* Some bytes of a spilled value are about to change: the rest are plain bytes. */
static void break_spill(struct kps_slot *slot)
{
	u32 i;

	for (i = 0; i < 8; i++)
		if (slot->byte[i] == KPS_BYTE_SPILL)
			slot->byte[i] = KPS_BYTE_MISC;
	slot->len = 0;
}

/* 1, 2, 4 or 8 bytes, each by one store. */
static void set_bytes(u8 *bytes, u8 kind, u32 size)
{
	const u64 all = kind * EACH_BYTE;

	switch (size) {
	case 8:
		memcpy(bytes, &all, 8);
		break;
	case 4:
		memcpy(bytes, &all, 4);
		break;
	case 2:
		memcpy(bytes, &all, 2);
		break;
	default:
		*bytes = kind;
	}
}

/* A half of the dynptr that a half in the slot beside it may belong to. */
static void end_half(struct kps_frame *f, u32 i, u64 half)
{
	struct kps_slot *slot = i < f->nr_slots ? &f->slot[i] : NULL;

	if (slot && holds_pointer(slot) && is_opaque(slot) &&
	    kps_scalar_has(&slot->reg.val, half))
		kps_slot_clear(slot);
}

/*
 * What is written to ends as a dynptr, with both halves: none of its bytes may be read
 * afterwards. A record would never be given back.
 */
static int break_dynptr(const struct kps_at *at, struct kps_frame *f, s64 off, u32 reg)
{
	u32 i = slot_of(off);
	struct kps_reg half = f->slot[i].reg;

	if (half.ref)
		return refuse_stack(at, KPS_D_DYNPTR_HELD, reg, off, KAPSEL_ACCESS_WRITE);
	kps_slot_clear(&f->slot[i]);
	if (i && kps_scalar_has(&half.val, 0))
		end_half(f, i - 1, 8);
	if (kps_scalar_has(&half.val, 8))
		end_half(f, i + 1, 0);
	return 0;
}

/*
 * Overwriting part of a pointer would leave the rest of its bytes to be read as a
 * number: only programs that may know addresses do that.
 */
static int may_break(const struct kps_at *at, struct kps_frame *f, u32 from, u32 len,
		     s64 off, u32 reg)
{
	const struct kps_slot *slot = &f->slot[slot_of(off)];

	if (!holds_pointer(slot))
		return 0;
	if (is_opaque(slot))
		return break_dynptr(at, f, off, reg);
	if ((from == 0 && len == 8) || at->env->type->leaks)
		return 0;
	return refuse_stack(at, KPS_D_SPILL, reg, off, KAPSEL_ACCESS_WRITE);
}

/* A slot keeps one value: a smaller one beside it is plain bytes. */
static bool keeps_spill(const struct kps_slot *slot, u32 from, u32 size)
{
	return slot->len > size && (from + size <= slot->at || from >= slot->at + slot->len);
}

/* Accesses are aligned, so that one of at most 8 bytes lies in one slot. */
int kps_stack_store(const struct kps_at *at, u32 n, s64 off, u32 size, u32 reg,
		    const struct kps_reg *val)
{
	struct kps_frame *f = frame_for_write(at, n, off);
	u32 from = byte_in(off);
	struct kps_slot *slot;
	u64 number;
	bool keep;
	u8 byte;
	int err;

	if (!f)
		return -ENOMEM;
	slot = &f->slot[slot_of(off)];
	err = may_break(at, f, from, size, off, reg);
	if (err)
		return err;
	keep = keeps_spill(slot, from, size);
	if (!keep)
		break_spill(slot);
	byte = KPS_BYTE_MISC;
	if (kps_is_const(val, &number) && !number)
		byte = KPS_BYTE_ZERO;
	else if (!keep && (size == 8 || val->kind == KAPSEL_KIND_SCALAR))
		byte = KPS_BYTE_SPILL;
	set_bytes(&slot->byte[from], byte, size);
	if (byte != KPS_BYTE_SPILL)
		return 0;
	slot->at = from;
	slot->len = size;
	slot->reg = *val;
	if (size < 8)
		cut_value(&slot->reg, size);
	return 0;
}

/* Of a slot some bytes of which may stay as they are. */
static int clobber_byte(const struct kps_at *at, struct kps_frame *f, s64 off, bool sure,
			u32 reg)
{
	struct kps_slot *slot = &f->slot[slot_of(off)];
	u8 *byte = &slot->byte[byte_in(off)];
	int err;

	if (*byte == KPS_BYTE_SPILL) {
		err = may_break(at, f, 0, 1, off, reg);
		if (err)
			return err;
		break_spill(slot);
	}
	if (sure || *byte == KPS_BYTE_ZERO)
		*byte = KPS_BYTE_MISC;
	return 0;
}

/* Whatever a slot held is gone with all of it. */
static int clobber_slot(const struct kps_at *at, struct kps_frame *f, s64 off, u32 reg)
{
	struct kps_slot *slot = &f->slot[slot_of(off)];
	int err = may_break(at, f, 0, 8, off, reg);

	if (err)
		return err;
	slot->len = 0;
	set_bytes(slot->byte, KPS_BYTE_MISC, sizeof(slot->byte));
	return 0;
}

int kps_stack_clobber(const struct kps_at *at, u32 n, s64 lo, s64 sure, s64 hi, u32 reg)
{
	struct kps_frame *f = frame_for_write(at, n, lo);
	s64 off = lo;
	int err;

	if (!f)
		return -ENOMEM;
	while (off < hi) {
		bool whole = !byte_in(off) && off + 8 <= sure;

		err = whole ? clobber_slot(at, f, off, reg) :
			      clobber_byte(at, f, off, off < sure, reg);
		if (err)
			return err;
		off += whole ? 8 : 1;
	}
	return 0;
}

int kps_stack_store_any(const struct kps_at *at, u32 n, s64 lo, s64 hi, u32 reg,
			const struct kps_reg *val)
{
	struct kps_frame *f;
	u64 number;
	s64 off;
	int err;

	if (!kps_is_const(val, &number) || number)
		return kps_stack_clobber(at, n, lo, lo, hi, reg);
	f = frame_for_write(at, n, lo);
	if (!f)
		return -ENOMEM;
	for (off = lo; off < hi; off++) {
		if (byte_at(f, off) == KPS_BYTE_ZERO)
			continue;
		err = clobber_byte(at, f, off, false, reg);
		if (err)
			return err;
	}
	return 0;
}
