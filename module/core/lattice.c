// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - the order of states: what lies inside what, and joins */

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>

#include "core/lattice.h"

#define NID_NOT_NULL	0xffffffffu
#define NID_NULL	0xfffffffeu
#define MAX_ANCESTORS	16
#define UNLINKED	0x80000000u

/* A value's link; a constant without one differs from id 0, the number 0, by itself. */
static bool link_of(const struct kps_reg *r, u32 *id, s64 *delta)
{
	*id = r->id;
	*delta = r->id ? r->delta : r->val.r64.smin;
	return r->id || kps_scalar_is_const(&r->val);
}

static bool sub_fits(s64 a, s64 b, s64 *out)
{
	return !__builtin_sub_overflow(a, b, out);
}

/* The difference of deltas: of links that are not exact, modulo 2^64. */
static bool shift_of(s64 a, s64 b, enum kps_link link, s64 *out)
{
	return sub_fits(a, b, out) || link != KPS_LINK_EXACT;
}

/* How far @r is from the anchor @from lies in [*lo, *hi]. */
static bool measure(const struct kps_pool *pool, const struct kps_reg *r, u32 from, s64 *lo,
		    s64 *hi)
{
	return kps_is_exact(r) && kps_id_distance(pool, r->id, from, lo, hi) &&
	       !__builtin_add_overflow(*lo, r->delta, lo) &&
	       !__builtin_add_overflow(*hi, r->delta, hi);
}

/* Loops measure by what @b says: how far it is from each anchor must hold for @a. */
static bool measures_agree(const struct kps_pool *pool, const struct kps_reg *a,
			   const struct kps_reg *b)
{
	s64 lo_a, hi_a, lo_b, hi_b;
	const struct kps_id *up;
	u32 n, from = b->id;

	for (n = 0; n < MAX_ANCESTORS && from; n++) {
		if (kps_id_is_anchor(pool, from) && measure(pool, b, from, &lo_b, &hi_b) &&
		    (!measure(pool, a, from, &lo_a, &hi_a) || lo_a < lo_b || hi_a > hi_b))
			return false;
		up = kps_id_parent(pool, from);
		from = up ? up->parent : 0;
	}
	return true;
}

static bool same_pair(struct kps_pair *p, u32 id, s64 shift, enum kps_link link)
{
	if (link == KPS_LINK_LOW)
		return p->a == id && (u32)p->shift == (u32)shift;
	p->exact |= link == KPS_LINK_EXACT;
	return p->a == id && p->shift == shift;
}

/*
 * Inclusion. What @b says of equal ids must hold in @a: each id of @b stands for one
 * id of @a and one difference, wherever it occurs.
 */
static bool map_link(struct kps_env *env, const struct kps_reg *a, const struct kps_reg *b)
{
	struct kps_pairs *links = env->links;
	enum kps_link link = kps_link_of(b);
	struct kps_pair *p;
	s64 delta, shift;
	u32 id, i;

	if (!b->id)
		return true;
	if (kps_link_of(a) > link)
		return false;
	if (link == KPS_LINK_EXACT && (a->id != b->id || a->delta != b->delta) &&
	    !measures_agree(&env->pool, a, b))
		return false;
	if (kps_scalar_is_const(&b->val))
		return true;
	if (!link_of(a, &id, &delta))
		id = UNLINKED | links->nr;	/* equal to no other */
	if (!shift_of(delta, b->delta, link, &shift))
		return false;
	for (i = 0; i < links->nr; i++) {
		p = &links->pair[i];
		if (p->b == b->id)
			return same_pair(p, id, shift, link);
	}
	if (links->nr == links->max)
		return false;
	links->pair[links->nr++] = (struct kps_pair){
		.a = id, .b = b->id, .shift = shift, .exact = link == KPS_LINK_EXACT,
	};
	return true;
}

static bool map_nid(struct kps_pairs *nids, u32 a, u32 b)
{
	u32 i;

	for (i = 0; i < nids->nr; i++)
		if (nids->pair[i].b == b)
			return nids->pair[i].a == a;
	if (nids->nr == nids->max)
		return false;
	nids->pair[nids->nr++] = (struct kps_pair){ .a = a, .b = b };
	return true;
}

static bool is_null(const struct kps_reg *r)
{
	u64 n;

	return kps_is_const(r, &n) && !n;
}

