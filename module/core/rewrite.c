// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - the rewrite: from proved to runnable */

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "core/code.h"
#include "core/insn.h"
#include "core/rewrite.h"

/*
 * A program being rewritten. @place says of each slot which instruction of the
 * code it became.
 */
struct rewrite {
	const struct kps_prog_in *in;
	const struct kps_proof *proof;
	const struct kps_target *target;
	const struct kps_prog_type *type;
	struct kps_code *code;
	u32 *place;
	u32 subprog;
};

static u32 place_all(const struct bpf_insn *insns, u32 cnt, u32 *place)
{
	u32 pc, slots, n = 0;

	for (pc = 0; pc < cnt; pc += slots) {
		slots = kps_insn_slots(&insns[pc]);
		place[pc] = n++;
	}
	return n;
}

/* Instructions from the one after @pc to the one in slot @target. */
static s64 distance(const struct rewrite *rw, u32 pc, u32 target)
{
	return (s64)rw->place[target] - rw->place[pc] - 1;
}

static s64 jump_distance(const struct rewrite *rw, u32 pc)
{
	return distance(rw, pc, pc + 1 + kps_insn_jump(&rw->in->insns[pc]));
}

static u64 lddw_number(const struct bpf_insn *insn)
{
	return (u32)insn[0].imm | (u64)(u32)insn[1].imm << 32;
}

static u64 lddw_value(const struct rewrite *rw, u32 pc)
{
	const struct kps_insn_aux *aux = &rw->proof->aux[pc];
	const struct kps_target *target = rw->target;

	switch (aux->kind) {
	case KPS_AUX_MAP:
		return target->map(target->priv, aux->map);
	case KPS_AUX_MAP_VALUE:
		return target->map_value(target->priv, aux->map) + aux->arg;
	case KPS_AUX_FUNC:
		return rw->proof->subprogs[aux->arg].start;
	default:
		return lddw_number(&rw->in->insns[pc]);
	}
}

/* ------------------------------------------------------------------------
 * Context fields
 */

static u32 access_bytes(const struct bpf_insn *insn)
{
	static const u8 bytes[] = { 4, 2, 1, 8 };

	return bytes[BPF_SIZE(insn->code) >> 3];
}

static u32 log2_bytes(u32 bytes)
{
	return bytes == 8 ? 3 : bytes / 2;
}

enum access { LOAD, LOADSX, STORE, STORE_IMM, VIA, VIA_SX };

/* By access, and by the logarithm of the size. */
static const u16 access_ops[][4] = {
	[LOAD] = { KPS_ROW_ldxb, KPS_ROW_ldxh, KPS_ROW_ldxw, KPS_ROW_ldxdw },
	[LOADSX] = { KPS_ROW_ldsxb, KPS_ROW_ldsxh, KPS_ROW_ldsxw,
		     KPS_ROW_ldxdw },
	[STORE] = { KPS_ROW_stxb, KPS_ROW_stxh, KPS_ROW_stxw, KPS_ROW_stxdw },
	[STORE_IMM] = { KPS_ROW_stb, KPS_ROW_sth, KPS_ROW_stw, KPS_ROW_stdw },
	[VIA] = { KPS_CODE_via_ldxb, KPS_CODE_via_ldxh, KPS_CODE_via_ldxw,
		  KPS_CODE_via_ldxdw },
	[VIA_SX] = { KPS_CODE_via_ldsxb, KPS_CODE_via_ldsxh,
		     KPS_CODE_via_ldsxw, KPS_CODE_via_ldxdw },
};

static enum access access_of(u32 kind, bool via)
{
	switch (kind) {
	case KPS_OP_LOAD:
		return via ? VIA : LOAD;
	case KPS_OP_LOADSX:
		return via ? VIA_SX : LOADSX;
	case KPS_OP_STORE:
		return STORE;
	default:
		return STORE_IMM;
	}
}

/*
 * Bytes of the field that are really there, from byte @arg on: a field of one
 * word may be narrower in the kernel than in the context; what lies above is 0.
 */
static u32 real_bytes(const struct kps_ctx_field *field,
		      const struct kps_ctx_slot *slot, u32 arg, u32 bytes)
{
	if (field->flags & (KAPSEL_CTX_PACKET | KAPSEL_CTX_PACKET_END))
		return 8;
	if (field->size > 8)
		return bytes;
	return arg < slot->size ? min_t(u32, bytes, slot->size - arg) : 0;
}

static void access_nothing(struct kps_code_insn *out, u32 kind)
{
	bool load = kind == KPS_OP_LOAD || kind == KPS_OP_LOADSX;

	out->op = load ? KPS_ROW_mov64_imm : KPS_ROW_ja;
	out->imm = 0;
}

/*
 * The register may point past the context's start (r1 += 8); how far follows
 * from the field that the verifier saw here, the same on every path.
 */
