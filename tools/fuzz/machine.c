// SPDX-License-Identifier: GPL-2.0-only
/* A checked machine: knows what each number is, and refuses what isn't safe */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/minmax.h>

#include "core/insn.h"
#include "machine.h"

bool fz_machine_bad(struct fz_machine *m, const char *format, ...)
{
	va_list args;
	int n;

	if (*m->why)
		return false;
	n = snprintf(m->why, sizeof(m->why), "@%u: ", m->pc);
	va_start(args, format);
	vsnprintf(m->why + n, sizeof(m->why) - n, format, args);
	va_end(args);
	return false;
}

/* Arithmetic. */
static s64 extend(u64 n, u32 bits)
{
	return (s64)(n << (64 - bits)) >> (64 - bits);
}

static u64 divide(u8 op, bool is_signed, u64 a, u64 b)
{
	if (!b)
		return op == BPF_DIV ? 0 : a;
	if (is_signed && (s64)b == -1)
		return op == BPF_DIV ? -a : 0;
	if (is_signed)
		return op == BPF_DIV ? (s64)a / (s64)b : (s64)a % (s64)b;
	return op == BPF_DIV ? a / b : a % b;
}

static u64 binary(u8 op, bool is_signed, u32 width, u64 a, u64 b)
{
	u32 n = b & (width - 1);

	if (width == 32) {
		a = is_signed || op == BPF_ARSH ? (u64)extend(a, 32) : (u32)a;
		b = is_signed ? (u64)extend(b, 32) : (u32)b;
	}
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << n;
	case BPF_RSH:
		return a >> n;
	case BPF_ARSH:
		return (s64)a >> n;
	default:
		return divide(op, is_signed, a, b);
	}
}

static u64 swap_order(const struct bpf_insn *insn, u64 a)
{
	bool swaps = BPF_CLASS(insn->code) == BPF_ALU64 || BPF_SRC(insn->code) == BPF_TO_BE;
	u64 out = 0;
	s32 i;

	for (i = 0; i < insn->imm; i += 8)
		out |= (a >> i & 0xff) << (swaps ? insn->imm - 8 - i : i);
	return out;
}

u64 fz_alu(const struct bpf_insn *insn, u64 dst, u64 src)
{
	u32 width = BPF_CLASS(insn->code) == BPF_ALU64 ? 64 : 32;
	u64 out;

	switch (BPF_OP(insn->code)) {
	case BPF_END:
		return swap_order(insn, dst);
	case BPF_NEG:
		out = -dst;
		break;
	case BPF_MOV:
		out = insn->off ? (u64)extend(src, insn->off) : src;
		break;
	default:
		out = binary(BPF_OP(insn->code), insn->off == 1, width, dst, src);
	}
	return width == 32 ? (u32)out : out;
}

bool fz_jump(const struct bpf_insn *insn, u64 a, u64 b)
{
	s64 x = a, y = b;

	if (BPF_CLASS(insn->code) == BPF_JMP32) {
		a = (u32)a;
		b = (u32)b;
		x = (s32)a;
		y = (s32)b;
	}
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSGT:
		return x > y;
	case BPF_JSGE:
		return x >= y;
	case BPF_JSLT:
		return x < y;
	case BPF_JSLE:
		return x <= y;
	default:
		return a & b;
	}
}

/* Values. */
static struct fz_val number(u64 n)
{
	return (struct fz_val){ .tag = FZ_NUM, .n = n };
}

static struct fz_val pointer(u16 obj, s64 off)
{
	return (struct fz_val){ .tag = FZ_PTR, .obj = obj, .n = off };
}

u64 fz_val_number(const struct fz_machine *m, const struct fz_val *v)
{
	switch (v->tag) {
	case FZ_PTR:
		return (unsigned long)m->obj[v->obj].base + v->n;
	case FZ_END:
		return (unsigned long)fz_world.packet + fz_world.packet_len;
	case FZ_MAP:
		return (unsigned long)&fz_maps[fz_map_used(v->obj)];
	case FZ_FUNC:
		return m->proof->subprogs[v->n].start;
	default:
		return v->n;
	}
}

