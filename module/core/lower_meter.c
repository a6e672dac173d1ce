// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - lowering: programs that are ended when their fuel is */

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "core/lower_in.h"

/* Slots below the frame: where the counter is, and registers that are put by. */
enum { COUNTER, R1, R2, R3, R4, R5, NR_SLOTS, R0 = R2, NR_MAIN_SLOTS = R2 + 1 };

u32 kps_meter_bytes(const struct lower *lo)
{
	if (!lo->target->metered)
		return 0;
	return 8 * (lo->func ? NR_SLOTS : NR_MAIN_SLOTS);
}

static s16 offset_of(const struct lower *lo, u32 slot)
{
	return -(s16)(lo->funcs[lo->func].stack + 8 * (slot + 1));
}

static void save(struct lower *lo, u32 slot, u8 reg)
{
	emit(lo, KPS_ROW_stxdw, BPF_REG_10, reg, offset_of(lo, slot), 0);
}

static void restore(struct lower *lo, u8 reg, u32 slot)
{
	emit(lo, KPS_ROW_ldxdw, reg, BPF_REG_10, offset_of(lo, slot), 0);
}

/* The main function is given the counter's address; others ask for it. */
void kps_meter_enter(struct lower *lo)
{
	u8 reg;

	if (kps_meter_bytes(lo) + lo->funcs[lo->func].stack > KAPSEL_MAX_STACK)
		refuse(lo, KAPSEL_WHY_METERED);
	if (!lo->func) {
		save(lo, COUNTER, BPF_REG_2);
		return;
	}
	for (reg = BPF_REG_1; reg <= BPF_REG_5; reg++)
		save(lo, R1 + reg - BPF_REG_1, reg);
	call_address(lo, lo->target->counter);
	save(lo, COUNTER, BPF_REG_0);
	for (reg = BPF_REG_1; reg <= BPF_REG_5; reg++)
		restore(lo, reg, R1 + reg - BPF_REG_1);
}

/* @at: the address of the counter; @value := what it says. */
static void look(struct lower *lo, u8 at, u8 value)
{
	restore(lo, at, COUNTER);
	emit(lo, KPS_ROW_ldxdw, value, at, 0, 0);
}

static void change(struct lower *lo, u8 at, u8 value, s32 by)
{
	if (!by)
		return;
	emit(lo, KPS_ROW_add64_imm, value, 0, 0, by);
	emit(lo, KPS_ROW_stxdw, at, value, 0, 0);
}

/* Is there fuel up to this instruction? Else that is what the counter says from now on. */
static void pay(struct lower *lo, u8 at, u8 value)
{
	emit(lo, KPS_ROW_jsge64_imm, value, 0, 3, lo->at + 1);
	emit(lo, KPS_ROW_stdw, at, 0, 0, KPS_LOWER_NO_FUEL);
	emit_stop(lo);
}

void kps_meter_jump(struct lower *lo, u32 target)
{
	save(lo, R0, BPF_REG_0);
	save(lo, R1, BPF_REG_1);
	look(lo, BPF_REG_1, BPF_REG_0);
	pay(lo, BPF_REG_1, BPF_REG_0);
	change(lo, BPF_REG_1, BPF_REG_0, (s32)target - (s32)(lo->at + 1));
	restore(lo, BPF_REG_0, R0);
	restore(lo, BPF_REG_1, R1);
}

/* r1 to r5 mean nothing any more. */
void kps_meter_exit(struct lower *lo)
{
	look(lo, BPF_REG_1, BPF_REG_2);
	pay(lo, BPF_REG_1, BPF_REG_2);
	change(lo, BPF_REG_1, BPF_REG_2, -(s32)(lo->at + 1));
}

/* r0 means nothing any more. */
void kps_meter_call(struct lower *lo)
{
	save(lo, R1, BPF_REG_1);
	look(lo, BPF_REG_1, BPF_REG_0);
	pay(lo, BPF_REG_1, BPF_REG_0);
	change(lo, BPF_REG_1, BPF_REG_0, -(s32)(lo->at + 1));
	restore(lo, BPF_REG_1, R1);
}

/* What is left is negative, if the loop can't be paid for. */
void kps_meter_loop(struct lower *lo)
{
	look(lo, BPF_REG_5, BPF_REG_0);
	change(lo, BPF_REG_5, BPF_REG_0, -(s32)(lo->at + 1));
}

void kps_meter_called(struct lower *lo)
{
	look(lo, BPF_REG_1, BPF_REG_2);
	emit(lo, KPS_ROW_jne64_imm, BPF_REG_2, 0, 2, KPS_LOWER_NO_FUEL);
	emit_stop(lo);
	change(lo, BPF_REG_1, BPF_REG_2, lo->at + 1);
}