static int rewrite_ctx(const struct rewrite *rw, u32 pc, u32 kind,
		       struct kps_code_insn *out)
{
	const struct kps_insn_aux *aux = &rw->proof->aux[pc];
	const struct kps_ctx_field *field = &rw->type->fields[aux->map];
	const struct kps_ctx_slot *slot = &rw->target->ctx[aux->map];
	const struct bpf_insn *insn = &rw->in->insns[pc];
	s64 moved = (s64)field->offset + aux->arg - insn->off;
	s64 off = (s64)slot->off + aux->arg - (slot->via ? 0 : moved);
	u32 bytes = access_bytes(insn);
	u32 real = real_bytes(field, slot, aux->arg, bytes);

	if (!real) {
		access_nothing(out, kind);
		return 0;
	}
	if (off != (s16)off)
		return -EINVAL;
	if (real < bytes && kind == KPS_OP_LOADSX)
		kind = KPS_OP_LOAD;
	out->op = access_ops[access_of(kind, slot->via)][log2_bytes(real)];
	out->off = off;
	if (slot->via)
		out->imm = moved;
	return 0;
}

/* ------------------------------------------------------------------------
 * Instructions
 */

static u32 frame_bytes(const struct rewrite *rw)
{
	return rw->proof->subprogs[rw->subprog].stack;
}

/* Compiled code has entries and strides in immediates. */
static const struct kps_view *view_of(const struct rewrite *rw, u32 map)
{
	const struct kps_view *view = rw->target->view(rw->target->priv, map);

	return view && view->entries <= S32_MAX && view->stride <= S32_MAX ? view : NULL;
}

static void rewrite_lookup(const struct kps_insn_aux *aux, const struct kps_view *view,
			   struct kps_code_insn *out)
{
	bool inside = aux->arg == KPS_SOME_INDEX || aux->arg < view->entries;

	if (aux->arg >= KPS_SOME_INDEX) {
		out->op = KPS_CODE_lookup;
		out->off = inside;
		out->imm = (unsigned long)view;
	} else if (inside) {
		out->op = KPS_ROW_lddw;
		out->imm = view->values + (u64)view->stride * aux->arg;
	} else {
		out->op = KPS_ROW_mov64_imm;
		out->imm = 0;
	}
}

static int rewrite_map_call(const struct rewrite *rw, u32 pc, struct kps_code_insn *out)
{
	const struct kps_insn_aux *aux = &rw->proof->aux[pc];
	const struct kps_view *view = NULL;
	u32 id = rw->in->insns[pc].imm;
	kps_helper_fn body;

	if (id == BPF_FUNC_map_lookup_elem)
		view = view_of(rw, aux->map);
	if (view) {
		rewrite_lookup(aux, view, out);
		return 0;
	}
	body = rw->target->body(rw->target->priv, aux->map, id) ?:
	       rw->target->helper(rw->target->priv, id);
	out->imm = (unsigned long)body;
	return body ? 0 : -EINVAL;
}

static int rewrite_callback(const struct rewrite *rw, u32 pc, struct kps_code_insn *out)
{
	const struct kps_insn_aux *aux = &rw->proof->aux[pc];
	u32 id = rw->in->insns[pc].imm;
	kps_helper_fn body;

	out->op = KPS_CODE_loop;
	out->off = frame_bytes(rw);
	out->imm = distance(rw, pc, rw->proof->subprogs[aux->arg].start);
	if (id == BPF_FUNC_loop)
		return 0;
	body = rw->target->helper(rw->target->priv, id);
	if (id == BPF_FUNC_user_ringbuf_drain) {
		out->op = KPS_CODE_drain;
		rw->code->drain = body;
	} else {
		out->op = KPS_CODE_each;
		rw->code->next = body;
	}
	return body ? 0 : -EINVAL;
}

static int rewrite_call(const struct rewrite *rw, u32 pc,
			struct kps_code_insn *out)
{
	const struct kps_insn_aux *aux = &rw->proof->aux[pc];
	kps_helper_fn body;

	if (aux->kind == KPS_AUX_CALLBACK)
		return rewrite_callback(rw, pc, out);
	if (aux->kind == KPS_AUX_MAP_CALL)
		return rewrite_map_call(rw, pc, out);
	body = rw->target->helper(rw->target->priv, rw->in->insns[pc].imm);
	out->imm = (unsigned long)body;
	if (rw->in->insns[pc].imm == BPF_FUNC_tail_call)
		out->op = KPS_CODE_tail_call;
	if (aux->kind == KPS_AUX_ARGS) {
		out->op = KPS_CODE_call_short;
		out->clear = aux->arg;
	}
	return body ? 0 : -EINVAL;
}

static int rewrite_special(const struct rewrite *rw, u32 pc, u32 kind,
			   struct kps_code_insn *out)
{
	switch (kind) {
	case KPS_OP_LDDW:
		out->imm = lddw_value(rw, pc);
		return 0;
	case KPS_OP_JA:
		out->imm = jump_distance(rw, pc);
		return 0;
	case KPS_OP_JCOND:
		out->off = jump_distance(rw, pc);
		return 0;
	case KPS_OP_CALL:
		return rewrite_call(rw, pc, out);
	case KPS_OP_CALL_LOCAL:
		out->off = frame_bytes(rw);
		out->imm = jump_distance(rw, pc);
		return 0;
	}
	if (rw->proof->aux[pc].kind == KPS_AUX_CTX && rw->target->ctx)
		return rewrite_ctx(rw, pc, kind, out);
	return 0;
}

