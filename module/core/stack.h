/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - internal: the stack in the abstract */
#ifndef KPS_STACK_H
#define KPS_STACK_H

#include <linux/types.h>

#include "core/env.h"

/*
 * Stack (stack.c). Offsets are from the frame pointer: -512 to -1.
 */

/**
 * kps_stack_load - read @size bytes at @off of frame @n
 *
 * Return: 0, with the value in @out; -EACCES refused (invalid or split pointer).
 */
int kps_stack_load(const struct kps_at *at, u32 n, s64 off, u32 size, u32 reg,
		   struct kps_reg *out);

/** kps_stack_word - what is known of the word at @off; false: it is not a number */
bool kps_stack_word(const struct kps_at *at, u32 n, s64 off, struct kps_range *word);

/** kps_stack_load_any - read @size bytes somewhere in [@lo, @hi] */
int kps_stack_load_any(const struct kps_at *at, u32 n, s64 lo, s64 hi, u32 size,
		       u32 reg, struct kps_reg *out);

/** kps_stack_store - write @val, @size bytes at @off. 0, -EACCES or -ENOMEM */
int kps_stack_store(const struct kps_at *at, u32 n, s64 off, u32 size, u32 reg,
		    const struct kps_reg *val);

/** kps_stack_clobber - bytes [@lo, @hi) may be overwritten with numbers, [@lo, @sure) are */
int kps_stack_clobber(const struct kps_at *at, u32 n, s64 lo, s64 sure, s64 hi, u32 reg);

/** kps_stack_store_any - @val goes somewhere in [@lo, @hi): zeroes stay what 0 is put among */
int kps_stack_store_any(const struct kps_at *at, u32 n, s64 lo, s64 hi, u32 reg,
			const struct kps_reg *val);

/** kps_stack_readable - every byte of [@lo, @hi) is a number that was written */
int kps_stack_readable(const struct kps_at *at, u32 n, s64 lo, s64 hi, u32 reg);

#endif