/*
 * Each value of @b is one of @a, wherever a pointer to it is. What has a name of its
 * own, a record or a map's only value, is the very same.
 */
static bool ref_in(const struct kps_reg *a, const struct kps_reg *b, struct kps_pairs *nids)
{
	if (b->kind != KAPSEL_KIND_MAP_VALUE || !b->ref || b->ref >= KPS_ONLY_VALUE)
		return a->ref == b->ref;
	return map_nid(nids, a->ref, b->ref);
}

static bool pointer_in(const struct kps_reg *a, const struct kps_reg *b,
		       struct kps_pairs *nids)
{
	if (b->flags & KAPSEL_FACT_MAYBE_NULL) {
		u32 nid = a->flags & KAPSEL_FACT_MAYBE_NULL ? a->nid : NID_NOT_NULL;

		if (!map_nid(nids, nid, b->nid))
			return false;
	} else if (a->flags != b->flags) {
		return false;
	}
	return a->object == b->object && a->size == b->size && ref_in(a, b, nids);
}

static bool reg_in(struct kps_env *env, const struct kps_reg *a, const struct kps_reg *b)
{
	struct kps_pairs *nids = env->nids;

	if (b->kind == KAPSEL_KIND_UNINIT)
		return true;
	if (b->kind == KAPSEL_KIND_UNUSABLE)
		return a->kind != KAPSEL_KIND_UNINIT;
	if (a->kind != b->kind)
		return b->flags & KAPSEL_FACT_MAYBE_NULL && is_null(a) &&
		       map_nid(nids, NID_NULL, b->nid);
	if (kps_is_pointer(b) && !pointer_in(a, b, nids))
		return false;
	return kps_scalar_in(&a->val, &b->val) && map_link(env, a, b);
}

static bool all_zero(const struct kps_slot *slot, u32 at, u32 len)
{
	u32 i;

	for (i = at; i < at + len; i++)
		if (slot->byte[i] != KPS_BYTE_ZERO)
			return false;
	return len != 0;
}

static const struct kps_reg zero = { .kind = KAPSEL_KIND_SCALAR, .def = KPS_NO_INSN };

/* The value that a slot holds at the place where the other one has a spill, or NULL. */
static const struct kps_reg *value_at(const struct kps_slot *slot, u32 at, u32 len)
{
	if (slot->len == len && slot->at == at && len)
		return &slot->reg;
	return all_zero(slot, at, len) ? &zero : NULL;
}

/* Of eight bytes at once. */
static bool same_kinds(const struct kps_slot *a, const struct kps_slot *b)
{
	u64 x, y;

	memcpy(&x, a->byte, sizeof(x));
	memcpy(&y, b->byte, sizeof(y));
	return x == y;
}

static bool byte_in(const struct kps_slot *a, u8 b, u32 i)
{
	if (b == KPS_BYTE_INVALID || b == KPS_BYTE_SPILL)
		return true;
	if (b == KPS_BYTE_ZERO || a->byte[i] == KPS_BYTE_INVALID)
		return a->byte[i] == b;
	return a->byte[i] != KPS_BYTE_SPILL || a->reg.kind == KAPSEL_KIND_SCALAR;
}

static bool slot_in(struct kps_env *env, const struct kps_slot *a, const struct kps_slot *b)
{
	const struct kps_reg *value;
	u32 i;

	/* A byte of some kind is in one of the same kind. */
	for (i = same_kinds(a, b) ? 8 : 0; i < 8; i++)
		if (!byte_in(a, b->byte[i], i))
			return false;
	if (!b->len)
		return true;
	value = value_at(a, b->at, b->len);
	return value && reg_in(env, value, &b->reg);
}

static const struct kps_slot empty_slot;

static bool may_skip(const struct kps_env *env, const struct kps_reg *a,
		     const struct kps_reg *b, u32 i)
{
	return env->moved_only & BIT(i) && a->kind == KAPSEL_KIND_SCALAR &&
	       b->kind == KAPSEL_KIND_SCALAR;
}

static bool top_reg_in(struct kps_env *env, const struct kps_reg *a, const struct kps_reg *b,
		       u32 i)
{
	if (!may_skip(env, a, b, i))
		return reg_in(env, a, b);
	env->skipped |= !reg_in(env, a, b);
	return true;
}

