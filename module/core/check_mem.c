// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - memory: what a load, a store or a helper's buffer must satisfy */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/types.h>

#include "core/check.h"
#include "core/report.h"
#include "core/socket.h"
#include "core/stack.h"

static struct kapsel_rec_problem *refuse_access(const struct kps_at *at, u32 code,
						const struct kps_access *a)
{
	struct kapsel_rec_problem *p = kps_refuse(at, code, a->reg);

	p->access = a->access;
	p->access_size = (u32)min_t(u64, a->size, U32_MAX);
	p->helper = a->helper;
	p->arg = a->arg;
	p->detail = (u64)a->off;
	return p;
}

static bool points_to_memory(const struct kps_reg *reg)
{
	return reg->kind != KAPSEL_KIND_SCALAR && reg->kind != KAPSEL_KIND_MAP &&
	       reg->kind != KAPSEL_KIND_PACKET_END && reg->kind != KAPSEL_KIND_FUNC;
}

int kps_check_pointer(const struct kps_at *at, const struct kps_access *a)
{
	const struct kps_reg *reg = kps_reg_at(at, a->reg);
	u32 code = kps_pointer_fault(reg);

	if (reg->kind == KAPSEL_KIND_UNINIT)
		code = KPS_D_UNINIT;
	else if (!code && !points_to_memory(reg))
		code = a->helper ? KPS_D_HELPER_ARG : KPS_D_NOT_POINTER;
	if (!code)
		return 0;
	refuse_access(at, code, a);
	return -EACCES;
}

/* Bytes before the pointer's object that its smallest offset must leave: none. */
static int check_lower(const struct kps_at *at, const struct kps_access *a, s64 floor)
{
	const struct kps_reg *reg = kps_reg_at(at, a->reg);
	struct kapsel_rec_problem *p;

	if (reg->val.r64.smin >= floor - a->off)
		return 0;
	p = refuse_access(at, KPS_D_LOWER, a);
	p->half = KAPSEL_HALF_LOWER;
	p->need_min = floor - a->off;
	p->need_max = S64_MAX;
	return -EACCES;
}

static int check_upper(const struct kps_at *at, const struct kps_access *a, s64 floor,
		       s64 end, u32 code)
{
	const struct kps_reg *reg = kps_reg_at(at, a->reg);
	struct kapsel_rec_problem *p;
	s64 room = a->size > (u64)KPS_MAX_SPAN ? S64_MIN :
		   end - a->off - (s64)a->size;

	if (reg->val.r64.smax <= room)
		return 0;
	p = refuse_access(at, code, a);
	p->half = KAPSEL_HALF_UPPER;
	p->need_min = floor - a->off;
	p->need_max = room;
	return -EACCES;
}

static int check_span_in(const struct kps_at *at, const struct kps_access *a, s64 floor,
			 s64 end)
{
	return check_lower(at, a, floor) ?: check_upper(at, a, floor, end, KPS_D_UPPER);
}

/* A variable pointer that was itself compared with data_end, or one linked to it. */
static bool fact_covers(const struct kps_at *at, const struct kps_access *a)
{
	const struct kps_reg *reg = kps_reg_at(at, a->reg);
	const struct kps_state *s = at->s;
	s64 end;
	u32 i;

	if (!reg->id || check_add_overflow(reg->delta, a->off + (s64)a->size, &end))
		return false;
	for (i = 0; i < s->nr_facts; i++)
		if (s->fact[i].id == reg->id)
			return end <= s->fact[i].limit;
	return false;
}

static int check_packet(const struct kps_at *at, const struct kps_access *a)
{
	int err = check_lower(at, a, 0);

	if (err)
		return err;
	if (a->access != KAPSEL_ACCESS_READ && a->helper) {
		refuse_access(at, KPS_D_READ_ONLY, a);
		return -EACCES;
	}
	if (a->access != KAPSEL_ACCESS_READ && !at->env->unjudged)
		at->env->proof->writes_packet = true;
	if (a->size <= (u64)KPS_MAX_SPAN && fact_covers(at, a))
		return 0;
	return check_upper(at, a, 0, (s64)at->s->pkt_min, KPS_D_PACKET);
}

