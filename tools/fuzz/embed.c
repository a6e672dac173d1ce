// SPDX-License-Identifier: GPL-2.0-only
/* State embedding: what the verifier claimed, and what is */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "core/env.h"
#include "core/oracle.h"
#include "embed.h"

#define MAX_BYTES	(48u << 20)
#define MAX_A_PLACE	400		/* claims for one instruction */
#define MAX_RELATIONS	12

/** struct relation - a value's distance from an anchor: loops rely on it */
struct relation {
	u32 a;
	u32 b;
	s64 lo;
	s64 hi;
};

/** struct claim - a state, copied; its frames follow */
struct claim {
	struct claim *next;
	struct kps_state s;
	struct relation rel[MAX_RELATIONS];
	u32 nr_rels;
};

static u8 *pool;
static size_t used;
static bool overflow;
static struct claim **places;
static u32 *counts;
static u32 nr_places;

static void *take(size_t size)
{
	void *mem = pool + used;

	size = (size + 15) & ~15ul;
	if (used + size > MAX_BYTES) {
		overflow = true;
		return NULL;
	}
	used += size;
	return mem;
}

static void forget(void)
{
	used = 0;
	overflow = false;
	memset(places, 0, nr_places * sizeof(*places));
	memset(counts, 0, nr_places * sizeof(*counts));
}

static struct kps_frame *copy_frame(const struct kps_frame *f)
{
	size_t size = sizeof(*f) + f->nr_slots * sizeof(f->slot[0]);
	struct kps_frame *copy = take(size);

	if (copy)
		memcpy(copy, f, size);
	return copy;
}

static void relate(struct claim *c, const struct kps_env *env)
{
	const struct kps_frame *f = kps_top(&c->s);
	u32 i, j;
	s64 lo, hi;

	for (j = 0; j < KPS_FP; j++) {
		u32 b = f->reg[j].id;

		if (!b || !kps_id_is_anchor(&env->pool, b))
			continue;
		for (i = 0; i < KPS_FP; i++) {
			u32 a = f->reg[i].id;

			if (!a || a == b || c->nr_rels == MAX_RELATIONS ||
			    !kps_id_distance(&env->pool, a, b, &lo, &hi))
				continue;
			c->rel[c->nr_rels++] = (struct relation){ i, j, lo, hi };
		}
	}
}

static void record(const struct kps_env *env, const struct kps_state *s, u32 pc)
{
	struct claim *c;
	u32 i;

	if (overflow || pc >= nr_places)
		return;
	if (counts[pc] == MAX_A_PLACE) {
		overflow = true;
		return;
	}
	c = take(sizeof(*c));
	if (!c)
		return;
	c->s = *s;
	c->nr_rels = 0;
	for (i = 0; i < s->depth; i++) {
		c->s.frame[i] = copy_frame(s->frame[i]);
		if (!c->s.frame[i])
			return;
	}
	relate(c, env);
	c->next = places[pc];
	places[pc] = c;
	counts[pc]++;
}

void fz_embed_begin(const struct kps_prog_in *in)
{
	if (!pool)
		pool = malloc(MAX_BYTES);
	if (in->insn_cnt > nr_places) {
		nr_places = in->insn_cnt;
		places = realloc(places, nr_places * sizeof(*places));
		counts = realloc(counts, nr_places * sizeof(*counts));
	}
	if (!pool || !places || !counts)
		abort();
	forget();
	kps_oracle.begin = forget;
	kps_oracle.claim = record;
}

bool fz_embed_end(void)
{
	kps_oracle.begin = NULL;
	kps_oracle.claim = NULL;
	return !overflow;
}

/* Values of one claim's ids, as the run has them. */
struct match {
	struct fz_machine *m;
	const struct claim *c;
	struct {
		u32 id;
		enum kps_link link;
		__int128 value;
	} link[256];
	u32 nr_links;
	struct {
		u32 nid;
		bool null;
	} nid[64];
	u32 nr_nids;
	struct {
		u32 ref;
		u32 obj;
	} ref[64];
	u32 nr_refs;
	bool loud;
	char why[240];
};

/* Writing why takes longer than finding out: only when no claim holds. */
static __printf(2, 3) void complain(struct match *t, const char *format, ...)
{
	va_list args;

	if (!t->loud)
		return;
	va_start(args, format);
	vsnprintf(t->why, sizeof(t->why), format, args);
	va_end(args);
}

