// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - what moves in a loop, by how much a trip, and for how many trips */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/string.h>
#include <linux/types.h>

#include "core/list.h"
#include "core/loop.h"

static const struct kps_reg *slot_value(const struct kps_frame *f, u32 i)
{
	if (i >= f->nr_slots || !f->slot[i].len ||
	    f->slot[i].byte[f->slot[i].at] != KPS_BYTE_SPILL)
		return NULL;
	return &f->slot[i].reg;
}

static bool measurable(const struct kps_reg *reg)
{
	return reg && reg->kind != KAPSEL_KIND_UNINIT && reg->kind != KAPSEL_KIND_UNUSABLE;
}

/* The value at a place, or NULL: nothing that could be measured. */
static const struct kps_reg *value_at(const struct kps_state *s, u32 place)
{
	u32 frame = place / KPS_PLACES_A_FRAME, n = place % KPS_PLACES_A_FRAME;
	const struct kps_reg *reg;

	if (frame >= s->depth)
		return NULL;
	reg = n < KPS_FP ? &s->frame[frame]->reg[n] : slot_value(s->frame[frame], n - KPS_FP);
	return measurable(reg) ? reg : NULL;
}

/* A place on the stack is the same in two states if its value takes the same bytes. */
static bool same_bytes(const struct kps_state *a, const struct kps_state *b, u32 place)
{
	u32 frame = place / KPS_PLACES_A_FRAME, n = place % KPS_PLACES_A_FRAME;
	const struct kps_slot *x, *y;

	if (n < KPS_FP)
		return true;
	x = &a->frame[frame]->slot[n - KPS_FP];
	y = &b->frame[frame]->slot[n - KPS_FP];
	return x->at == y->at && x->len == y->len;
}

static struct kps_reg *own_value(struct kps_env *env, struct kps_state *s, u32 place)
{
	u32 frame = place / KPS_PLACES_A_FRAME, n = place % KPS_PLACES_A_FRAME;

	if (!kps_frame_own(&env->pool, s, frame, 0))
		return NULL;
	return n < KPS_FP ? &s->frame[frame]->reg[n] : &s->frame[frame]->slot[n - KPS_FP].reg;
}

/* Beyond the slots that the top frames have there is nothing. */
static u32 nr_places(const struct kps_list *heads)
{
	const struct kps_state *s;
	u32 slots = 0;

	for (s = heads->first; s; s = s->next)
		slots = max(slots, kps_top(s)->nr_slots);
	return (heads->first->depth - 1) * KPS_PLACES_A_FRAME + KPS_FP + slots;
}

/* The first place from @place on that a frame of @s has; the others are never written. */
static u32 place_from(const struct kps_state *s, u32 place)
{
	u32 frame = place / KPS_PLACES_A_FRAME, n = place % KPS_PLACES_A_FRAME;

	if (frame < s->depth && n >= KPS_FP + s->frame[frame]->nr_slots)
		return (frame + 1) * KPS_PLACES_A_FRAME;
	return place;
}

static int give_id(struct kps_env *env, struct kps_state *s, u32 place, u32 id, s64 delta)
{
	struct kps_reg *reg;

	if (!value_at(s, place))
		return 0;
	reg = own_value(env, s, place);
	if (!reg)
		return -ENOMEM;
	kps_unlink(reg);
	reg->id = id;
	reg->delta = delta;
	return 0;
}

static u32 new_anchor(struct kps_env *env, u32 old)
{
	u32 id = kps_new_id(&env->pool);

	if (old)
		kps_id_relate(&env->pool, id, old, 0, 0);
	kps_id_anchor(&env->pool, id);
	return id;
}

/* The anchor that stands for an id of the head; the same for all that share it. */
static u32 anchor_of(struct kps_env *env, struct kps_pairs *anchors, u32 old)
{
	u32 i;

	for (i = 0; i < anchors->nr; i++)
		if (anchors->pair[i].a == old)
			return anchors->pair[i].id;
	if (!old || anchors->nr == anchors->max)
		return new_anchor(env, old);
	anchors->pair[anchors->nr] = (struct kps_pair){ .a = old, .id = new_anchor(env, old) };
	return anchors->pair[anchors->nr++].id;
}

static int anchor_one(struct kps_env *env, struct kps_state *s, u32 nr)
{
	struct kps_pairs *anchors = env->links;
	const struct kps_reg *reg;
	u32 i, place;
	int err = 0;

	anchors->nr = 0;
	for (place = 0; place < nr && !err; place = place_from(s, place + 1)) {
		reg = value_at(s, place);
		if (reg)
			err = give_id(env, s, place,
				      anchor_of(env, anchors, kps_is_exact(reg) ? reg->id : 0),
				      kps_is_exact(reg) ? reg->delta : 0);
	}
	for (i = 0; i < s->nr_facts; i++)
		s->fact[i].id = anchor_of(env, anchors, s->fact[i].id);
	return err;
}

/* What a value is by: its exact link, or of a constant the number 0. */
static bool link_at(const struct kps_state *s, u32 place, u32 *id, s64 *delta)
{
	const struct kps_reg *reg = value_at(s, place);

	if (!reg)
		return false;
	*id = kps_is_exact(reg) ? reg->id : 0;
	*delta = *id ? reg->delta : reg->val.r64.smin;
	return *id || kps_scalar_is_const(&reg->val);
}

