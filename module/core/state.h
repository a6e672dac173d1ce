/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - the abstract state: registers, stack frames, packet facts, references */
#ifndef KPS_STATE_H
#define KPS_STATE_H

#include <linux/string.h>
#include <linux/types.h>
#include <linux/kapsel.h>

#include "core/arena.h"
#include "core/insn.h"
#include "core/scalar.h"

#define KPS_FP			10	/* the frame pointer, r10 */
#define KPS_NR_SLOTS		(KAPSEL_MAX_STACK / 8)
#define KPS_MAX_REFS		16
#define KPS_MAX_PKT_FACTS	6
#define KPS_NO_INSN		0xffffffffu
#define KPS_ONLY_VALUE		0xffff0000u	/* ref of the only value of map 0, and so on */

/* Flags of a register beside KAPSEL_FACT_*. */
#define KPS_REG_STALE		0x80	/* was a pointer whose object is gone */
#define KPS_REG_LINK		0x60	/* enum kps_link */
#define KPS_REG_LINK_SHIFT	5

/** enum kps_link - in what sense values with the same id differ by constants */
enum kps_link {
	KPS_LINK_EXACT,		/* as signed integers; always so of pointers */
	KPS_LINK_MODULAR,	/* modulo 2^64 */
	KPS_LINK_LOW,		/* only their low halves do, modulo 2^32 */
};

/**
 * struct kps_reg - what is known of a register or of a value on the stack
 * @kind: KAPSEL_KIND_*
 * @flags: KAPSEL_FACT_* and KPS_REG_*
 * @object: map index, frame number or subprogram, by @kind
 * @size: of a ring buffer record, bytes
 * @ref: reference that the pointer belongs to, 0: none; of values with a lock: which
 *	of the map's it is, the same for all pointers to it
 * @nid: pointers with the same @nid are NULL together
 * @id: values with the same @id differ by constants, 0: no such values
 * @def: instruction that made the value; only for diagnostics
 * @delta: this value minus that of @id, in the sense of kps_link_of()
 * @val: the number; of a pointer its whole offset into the object
 */
struct kps_reg {
	u8 kind;
	u8 flags;
	u16 object;
	u32 size;
	u32 ref;
	u32 nid;
	u32 id;
	u32 def;
	s64 delta;
	struct kps_scalar val;
};

/** enum kps_byte - what a byte of stack holds */
enum kps_byte {
	KPS_BYTE_INVALID,	/* never written on this path */
	KPS_BYTE_MISC,		/* some number */
	KPS_BYTE_ZERO,
	KPS_BYTE_SPILL,		/* a byte of kps_slot.reg */
};

/**
 * struct kps_slot - eight bytes of stack
 * @byte: enum kps_byte, lowest address first
 * @at: where the spilled value begins, 0 to 7
 * @len: its bytes; only a value of 8 bytes can be a pointer; 0: none
 * @reg: the spilled value, if some byte is KPS_BYTE_SPILL
 */
struct kps_slot {
	u8 byte[8];
	u8 at;
	u8 len;
	struct kps_reg reg;
};

/**
 * struct kps_frame - registers and stack of a function; shared until written
 * @next: in a free list
 * @users: states that point here
 * @cap: slots there is room for
 * @nr_slots: slots in use; slot 0 is at r10 - 8, the others below
 * @subprog: the function
 * @call: the caller's call instruction; KPS_NO_INSN in the main function
 * @reg: r0 to r10
 * @slot: the stack
 */
struct kps_frame {
	struct kps_frame *next;
	u32 users;
	u32 cap;
	u32 nr_slots;
	u32 subprog;
	u32 call;
	struct kps_reg reg[KPS_NR_REGS];
	struct kps_slot slot[];
};

/**
 * struct kps_pkt_fact - a comparison of a variable packet pointer with data_end
 * @id: of the pointers' offsets
 * @limit: value of @id plus @limit is at most the packet's length
 */
struct kps_pkt_fact {
	u32 id;
	s64 limit;
};

struct kps_node;

/**
 * struct kps_state - one abstract state at one place
 * @next: in the list it waits in
 * @frame: of all functions on the call chain, the main one first
 * @depth: how many
 * @nr_refs: references held
 * @ref: their ids, ascending
 * @lock: of which value the lock is held, by its kps_reg.ref; 0: of none
 * @nr_facts: packet facts
 * @fact: packet facts
 * @pkt_min: bytes that the packet is known to have from its start
 * @steps: most instructions that a run may take to get here
 * @path: how it came here, newest first
 * @joined: it stands for several paths: what is refused may be no path's fault
 */