static bool wrong(struct match *t, const char *what, u32 frame, s32 place,
		  const struct kps_reg *r, const struct fz_val *v)
{
	complain(t, "%s of %s%d in frame %u: tag %u %#llx, claimed kind %u id %u delta %lld s64 [%lld, %lld] u32 [%u, %u] bits %#llx/%#llx",
		 what, place < 0 ? "fp" : "r", place, frame, v->tag, (unsigned long long)v->n,
		 r->kind, r->id, (long long)r->delta, (long long)r->val.r64.smin,
		 (long long)r->val.r64.smax, (u32)r->val.r32.umin, (u32)r->val.r32.umax,
		 (unsigned long long)r->val.bits.value, (unsigned long long)r->val.bits.mask);
	return false;
}

static bool same_link(enum kps_link link, __int128 a, __int128 b)
{
	if (link == KPS_LINK_EXACT)
		return a == b;
	return link == KPS_LINK_MODULAR ? (u64)a == (u64)b : (u32)a == (u32)b;
}

static bool add_link(struct match *t, const struct kps_reg *r, u64 n)
{
	__int128 value = (__int128)(s64)n - r->delta;
	u32 i;

	enum kps_link link = kps_link_of(r);
	bool known = false;

	for (i = 0; i < t->nr_links; i++) {
		if (t->link[i].id != r->id)
			continue;
		if (!same_link(max(t->link[i].link, link), t->link[i].value, value))
			return false;
		known |= t->link[i].link == link;
	}
	if (!known && t->nr_links < ARRAY_SIZE(t->link)) {
		t->link[t->nr_links].id = r->id;
		t->link[t->nr_links].link = link;
		t->link[t->nr_links++].value = value;
	}
	return true;
}

static bool add_nid(struct match *t, u32 nid, bool null)
{
	u32 i;

	for (i = 0; i < t->nr_nids; i++)
		if (t->nid[i].nid == nid)
			return t->nid[i].null == null;
	if (t->nr_nids < ARRAY_SIZE(t->nid)) {
		t->nid[t->nr_nids].nid = nid;
		t->nid[t->nr_nids++].null = null;
	}
	return true;
}

/* One reference is one record, or one value with a lock. */
static bool add_ref(struct match *t, u32 ref, u32 obj)
{
	u32 i;

	for (i = 0; i < t->nr_refs; i++)
		if (t->ref[i].ref == ref)
			return t->ref[i].obj == obj;
	if (t->nr_refs < ARRAY_SIZE(t->ref)) {
		t->ref[t->nr_refs].ref = ref;
		t->ref[t->nr_refs++].obj = obj;
	}
	return true;
}

/* What a reference is to: a record, or a value with a lock. */
static u32 owner(const struct fz_machine *m, u32 obj)
{
	const struct fz_obj *o = &m->obj[obj];
	bool record = o->kind == KAPSEL_KIND_RINGBUF || o->kind == KAPSEL_KIND_DYNPTR ||
		      o->kind == KAPSEL_KIND_SLICE;

	return record ? FZ_MAX_OBJS + o->record : obj;
}

static bool right_object(const struct match *t, const struct kps_reg *r, const struct fz_val *v)
{
	const struct fz_obj *o = &t->m->obj[v->obj];

	if (v->tag != (r->kind == KAPSEL_KIND_DYNPTR ? FZ_DYN : FZ_PTR) || o->kind != r->kind)
		return false;
	if (r->kind == KAPSEL_KIND_SLICE && o->hi != r->size)
		return false;
	if (r->kind == KAPSEL_KIND_RINGBUF)
		return o->hi == r->size && fz_world.record[o->record].held;
	if (r->kind == KAPSEL_KIND_PACKET)
		return v->age == t->m->age;
	return r->kind == KAPSEL_KIND_CTX || o->index == r->object;
}

static bool is_unusable_address(const struct kps_reg *r, const struct fz_val *v, u32 age,
				bool *ok)
{
	switch (r->kind) {
	case KAPSEL_KIND_MAP:
		*ok = v->tag == FZ_MAP && v->obj == r->object;
		return true;
	case KAPSEL_KIND_PACKET_END:
		*ok = v->tag == FZ_END && v->age == age;
		return true;
	case KAPSEL_KIND_FUNC:
		*ok = v->tag == FZ_FUNC && v->n == r->object;
		return true;
	default:
		return false;
	}
}

