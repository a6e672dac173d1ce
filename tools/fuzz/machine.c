// SPDX-License-Identifier: GPL-2.0-only
/* A checked machine: knows what each number is, and refuses what isn't safe */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/minmax.h>

#include "core/insn.h"
#include "core/socket.h"
#include "machine_in.h"

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

/* Of addresses in one object, which says nothing of where it is. */
static bool is_difference(const struct bpf_insn *insn, const struct fz_val *dst,
			  const struct fz_val *src)
{
	bool a = dst->tag == FZ_END || (dst->tag == FZ_PTR && dst->obj == FZ_PACKET_OBJ);
	bool b = src->tag == FZ_END || (src->tag == FZ_PTR && src->obj == FZ_PACKET_OBJ);

	return BPF_OP(insn->code) == BPF_SUB &&
	       ((a && b) ||
		(dst->tag == FZ_PTR && src->tag == FZ_PTR && dst->obj == src->obj));
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
		u64 n = op == BPF_ADD ? dst->n + src->n : dst->n - src->n;

		*dst = dst->tag == FZ_PTR ? *dst : *src;
		dst->n = n;
		return true;
	}
	if (!m->type->leaks && ((!is_mov && dst->tag != FZ_NUM) ||
				(!unary && src->tag != FZ_NUM)) &&
	    !is_difference(insn, dst, src))
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

struct fz_val fz_object_at(struct fz_machine *m, u64 address)
{
	u32 i;

	for (i = 0; i < m->nr_objs; i++)
		if ((m->obj[i].kind == KAPSEL_KIND_MAP_VALUE ||
		     m->obj[i].kind == KAPSEL_KIND_SOCKET) &&
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
	case KPS_ARG_CTX_CHANGED:
		return (v->tag == FZ_PTR && v->obj == FZ_CTX_OBJ && !v->n) ||
		       fz_machine_bad(m, "not the context");
	case KPS_ARG_MAP:
		*map = &fz_maps[fz_map_used(v->obj)];
		return v->tag == FZ_MAP || fz_machine_bad(m, "not a map");
	case KPS_ARG_KEY:
		return fz_span(m, n, (*map)->key_size, false);
	case KPS_ARG_VALUE:
		return fz_span(m, n, (*map)->value_size, false);
	case KPS_ARG_VALUE_OUT:
		return fz_span(m, n, (*map)->value_size, true);
	case KPS_ARG_SIZE:
	case KPS_ARG_SIZE0:
		if (v->tag != FZ_NUM || (!v->n && h->args[n - 1] == KPS_ARG_SIZE))
			return fz_machine_bad(m, "size");
		return fz_span(m, n - 1, v->n, h->args[n - 2] == KPS_ARG_MEM_OUT);
	case KPS_ARG_CONST_SIZE:
	case KPS_ARG_ZERO:
		return v->tag == FZ_NUM || fz_machine_bad(m, "not a number");
	case KPS_ARG_SOCKET:
		return (v->tag == FZ_PTR && o->kind == KAPSEL_KIND_SOCKET && !v->n &&
			o->index != KAPSEL_SOCK_TCP) || fz_machine_bad(m, "not a socket");
	case KPS_ARG_RECORD:
		return (v->tag == FZ_PTR && o->kind == KAPSEL_KIND_RINGBUF && !v->n &&
			fz_world.record[o->record].held) || fz_machine_bad(m, "not a record");
	default:
		return true;
	}
}

/* Arguments that some path does not give are cleared on all. */
static void clear_args(struct fz_machine *m)
{
	const struct kps_insn_aux *aux = &m->proof->aux[m->pc];
	u32 n;

	for (n = 1; n <= 5 && aux->kind == KPS_AUX_ARGS; n++)
		if (aux->arg >> n & 1)
			*reg(m, n) = number(0);
}

/* What was found out of a lookup holds in this run. */
static bool lookup_as_noted(struct fz_machine *m, const struct kps_helper *h,
			    const struct kps_map_facts *map, u64 key)
{
	const struct kps_insn_aux *aux = &m->proof->aux[m->pc];
	u32 index;

	if (h->id != BPF_FUNC_map_lookup_elem || aux->kind == KPS_AUX_MAPS_CALL)
		return true;
	if (aux->kind != KPS_AUX_MAP_CALL || aux->map != reg(m, 1)->obj)
		return fz_machine_bad(m, "lookup in another map");
	if (aux->arg == KPS_NO_INDEX)
		return true;
	memcpy(&index, (const void *)(uintptr_t)key, sizeof(index));
	if (aux->arg == KPS_SOME_INDEX)
		return index < map->max_entries || fz_machine_bad(m, "index out of bounds");
	return aux->arg == index || fz_machine_bad(m, "lookup of another index");
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
	clear_args(m);
	for (n = 1; n <= 5 && h->args[n - 1] != KPS_ARG_NONE; n++)
		if (!readable(m, n) || !check_arg(m, h, n, &map))
			return false;
	for (n = 0; n < 5; n++)
		args[n] = fz_val_number(m, reg(m, n + 1));
	if (!lookup_as_noted(m, h, map, args[1]))
		return false;
	r0 = number(fz_helper(h->id, args));
	if (h->args[0] == KPS_ARG_CTX_CHANGED) {
		m->age++;
		m->obj[FZ_PACKET_OBJ].hi = fz_world.packet_len;
	}
	if (h->ret == KPS_RET_VOID)
		r0.tag = FZ_UNINIT;
	else if ((h->ret == KPS_RET_VALUE_OR_NULL || h->ret == KPS_RET_SOCK_OR_NULL ||
		  h->ret == KPS_RET_TCP_OR_NULL) && r0.n)
		r0 = fz_object_at(m, r0.n);
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
		if (!fz_load(m, reg(m, insn->src_reg), insn->off, size, &val))
			return false;
		if (BPF_MODE(insn->code) == 0x80)
			val = number(fz_extend(fz_val_number(m, &val), 8 * size));
		*reg(m, insn->dst_reg) = val;
		return true;
	case BPF_STX:
		if (BPF_MODE(insn->code) == BPF_ATOMIC)
			return fz_atomic(m);
		if (!readable(m, insn->src_reg))
			return false;
		val = *reg(m, insn->src_reg);
		break;
	}
	return fz_store(m, reg(m, insn->dst_reg), insn->off, size, &val);
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

static void add_sockets(struct fz_machine *m)
{
	u32 i;

	for (i = 0; i < FZ_NR_SOCKS; i++)
		m->obj[m->nr_objs++] = (struct fz_obj){
			.kind = KAPSEL_KIND_SOCKET, .index = i, .base = fz_world.sock[i],
			.hi = kps_sock_size(i), .read = true,
		};
}

static bool begin(struct fz_machine *m)
{
	m->obj[FZ_CTX_OBJ] = (struct fz_obj){ .kind = KAPSEL_KIND_CTX, .base = fz_world.ctx };
	m->obj[FZ_PACKET_OBJ] = (struct fz_obj){
		.kind = KAPSEL_KIND_PACKET, .base = fz_world.packet, .hi = fz_world.packet_len,
		.read = true, .write = true,
	};
	m->age = 0;
	m->nr_objs = FZ_FRAME_OBJ + KAPSEL_MAX_DEPTH;
	add_maps(m);
	add_sockets(m);
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