struct kps_state {
	struct kps_state *next;
	struct kps_frame *frame[KAPSEL_MAX_DEPTH];
	u32 depth;
	u32 nr_refs;
	u32 ref[KPS_MAX_REFS];
	u32 lock;
	u32 nr_facts;
	struct kps_pkt_fact fact[KPS_MAX_PKT_FACTS];
	u64 pkt_min;
	u64 steps;
	const struct kps_node *path;
	bool joined;
};

#define KPS_ID_BITS		5
#define KPS_ID_FAN		32
#define KPS_ID_LEVELS		4
#define KPS_MAX_KEPT_IDS	0x100000	/* FAN to the power of LEVELS */

/**
 * struct kps_id - how the value of an id relates to another's
 * @parent: the other id, 0: none
 * @anchor: loops measure from it, so what is said of it must hold in all runs
 * @lo: this id's value minus the parent's is at least this,
 * @hi: and at most this, both values read as signed integers
 */
struct kps_id {
	u32 parent;
	bool anchor;
	s64 lo;
	s64 hi;
};

/**
 * struct kps_pool - where states, frames and ids come from
 * @arena: memory
 * @states: free states
 * @frames: free frames by capacity: 0, 2, 4, ... 64 slots
 * @live: states in use
 * @peak: most states in use
 * @next_id: ids are never used twice
 * @ids: relations of ids, a tree; those of later ids are not kept
 */
struct kps_pool {
	struct kps_arena *arena;
	struct kps_state *states;
	struct kps_frame *frames[7];
	u32 live;
	u32 peak;
	u32 next_id;
	void *ids;
};

static inline struct kps_frame *kps_top(const struct kps_state *s)
{
	return s->frame[s->depth - 1];
}

static inline bool kps_is_pointer(const struct kps_reg *r)
{
	return r->kind != KAPSEL_KIND_UNINIT && r->kind != KAPSEL_KIND_SCALAR;
}

static inline enum kps_link kps_link_of(const struct kps_reg *r)
{
	return (r->flags & KPS_REG_LINK) >> KPS_REG_LINK_SHIFT;
}

/** kps_unlink - a value of its own */
static inline void kps_unlink(struct kps_reg *r)
{
	r->id = 0;
	r->delta = 0;
	r->flags &= ~KPS_REG_LINK;
}

/** kps_weaken - the link of a value is @link at most from here on */
static inline void kps_weaken(struct kps_reg *r, enum kps_link link)
{
	if (r->id && kps_link_of(r) < link)
		r->flags = (r->flags & ~KPS_REG_LINK) | link << KPS_REG_LINK_SHIFT;
}

static inline bool kps_is_exact(const struct kps_reg *r)
{
	return r->id && kps_link_of(r) == KPS_LINK_EXACT;
}

static inline bool kps_is_const(const struct kps_reg *r, u64 *n)
{
	*n = r->val.bits.value;
	return r->kind == KAPSEL_KIND_SCALAR && kps_scalar_is_const(&r->val);
}

/** kps_new_id - an id for links, NULLness or references */
static inline u32 kps_new_id(struct kps_pool *pool)
{
	return ++pool->next_id;
}

/** kps_id_relate - remember that @id's value minus @parent's is in [@lo, @hi] */
void kps_id_relate(struct kps_pool *pool, u32 id, u32 parent, s64 lo, s64 hi);

/** kps_id_parent - what is known of @id; NULL: nothing */
const struct kps_id *kps_id_parent(const struct kps_pool *pool, u32 id);

/** kps_id_anchor - loops measure from @id */
void kps_id_anchor(struct kps_pool *pool, u32 id);

/** kps_id_is_anchor - loops may measure from @id */
bool kps_id_is_anchor(const struct kps_pool *pool, u32 id);

/**
 * kps_id_distance - the value of @id minus that of its ancestor @from
 *
 * Return: false if @from is no near ancestor, or the distance overflows.
 */
bool kps_id_distance(const struct kps_pool *pool, u32 id, u32 from, s64 *lo, s64 *hi);

/** kps_reg_forget - nothing is there any more; what the value was is left behind */
static inline void kps_reg_forget(struct kps_reg *r)
{
	r->kind = KAPSEL_KIND_UNINIT;
	r->flags = 0;
	r->object = 0;
	r->size = 0;
	r->ref = 0;
	r->nid = 0;
	r->id = 0;
	r->def = KPS_NO_INSN;
	r->delta = 0;
}

/* Values, made by instruction @def. */
static inline struct kps_reg kps_reg_uninit(void)
{
	return (struct kps_reg){ .kind = KAPSEL_KIND_UNINIT, .def = KPS_NO_INSN };
}

static inline struct kps_reg kps_reg_scalar(struct kps_scalar val, u32 def)
{
	return (struct kps_reg){ .kind = KAPSEL_KIND_SCALAR, .def = def, .val = val };
}