static bool match_value(struct match *t, const struct kps_reg *r, const struct fz_val *v,
			u32 frame, s32 place)
{
	u64 n = r->kind == KAPSEL_KIND_SCALAR ? fz_val_number(t->m, v) : v->n;
	bool null = v->tag == FZ_NUM && !v->n, ok;

	if (r->kind == KAPSEL_KIND_UNINIT)
		return true;
	if (v->tag == FZ_UNINIT)
		return wrong(t, "initialisation", frame, place, r, v);
	if (r->kind == KAPSEL_KIND_UNUSABLE)
		return true;
	if (r->flags & KAPSEL_FACT_MAYBE_NULL) {
		if (!add_nid(t, r->nid, null))
			return wrong(t, "nullness", frame, place, r, v);
		if (null)
			return true;
	}
	if (is_unusable_address(r, v, t->m->age, &ok))
		return ok || wrong(t, "kind", frame, place, r, v);
	if (r->kind == KAPSEL_KIND_SCALAR && v->tag != FZ_NUM && !t->m->type->leaks)
		return wrong(t, "kind", frame, place, r, v);
	if (r->kind != KAPSEL_KIND_SCALAR && !right_object(t, r, v))
		return wrong(t, "object", frame, place, r, v);
	if (r->ref && !add_ref(t, r->ref, owner(t->m, v->obj)))
		return wrong(t, "reference", frame, place, r, v);
	if (!kps_scalar_has(&r->val, n))
		return wrong(t, "value", frame, place, r, v);
	if (r->id && !add_link(t, r, n))
		return wrong(t, "link", frame, place, r, v);
	return true;
}

/* The value that starts @at bytes into a slot. */
static struct fz_val slot_value(const struct fz_machine *m, const struct fz_frame *f, u32 slot,
				u32 at, u32 len)
{
	struct fz_val v = { .tag = FZ_NUM };

	if (len == 8 && f->whole[slot])
		return f->slot[slot];
	memcpy(&v.n, (const u8 *)(unsigned long)f->fp - 8 * (slot + 1) + at, len);
	(void)m;
	return v;
}

static bool match_byte(struct match *t, const struct fz_frame *f, u32 slot, u32 i, u8 byte)
{
	u32 place = 8 * slot + 7 - i;
	u8 is = *((const u8 *)(unsigned long)f->fp - 1 - place);

	if (byte == KPS_BYTE_INVALID || byte == KPS_BYTE_SPILL)
		return true;
	if (!f->init[place] || (byte == KPS_BYTE_ZERO && is)) {
		complain(t, "stack byte -%u: %#x init %d, claimed %u",
			 place + 1, is, f->init[place], byte);
		return false;
	}
	if (byte == KPS_BYTE_MISC && !t->m->type->leaks && f->whole[slot] &&
	    f->slot[slot].tag != FZ_NUM) {
		complain(t, "stack byte -%u is a pointer's", place + 1);
		return false;
	}
	return true;
}

static bool claims_nothing(const struct kps_slot *s)
{
	static const u8 invalid[8] = { KPS_BYTE_INVALID };

	return !s->len && !memcmp(s->byte, invalid, sizeof(invalid));
}

static bool match_slot(struct match *t, const struct kps_slot *s, u32 frame, u32 slot)
{
	const struct fz_frame *f = &t->m->frame[frame];
	struct fz_val v;
	u32 i;

	if (claims_nothing(s))
		return true;
	for (i = 0; i < 8; i++)
		if (!match_byte(t, f, slot, i, s->byte[i]))
			return false;
	if (!s->len)
		return true;
	for (i = 0; i < s->len; i++) {
		if (!f->init[8 * slot + 7 - s->at - i]) {
			complain(t, "spill at -%u was not written",
				 8 * (slot + 1));
			return false;
		}
	}
	v = slot_value(t->m, f, slot, s->at, s->len);
	return match_value(t, &s->reg, &v, frame, -8 * (s32)(slot + 1));
}

