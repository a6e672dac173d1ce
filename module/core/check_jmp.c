// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - conditional jumps: what may be compared, and what each outcome tells */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/types.h>

#include "core/check.h"
#include "core/report.h"

/**
 * struct test - a comparison
 * @at: where
 * @op: BPF_OP()
 * @width: 64 or 32
 * @a: the left operand's register
 * @b: the right operand's register, KPS_NONE for an immediate
 * @imm: the immediate
 */
struct test {
	const struct kps_at *at;
	u8 op;
	unsigned int width;
	u32 a;
	u32 b;
	struct kps_reg imm;
};

static struct test test_of(const struct kps_at *at)
{
	const struct bpf_insn *insn = kps_insn_at(at);

	return (struct test){
		.at = at, .op = BPF_OP(insn->code),
		.width = BPF_CLASS(insn->code) == BPF_JMP ? 64 : 32,
		.a = insn->dst_reg,
		.b = BPF_SRC(insn->code) == BPF_X ? insn->src_reg : KPS_NONE,
		.imm = kps_reg_scalar(kps_scalar_const((u64)(s64)insn->imm), at->pc),
	};
}

static const struct kps_reg *right_of(const struct test *t, const struct kps_state *s)
{
	return t->b == KPS_NONE ? &t->imm : &kps_top(s)->reg[t->b];
}

/* Refinement of everything that is linked to a refined value. */
struct link {
	const struct kps_reg *reg;
	const struct kps_scalar *val;
	bool dead;
};

static bool is_linked(const struct kps_reg *reg, const void *arg)
{
	const struct link *l = arg;

	return reg->id == l->reg->id && reg != l->reg;
}

/* Of the sum of low halves nothing is known of the upper one. */
static struct kps_scalar any_upper(const struct kps_scalar *low)
{
	struct kps_scalar val = kps_scalar_any();

	val.bits = kps_tnum(low->bits.value, low->bits.mask | ~kps_width_mask(32));
	val.r32 = low->r32;
	return val;
}

static void narrow_linked(struct kps_reg *reg, void *arg)
{
	struct link *l = arg;
	struct kps_scalar val = *l->val;
	struct kps_scalar diff = kps_scalar_const((u64)reg->delta - (u64)l->reg->delta);

	if (max(kps_link_of(reg), kps_link_of(l->reg)) == KPS_LINK_LOW) {
		kps_scalar_alu(BPF_ADD, false, 32, &val, &diff);
		val = any_upper(&val);
	} else {
		kps_scalar_alu(BPF_ADD, false, 64, &val, &diff);
	}
	if (!kps_scalar_meet(&reg->val, &val))
		l->dead = true;
}

/* Put a narrowed value into a register and all that moves with it. */
static int put_value(const struct kps_at *at, struct kps_state *s, u32 n,
		     const struct kps_scalar *val, bool *alive)
{
	struct kps_reg *reg = &kps_top(s)->reg[n];
	struct link l = { .reg = reg, .val = &reg->val };

	if (!*alive || kps_scalar_same(&reg->val, val))
		return 0;
	*alive = kps_scalar_meet(&reg->val, val);
	if (!reg->id || !*alive)
		return 0;
	if (!kps_state_each(&at->env->pool, s, is_linked, narrow_linked, &l))
		return -ENOMEM;
	*alive = !l.dead;
	return 0;
}

/**
 * struct outcome - what the operands of a comparison of numbers are after it
 * @a: the left one
 * @b: the right one
 */
struct outcome {
	struct kps_scalar a;
	struct kps_scalar b;
};

/* What was foreseen of a value lies within it, unless something was put there since. */
static int put_foreseen(const struct kps_at *at, struct kps_state *s, u32 n,
			const struct kps_scalar *val, bool *alive)
{
	struct kps_reg *reg = &kps_top(s)->reg[n];

	if (reg->id)
		return put_value(at, s, n, val, alive);
	reg->val = *val;
	return 0;
}