static struct fz_frame *top(struct fz_machine *m)
{
	return &m->frame[m->depth - 1];
}

static struct fz_val *reg(struct fz_machine *m, u32 n)
{
	return &top(m)->reg[n];
}

static const struct bpf_insn *insn_at(const struct fz_machine *m)
{
	return &m->in->insns[m->pc];
}

static bool readable(struct fz_machine *m, u32 n)
{
	return reg(m, n)->tag != FZ_UNINIT || fz_machine_bad(m, "r%u was never written", n);
}

/* Memory. */
static bool inside(struct fz_machine *m, const struct fz_val *p, s64 off, u64 size, bool write)
{
	const struct fz_obj *o = &m->obj[p->obj];
	s64 lo = (s64)p->n + off;

	if (p->tag != FZ_PTR)
		return fz_machine_bad(m, "access through no pointer (tag %u, %#llx)", p->tag,
				      (unsigned long long)p->n);
	if (o->kind == KAPSEL_KIND_RINGBUF && !fz_world.record[o->record].held)
		return fz_machine_bad(m, "record is gone");
	if (lo < o->lo || lo + (s64)size > o->hi)
		return fz_machine_bad(m, "bytes %lld to %lld of object kind %u [%lld, %lld)",
				      (long long)lo, (long long)(lo + size), o->kind,
				      (long long)o->lo, (long long)o->hi);
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

static u32 bytes_of(const struct bpf_insn *insn)
{
	static const u8 bytes[] = { 4, 2, 1, 8 };

	return bytes[BPF_SIZE(insn->code) >> 3];
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
	else
		*out = number(fz_ctx_read(m->type, f - m->type->fields, arg, size));
	return true;
}

static bool load(struct fz_machine *m, const struct fz_val *p, s64 off, u32 size,
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
		return true;
	}
	*out = number(fetch(m->obj[p->obj].base + lo, size));
	return !f || read_stack(m, f, lo, size);
}

static bool store(struct fz_machine *m, const struct fz_val *p, s64 off, u32 size,
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

static bool atomic(struct fz_machine *m)
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
	if (!load(m, p, insn->off, size, &old))
		return false;
	fresh = number(atomic_result(insn->imm, fz_val_number(m, &old), src, expect));
	old = number(fz_val_number(m, &old));
	if (!store(m, p, insn->off, size, &fresh))
		return false;
	if (insn->imm == BPF_CMPXCHG)
		*reg(m, 0) = old;
	else if (insn->imm & BPF_FETCH)
		*reg(m, insn->src_reg) = old;
	return true;
}

/* Arithmetic on registers. */
static bool moves_pointer(const struct bpf_insn *insn, const struct fz_val *dst,
			  const struct fz_val *src)
{
	u8 op = BPF_OP(insn->code);

	if (BPF_CLASS(insn->code) != BPF_ALU64)
		return false;
	return (dst->tag == FZ_PTR && src->tag == FZ_NUM && (op == BPF_ADD || op == BPF_SUB)) ||
	       (dst->tag == FZ_NUM && src->tag == FZ_PTR && op == BPF_ADD);
}

static bool is_difference(const struct fz_machine *m, const struct bpf_insn *insn,
			  const struct fz_val *dst, const struct fz_val *src)
{
	bool a = dst->tag == FZ_END || (dst->tag == FZ_PTR && dst->obj == FZ_PACKET_OBJ);
	bool b = src->tag == FZ_END || (src->tag == FZ_PTR && src->obj == FZ_PACKET_OBJ);

	return BPF_CLASS(insn->code) == BPF_ALU64 && BPF_OP(insn->code) == BPF_SUB &&
	       ((a && b) || (dst->tag == FZ_PTR && src->tag == FZ_PTR && dst->obj == src->obj &&
			     m->obj[dst->obj].kind == KAPSEL_KIND_STACK));
}