static int check_map_value(const struct kps_at *at, const struct kps_access *a)
{
	const struct kps_map_facts *map = &at->env->maps[kps_reg_at(at, a->reg)->object];
	u32 code = 0;
	int err;

	if (a->access != KAPSEL_ACCESS_READ && map->flags & BPF_F_RDONLY_PROG)
		code = KPS_D_READ_ONLY;
	else if (a->access != KAPSEL_ACCESS_WRITE && map->flags & BPF_F_WRONLY_PROG)
		code = KPS_D_WRITE_ONLY;
	if (code) {
		refuse_access(at, code, a);
		return -EACCES;
	}
	err = check_span_in(at, a, 0, map->value_size);
	if (err || !kps_touches_lock(at, a))
		return err;
	refuse_access(at, KPS_D_LOCK_ACCESS, a);
	return -EACCES;
}

/* What an element is found by is not a program's to change. */
static int check_map_key(const struct kps_at *at, const struct kps_access *a)
{
	if (a->access != KAPSEL_ACCESS_READ) {
		refuse_access(at, KPS_D_READ_ONLY, a);
		return -EACCES;
	}
	return check_span_in(at, a, 0, at->env->maps[kps_reg_at(at, a->reg)->object].key_size);
}

int kps_check_bounds(const struct kps_at *at, const struct kps_access *a)
{
	const struct kps_reg *reg = kps_reg_at(at, a->reg);

	switch (reg->kind) {
	case KAPSEL_KIND_STACK:
		return check_span_in(at, a, -KAPSEL_MAX_STACK, 0);
	case KAPSEL_KIND_MAP_VALUE:
		return check_map_value(at, a);
	case KAPSEL_KIND_MAP_KEY:
		return check_map_key(at, a);
	case KAPSEL_KIND_PACKET:
		return check_packet(at, a);
	case KAPSEL_KIND_RINGBUF:
	case KAPSEL_KIND_SLICE:
		return check_span_in(at, a, 0, reg->size);
	case KAPSEL_KIND_SOCKET:
		return kps_check_socket(at, a);
	default:
		refuse_access(at, a->helper ? KPS_D_HELPER_ARG : KPS_D_NOT_POINTER, a);
		return -EACCES;
	}
}

/* Aligned by the bits known of the offset; objects themselves are 8-byte aligned. */
static int check_align(const struct kps_at *at, const struct kps_access *a)
{
	struct kps_tnum off = kps_tnum_add(kps_reg_at(at, a->reg)->val.bits,
					   kps_tnum_const((u64)a->off));

	if (!((off.value | off.mask) & (a->size - 1)))
		return 0;
	refuse_access(at, KPS_D_ALIGN, a);
	return -EACCES;
}

static struct kps_access insn_access(const struct kps_at *at, u32 reg, u8 access)
{
	static const u8 bytes[4] = { 4, 2, 1, 8 };	/* BPF_W, H, B, DW */
	const struct bpf_insn *insn = kps_insn_at(at);
	u32 size = bytes[BPF_SIZE(insn->code) >> 3];

	return (struct kps_access){
		.reg = reg, .off = insn->off, .size = size, .min_size = size,
		.access = access,
	};
}

static int refuse_field(const struct kps_at *at, u32 code, const struct kps_access *a,
			s64 off)
{
	refuse_access(at, code, a)->detail = (u64)off;
	return -EACCES;
}

static bool width_fits(const struct kps_ctx_field *f, u32 off, u32 size)
{
	if (f->flags & KAPSEL_CTX_NARROW)
		return !(off % size);
	return off == f->offset && size == f->size;
}

/* The context is accessed at constant offsets only: each access is one field. */
static int find_field(const struct kps_at *at, const struct kps_access *a,
		      const struct kps_ctx_field **field)
{
	const struct kps_reg *reg = kps_reg_at(at, a->reg);
	s64 off = reg->val.r64.smin + a->off;
	const struct kps_ctx_field *f = NULL;

	if (kps_scalar_is_const(&reg->val) && off >= 0 && off < at->env->type->ctx_size)
		f = kps_ctx_field_find(at->env->type, (u32)off, (u32)a->size);
	if (!f || !width_fits(f, (u32)off, (u32)a->size))
		return refuse_field(at, KPS_D_CTX_FIELD, a, off);
	if (a->access != KAPSEL_ACCESS_READ && !(f->flags & KAPSEL_CTX_WRITE))
		return refuse_field(at, KPS_D_CTX_WRITE, a, off);
	*field = f;
	return 0;
}