static int put_outcome(const struct test *t, struct kps_state *s, const struct outcome *o,
		       bool *alive)
{
	int err = put_foreseen(t->at, s, t->a, &o->a, alive);

	if (err || t->b == KPS_NONE)
		return err;
	if (t->b == t->a)
		return put_value(t->at, s, t->b, &o->b, alive);
	return put_foreseen(t->at, s, t->b, &o->b, alive);
}

/*
 * Addresses in one object compare as the offsets do, which are signed: no object is
 * so near to either end of the address space that they would wrap.
 */
static u8 offset_op(u8 op)
{
	switch (op) {
	case BPF_JGT:
		return BPF_JSGT;
	case BPF_JGE:
		return BPF_JSGE;
	case BPF_JLT:
		return BPF_JSLT;
	case BPF_JLE:
		return BPF_JSLE;
	default:
		return op;
	}
}

/* NULL tests: what becomes of the pointers that are NULL together. */
struct nullness {
	u32 nid;
	bool null;
};

static bool has_nid(const struct kps_reg *reg, const void *arg)
{
	const struct nullness *n = arg;

	return reg->flags & KAPSEL_FACT_MAYBE_NULL && reg->nid == n->nid;
}

static void set_nullness(struct kps_reg *reg, void *arg)
{
	const struct nullness *n = arg;

	if (n->null) {
		*reg = kps_reg_scalar(kps_scalar_const(0), reg->def);
	} else {
		reg->flags = 0;
		reg->nid = 0;
	}
}

/* A record that was not got is not held. */
static int assume_null(const struct test *t, struct kps_state *s, u32 n, bool null)
{
	const struct kps_reg *reg = &kps_top(s)->reg[n];
	struct nullness arg = { .nid = reg->nid, .null = null };

	if (null && reg->kind == KAPSEL_KIND_RINGBUF)
		kps_ref_drop(s, reg->ref);
	return kps_state_each(&t->at->env->pool, s, has_nid, set_nullness, &arg) ? 0 : -ENOMEM;
}

/* Packet facts. */
static u8 mirrored(u8 op)
{
	switch (op) {
	case BPF_JGT:
		return BPF_JLT;
	case BPF_JGE:
		return BPF_JLE;
	case BPF_JLT:
		return BPF_JGT;
	case BPF_JLE:
		return BPF_JGE;
	default:
		return op;
	}
}

/* Does the outcome of `pointer op data_end` say pointer + *extra <= data_end? */
static bool below_end(u8 op, bool taken, s64 *extra)
{
	*extra = (taken && op == BPF_JLT) || (!taken && op == BPF_JGE);
	if (*extra)
		return true;
	return taken ? op == BPF_JLE || op == BPF_JEQ : op == BPF_JGT || op == BPF_JNE;
}

static void add_fact(struct kps_state *s, u32 id, s64 limit)
{
	u32 i;

	for (i = 0; i < s->nr_facts; i++) {
		if (s->fact[i].id == id) {
			s->fact[i].limit = max(s->fact[i].limit, limit);
			return;
		}
	}
	if (s->nr_facts == KPS_MAX_PKT_FACTS) {
		for (i = 1; i < s->nr_facts; i++)
			s->fact[i - 1] = s->fact[i];
		s->nr_facts--;
	}
	s->fact[s->nr_facts++] = (struct kps_pkt_fact){ id, limit };
}

/* No packet is longer than KPS_MAX_PACKET: neither is the way to what lies within. */
static int stay_in_packet(const struct test *t, struct kps_state *s, u32 n, s64 extra,
			  bool *alive)
{
	struct kps_scalar within = kps_scalar_signed(S64_MIN, KPS_MAX_PACKET - extra);

	if (kps_top(s)->reg[n].val.r64.smax <= KPS_MAX_PACKET - extra)
		return 0;
	return put_value(t->at, s, n, &within, alive);
}