static bool alu(struct fz_machine *m)
{
	const struct bpf_insn *insn = insn_at(m);
	u8 op = BPF_OP(insn->code);
	bool is_mov = op == BPF_MOV, unary = op == BPF_NEG || op == BPF_END;
	struct fz_val *dst = reg(m, insn->dst_reg), imm = number((u64)(s64)insn->imm);
	struct fz_val *src = BPF_SRC(insn->code) == BPF_X && !unary ? reg(m, insn->src_reg) : &imm;

	if (src->tag == FZ_UNINIT || (!is_mov && dst->tag == FZ_UNINIT))
		return fz_machine_bad(m, "operand was never written");
	if (is_mov && src->tag != FZ_NUM && BPF_CLASS(insn->code) == BPF_ALU64 && !insn->off) {
		*dst = *src;
		return true;
	}
	if (!is_mov && !unary && moves_pointer(insn, dst, src)) {
		if (dst->tag == FZ_PTR)
			*dst = pointer(dst->obj, op == BPF_ADD ? dst->n + src->n : dst->n - src->n);
		else
			*dst = pointer(src->obj, src->n + dst->n);
		return true;
	}
	if (!m->type->leaks && ((!is_mov && dst->tag != FZ_NUM) ||
				(!unary && src->tag != FZ_NUM)) &&
	    !is_difference(m, insn, dst, src))
		return fz_machine_bad(m, "a pointer becomes a number");
	*dst = number(fz_alu(insn, fz_val_number(m, dst), fz_val_number(m, src)));
	return true;
}

static bool lddw(struct fz_machine *m)
{
	const struct bpf_insn *insn = insn_at(m);
	const struct kps_insn_aux *aux = &m->proof->aux[m->pc];
	struct fz_val *dst = reg(m, insn->dst_reg);
	u32 i;

	switch (aux->kind) {
	case KPS_AUX_MAP:
		*dst = (struct fz_val){ .tag = FZ_MAP, .obj = aux->map };
		break;
	case KPS_AUX_MAP_VALUE:
		for (i = 0; i < m->nr_objs; i++)
			if (m->obj[i].kind == KAPSEL_KIND_MAP_VALUE && m->obj[i].index == aux->map)
				break;
		if (i == m->nr_objs)
			return fz_machine_bad(m, "no such map value");
		*dst = pointer(i, aux->arg);
		break;
	case KPS_AUX_FUNC:
		*dst = (struct fz_val){ .tag = FZ_FUNC, .n = aux->arg };
		break;
	default:
		*dst = number((u32)insn->imm | (u64)(u32)insn[1].imm << 32);
	}
	m->pc += 2;
	return true;
}

/* Calls. */
static u32 subprog_at(const struct fz_machine *m, u32 start)
{
	u32 i;

	for (i = 0; i < m->proof->nr_subprogs; i++)
		if (m->proof->subprogs[i].start == start)
			return i;
	return 0;
}

static bool enter(struct fz_machine *m, u32 sub)
{
	struct fz_frame *f = &m->frame[m->depth];
	u64 fp = m->stack + KAPSEL_MAX_STACK;
	u32 n;

	if (m->depth == KAPSEL_MAX_DEPTH)
		return fz_machine_bad(m, "calls nest too deep");
	if (m->depth)
		fp = top(m)->fp - m->proof->subprogs[top(m)->subprog].stack;
	memset(f, 0, sizeof(*f));
	f->subprog = sub;
	f->call = m->depth ? m->pc : ~0u;
	f->fp = fp;
	f->reg[10] = pointer(FZ_FRAME_OBJ + m->depth, 0);
	for (n = 1; n <= 5 && m->depth; n++)
		f->reg[n] = top(m)->reg[n];
	m->obj[FZ_FRAME_OBJ + m->depth] = (struct fz_obj){
		.kind = KAPSEL_KIND_STACK, .index = m->depth, .base = (u8 *)(unsigned long)fp,
		.lo = -(s64)m->proof->subprogs[sub].stack, .read = true, .write = true,
	};
	if (fp - m->proof->subprogs[sub].stack < m->stack)
		return fz_machine_bad(m, "stack overflow");
	m->depth++;
	m->pc = m->proof->subprogs[sub].start;
	return true;
}