/*
 * In one state: does the value at @b differ by @d from the one at @a? Unknown at first.
 * Where @b is, @a must be: else two places could share an anchor through a third that
 * only other states have.
 */
static bool differ_by(const struct kps_state *s, u32 a, u32 b, bool *known, s64 *d)
{
	s64 delta_a, delta_b, apart;
	u32 id_a, id_b;

	if (!value_at(s, b))
		return true;
	if (!link_at(s, a, &id_a, &delta_a) || !link_at(s, b, &id_b, &delta_b) ||
	    id_a != id_b || check_sub_overflow(delta_b, delta_a, &apart))
		return false;
	if (*known)
		return apart == *d;
	*known = true;
	*d = apart;
	return true;
}

static bool differ_in_all(const struct kps_list *heads, u32 a, u32 b, s64 *d)
{
	const struct kps_state *s;
	bool known = false;

	for (s = heads->first; s; s = s->next)
		if (!differ_by(s, a, b, &known, d))
			return false;
	return known;
}

static bool is_anywhere(const struct kps_list *heads, u32 place)
{
	const struct kps_state *s;

	for (s = heads->first; s; s = s->next)
		if (value_at(s, place))
			return true;
	return false;
}

/* The anchor of a place: that of one before which it is always as far from, or its own. */
static struct kps_anchor plan_one(struct kps_env *env, const struct kps_list *heads, u32 place)
{
	struct kps_anchor plan = { .id = 0 };
	s64 d = 0;
	u32 other;

	if (!is_anywhere(heads, place))
		return plan;
	for (other = 0; other < place; other++) {
		plan = env->anchors[other];
		if (plan.id && differ_in_all(heads, other, place, &d) &&
		    !check_add_overflow(plan.delta, d, &plan.delta))
			return plan;
	}
	return (struct kps_anchor){ .id = new_anchor(env, 0) };
}

/* A fact about an id that some place has is one about the place's anchor. */
static bool move_fact(const struct kps_env *env, const struct kps_state *s, u32 nr,
		      struct kps_pkt_fact *fact)
{
	s64 delta, shift;
	u32 place, id;

	for (place = 0; place < nr; place++) {
		if (!link_at(s, place, &id, &delta) || id != fact->id ||
		    check_sub_overflow(env->anchors[place].delta, delta, &shift) ||
		    check_add_overflow(fact->limit, shift, &fact->limit))
			continue;
		fact->id = env->anchors[place].id;
		return true;
	}
	return false;
}

static int anchor_planned(struct kps_env *env, struct kps_state *s, u32 nr)
{
	u32 i, place, kept = 0;
	int err = 0;

	for (i = 0; i < s->nr_facts; i++) {
		struct kps_pkt_fact fact = s->fact[i];

		if (move_fact(env, s, nr, &fact))
			s->fact[kept++] = fact;
	}
	s->nr_facts = kept;
	for (place = 0; place < nr && !err; place = place_from(s, place + 1))
		err = give_id(env, s, place, env->anchors[place].id, env->anchors[place].delta);
	return err;
}

/*
 * Every value at the head gets an id of its own to measure from: what it was before the
 * loop says nothing of later trips. One state at the head: values share anchors as they
 * shared ids. Several: each place has the same anchor in all of them, since what comes
 * back may come from any; places share one that are as far apart in all states.
 */
int kps_anchor(struct kps_env *env, struct kps_list *heads)
{
	u32 place, nr = nr_places(heads);
	struct kps_state *s;
	int err = 0;

	if (heads->nr == 1)
		return anchor_one(env, heads->first, nr);
	if (!env->anchors)
		env->anchors = kps_arena_alloc(&env->work, KAPSEL_MAX_DEPTH * KPS_PLACES_A_FRAME *
							  sizeof(*env->anchors));
	if (!env->anchors)
		return -ENOMEM;
	for (place = 0; place < nr; place++)
		env->anchors[place] = plan_one(env, heads, place);
	for (s = heads->first; s && !err; s = s->next)
		err = anchor_planned(env, s, nr);
	return err;
}

static void widen_move(struct kps_move *m, bool known, s64 lo, s64 hi)
{
	m->known = m->known && known;
	m->lo = min(m->lo, lo);
	m->hi = max(m->hi, hi);
}

/* All heads have the same id at a place, or there is only one. */
static bool moved(struct kps_env *env, const struct kps_list *start, u32 place,
		  const struct kps_state *end, s64 *lo, s64 *hi)
{
	const struct kps_reg *now = value_at(end, place);
	const struct kps_state *s;

	if (!now)
		return false;

	for (s = start->first; s; s = s->next) {
		const struct kps_reg *was = value_at(s, place);
		s64 shift;

		if (!was || !same_bytes(s, end, place) ||
		    was->kind != now->kind || was->object != now->object ||
		    !kps_is_exact(was) || !kps_is_exact(now) ||
		    !kps_id_distance(&env->pool, now->id, was->id, lo, hi) ||
		    check_sub_overflow(now->delta, was->delta, &shift) ||
		    check_add_overflow(*lo, shift, lo) || check_add_overflow(*hi, shift, hi))
			return false;
	}
	return true;
}