static int assume_packet(const struct test *t, struct kps_state *s, bool taken, bool mirror,
			 bool *alive)
{
	u32 n = mirror ? t->b : t->a;
	const struct kps_reg *ptr = &kps_top(s)->reg[n];
	s64 extra, limit;

	if (!below_end(mirror ? mirrored(t->op) : t->op, taken, &extra))
		return 0;
	if (ptr->val.r64.smin + extra > (s64)s->pkt_min)
		s->pkt_min = (u64)(ptr->val.r64.smin + extra);
	if (ptr->id && !kps_scalar_is_const(&ptr->val) &&
	    !check_add_overflow(ptr->delta, extra, &limit))
		add_fact(s, ptr->id, limit);
	return stay_in_packet(t, s, n, extra, alive);
}

/** enum relation - what a comparison compares */
enum relation {
	NUMBERS,
	NULL_LEFT,		/* a pointer that may be NULL with 0 */
	NULL_RIGHT,
	NEVER_EQUAL,		/* a pointer that is not NULL with 0 */
	PACKET_LEFT,		/* a packet pointer with data_end */
	PACKET_RIGHT,
	OFFSETS,		/* pointers into one object */
	OPAQUE,			/* allowed, tells nothing */
	FORBIDDEN,
};

static bool is_zero(const struct kps_reg *reg)
{
	u64 n;

	return kps_is_const(reg, &n) && !n;
}

static enum relation null_relation(const struct test *t, const struct kps_reg *a,
				   const struct kps_reg *b)
{
	if (t->width != 64 || (t->op != BPF_JEQ && t->op != BPF_JNE))
		return FORBIDDEN;
	if (kps_is_pointer(a) && is_zero(b))
		return a->flags & KAPSEL_FACT_MAYBE_NULL ? NULL_LEFT : NEVER_EQUAL;
	if (kps_is_pointer(b) && is_zero(a))
		return b->flags & KAPSEL_FACT_MAYBE_NULL ? NULL_RIGHT : NEVER_EQUAL;
	return FORBIDDEN;
}

static enum relation pointer_relation(const struct test *t, const struct kps_reg *a,
				      const struct kps_reg *b)
{
	/* NULL is below any end, and is in no packet. */
	if (t->width != 64 || a->flags || b->flags)
		return FORBIDDEN;
	if (a->kind == KAPSEL_KIND_PACKET && b->kind == KAPSEL_KIND_PACKET_END)
		return PACKET_LEFT;
	if (a->kind == KAPSEL_KIND_PACKET_END && b->kind == KAPSEL_KIND_PACKET)
		return PACKET_RIGHT;
	if (!kps_same_object(t->at->env, a, b))
		return FORBIDDEN;
	return t->op == BPF_JSET ? OPAQUE : OFFSETS;
}

static enum relation relate(const struct test *t, const struct kps_reg *a,
			    const struct kps_reg *b)
{
	enum relation r;

	if (!kps_is_pointer(a) && !kps_is_pointer(b))
		return NUMBERS;
	r = null_relation(t, a, b);
	if (r == FORBIDDEN)
		r = pointer_relation(t, a, b);
	if (r == FORBIDDEN && t->at->env->type->leaks)
		r = OPAQUE;
	return r;
}

static bool compares_numbers(enum relation r)
{
	return r == NUMBERS || r == OFFSETS;
}

/* Can it come out so? Of numbers that is known before the state is touched. */
static bool foresee(const struct test *t, enum relation r, bool taken, struct outcome *o)
{
	const struct kps_state *s = t->at->s;

	if (!compares_numbers(r))
		return r != NEVER_EQUAL || taken == (t->op == BPF_JNE);
	o->a = kps_top(s)->reg[t->a].val;
	o->b = right_of(t, s)->val;
	return kps_scalar_assume(r == NUMBERS ? t->op : offset_op(t->op), t->width, taken,
				 &o->a, &o->b);
}

static int assume(const struct test *t, enum relation r, struct kps_state *s, bool taken,
		  const struct outcome *o, bool *alive)
{
	*alive = true;
	switch (r) {
	case NUMBERS:
	case OFFSETS:
		return put_outcome(t, s, o, alive);
	case NULL_LEFT:
		return assume_null(t, s, t->a, taken == (t->op == BPF_JEQ));
	case NULL_RIGHT:
		return assume_null(t, s, t->b, taken == (t->op == BPF_JEQ));
	case PACKET_LEFT:
	case PACKET_RIGHT:
		return assume_packet(t, s, taken, r == PACKET_RIGHT, alive);
	default:
		return 0;
	}
}