static void end_call(struct fz_machine *m, struct fz_val r0)
{
	u32 n;

	*reg(m, 0) = r0;
	for (n = 1; n <= 5; n++)
		*reg(m, n) = (struct fz_val){ .tag = FZ_UNINIT };
}

static bool next_loop(struct fz_machine *m)
{
	struct fz_frame *caller = top(m);
	u32 pc = m->pc, sub = m->proof->aux[pc].arg;
	bool ok;

	ok = enter(m, sub);
	if (!ok)
		return false;
	memset(&top(m)->reg[1], 0, 5 * sizeof(struct fz_val));
	*reg(m, 1) = number(caller->loop_done);
	*reg(m, 2) = caller->loop_ctx;
	return true;
}

static bool begin_loop(struct fz_machine *m)
{
	struct fz_frame *f = top(m);
	u32 n = fz_val_number(m, &f->reg[1]);

	if (f->reg[2].tag != FZ_FUNC || f->reg[2].n != m->proof->aux[m->pc].arg)
		return fz_machine_bad(m, "not the callback that was proved");
	if (f->reg[3].tag == FZ_UNINIT || f->reg[1].tag == FZ_UNINIT)
		return fz_machine_bad(m, "argument of loop was never written");
	if (f->reg[4].tag != FZ_NUM || f->reg[4].n)
		return fz_machine_bad(m, "flags");
	f->loop_left = n;
	f->loop_done = 0;
	f->loop_ctx = f->reg[3];
	if (n > 1 << 23 || !n) {
		end_call(m, number(n ? (u64)-E2BIG : 0));
		m->pc++;
		return true;
	}
	return next_loop(m);
}

/* A callback returned: again, or the helper is done. */
static bool continue_loop(struct fz_machine *m, u64 r0)
{
	struct fz_frame *f = top(m);

	f->loop_done++;
	if (r0 > 1)
		return fz_machine_bad(m, "callback returns %llu", (unsigned long long)r0);
	if (!r0 && --f->loop_left)
		return next_loop(m);
	end_call(m, number(f->loop_done));
	m->pc++;
	return true;
}

static bool span(struct fz_machine *m, u32 n, u64 size, bool write)
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

static u32 new_record(struct fz_machine *m)
{
	u32 i = m->nr_objs++;

	m->obj[i] = (struct fz_obj){
		.kind = KAPSEL_KIND_RINGBUF, .record = fz_world.nr_records - 1,
		.base = fz_world.record[fz_world.nr_records - 1].mem,
		.hi = fz_world.record[fz_world.nr_records - 1].size, .read = true, .write = true,
	};
	return i;
}

static struct fz_val find_object(struct fz_machine *m, u64 address)
{
	u32 i;

	for (i = 0; i < m->nr_objs; i++)
		if (m->obj[i].kind == KAPSEL_KIND_MAP_VALUE &&
		    (unsigned long)m->obj[i].base == address)
			return pointer(i, 0);
	return number(address);
}

static bool check_arg(struct fz_machine *m, const struct kps_helper *h, u32 n,
		      const struct kps_map_facts **map)
{
	const struct fz_val *v = reg(m, n);
	const struct fz_obj *o = &m->obj[v->obj];

	switch (h->args[n - 1]) {
	case KPS_ARG_ANY:
		return v->tag == FZ_NUM || m->type->leaks || fz_machine_bad(m, "leak to helper");
	case KPS_ARG_MAYBE:
		return v->tag != FZ_PTR || m->type->leaks || fz_machine_bad(m, "leak to helper");
	case KPS_ARG_CTX:
		return (v->tag == FZ_PTR && v->obj == FZ_CTX_OBJ && !v->n) ||
		       fz_machine_bad(m, "not the context");
	case KPS_ARG_MAP:
		*map = &fz_maps[fz_map_used(v->obj)];
		return v->tag == FZ_MAP || fz_machine_bad(m, "not a map");
	case KPS_ARG_KEY:
		return span(m, n, (*map)->key_size, false);
	case KPS_ARG_VALUE:
		return span(m, n, (*map)->value_size, false);
	case KPS_ARG_SIZE:
	case KPS_ARG_SIZE0:
		if (v->tag != FZ_NUM || (!v->n && h->args[n - 1] == KPS_ARG_SIZE))
			return fz_machine_bad(m, "size");
		return span(m, n - 1, v->n, h->args[n - 2] == KPS_ARG_MEM_OUT);
	case KPS_ARG_CONST_SIZE:
	case KPS_ARG_ZERO:
		return v->tag == FZ_NUM || fz_machine_bad(m, "not a number");
	case KPS_ARG_RECORD:
		return (v->tag == FZ_PTR && o->kind == KAPSEL_KIND_RINGBUF && !v->n &&
			fz_world.record[o->record].held) || fz_machine_bad(m, "not a record");
	default:
		return true;
	}
}

