// SPDX-License-Identifier: GPL-2.0-only
/* The checked machine's calls: functions, callbacks, helpers, and the way back */

#include <errno.h>
#include <string.h>

#include <linux/kernel.h>

#include "core/env.h"
#include "core/insn.h"
#include "machine_in.h"

bool fz_enter(struct fz_machine *m, u32 sub)
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

/* Callbacks: is there another round? */
static bool has_round(struct fz_machine *m)
{
	struct fz_frame *f = top(m);
	u64 args[5] = { fz_val_number(m, &f->loop_map), fz_address(&f->each) };

	if (f->loop_map.tag == FZ_MAP)
		return fz_helper(BPF_FUNC_for_each_map_elem, args);
	return f->loop_left && f->loop_left--;
}

/* An element's key lies behind its value. */
static void pass_element(struct fz_machine *m, const struct fz_frame *caller)
{
	struct fz_val value = fz_object_at(m, caller->each.value);

	*reg(m, 1) = caller->loop_map;
	*reg(m, 2) = pointer(value.obj + 1, 0);
	*reg(m, 3) = value;
	*reg(m, 4) = caller->loop_ctx;
}

static bool next_round(struct fz_machine *m)
{
	struct fz_frame *caller = top(m);

	if (!has_round(m)) {
		end_call(m, number(caller->loop_done));
		m->pc++;
		return true;
	}
	if (!fz_enter(m, m->proof->aux[m->pc].arg))
		return false;
	memset(&top(m)->reg[1], 0, 5 * sizeof(struct fz_val));
	if (caller->loop_map.tag == FZ_MAP) {
		pass_element(m, caller);
	} else {
		*reg(m, 1) = number(caller->loop_done);
		*reg(m, 2) = caller->loop_ctx;
	}
	return true;
}

static bool callback_args(struct fz_machine *m)
{
	const struct fz_val *r = top(m)->reg;

	if (r[1].tag == FZ_UNINIT)
		return fz_machine_bad(m, "argument of loop was never written");
	if (r[2].tag != FZ_FUNC || r[2].n != m->proof->aux[m->pc].arg)
		return fz_machine_bad(m, "not the callback that was proved");
	if (r[3].tag == FZ_PTR ? m->obj[r[3].obj].kind != KAPSEL_KIND_STACK :
	    r[3].tag != FZ_NUM || r[3].n)
		return fz_machine_bad(m, "what is handed on is no stack");
	return (r[4].tag == FZ_NUM && !r[4].n) || fz_machine_bad(m, "flags");
}

static bool begin_rounds(struct fz_machine *m, bool each)
{
	struct fz_frame *f = top(m);

	if (!callback_args(m))
		return false;
	if (each && f->reg[1].tag != FZ_MAP)
		return fz_machine_bad(m, "not a map");
	fz_did(m, each ? FZ_DID_EACH : FZ_DID_LOOP);
	f->loop_map = each ? f->reg[1] : number(0);
	f->loop_left = fz_val_number(m, &f->reg[1]);
	f->loop_done = 0;
	f->loop_ctx = f->reg[3];
	memset(&f->each, 0, sizeof(f->each));
	if (!each && f->loop_left > 1 << 23) {
		end_call(m, number(-E2BIG));
		m->pc++;
		return true;
	}
	return next_round(m);
}