static bool match_frame(struct match *t, u32 n)
{
	const struct kps_frame *f = t->c->s.frame[n];
	u32 i;

	for (i = 0; i < KPS_NR_REGS; i++)
		if (!match_value(t, &f->reg[i], &t->m->frame[n].reg[i], n, i))
			return false;
	for (i = 0; i < f->nr_slots; i++)
		if (!match_slot(t, &f->slot[i], n, i))
			return false;
	return true;
}

static bool link_value(const struct match *t, u32 id, __int128 *value)
{
	u32 i;

	for (i = 0; i < t->nr_links; i++) {
		if (t->link[i].id == id && t->link[i].link == KPS_LINK_EXACT) {
			*value = t->link[i].value;
			return true;
		}
	}
	return false;
}

static bool match_facts(struct match *t)
{
	const struct kps_state *s = &t->c->s;
	__int128 value;
	u32 i;

	if (s->pkt_min > fz_world.packet_len) {
		complain(t, "packet has %u bytes, claimed %llu",
			 fz_world.packet_len, (unsigned long long)s->pkt_min);
		return false;
	}
	for (i = 0; i < s->nr_facts; i++) {
		if (!link_value(t, s->fact[i].id, &value) ||
		    value + s->fact[i].limit <= fz_world.packet_len)
			continue;
		complain(t, "packet fact of id %u: %lld + %lld > %u",
			 s->fact[i].id, (long long)value, (long long)s->fact[i].limit,
			 fz_world.packet_len);
		return false;
	}
	return true;
}

static bool match_relations(struct match *t)
{
	const struct kps_frame *f = kps_top(&t->c->s);
	__int128 a, b;
	u32 i;

	for (i = 0; i < t->c->nr_rels; i++) {
		const struct relation *r = &t->c->rel[i];

		if (!link_value(t, f->reg[r->a].id, &a) || !link_value(t, f->reg[r->b].id, &b) ||
		    (a - b >= r->lo && a - b <= r->hi))
			continue;
		complain(t, "r%u - r%u: %lld - %lld, claimed in [%lld, %lld]",
			 r->a, r->b, (long long)a, (long long)b, (long long)r->lo,
			 (long long)r->hi);
		return false;
	}
	return true;
}

static bool match_refs(struct match *t)
{
	u32 i, held = 0;

	if (!t->c->s.lock != !t->m->lock || !add_ref(t, t->c->s.lock, t->m->lock)) {
		complain(t, "lock of object %u held, claimed reference %u", t->m->lock,
			 t->c->s.lock);
		return false;
	}
	for (i = 0; i < fz_world.nr_records; i++)
		held += fz_world.record[i].held;
	if (held <= t->c->s.nr_refs)
		return true;
	complain(t, "%u records held, claimed %u", held, t->c->s.nr_refs);
	return false;
}

static bool same_chain(const struct fz_machine *m, const struct kps_state *s)
{
	u32 i;

	if (m->depth != s->depth)
		return false;
	for (i = 0; i < m->depth; i++)
		if (m->frame[i].subprog != s->frame[i]->subprog ||
		    m->frame[i].call != s->frame[i]->call)
			return false;
	return true;
}

static bool holds(struct match *t, const struct claim *c)
{
	struct fz_machine *m = t->m;
	u32 i;

	if (!same_chain(m, &c->s))
		return false;
	t->c = c;
	t->nr_links = 0;
	t->nr_nids = 0;
	t->nr_refs = 0;
	for (i = 0; i < m->depth; i++)
		if (!match_frame(t, i))
			return false;
	return match_facts(t) && match_relations(t) && match_refs(t);
}

/* What held goes first: a loop is likely to be in the same state again. */
static bool claimed(struct match *t)
{
	struct claim **first = &places[t->m->pc], **at, *c;

	for (at = first; *at; at = &(*at)->next) {
		c = *at;
		if (!holds(t, c))
			continue;
		*at = c->next;
		c->next = *first;
		*first = c;
		return true;
	}
	return false;
}

bool fz_embed_watch(struct fz_machine *m)
{
	static struct match t;

	t.m = m;
	t.loud = false;
	if (claimed(&t))
		return true;
	t.loud = true;
	strcpy(t.why, "none was claimed");
	claimed(&t);
	return fz_machine_bad(m, "outside all %u claims: %s", counts[m->pc], t.why);
}