static bool helper(struct fz_machine *m)
{
	const struct kps_helper *h = kps_helper_find(insn_at(m)->imm);
	const struct kps_map_facts *map = NULL;
	struct fz_val r0;
	u64 args[5];
	u32 n;

	if (!h)
		return fz_machine_bad(m, "no such helper");
	if (h->id == BPF_FUNC_loop)
		return begin_loop(m);
	for (n = 1; n <= 5 && h->args[n - 1] != KPS_ARG_NONE; n++)
		if ((h->args[n - 1] != KPS_ARG_MAYBE && !readable(m, n)) ||
		    !check_arg(m, h, n, &map))
			return false;
	for (n = 0; n < 5; n++)
		args[n] = fz_val_number(m, reg(m, n + 1));
	r0 = number(fz_helper(h->id, args));
	if (h->ret == KPS_RET_VOID)
		r0.tag = FZ_UNINIT;
	else if (h->ret == KPS_RET_VALUE_OR_NULL && r0.n)
		r0 = find_object(m, r0.n);
	else if (h->ret == KPS_RET_RECORD_OR_NULL && r0.n)
		r0 = pointer(new_record(m), 0);
	end_call(m, r0);
	m->pc++;
	return true;
}

static bool leave(struct fz_machine *m, bool *done)
{
	struct fz_val r0 = *reg(m, 0);
	const struct bpf_insn *call;
	u32 i;

	if (m->depth > 1) {
		m->pc = top(m)->call;
		m->depth--;
		call = insn_at(m);
		if (!call->src_reg)
			return r0.tag == FZ_NUM ? continue_loop(m, r0.n) :
			       fz_machine_bad(m, "callback returns no number");
		end_call(m, r0);
		m->pc++;
		return true;
	}
	*done = true;
	if (r0.tag == FZ_UNINIT || (r0.tag != FZ_NUM && !m->type->leaks))
		return fz_machine_bad(m, "r0 is no number");
	m->r0 = fz_val_number(m, &r0);
	if (m->type->ret_min <= m->type->ret_max &&
	    ((s64)m->r0 < m->type->ret_min || (s64)m->r0 > m->type->ret_max))
		return fz_machine_bad(m, "returns %lld", (long long)m->r0);
	for (i = 0; i < fz_world.nr_records; i++)
		if (fz_world.record[i].held)
			return fz_machine_bad(m, "a record is still held");
	return true;
}

static bool jump(struct fz_machine *m)
{
	const struct bpf_insn *insn = insn_at(m);
	struct fz_val imm = number((u64)(s64)insn->imm);
	const struct fz_val *a = reg(m, insn->dst_reg);
	const struct fz_val *b = BPF_SRC(insn->code) == BPF_X ? reg(m, insn->src_reg) : &imm;
	bool taken;

	if (BPF_OP(insn->code) == BPF_JA) {
		m->pc += 1 + kps_insn_jump(insn);
		return true;
	}
	if (a->tag == FZ_UNINIT || b->tag == FZ_UNINIT)
		return fz_machine_bad(m, "operand was never written");
	taken = fz_jump(insn, fz_val_number(m, a), fz_val_number(m, b));
	m->pc += 1 + (taken ? insn->off : 0);
	return true;
}

