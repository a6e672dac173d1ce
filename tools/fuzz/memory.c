// SPDX-License-Identifier: GPL-2.0-only
/* The checked machine's memory: objects, the stack's bytes, the context */

#include <string.h>

#include <linux/kernel.h>

#include "core/insn.h"
#include "machine_in.h"

static bool touches_lock(const struct kps_map_facts *map, s64 lo, u64 size)
{
	return map->lock_size && lo < (s64)map->lock_off + map->lock_size &&
	       lo + (s64)size > (s64)map->lock_off;
}

static bool inside(struct fz_machine *m, const struct fz_val *p, s64 off, u64 size, bool write)
{
	const struct fz_obj *o = &m->obj[p->obj];
	s64 lo = (s64)p->n + off;

	if (p->tag != FZ_PTR)
		return fz_machine_bad(m, "access through no pointer (tag %u, %#llx)", p->tag,
				      (unsigned long long)p->n);
	if ((o->kind == KAPSEL_KIND_RINGBUF || o->kind == KAPSEL_KIND_SLICE) &&
	    o->record != FZ_NO_RECORD && !fz_world.record[o->record].held)
		return fz_machine_bad(m, "record is gone");
	if (p->obj == FZ_PACKET_OBJ && p->age != m->age)
		return fz_machine_bad(m, "the packet was changed since");
	if (lo < o->lo || lo + (s64)size > o->hi)
		return fz_machine_bad(m, "bytes %lld to %lld of object kind %u [%lld, %lld)",
				      (long long)lo, (long long)(lo + size), o->kind,
				      (long long)o->lo, (long long)o->hi);
	if (o->kind == KAPSEL_KIND_MAP_VALUE && touches_lock(&fz_maps[o->map], lo, size))
		return fz_machine_bad(m, "bytes %lld to %lld are a lock's", (long long)lo,
				      (long long)(lo + size));
	if (!(write ? o->write : o->read))
		return fz_machine_bad(m, "object kind %u may not be %s", o->kind,
				      write ? "written" : "read");
	return true;
}

static struct fz_frame *frame_of(struct fz_machine *m, const struct fz_val *p)
{
	const struct fz_obj *o = &m->obj[p->obj];

	return o->kind == KAPSEL_KIND_STACK ? &m->frame[o->index] : NULL;
}

/* Byte @off below a frame pointer: -1 is the first. */
static u32 place(s64 off)
{
	return -off - 1;
}

static bool holds_address(const struct fz_frame *f, u32 slot)
{
	return f->whole[slot] && f->slot[slot].tag != FZ_NUM;
}

static bool read_stack(struct fz_machine *m, const struct fz_frame *f, s64 lo, u64 size)
{
	s64 off;

	for (off = lo; off < lo + (s64)size; off++)
		if (!fz_dynptr_unread(m, f, place(off) / 8))
			return false;
	if (m->type->leaks)
		return true;
	for (off = lo; off < lo + (s64)size; off++) {
		if (!f->init[place(off)])
			return fz_machine_bad(m, "stack byte %lld was never written",
					      (long long)off);
		if (holds_address(f, place(off) / 8))
			return fz_machine_bad(m, "part of a pointer at %lld is read",
					      (long long)off);
	}
	return true;
}

static bool write_stack(struct fz_machine *m, struct fz_frame *f, s64 lo, u64 size)
{
	s64 off;

	for (off = lo; off < lo + (s64)size; off++) {
		u32 slot = place(off) / 8;
		bool all = lo <= -8 * (s64)(slot + 1) && lo + (s64)size >= -8 * (s64)slot;

		if (!fz_dynptr_overwrite(m, f, slot))
			return false;
		if (!all && holds_address(f, slot) && !m->type->leaks)
			return fz_machine_bad(m, "part of a pointer at %lld is overwritten",
					      (long long)off);
		f->init[place(off)] = true;
		f->whole[slot] = false;
	}
	return true;
}

static u64 fetch(const u8 *p, u32 size)
{
	u64 n = 0;

	memcpy(&n, p, size);
	return n;
}

static const struct kps_ctx_field *ctx_field(struct fz_machine *m, const struct fz_val *p,
					     s64 off, u32 size, u32 *arg)
{
	s64 at = (s64)p->n + off;
	const struct kps_ctx_field *f = NULL;

	if (at >= 0 && at < m->type->ctx_size)
		f = kps_ctx_field_find(m->type, at, size);
	if (!f)
		fz_machine_bad(m, "no context field at %lld", (long long)at);
	else
		*arg = at - f->offset;
	return f;
}

static bool load_ctx(struct fz_machine *m, const struct fz_val *p, s64 off, u32 size,
		     struct fz_val *out)
{
	const struct kps_ctx_field *f;
	u32 arg;