static bool top_in(struct kps_env *env, const struct kps_frame *a, const struct kps_frame *b)
{
	u32 i;

	/* r10 is what it is. */
	for (i = 0; i < KPS_FP; i++) {
		if (b->reg[i].kind == KAPSEL_KIND_UNINIT)
			continue;
		if (!top_reg_in(env, &a->reg[i], &b->reg[i], i)) {
			env->last_miss = i;
			return false;
		}
	}
	return true;
}

/* States that wait at one place tend to differ in one register: look there first. */
static bool misses_again(const struct kps_env *env, const struct kps_state *s,
			 const struct kps_state *t)
{
	const struct kps_reg *a = &kps_top(s)->reg[env->last_miss];
	const struct kps_reg *b = &kps_top(t)->reg[env->last_miss];

	return a->kind == KAPSEL_KIND_SCALAR && b->kind == KAPSEL_KIND_SCALAR &&
	       !may_skip(env, a, b, env->last_miss) && !kps_scalar_in(&a->val, &b->val);
}

static bool regs_in(struct kps_env *env, const struct kps_frame *a, const struct kps_frame *b)
{
	u32 i;

	for (i = 0; i < KPS_FP; i++)
		if (b->reg[i].kind != KAPSEL_KIND_UNINIT && !reg_in(env, &a->reg[i], &b->reg[i]))
			return false;
	return true;
}

static bool slots_in(struct kps_env *env, const struct kps_frame *a, const struct kps_frame *b)
{
	u32 i;

	for (i = 0; i < b->nr_slots; i++)
		if (!slot_in(env, i < a->nr_slots ? &a->slot[i] : &empty_slot, &b->slot[i]))
			return false;
	return true;
}

static bool fact_limit(const struct kps_state *s, u32 id, s64 *limit)
{
	u32 i;

	*limit = s->pkt_min;
	if (!id)
		return true;
	for (i = 0; i < s->nr_facts; i++) {
		*limit = s->fact[i].limit;
		if (s->fact[i].id == id)
			return true;
	}
	return false;
}

/* A fact of @b that no value of @b uses says nothing. */
static bool fact_in(const struct kps_state *a, const struct kps_pkt_fact *b,
		    const struct kps_pairs *links)
{
	s64 have, need;
	u32 i;

	for (i = 0; i < links->nr; i++) {
		const struct kps_pair *p = &links->pair[i];

		if (p->b != b->id || !p->exact)
			continue;
		if (!fact_limit(a, p->a, &have) ||
		    __builtin_add_overflow(b->limit, p->shift, &need))
			return false;
		return have >= need;
	}
	return true;
}

static bool same_refs(const struct kps_state *a, const struct kps_state *b)
{
	return a->nr_refs == b->nr_refs && a->lock == b->lock &&
	       (!a->nr_refs || !memcmp(a->ref, b->ref, a->nr_refs * sizeof(a->ref[0])));
}

bool kps_state_joinable(const struct kps_state *a, const struct kps_state *b)
{
	u32 i;

	if (a->depth != b->depth || !same_refs(a, b))
		return false;
	for (i = 0; i < a->depth; i++)
		if (a->frame[i] != b->frame[i] &&
		    (a->frame[i]->subprog != b->frame[i]->subprog ||
		     a->frame[i]->call != b->frame[i]->call))
			return false;
	return true;
}

bool kps_state_in(struct kps_env *env, const struct kps_state *a,
		  const struct kps_state *b)
{
	u32 i;

	if (a->pkt_min < b->pkt_min || misses_again(env, a, b) || !kps_state_joinable(a, b))
		return false;
	env->links->nr = 0;
	env->nids->nr = 0;
	env->skipped = false;
	/* The one that is locked is the same in both. */
	if (b->lock)
		map_nid(env->nids, b->lock, b->lock);
	if (!top_in(env, kps_top(a), kps_top(b)) || !slots_in(env, kps_top(a), kps_top(b)))
		return false;
	for (i = a->depth - 1; i--;)
		if (!regs_in(env, a->frame[i], b->frame[i]) ||
		    !slots_in(env, a->frame[i], b->frame[i]))
			return false;
	for (i = 0; i < b->nr_facts; i++)
		if (!fact_in(a, &b->fact[i], env->links))
			return false;
	return true;
}