/*
 * The rewrite replaces context accesses, so an instruction is one on all paths or on
 * none, and always of the same field.
 */
static int mark_ctx(const struct kps_at *at, const struct kps_access *a,
		    const struct kps_ctx_field *f)
{
	struct kps_insn_aux *aux = kps_aux_at(at);
	u32 off = (u32)(kps_reg_at(at, a->reg)->val.r64.smin + a->off);
	u16 map = (u16)(f - at->env->type->fields);
	u64 bit = 1ULL << map;

	if (aux->kind == KPS_AUX_PLAIN)
		return refuse_field(at, KPS_D_MIXED, a, f->offset);
	if (aux->kind == KPS_AUX_CTX && (aux->arg != off - f->offset || aux->map != map))
		return refuse_field(at, KPS_D_MIXED, a, off);
	if (at->env->unjudged)
		return 0;
	aux->kind = KPS_AUX_CTX;
	aux->map = map;
	aux->arg = off - f->offset;
	if (a->access == KAPSEL_ACCESS_READ)
		at->env->proof->ctx_read |= bit;
	else
		at->env->proof->ctx_written |= bit;
	return 0;
}

static int mark_plain(const struct kps_at *at, const struct kps_access *a)
{
	struct kps_insn_aux *aux = kps_aux_at(at);

	if (aux->kind == KPS_AUX_CTX) {
		refuse_access(at, KPS_D_MIXED, a);
		return -EACCES;
	}
	if (!at->env->unjudged)
		aux->kind = KPS_AUX_PLAIN;
	return 0;
}

/* What memory holds is any number of its size. */
static struct kps_reg loaded_number(const struct kps_at *at, const struct kps_access *a)
{
	return kps_reg_scalar(kps_scalar_bytes((u32)a->size), at->pc);
}

static int load_ctx(const struct kps_at *at, const struct kps_access *a,
		    struct kps_reg *out)
{
	const struct kps_ctx_field *f;
	int err = find_field(at, a, &f);

	if (!err)
		err = mark_ctx(at, a, f);
	if (err)
		return err;
	if (f->flags & KAPSEL_CTX_PACKET)
		*out = kps_reg_pointer(KAPSEL_KIND_PACKET, 0, 0, at->pc);
	else if (f->flags & KAPSEL_CTX_PACKET_END)
		*out = kps_reg_pointer(KAPSEL_KIND_PACKET_END, 0, 0, at->pc);
	else if (f->flags & KAPSEL_CTX_SOCKET)
		kps_maybe_null(at, KAPSEL_KIND_SOCKET, KAPSEL_SOCK_ANY, out);
	else
		*out = loaded_number(at, a);
	return 0;
}

static int load_stack(const struct kps_at *at, const struct kps_access *a,
		      struct kps_reg *out)
{
	const struct kps_reg *reg = kps_reg_at(at, a->reg);
	s64 lo = reg->val.r64.smin + a->off, hi = reg->val.r64.smax + a->off;
	int err = kps_check_bounds(at, a) ?: check_align(at, a);

	if (err)
		return err;
	if (lo == hi)
		return kps_stack_load(at, reg->object, lo, (u32)a->size, a->reg, out);
	return kps_stack_load_any(at, reg->object, lo, hi, (u32)a->size, a->reg, out);
}

/* A frozen read-only map never changes again: what it holds is a constant. */
static bool load_constant(const struct kps_at *at, const struct kps_access *a,
			  struct kps_reg *out)
{
	const struct kps_reg *reg = kps_reg_at(at, a->reg);
	const struct kps_host *host = at->env->host;
	const struct kps_map_facts *map;
	u64 n;

	if (reg->kind != KAPSEL_KIND_MAP_VALUE)
		return false;
	map = &at->env->maps[reg->object];
	if (!map->frozen || !(map->flags & BPF_F_RDONLY_PROG) || map->max_entries != 1 ||
	    !kps_scalar_is_const(&reg->val))
		return false;
	if (host->map_read(host->priv, reg->object, (u32)(reg->val.r64.smin + a->off),
			   (u32)a->size, &n))
		return false;
	*out = kps_reg_scalar(kps_scalar_const(n), at->pc);
	return true;
}