/* A callback returned: again, or the helper is done. */
static bool end_round(struct fz_machine *m, u64 r0)
{
	struct fz_frame *f = top(m);

	f->loop_done++;
	if (r0 > 1)
		return fz_machine_bad(m, "callback returns %llu", (unsigned long long)r0);
	if (m->lock)
		return fz_machine_bad(m, "callback keeps a lock");
	if (!r0)
		return next_round(m);
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

/* Arguments that some path does not give are cleared on all. */
static void clear_args(struct fz_machine *m)
{
	const struct kps_insn_aux *aux = &m->proof->aux[m->pc];
	u32 n;

	for (n = 1; n <= 5 && aux->kind == KPS_AUX_ARGS; n++)
		if (aux->arg >> n & 1)
			*reg(m, n) = number(0);
}

static bool holds_nothing(struct fz_machine *m)
{
	u32 i;

	if (m->lock)
		return fz_machine_bad(m, "a lock is still held");
	for (i = 0; i < fz_world.nr_records; i++)
		if (fz_world.record[i].held)
			return fz_machine_bad(m, "a record is still held");
	return true;
}

/* Whoever runs programs goes on in another one, unless there is none. */
static bool tail_call(struct fz_machine *m, const struct kps_map_facts *map, u64 found,
		      bool *done)
{
	if (m->depth > 1)
		return fz_machine_bad(m, "tail call from a function");
	if (!m->proof->tail_calls)
		return fz_machine_bad(m, "a tail call that was not foreseen");
	if (map->prog_type && map->prog_type != m->type->type)
		return fz_machine_bad(m, "tail call to another type");
	if (!holds_nothing(m))
		return false;
	fz_did(m, found ? FZ_DID_GO : FZ_DID_STAY);
	m->gone = found;
	m->r0 = found;
	*done = found;
	return true;
}

static void note_deed(struct fz_machine *m, const struct kps_helper *h)
{
	if (h->args[0] == KPS_ARG_MAP && reg(m, 1)->obj >= KPS_INNER)
		fz_did(m, FZ_DID_INNER);
	else if (h->id == BPF_FUNC_spin_lock)
		fz_did(m, FZ_DID_LOCK);
	else if (h->args[2] == KPS_ARG_FORMAT)
		fz_did(m, FZ_DID_FORMAT);
	else if (h->args[0] == KPS_ARG_RECORD)
		fz_did(m, FZ_DID_RECORD);
	else if (h->map_op & (KAPSEL_MAP_OP_PUSH | KAPSEL_MAP_OP_POP))
		fz_did(m, FZ_DID_QUEUE);
	else if (h->args[0] == KPS_ARG_CTX_CHANGED)
		fz_did(m, FZ_DID_PACKET);
	else if (h->ret == KPS_RET_SLICE_OR_NULL || h->args[2] == KPS_ARG_DYNPTR)
		fz_did(m, FZ_DID_DYNPTR);
}

static struct fz_val result(struct fz_machine *m, const struct kps_helper *h, u64 r0)
{
	const struct fz_val *map = reg(m, 1);

	switch (h->ret) {
	case KPS_RET_VOID:
		return (struct fz_val){ .tag = FZ_UNINIT };
	case KPS_RET_VALUE_OR_NULL:
		if (r0 && fz_maps[map->n].inner.type)
			return (struct fz_val){
				.tag = FZ_MAP, .obj = map->obj + KPS_INNER,
				.n = (const struct kps_map_facts *)(unsigned long)r0 - fz_maps,
			};
		return r0 ? fz_object_at(m, r0) : number(0);
	case KPS_RET_VALUE:
	case KPS_RET_SOCK_OR_NULL:
	case KPS_RET_TCP_OR_NULL:
		return r0 ? fz_object_at(m, r0) : number(0);
	case KPS_RET_RECORD_OR_NULL:
		return r0 ? pointer(new_record(m), 0) : number(0);
	case KPS_RET_SLICE_OR_NULL:
		return r0 ? fz_dynptr_slice(m, r0) : number(0);
	default:
		return number(r0);
	}
}

static bool call_body(struct fz_machine *m, const struct kps_helper *h,
		      const struct kps_map_facts *map, bool *done)
{
	u64 args[5], r0;
	u32 n;

	for (n = 0; n < 5; n++)
		args[n] = fz_val_number(m, reg(m, n + 1));
	if (!fz_lookup_as_noted(m, h, map, args[1]))
		return false;
	note_deed(m, h);
	r0 = fz_helper(h->id, args);
	if (h->args[0] == KPS_ARG_CTX_CHANGED) {
		m->age++;
		m->obj[FZ_PACKET_OBJ].hi = fz_world.packet_len;
	}
	if (h->id == BPF_FUNC_tail_call && !tail_call(m, map, r0, done))
		return false;
	if (h->args[3] == KPS_ARG_DYNPTR_OUT)
		fz_dynptr_made(m, 4, h->args[0] == KPS_ARG_MAP);
	else if (h->args[0] == KPS_ARG_DYNPTR_RECORD)
		fz_dynptr_gone(m, 1);
	end_call(m, result(m, h, r0));
	m->pc++;
	return true;
}

bool fz_call_helper(struct fz_machine *m, bool *done)
{
	const struct kps_helper *h = kps_helper_find(insn_at(m)->imm);
	const struct kps_map_facts *map = NULL;
	u32 n;

	if (!h)
		return fz_machine_bad(m, "no such helper");
	if (m->lock && h->id != BPF_FUNC_spin_unlock)
		return fz_machine_bad(m, "call while a lock is held");
	if (h->args[1] == KPS_ARG_CALLBACK)
		return begin_rounds(m, h->id == BPF_FUNC_for_each_map_elem);
	clear_args(m);
	for (n = 1; n <= 5 && h->args[n - 1] != KPS_ARG_NONE; n++)
		if (!readable(m, n) || !fz_check_arg(m, h, n, &map))
			return false;
	return call_body(m, h, map, done);
}

bool fz_leave(struct fz_machine *m, bool *done)
{
	struct fz_val r0 = *reg(m, 0);
	const struct bpf_insn *call;

	if (m->depth > 1) {
		m->pc = top(m)->call;
		m->depth--;
		call = insn_at(m);
		if (!call->src_reg)
			return r0.tag == FZ_NUM ? end_round(m, r0.n) :
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
	return holds_nothing(m);
}