static u32 reg_distance(const struct kps_reg *a, const struct kps_reg *b)
{
	if (a->kind != b->kind)
		return is_null(a) || is_null(b) ? 32 : 128;
	if (a->object != b->object || a->ref != b->ref || (a->flags ^ b->flags) & ~KPS_REG_LINK)
		return 64;
	if (kps_scalar_same(&a->val, &b->val))
		return 0;
	return kps_scalar_in(&a->val, &b->val) ? 1 : 4;
}

u32 kps_state_distance(const struct kps_state *a, const struct kps_state *b)
{
	const struct kps_frame *x = kps_top(a), *y = kps_top(b);
	u32 i, sum = 0;

	for (i = 0; i < KPS_FP; i++)
		if (x->reg[i].kind != KAPSEL_KIND_UNINIT || y->reg[i].kind != KAPSEL_KIND_UNINIT)
			sum += reg_distance(&x->reg[i], &y->reg[i]);
	for (i = 0; i < min(x->nr_slots, y->nr_slots); i++)
		if (x->slot[i].len && y->slot[i].len)
			sum += reg_distance(&x->slot[i].reg, &y->slot[i].reg);
	return sum;
}

/* Joins. */
struct joiner {
	struct kps_env *env;
	struct kps_pairs *links;
	struct kps_pairs *nids;
	enum kps_widening widen;
};

/* Equal pairs of ids are one id in the joined state; others are nothing in common. */
static u32 pair_id(struct joiner *j, struct kps_pairs *set, u32 a, u32 b, s64 shift)
{
	u32 i;

	for (i = 0; i < set->nr; i++) {
		const struct kps_pair *p = &set->pair[i];

		if (p->a == a && p->b == b && p->shift == shift)
			return p->id;
	}
	if (set->nr == set->max)
		return 0;
	set->pair[set->nr] = (struct kps_pair){
		.a = a, .b = b, .shift = shift,
		.id = a == b && a && !shift ? a : kps_new_id(&j->env->pool),
	};
	return set->pair[set->nr++].id;
}

/*
 * The joined id stands for @a in the one state and for @b - @shift in the other: as
 * far from a common ancestor as either.
 */
static void relate_joined(struct kps_pool *pool, u32 id, u32 a, u32 b, s64 shift)
{
	s64 lo_a = 0, hi_a = 0, lo_b, hi_b;
	const struct kps_id *up;
	u32 n, from = a;

	for (n = 0; n < MAX_ANCESTORS && from; n++) {
		if (kps_id_distance(pool, b, from, &lo_b, &hi_b) &&
		    kps_id_distance(pool, a, from, &lo_a, &hi_a) &&
		    sub_fits(lo_b, shift, &lo_b) && sub_fits(hi_b, shift, &hi_b)) {
			kps_id_relate(pool, id, from, min(lo_a, lo_b), max(hi_a, hi_b));
			return;
		}
		up = kps_id_parent(pool, from);
		from = up ? up->parent : 0;
	}
}

static void join_link(struct joiner *j, struct kps_reg *a, const struct kps_reg *b)
{
	enum kps_link link = max(kps_link_of(a), kps_link_of(b));
	s64 delta_a, delta_b, shift;
	u32 id_a, id_b, known;
	bool linked = link_of(a, &id_a, &delta_a) && link_of(b, &id_b, &delta_b) &&
		      shift_of(delta_a, delta_b, link, &shift);

	if (a->id == b->id && a->delta == b->delta) {
		kps_weaken(a, link);
		return;
	}
	kps_unlink(a);
	if (!linked || (!id_a && !id_b && !shift))
		return;
	known = j->links->nr;
	a->id = pair_id(j, j->links, id_a, id_b, shift);
	a->delta = a->id ? delta_a : 0;
	kps_weaken(a, link);
	/* A distance that grows with each trip would never end growing. */
	if (j->widen == KPS_JOIN && j->links->nr > known && a->id != id_a && id_a && id_b)
		relate_joined(&j->env->pool, a->id, id_a, id_b, shift);
}

static void make_unusable(struct kps_reg *reg)
{
	u32 def = reg->def;

	*reg = kps_reg_pointer(KAPSEL_KIND_UNUSABLE, 0, 0, def);
}

static bool within(const struct kps_reg *reg, s64 limit)
{
	return reg->val.r64.smin >= -limit && reg->val.r64.smax <= limit;
}