static int rewrite_insn(const struct rewrite *rw, u32 pc)
{
	struct kps_code_insn *out = &rw->code->insns[rw->place[pc]];
	const struct bpf_insn *insn = &rw->in->insns[pc];
	const struct kps_op *op = kps_op_find(insn);

	if (!rw->proof->aux[pc].seen || !op) {
		out->op = KPS_CODE_trap;
		return 0;
	}
	*out = (struct kps_code_insn){
		.op = kps_op_row(op), .dst = insn->dst_reg,
		.src = insn->src_reg, .off = insn->off, .imm = kps_insn_imm(insn),
	};
	return rewrite_special(rw, pc, op->kind, out);
}

static int rewrite_all(struct rewrite *rw)
{
	const struct kps_proof *proof = rw->proof;
	u32 pc, cnt = rw->in->insn_cnt;
	int err = 0;

	for (pc = 0; pc < cnt && !err;
	     pc += kps_insn_slots(&rw->in->insns[pc])) {
		if (pc >= proof->subprogs[rw->subprog].end)
			rw->subprog++;
		err = rewrite_insn(rw, pc);
	}
	return err;
}

/* ------------------------------------------------------------------------
 * What nobody reads
 */

static bool goes_on(u32 kind)
{
	return kind != KPS_OP_EXIT && kind != KPS_OP_JA && kind != KPS_OP_JCOND;
}

/* A lookup that became something else than a call. */
static bool is_inlined(const struct rewrite *rw, u32 pc)
{
	return rw->proof->aux[pc].kind == KPS_AUX_MAP_CALL &&
	       rw->code->insns[rw->place[pc]].op != KPS_ROW_call;
}

/*
 * A map's address is for a call, before which little else happens: if that needs none,
 * and all between is on the way to it, then nobody does. Others may jump in between.
 */
static bool is_unread(const struct rewrite *rw, u32 pc, u32 end)
{
	const struct bpf_insn *insns = rw->in->insns;
	u32 reg = insns[pc].dst_reg;

	while ((pc += kps_insn_slots(&insns[pc])) < end) {
		const struct kps_op *op = kps_op_find(&insns[pc]);
		struct kps_regset set = kps_insn_regs(&insns[pc]);

		if (!op || !rw->proof->aux[pc].seen)
			return false;
		if (is_inlined(rw, pc))
			return reg == BPF_REG_1;
		if (set.use & BIT(reg) || !goes_on(op->kind))
			return false;
		if (set.def & BIT(reg))
			return true;
	}
	return false;
}

static void mark_unread(struct rewrite *rw)
{
	const struct bpf_insn *insns = rw->in->insns;
	u32 pc, sub = 0;

	for (pc = 0; pc < rw->in->insn_cnt; pc += kps_insn_slots(&insns[pc])) {
		if (pc >= rw->proof->subprogs[sub].end)
			sub++;
		if (rw->proof->aux[pc].seen && rw->proof->aux[pc].kind == KPS_AUX_MAP)
			rw->code->insns[rw->place[pc]].off =
				is_unread(rw, pc, rw->proof->subprogs[sub].end);
	}
}

static struct kps_code *new_code(u32 cnt, const struct kps_host *host)
{
	size_t bytes = sizeof(struct kps_code) +
		       cnt * sizeof(struct kps_code_insn);
	struct kps_code *code = host->alloc(host->priv, bytes);

	if (code) {
		code->bytes = bytes;
		code->cnt = cnt;
	}
	return code;
}

static int rewrite_placed(struct rewrite *rw, const struct kps_host *host,
			  struct kps_code **code)
{
	u32 n = place_all(rw->in->insns, rw->in->insn_cnt, rw->place);
	int err;

	rw->code = new_code(n, host);
	if (!rw->code)
		return -ENOMEM;
	err = rewrite_all(rw);
	if (err) {
		kps_code_free(rw->code, host);
		return err;
	}
	mark_unread(rw);
	*code = rw->code;
	return 0;
}

int kps_rewrite(const struct kps_prog_in *in, const struct kps_proof *proof,
		const struct kps_target *target, const struct kps_host *host,
		struct kps_code **code)
{
	size_t bytes = in->insn_cnt * sizeof(u32);
	struct rewrite rw = {
		.in = in, .proof = proof, .target = target,
		.type = kps_prog_type_find(in->prog_type),
	};
	int err;

	rw.place = kps_host_scratch(host, bytes);
	if (!rw.place)
		return -ENOMEM;
	err = rewrite_placed(&rw, host, code);
	kps_host_scratch_free(host, rw.place, bytes);
	return err;
}

void kps_code_free(struct kps_code *code, const struct kps_host *host)
{
	if (code)
		host->free(host->priv, code, code->bytes);
}

size_t kps_code_size(const struct kps_code *code)
{
	return code->bytes;
}