static int load_plain(const struct kps_at *at, const struct kps_access *a,
		      struct kps_reg *out)
{
	int err = kps_check_bounds(at, a);

	if (err || load_constant(at, a, out))
		return err;
	*out = loaded_number(at, a);
	return 0;
}

static int load_any(const struct kps_at *at, const struct kps_access *a,
		    struct kps_reg *out)
{
	u8 kind = kps_reg_at(at, a->reg)->kind;
	int err;

	if (kind == KAPSEL_KIND_CTX)
		return load_ctx(at, a, out);
	err = mark_plain(at, a);
	if (err)
		return err;
	return kind == KAPSEL_KIND_STACK ? load_stack(at, a, out) : load_plain(at, a, out);
}

int kps_step_load(const struct kps_at *at)
{
	const struct bpf_insn *insn = kps_insn_at(at);
	struct kps_access a = insn_access(at, insn->src_reg, KAPSEL_ACCESS_READ);
	struct kps_reg out;
	int err = kps_check_pointer(at, &a) ?: load_any(at, &a, &out);

	if (err)
		return err;
	if (BPF_MODE(insn->code) == 0x80) {	/* sign-extending */
		if (kps_is_pointer(&out)) {
			refuse_access(at, KPS_D_CTX_FIELD, &a);
			return -EACCES;
		}
		kps_scalar_sext(&out.val, 8 * (u32)a.size, 64);
		kps_unlink(&out);
	}
	*kps_reg_at(at, insn->dst_reg) = out;
	return 0;
}

int kps_check_leak(const struct kps_at *at, u32 n)
{
	if (at->env->type->leaks || !kps_is_pointer(kps_reg_at(at, n)))
		return 0;
	kps_refuse(at, KPS_D_LEAK, n);
	return -EACCES;
}

/* A younger frame's address must not stay in an older one that outlives it. */
static int check_frame_address(const struct kps_at *at, u32 frame,
			       const struct kps_reg *val, u32 n)
{
	if (val->kind != KAPSEL_KIND_STACK || val->object <= frame)
		return 0;
	kps_refuse(at, KPS_D_FRAME, n);
	return -EACCES;
}

static int store_stack(const struct kps_at *at, const struct kps_access *a,
		       const struct kps_reg *val, u32 n)
{
	const struct kps_reg *reg = kps_reg_at(at, a->reg);
	s64 lo = reg->val.r64.smin + a->off, hi = reg->val.r64.smax + a->off;
	u32 frame = reg->object;
	int err = kps_check_bounds(at, a) ?: check_align(at, a) ?:
		  check_frame_address(at, frame, val, n);

	if (!err && (lo != hi || a->size < 8) && n != KAPSEL_NO_REG)
		err = kps_check_leak(at, n);
	if (err)
		return err;
	if (lo == hi)
		return kps_stack_store(at, frame, lo, (u32)a->size, a->reg, val);
	return kps_stack_store_any(at, frame, lo, hi + (s64)a->size, a->reg, val);
}

static int store_ctx(const struct kps_at *at, const struct kps_access *a)
{
	const struct kps_ctx_field *f;
	int err = find_field(at, a, &f);

	return err ?: mark_ctx(at, a, f);
}

static int store_any(const struct kps_at *at, const struct kps_access *a,
		     const struct kps_reg *val, u32 n)
{
	u8 kind = kps_reg_at(at, a->reg)->kind;
	int err = 0;

	if (kind != KAPSEL_KIND_CTX)
		err = mark_plain(at, a);
	if (!err && kind == KAPSEL_KIND_STACK)
		return store_stack(at, a, val, n);
	if (!err && n != KAPSEL_NO_REG)
		err = kps_check_leak(at, n);
	if (err)
		return err;
	return kind == KAPSEL_KIND_CTX ? store_ctx(at, a) : kps_check_bounds(at, a);
}

/* A number and its copy on the stack get one link: a test of one narrows both. */
static void link_spill(const struct kps_at *at, u32 to, u32 n)
{
	struct kps_reg *src = kps_reg_at(at, n);

	if (kps_reg_at(at, to)->kind != KAPSEL_KIND_STACK || src->id ||
	    src->kind != KAPSEL_KIND_SCALAR || kps_scalar_is_const(&src->val))
		return;
	src->id = kps_new_id(&at->env->pool);
	src->delta = 0;
}