/* What was a record is still known not to have been NULL. */
static bool is_null_test(const struct test *t, const struct kps_reg *reg)
{
	return reg->flags & KPS_REG_STALE && t->width == 64 && t->b == KPS_NONE &&
	       (t->op == BPF_JEQ || t->op == BPF_JNE) && is_zero(&t->imm);
}

static int check_operand(const struct test *t, u32 n)
{
	const struct kps_at *at = t->at;
	const struct kps_reg *reg = kps_reg_at(at, n);

	if (reg->kind != KAPSEL_KIND_UNUSABLE || is_null_test(t, reg))
		return kps_check_init(at, n);
	kps_refuse(at, kps_pointer_fault(reg), n);
	return -EACCES;
}

static int branch_taken(const struct test *t, enum relation r, const struct outcome *o,
			struct kps_state **taken)
{
	struct kps_pool *pool = &t->at->env->pool;
	struct kps_state *s = kps_state_copy(pool, t->at->s);
	bool alive = false;
	int err = -ENOMEM;

	if (!s)
		return err;
	if (kps_frame_own(pool, s, s->depth - 1, 0))
		err = assume(t, r, s, true, o, &alive);
	if (err || !alive)
		kps_state_free(pool, s);
	else
		*taken = s;
	return err;
}

/* The state that jumps is not the one that falls through, if there are both. */
static int both_ways(const struct test *t, enum relation r, const struct outcome *yes,
		     const struct outcome *no, struct kps_state **taken, bool *falls)
{
	struct kps_state *s = t->at->s;
	int err = branch_taken(t, r, yes, taken);

	if (!err && !kps_frame_own(&t->at->env->pool, s, s->depth - 1, 0))
		err = -ENOMEM;
	return err ?: assume(t, r, s, false, no, falls);
}

static int one_way(const struct test *t, enum relation r, bool jumps, const struct outcome *o,
		   struct kps_state **taken, bool *falls)
{
	bool alive;
	int err = assume(t, r, t->at->s, jumps, o, &alive);

	*taken = jumps && alive ? t->at->s : NULL;
	*falls = !jumps && alive;
	return err;
}

static int take_branch(const struct test *t, enum relation r, struct kps_state **taken,
		       bool *falls)
{
	struct outcome yes, no;
	bool jumps = foresee(t, r, true, &yes);

	*falls = foresee(t, r, false, &no);
	if (jumps && *falls)
		return both_ways(t, r, &yes, &no, taken, falls);
	return jumps || *falls ? one_way(t, r, jumps, jumps ? &yes : &no, taken, falls) : 0;
}

static int note_outcome(const struct test *t, struct kps_state *s, u32 outcome)
{
	struct kps_at at = { .env = t->at->env, .s = s, .pc = t->at->pc };

	return kps_path_add(&at, KAPSEL_STEP_BRANCH, outcome, t->a);
}

int kps_branch(const struct kps_at *at, struct kps_state **taken, bool *falls)
{
	struct test t = test_of(at);
	enum relation r;
	int err = check_operand(&t, t.a);

	*taken = NULL;
	if (!err && t.b != KPS_NONE)
		err = check_operand(&t, t.b);
	if (err)
		return err;
	r = relate(&t, kps_reg_at(at, t.a), right_of(&t, at->s));
	if (r == FORBIDDEN) {
		kps_refuse(at, KPS_D_POINTER_CMP, t.a);
		return -EACCES;
	}
	err = take_branch(&t, r, taken, falls);
	if (!err && *taken && *falls)
		err = note_outcome(&t, *taken, 1) ?: note_outcome(&t, at->s, 0);
	if (err && *taken && *taken != at->s)
		kps_state_free(&at->env->pool, *taken);
	return err;
}