static inline struct kps_reg kps_reg_pointer(u8 kind, u16 object, s64 off, u32 def)
{
	return (struct kps_reg){
		.kind = kind, .object = object, .def = def,
		.val = kps_scalar_const(off),
	};
}

/** kps_state_new - the state at the program's start, r1 to the context; or NULL */
struct kps_state *kps_state_new(struct kps_pool *pool, u32 slots);

/** kps_state_copy - a copy that shares the frames; or NULL */
struct kps_state *kps_state_copy(struct kps_pool *pool, const struct kps_state *s);

/** kps_state_free - a state and the frames that no other state has */
void kps_state_free(struct kps_pool *pool, struct kps_state *s);

/** kps_state_free_list - a list of states linked by @next */
void kps_state_free_list(struct kps_pool *pool, struct kps_state *s);

/** kps_frame_own_slow - kps_frame_own() of a frame that is shared or has too few slots */
struct kps_frame *kps_frame_own_slow(struct kps_pool *pool, struct kps_state *s, u32 n,
				     u32 slots);

/** kps_frame_own - make frame @n of @s its own, with @slots slots at least; NULL: no memory */
static inline struct kps_frame *kps_frame_own(struct kps_pool *pool, struct kps_state *s,
					      u32 n, u32 slots)
{
	struct kps_frame *f = s->frame[n];

	return f->users == 1 && slots <= f->nr_slots ? f :
	       kps_frame_own_slow(pool, s, n, slots);
}

/**
 * kps_frame_push - enter a function
 * @subprog: the function
 * @slots: of its stack; there will be room for more when there must
 * @call: instruction that calls it
 *
 * Return: false: no memory.
 */
bool kps_frame_push(struct kps_pool *pool, struct kps_state *s, u32 subprog, u32 slots, u32 call);

/** kps_frame_pop - leave the top function */
void kps_frame_pop(struct kps_pool *pool, struct kps_state *s);

/** kps_ref_add - hold a reference; false: KPS_MAX_REFS are held */
bool kps_ref_add(struct kps_state *s, u32 ref);

/** kps_ref_held - @ref is held */
bool kps_ref_held(const struct kps_state *s, u32 ref);

/** kps_ref_drop - hold it no more */
void kps_ref_drop(struct kps_state *s, u32 ref);

/** kps_slot_clear - nothing is there; of what is not spilled nobody looks at the value */
static inline void kps_slot_clear(struct kps_slot *slot)
{
	memset(slot->byte, KPS_BYTE_INVALID, sizeof(slot->byte));
	slot->at = 0;
	slot->len = 0;
}

/** kps_slot_has_value - its spilled value is there as a whole */
static inline bool kps_slot_has_value(const struct kps_slot *slot)
{
	return slot->len && slot->byte[slot->at] == KPS_BYTE_SPILL;
}

/* What follows is inlined, so that visitors are. */
typedef bool (*kps_want_fn)(const struct kps_reg *reg, const void *arg);
typedef void (*kps_reg_fn)(struct kps_reg *reg, void *arg);

static __always_inline bool kps_frame_wants(const struct kps_frame *f, kps_want_fn want,
					    const void *arg)
{
	u32 i;

	for (i = 0; i < KPS_NR_REGS; i++)
		if (want(&f->reg[i], arg))
			return true;
	for (i = 0; i < f->nr_slots; i++)
		if (kps_slot_has_value(&f->slot[i]) && want(&f->slot[i].reg, arg))
			return true;
	return false;
}

static __always_inline void kps_frame_each(struct kps_frame *f, kps_want_fn want,
					   kps_reg_fn fn, void *arg)
{
	u32 i;

	for (i = 0; i < KPS_NR_REGS; i++)
		if (want(&f->reg[i], arg))
			fn(&f->reg[i], arg);
	for (i = 0; i < f->nr_slots; i++)
		if (kps_slot_has_value(&f->slot[i]) && want(&f->slot[i].reg, arg))
			fn(&f->slot[i].reg, arg);
}

/**
 * kps_state_each - call @fn for every register and spilled value that @want likes
 *
 * Frames are made @s's own before they are written. Return: false: no memory.
 */
static __always_inline bool kps_state_each(struct kps_pool *pool, struct kps_state *s,
					   kps_want_fn want, kps_reg_fn fn, void *arg)
{
	u32 i;

	for (i = 0; i < s->depth; i++) {
		if (!kps_frame_wants(s->frame[i], want, arg))
			continue;
		if (!kps_frame_own(pool, s, i, 0))
			return false;
		kps_frame_each(s->frame[i], want, fn, arg);
	}
	return true;
}

#endif