int kps_step_store(const struct kps_at *at)
{
	const struct bpf_insn *insn = kps_insn_at(at);
	struct kps_access a = insn_access(at, insn->dst_reg, KAPSEL_ACCESS_WRITE);
	struct kps_reg val;
	int err;

	if (BPF_CLASS(insn->code) == BPF_ST) {
		val = kps_reg_scalar(kps_scalar_const((u64)(s64)insn->imm), at->pc);
		return kps_check_pointer(at, &a) ?: store_any(at, &a, &val, KAPSEL_NO_REG);
	}
	err = kps_check_init(at, insn->src_reg) ?: kps_check_pointer(at, &a);
	if (err)
		return err;
	link_spill(at, insn->dst_reg, insn->src_reg);
	val = *kps_reg_at(at, insn->src_reg);
	if (val.kind == KAPSEL_KIND_FUNC) {
		kps_refuse(at, KPS_D_CALLBACK, insn->src_reg);
		return -EACCES;
	}
	return store_any(at, &a, &val, insn->src_reg);
}

static int refuse_atomic(const struct kps_at *at, const struct kps_access *a)
{
	refuse_access(at, KPS_D_ATOMIC, a);
	return -EACCES;
}

static int atomic_memory(const struct kps_at *at, const struct kps_access *a)
{
	const struct kps_reg *reg = kps_reg_at(at, a->reg);
	s64 lo = reg->val.r64.smin + a->off, hi = reg->val.r64.smax + a->off + (s64)a->size;
	u32 frame = reg->object;

	/* A slice may begin at any byte, and processors trap on what spans cache lines. */
	if (reg->kind == KAPSEL_KIND_CTX || reg->kind == KAPSEL_KIND_PACKET ||
	    reg->kind == KAPSEL_KIND_SLICE)
		return refuse_atomic(at, a);
	if (reg->kind != KAPSEL_KIND_STACK)
		return kps_check_bounds(at, a) ?: check_align(at, a);
	return kps_check_bounds(at, a) ?: check_align(at, a) ?:
	       kps_stack_readable(at, frame, lo, hi, a->reg) ?:
	       kps_stack_clobber(at, frame, lo, hi - lo == (s64)a->size ? hi : lo, hi, a->reg);
}

/* Operands of an atomic operation become plain memory: they must not leak. */
static int atomic_operand(const struct kps_at *at, u32 n)
{
	return kps_check_init(at, n) ?: kps_check_leak(at, n);
}

int kps_step_atomic(const struct kps_at *at)
{
	const struct bpf_insn *insn = kps_insn_at(at);
	struct kps_access a = insn_access(at, insn->dst_reg, KAPSEL_ACCESS_ATOMIC);
	struct kps_reg old = loaded_number(at, &a);
	int err = atomic_operand(at, insn->src_reg);

	if (!err && insn->imm == BPF_CMPXCHG)
		err = atomic_operand(at, 0);
	err = err ?: kps_check_pointer(at, &a) ?: mark_plain(at, &a) ?: atomic_memory(at, &a);
	if (err)
		return err;
	if (insn->imm == BPF_CMPXCHG)
		*kps_reg_at(at, 0) = old;
	else if (insn->imm & BPF_FETCH)
		*kps_reg_at(at, insn->src_reg) = old;
	return 0;
}

static int span_stack(const struct kps_at *at, const struct kps_access *a)
{
	const struct kps_reg *reg = kps_reg_at(at, a->reg);
	s64 lo = reg->val.r64.smin + a->off, hi = reg->val.r64.smax + a->off;
	s64 end = hi + (s64)a->size, sure = lo == hi ? lo + (s64)a->min_size : lo;

	if (a->access == KAPSEL_ACCESS_READ)
		return kps_stack_readable(at, reg->object, lo, end, a->reg);
	return kps_stack_clobber(at, reg->object, lo, sure, end, a->reg);
}

int kps_check_span(const struct kps_at *at, const struct kps_access *a)
{
	int err = kps_check_pointer(at, a) ?: kps_check_bounds(at, a);

	if (err || kps_reg_at(at, a->reg)->kind != KAPSEL_KIND_STACK || !a->size)
		return err;
	return span_stack(at, a);
}
