// SPDX-License-Identifier: GPL-2.0-only
/* A checked machine: knows what each number is, and refuses what isn't safe */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/minmax.h>

#include "core/env.h"
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
		return fz_address(&fz_maps[v->n]);
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

static struct fz_val map_reference(u16 map)
{
	return (struct fz_val){ .tag = FZ_MAP, .obj = map, .n = fz_map_used(map) };
}

static bool lddw(struct fz_machine *m)
{
	const struct bpf_insn *insn = insn_at(m);
	const struct kps_insn_aux *aux = &m->proof->aux[m->pc];
	struct fz_val *dst = reg(m, insn->dst_reg);
	u32 i;

	switch (aux->kind) {
	case KPS_AUX_MAP:
		*dst = map_reference(aux->map);
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

static u32 subprog_at(const struct fz_machine *m, u32 start)
{
	u32 i;

	for (i = 0; i < m->proof->nr_subprogs; i++)
		if (m->proof->subprogs[i].start == start)
			return i;
	return 0;
}

static bool step_jump(struct fz_machine *m, bool *done)
{
	const struct bpf_insn *insn = insn_at(m);

	if (BPF_OP(insn->code) == BPF_EXIT)
		return fz_leave(m, done);
	if (BPF_OP(insn->code) != BPF_CALL)
		return jump(m);
	if (insn->src_reg == BPF_PSEUDO_CALL)
		return fz_enter(m, subprog_at(m, m->pc + 1 + insn->imm));
	return fz_call_helper(m, done);
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

/* Objects that are there from the start: behind each value its key. */
static void add_elems(struct fz_machine *m, u32 map, u32 id)
{
	u32 i;

	for (i = 0; i < fz_maps[id].max_entries; i++) {
		m->obj[m->nr_objs++] = (struct fz_obj){
			.kind = KAPSEL_KIND_MAP_VALUE, .index = map, .map = id,
			.base = fz_world.elem[id][i].mem, .hi = fz_maps[id].value_size,
			.read = true, .write = !(fz_maps[id].flags & BPF_F_RDONLY_PROG),
		};
		m->obj[m->nr_objs++] = (struct fz_obj){
			.kind = KAPSEL_KIND_MAP_KEY, .index = map, .map = id,
			.base = (u8 *)&fz_world.elem[id][i].key, .hi = fz_maps[id].key_size,
			.read = true,
		};
	}
}

static void add_maps(struct fz_machine *m)
{
	u32 map, id, first;

	for (map = 0; map < fz_maps_used(); map++) {
		id = fz_map_used(map);
		first = id == FZ_ROWS ? FZ_ROW : FZ_SET;
		if (id < FZ_RING) {
			add_elems(m, map, id);
		} else if (fz_maps[id].inner.type) {
			add_elems(m, map + KPS_INNER, first);
			add_elems(m, map + KPS_INNER, first + 1);
		}
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
	m->lock = 0;
	m->gone = false;
	m->count = 0;
	*m->why = 0;
	if (!fz_enter(m, 0))
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