/*
 * A pointer that is further away than KPS_WIDE_OFFSET can't be forgotten to that. While
 * a loop's invariant is looked for, none is (move_pointer()).
 */
static void forget_val(struct kps_reg *a, const struct kps_reg *b)
{
	if (a->kind == KAPSEL_KIND_SCALAR)
		a->val = kps_scalar_any();
	else if (within(a, KPS_WIDE_OFFSET) && within(b, KPS_WIDE_OFFSET))
		a->val = kps_scalar_signed(-KPS_WIDE_OFFSET, KPS_WIDE_OFFSET);
	else
		make_unusable(a);
}

static void widen_val(struct joiner *j, struct kps_reg *a, const struct kps_reg *b)
{
	struct kps_reg wide = *a;

	kps_widen_scalar(j->env, &wide.val, &b->val);
	if (kps_is_pointer(a) && !within(&wide, KPS_WIDE_OFFSET))
		forget_val(a, b);
	else
		*a = wide;
}

static void join_val(struct joiner *j, struct kps_reg *a, const struct kps_reg *b)
{
	bool inside = kps_scalar_in(&b->val, &a->val);

	join_link(j, a, b);
	if (inside)
		return;
	if (j->widen == KPS_FORGET)
		forget_val(a, b);
	else if (j->widen == KPS_WIDEN)
		widen_val(j, a, b);
	else
		kps_scalar_join(&a->val, &b->val);
}

static u32 nid_of(const struct kps_reg *r)
{
	if (r->kind == KAPSEL_KIND_SCALAR)
		return NID_NULL;
	return r->flags & KAPSEL_FACT_MAYBE_NULL ? r->nid : NID_NOT_NULL;
}

static bool same_object(const struct kps_reg *a, const struct kps_reg *b)
{
	return a->kind == b->kind && a->object == b->object && a->size == b->size &&
	       (a->ref == b->ref || a->kind == KAPSEL_KIND_MAP_VALUE);
}

/* Two values are one in the joined state, if they are the same two wherever one is. */
static void join_ref(struct joiner *j, struct kps_reg *a, const struct kps_reg *b)
{
	u32 ref = a->ref == b->ref ? a->ref : pair_id(j, j->nids, a->ref, b->ref, 0);

	a->ref = ref || !a->ref ? ref : kps_new_id(&j->env->pool);
}

/* What is never NULL and is no object's address can't be tested for NULL. */
static bool may_be_null(const struct kps_reg *r)
{
	return r->kind != KAPSEL_KIND_PACKET_END && r->kind != KAPSEL_KIND_MAP &&
	       r->kind != KAPSEL_KIND_FUNC && r->kind != KAPSEL_KIND_DYNPTR;
}

/* A pointer and NULL give a pointer that may be NULL; NULL has no offset. */
static void join_pointer(struct joiner *j, struct kps_reg *a, const struct kps_reg *b)
{
	u32 nid_a = nid_of(a), nid_b = nid_of(b), nid = 0;
	bool a_null = is_null(a), b_null = is_null(b);

	if (!(a_null || b_null ? may_be_null(a) && may_be_null(b) : same_object(a, b))) {
		make_unusable(a);
		return;
	}
	if (nid_a != NID_NOT_NULL || nid_b != NID_NOT_NULL) {
		nid = pair_id(j, j->nids, nid_a, nid_b, 0);
		if (!nid)
			nid = kps_new_id(&j->env->pool);
	}
	if (a_null) {
		*a = *b;
	} else if (!b_null) {
		join_ref(j, a, b);
		join_val(j, a, b);
	}
	if (a_null || b_null)
		kps_unlink(a);
	a->nid = nid;
	a->flags = nid ? KAPSEL_FACT_MAYBE_NULL : 0;
}

static void join_reg(struct joiner *j, struct kps_reg *a, const struct kps_reg *b)
{
	if (a->kind == KAPSEL_KIND_UNINIT || b->kind == KAPSEL_KIND_UNINIT)
		*a = kps_reg_uninit();
	else if (a->kind == KAPSEL_KIND_UNUSABLE || b->kind == KAPSEL_KIND_UNUSABLE)
		make_unusable(a);
	else if (a->kind == KAPSEL_KIND_SCALAR && b->kind == KAPSEL_KIND_SCALAR)
		join_val(j, a, b);
	else
		join_pointer(j, a, b);
}