	f = ctx_field(m, p, off, size, &arg);
	if (!f)
		return false;
	if (f->flags & KAPSEL_CTX_PACKET)
		*out = pointer(FZ_PACKET_OBJ, 0);
	else if (f->flags & KAPSEL_CTX_PACKET_END)
		*out = (struct fz_val){ .tag = FZ_END };
	else if (f->flags & KAPSEL_CTX_SOCKET)
		*out = fz_object_at(m, fz_ctx_read(m->type, f - m->type->fields, arg, size));
	else
		*out = number(fz_ctx_read(m->type, f - m->type->fields, arg, size));
	out->age = m->age;
	return true;
}

bool fz_load(struct fz_machine *m, const struct fz_val *p, s64 off, u32 size,
	     struct fz_val *out)
{
	s64 lo = (s64)p->n + off;
	struct fz_frame *f;

	if (p->tag == FZ_PTR && p->obj == FZ_CTX_OBJ)
		return load_ctx(m, p, off, size, out);
	if (!inside(m, p, off, size, false))
		return false;
	f = frame_of(m, p);
	if (f && size == 8 && !(lo & 7) && f->whole[place(lo) / 8]) {
		*out = f->slot[place(lo) / 8];
		return fz_dynptr_unread(m, f, place(lo) / 8);
	}
	*out = number(fetch(m->obj[p->obj].base + lo, size));
	return !f || read_stack(m, f, lo, size);
}

bool fz_store(struct fz_machine *m, const struct fz_val *p, s64 off, u32 size,
	      const struct fz_val *val)
{
	u64 n = fz_val_number(m, val);
	s64 lo = (s64)p->n + off;
	const struct kps_ctx_field *field;
	struct fz_frame *f;
	u32 arg;

	if (p->tag == FZ_PTR && p->obj == FZ_CTX_OBJ) {
		field = ctx_field(m, p, off, size, &arg);
		if (!field || !(field->flags & KAPSEL_CTX_WRITE))
			return fz_machine_bad(m, "context field may not be written");
		fz_ctx_write(m->type, field - m->type->fields, arg, size, n);
		return val->tag == FZ_NUM || m->type->leaks || fz_machine_bad(m, "leak");
	}
	if (!inside(m, p, off, size, true))
		return false;
	f = frame_of(m, p);
	if (f && !write_stack(m, f, lo, size))
		return false;
	memcpy(m->obj[p->obj].base + lo, &n, size);
	if (f && size == 8 && !(lo & 7)) {
		f->whole[place(lo) / 8] = true;
		f->slot[place(lo) / 8] = *val;
	} else if (val->tag != FZ_NUM && !m->type->leaks) {
		return fz_machine_bad(m, "a pointer leaks");
	}
	return true;
}

static u64 atomic_result(s32 op, u64 old, u64 src, u64 expect)
{
	switch (op & ~BPF_FETCH) {
	case BPF_ADD:
		return old + src;
	case BPF_OR:
		return old | src;
	case BPF_AND:
		return old & src;
	case BPF_XOR:
		return old ^ src;
	case BPF_XCHG & ~BPF_FETCH:
		return src;
	default:
		return old == expect ? src : old;
	}
}

bool fz_atomic(struct fz_machine *m)
{
	const struct bpf_insn *insn = insn_at(m);
	u32 size = bytes_of(insn);
	const struct fz_val *p = reg(m, insn->dst_reg);
	struct fz_val old, fresh;
	u64 src, expect = 0;

	if (!readable(m, insn->src_reg) || (insn->imm == BPF_CMPXCHG && !readable(m, 0)))
		return false;
	if (p->tag == FZ_PTR && (p->obj == FZ_CTX_OBJ || p->obj == FZ_PACKET_OBJ))
		return fz_machine_bad(m, "atomic operation on context or packet");
	src = fz_val_number(m, reg(m, insn->src_reg));
	if (insn->imm == BPF_CMPXCHG)
		expect = fz_val_number(m, reg(m, 0));
	if (size == 4) {
		src = (u32)src;
		expect = (u32)expect;
	}
	if (!fz_load(m, p, insn->off, size, &old))
		return false;
	fresh = number(atomic_result(insn->imm, fz_val_number(m, &old), src, expect));
	old = number(fz_val_number(m, &old));
	if (!fz_store(m, p, insn->off, size, &fresh))
		return false;
	if (insn->imm == BPF_CMPXCHG)
		*reg(m, 0) = old;
	else if (insn->imm & BPF_FETCH)
		*reg(m, insn->src_reg) = old;
	return true;
}

bool fz_span(struct fz_machine *m, u32 n, u64 size, bool write)
{
	const struct fz_val *p = reg(m, n);
	struct fz_frame *f;

	if (p->tag != FZ_PTR)
		return fz_machine_bad(m, "argument %u is no pointer", n);
	if (p->obj == FZ_CTX_OBJ)
		return fz_machine_bad(m, "argument %u is the context", n);
	if (!size)
		return true;
	if (!inside(m, p, 0, size, write))
		return false;
	f = frame_of(m, p);
	if (!f)
		return true;
	return write ? write_stack(m, f, p->n, size) : read_stack(m, f, p->n, size);
}
