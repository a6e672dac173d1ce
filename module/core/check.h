/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - internal: obligations of instructions, and their effects */
#ifndef KPS_CHECK_H
#define KPS_CHECK_H

#include <linux/types.h>

#include "core/env.h"
#include "core/proto.h"

/*
 * Memory (check_mem.c)
 */

/**
 * struct kps_access - an access to be proved
 * @reg: number of the pointer's register
 * @off: constant added to it
 * @size: bytes, at least; of a helper's argument the largest
 * @min_size: the smallest size, for helpers' arguments; @size for instructions
 * @access: KAPSEL_ACCESS_*
 * @helper: id if it is an argument
 * @arg: number of the argument
 */
struct kps_access {
	u32 reg;
	s64 off;
	u64 size;
	u64 min_size;
	u8 access;
	u32 helper;
	u16 arg;
};

/** kps_pointer_fault - why a pointer is good for nothing but a move: a code, or 0 */
static inline u32 kps_pointer_fault(const struct kps_reg *reg)
{
	if (reg->flags & KPS_REG_STALE)
		return KPS_D_STALE;
	if (reg->kind == KAPSEL_KIND_UNUSABLE)
		return KPS_D_MIXED;
	return reg->flags & KAPSEL_FACT_MAYBE_NULL ? KPS_D_NULL : 0;
}

/** kps_maybe_null - a pointer that is to be tested for NULL first */
void kps_maybe_null(const struct kps_at *at, u8 kind, u32 object, struct kps_reg *out);

/** kps_check_pointer - a register is a usable pointer to memory: 0 or -EACCES */
int kps_check_pointer(const struct kps_at *at, const struct kps_access *a);

/** kps_check_bounds - the access lies inside its object (not for stack contents) */
int kps_check_bounds(const struct kps_at *at, const struct kps_access *a);

/** kps_check_span - a helper's memory argument, stack contents included */
int kps_check_span(const struct kps_at *at, const struct kps_access *a);

int kps_step_load(const struct kps_at *at);
int kps_step_store(const struct kps_at *at);
int kps_step_atomic(const struct kps_at *at);

/** kps_check_leak - a value may be made visible outside the stack: 0 or -EACCES */
int kps_check_leak(const struct kps_at *at, u32 n);

/* Arithmetic (check_alu.c): 0, -EACCES, -ENOMEM. */
int kps_step_alu(const struct kps_at *at);
int kps_step_lddw(const struct kps_at *at);

/** kps_check_init - register @n was written: 0 or -EACCES */
int kps_check_init(const struct kps_at *at, u32 n);

/*
 * Locks in the values of maps (lock.c)
 */

/** kps_may_lock - programs of this kind take locks, and so may use maps that have them */
bool kps_may_lock(const struct kps_env *env);

/** kps_value_ref - struct kps_reg.ref of a value of map @map: a new one, unless it has but one */
u32 kps_value_ref(struct kps_env *env, u32 map);

/** kps_touches_lock - an access that lies in its map's value may hit the lock there */
bool kps_touches_lock(const struct kps_at *at, const struct kps_access *a);

/** kps_check_unlocked - no lock is held: 0, or -EACCES with @code */
int kps_check_unlocked(const struct kps_at *at, u32 code);

/** kps_check_lock - r1 is a lock, and is held if it is to be given back: 0 or -EACCES */
int kps_check_lock(const struct kps_at *at);

/** kps_change_lock - r1 is held from here on, or no more */
void kps_change_lock(const struct kps_at *at);

/* Calls (check_call.c): helpers but the one that runs a callback. */
int kps_step_helper(const struct kps_at *at);

/** kps_check_helper - the helper exists, is allowed, its arguments fit; out: its row */
int kps_check_helper(const struct kps_at *at, const struct kps_helper **helper);

/** kps_acquire - a reference begins here: out, its id; 0, or -EACCES: too many are held */
int kps_acquire(const struct kps_at *at, u32 *ref);

/** kps_make_stale - for kps_state_each(): what a pointer points to is gone */
void kps_make_stale(struct kps_reg *reg, void *arg);

/** kps_release - a reference ends: every copy of its address is worthless; 0 or -ENOMEM */
int kps_release(const struct kps_at *at, u32 ref);

/** kps_helper_result - registers after a helper call */
int kps_helper_result(const struct kps_at *at, const struct kps_helper *helper);

/** kps_check_tail_call - a tail call whose arguments fit is allowed here (tail.c) */
int kps_check_tail_call(const struct kps_at *at);

/*
 * Dynptrs (dynptr.c)
 */

/**
 * kps_check_dynptr - argument @n of @helper, a dynptr as its row says
 *
 * It is checked last: one is made, or ended, by the way. Return: 0, -EACCES, -ENOMEM.
 */
int kps_check_dynptr(const struct kps_at *at, const struct kps_helper *helper, u32 n);

/** kps_dynptr_leave - a callback returns: its sample, if it has one, is gone; 0 or -ENOMEM */
int kps_dynptr_leave(const struct kps_at *at);

/** kps_dynptr_slice - what bpf_dynptr_data() returns, of the dynptr r1, r3 bytes */
void kps_dynptr_slice(const struct kps_at *at, struct kps_reg *out);

/*
 * Strings that are known (check_string.c)
 */

/** kps_check_string - argument @n of @helper is a constant string: 0 or -EACCES, or -errno */
int kps_check_string(const struct kps_at *at, u32 helper, u32 n);

/** kps_check_format - snprintf's format, its arguments known to be good by themselves */
int kps_check_format(const struct kps_at *at);

/** kps_step_exit_main - what the main function's exit must satisfy */
int kps_step_exit_main(const struct kps_at *at);

/*
 * Branches (check_jmp.c)
 */

/**
 * kps_branch - the effect of a conditional jump
 * @at: the jump; its state becomes the one that falls through
 * @taken: out: the state that jumps, or NULL if none does; at->s itself, if that does
 *	not fall through
 * @falls: out: whether the jump may fall through
 *
 * Return: 0, -EACCES or -ENOMEM; then at->s is all there is.
 */
int kps_branch(const struct kps_at *at, struct kps_state **taken, bool *falls);

/** kps_same_object - do two pointers point into one object, the very same? */
bool kps_same_object(const struct kps_env *env, const struct kps_reg *a,
		     const struct kps_reg *b);

#endif