static bool step_jump(struct fz_machine *m, bool *done)
{
	const struct bpf_insn *insn = insn_at(m);

	if (BPF_OP(insn->code) == BPF_EXIT)
		return leave(m, done);
	if (BPF_OP(insn->code) != BPF_CALL)
		return jump(m);
	if (insn->src_reg == BPF_PSEUDO_CALL)
		return enter(m, subprog_at(m, m->pc + 1 + insn->imm));
	return helper(m);
}

static bool step_memory(struct fz_machine *m)
{
	const struct bpf_insn *insn = insn_at(m);
	struct fz_val val = number((u64)(s64)insn->imm);
	u32 size = bytes_of(insn);

	switch (BPF_CLASS(insn->code)) {
	case BPF_LDX:
		if (!load(m, reg(m, insn->src_reg), insn->off, size, &val))
			return false;
		if (BPF_MODE(insn->code) == 0x80)
			val = number(extend(fz_val_number(m, &val), 8 * size));
		*reg(m, insn->dst_reg) = val;
		return true;
	case BPF_STX:
		if (BPF_MODE(insn->code) == BPF_ATOMIC)
			return atomic(m);
		if (!readable(m, insn->src_reg))
			return false;
		val = *reg(m, insn->src_reg);
		break;
	}
	return store(m, reg(m, insn->dst_reg), insn->off, size, &val);
}

static bool step(struct fz_machine *m, bool *done)
{
	switch (BPF_CLASS(insn_at(m)->code)) {
	case BPF_LD:
		return lddw(m);
	case BPF_ALU:
	case BPF_ALU64:
		if (!alu(m))
			return false;
		m->pc++;
		return true;
	case BPF_JMP:
	case BPF_JMP32:
		return step_jump(m, done);
	default:
		if (!step_memory(m))
			return false;
		m->pc++;
		return true;
	}
}

/* Objects that are there from the start. */
static void add_maps(struct fz_machine *m)
{
	u32 map, i, id;

	for (map = 0; map < fz_maps_used(); map++) {
		id = fz_map_used(map);
		if (id == FZ_RING)
			continue;
		for (i = 0; i < fz_maps[id].max_entries; i++)
			m->obj[m->nr_objs++] = (struct fz_obj){
				.kind = KAPSEL_KIND_MAP_VALUE, .index = map,
				.base = fz_world.elem[id][i].mem, .hi = fz_maps[id].value_size,
				.read = true, .write = !(fz_maps[id].flags & BPF_F_RDONLY_PROG),
			};
	}
}

static bool begin(struct fz_machine *m)
{
	m->obj[FZ_CTX_OBJ] = (struct fz_obj){ .kind = KAPSEL_KIND_CTX, .base = fz_world.ctx };
	m->obj[FZ_PACKET_OBJ] = (struct fz_obj){
		.kind = KAPSEL_KIND_PACKET, .base = fz_world.packet, .hi = fz_world.packet_len,
		.read = true,
	};
	m->nr_objs = FZ_FRAME_OBJ + KAPSEL_MAX_DEPTH;
	add_maps(m);
	m->depth = 0;
	m->count = 0;
	*m->why = 0;
	if (!enter(m, 0))
		return false;
	*reg(m, 1) = pointer(FZ_CTX_OBJ, 0);
	return true;
}

enum fz_end fz_machine_run(struct fz_machine *m)
{
	bool done = false;

	if (!begin(m))
		return FZ_BAD;
	while (!done) {
		if (m->pc >= m->in->insn_cnt || !m->proof->aux[m->pc].seen) {
			fz_machine_bad(m, "no path comes here");
			return FZ_BAD;
		}
		if (m->count++ == m->limit)
			return FZ_LONG;
		if (m->watch && !m->watch(m))
			return FZ_BAD;
		if (!step(m, &done))
			return FZ_BAD;
	}
	return FZ_DONE;
}