static struct kps_move move_of(struct kps_env *env, const struct kps_loop_run *run, u32 place)
{
	struct kps_move m = { .known = run->back.nr, .lo = S64_MAX, .hi = S64_MIN };
	const struct kps_state *s;

	for (s = run->back.first; s && m.known; s = s->next) {
		s64 lo = 0, hi = 0;
		bool known = moved(env, &run->start, place, s, &lo, &hi);

		widen_move(&m, known, lo, hi);
	}
	return m;
}

static bool room_for_moves(struct kps_env *env, struct kps_loop_run *run, u32 places)
{
	struct kps_move *moves;

	if (places <= run->places)
		return true;
	moves = kps_arena_zalloc(&env->work, 2 * places * sizeof(*moves));
	if (!moves)
		return false;
	if (run->clamped)
		memcpy(moves + places, run->moved, run->clamped * sizeof(*moves));
	run->moves = moves;
	run->moved = moves + places;
	run->places = places;
	return true;
}

/* What moves was there in every state that the pass began with, so in the first. */
int kps_measure(struct kps_env *env, struct kps_loop_run *run)
{
	u32 place, nr = nr_places(&run->start);

	if (!room_for_moves(env, run, nr))
		return -ENOMEM;
	for (place = 0; place < nr; place++)
		run->moves[place].known = false;
	for (place = 0; place < nr; place = place_from(run->start.first, place + 1))
		run->moves[place] = move_of(env, run, place);
	run->measured = nr;
	return 0;
}

/* All that states have at a place; @like says which bytes of a slot that is. */
static void hull_at(const struct kps_list *list, const struct kps_state *like, u32 place,
		    s64 *least, s64 *most)
{
	const struct kps_state *s;

	*least = S64_MAX;
	*most = S64_MIN;
	for (s = list->first; s; s = s->next) {
		const struct kps_reg *reg = value_at(s, place);

		if (reg && !same_bytes(s, like, place))
			reg = NULL;
		*least = min(*least, reg ? reg->val.r64.smin : S64_MIN);
		*most = max(*most, reg ? reg->val.r64.smax : S64_MAX);
	}
}

/*
 * A place that moves by at least lo > 0 on every way back and stays within [L, U] at
 * the head comes back at most (U - L) / lo times. Its moves are moves of integers
 * (kps_reg.delta), so it cannot come round by wrapping.
 */
static bool trips_of(const struct kps_loop_run *run, u32 place, u64 *trips)
{
	const struct kps_move *m = &run->moves[place];
	s64 least, most;
	u64 step;

	if (!m->known || (m->lo <= 0 && m->hi >= 0))
		return false;
	hull_at(&run->head, run->start.first, place, &least, &most);
	step = m->lo > 0 ? (u64)m->lo : -(u64)m->hi;
	*trips = div64_u64((u64)most - (u64)least, step);
	return true;
}

bool kps_find_trips(const struct kps_loop_run *run, u64 *trips)
{
	u32 place;
	u64 n;

	*trips = U64_MAX;
	if (!run->back.nr) {
		*trips = 0;
		return true;
	}
	for (place = 0; place < run->measured; place++)
		if (trips_of(run, place, &n))
			*trips = min(*trips, n);
	return *trips != U64_MAX;
}

/* entry + move x [0, trips], if that says anything. */
static bool reach(const struct kps_loop_run *run, u32 place, s64 *least, s64 *most)
{
	const struct kps_move *m = &run->moves[place];
	s64 down, up;

	if (!m->known || run->trips > (u64)S64_MAX)
		return false;
	hull_at(&run->entry, run->start.first, place, least, most);
	return !check_mul_overflow(min_t(s64, m->lo, 0), (s64)run->trips, &down) &&
	       !check_mul_overflow(max_t(s64, m->hi, 0), (s64)run->trips, &up) &&
	       !check_add_overflow(*least, down, least) && !check_add_overflow(*most, up, most);
}

static int clamp_value(struct kps_env *env, struct kps_state *s, u32 place, s64 least, s64 most)
{
	struct kps_scalar bounds = kps_scalar_signed(least, most), val;
	const struct kps_reg *reg = value_at(s, place);

	if (!reg || kps_scalar_in(&reg->val, &bounds))
		return 0;
	val = reg->val;
	if (!kps_scalar_meet(&val, &bounds))
		return 0;
	if (!own_value(env, s, place))
		return -ENOMEM;
	own_value(env, s, place)->val = val;
	return 0;
}

int kps_clamp(struct kps_env *env, struct kps_loop_run *run, struct kps_list *heads)
{
	struct kps_state *s;
	s64 least, most;
	int err = 0;
	u32 place;

	for (place = 0; place < run->measured && !err; place++) {
		if (!reach(run, place, &least, &most))
			continue;
		for (s = heads->first; s && !err; s = s->next)
			err = clamp_value(env, s, place, least, most);
	}
	return err;
}