/* Bytes of a spill that does not survive: of a pointer they are not to be read. */
static u8 plain_byte(const struct kps_env *env, const struct kps_slot *slot, u32 i)
{
	if (slot->byte[i] != KPS_BYTE_SPILL)
		return slot->byte[i];
	return slot->reg.kind == KAPSEL_KIND_SCALAR || env->type->leaks ?
	       KPS_BYTE_MISC : KPS_BYTE_INVALID;
}

static void join_bytes(struct joiner *j, struct kps_slot *a, const struct kps_slot *b)
{
	u32 i;

	for (i = 0; i < 8; i++) {
		u8 x = plain_byte(j->env, a, i), y = plain_byte(j->env, b, i);

		if (x == KPS_BYTE_INVALID || y == KPS_BYTE_INVALID)
			a->byte[i] = KPS_BYTE_INVALID;
		else
			a->byte[i] = x == y ? x : KPS_BYTE_MISC;
	}
	a->len = 0;
}

static void join_slot(struct joiner *j, struct kps_slot *a, const struct kps_slot *b)
{
	u32 at = a->len ? a->at : b->at, len = a->len ? a->len : b->len;
	const struct kps_reg *of_a = value_at(a, at, len), *of_b = value_at(b, at, len);
	struct kps_reg x;

	if (!len || !of_a || !of_b) {
		join_bytes(j, a, b);
		return;
	}
	x = *of_a;
	join_bytes(j, a, b);
	join_reg(j, &x, of_b);
	/* Whatever is widened or forgotten, there are only so many bytes. */
	if (len < 8 && x.val.r64.umax > kps_width_mask(8 * len))
		kps_scalar_zext(&x.val, 8 * len);
	memset(&a->byte[at], KPS_BYTE_SPILL, len);
	a->at = at;
	a->len = len;
	a->reg = x;
}

static int join_frame(struct joiner *j, struct kps_state *s, u32 n,
		      const struct kps_frame *b)
{
	struct kps_frame *a;
	u32 i;

	if (s->frame[n] == b)
		return 0;
	a = kps_frame_own(&j->env->pool, s, n, 0);
	if (!a)
		return -ENOMEM;
	for (i = 0; i < KPS_FP; i++)
		if (a->reg[i].kind != KAPSEL_KIND_UNINIT)
			join_reg(j, &a->reg[i], &b->reg[i]);
	a->nr_slots = min(a->nr_slots, b->nr_slots);
	for (i = 0; i < a->nr_slots; i++)
		join_slot(j, &a->slot[i], &b->slot[i]);
	return 0;
}

/*
 * A fact survives for a pair of ids when both states know one. Frames that the
 * states share were not walked: their ids stand for themselves.
 */
static void join_facts(struct joiner *j, struct kps_state *a, const struct kps_state *b)
{
	struct kps_state old = *a;
	s64 x, y;
	u32 i;

	a->nr_facts = 0;
	for (i = 0; i < old.nr_facts; i++)
		pair_id(j, j->links, old.fact[i].id, old.fact[i].id, 0);
	for (i = 0; i < j->links->nr && a->nr_facts < KPS_MAX_PKT_FACTS; i++) {
		const struct kps_pair *p = &j->links->pair[i];

		if (!fact_limit(&old, p->a, &x) || !fact_limit(b, p->b, &y) ||
		    __builtin_add_overflow(y, p->shift, &y))
			continue;
		a->fact[a->nr_facts++] = (struct kps_pkt_fact){ p->id, min(x, y) };
	}
	a->pkt_min = min(a->pkt_min, b->pkt_min);
}

int kps_state_join(struct kps_env *env, struct kps_state *a,
		   const struct kps_state *b, enum kps_widening widen)
{
	struct joiner j = {
		.env = env, .links = env->links, .nids = env->nids, .widen = widen,
	};
	u32 i;
	int err;

	env->links->nr = 0;
	env->nids->nr = 0;

	for (i = 0; i < a->depth; i++) {
		err = join_frame(&j, a, i, b->frame[i]);
		if (err)
			return err;
	}
	join_facts(&j, a, b);
	a->steps = max(a->steps, b->steps);
	a->joined = true;
	return 0;
}
