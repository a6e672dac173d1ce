/* SPDX-License-Identifier: GPL-2.0-only */
/* An assembler for tests: reads what kps_disasm() writes, and labels */
#ifndef KPS_TEST_ASM_H
#define KPS_TEST_ASM_H

#include <linux/types.h>
#include <uapi/linux/bpf.h>

/**
 * kt_asm - assemble a program
 * @text: one instruction a line, in the disassembler's syntax
 * @out: room for the program
 * @max: slots in @out
 * @err: filled with "line N: why" on failure
 * @errlen: its size
 *
 * Beside what the disassembler writes: labels ("name:") wherever a slot number
 * may stand; "+N" and "-N" for distances; helpers by name or number ("call
 * bpf_loop", "call 181", "call #181"); "call label" and "r2 = func label";
 * "map[N]" for "map[fd:N]"; w registers in accesses of less than 64 bits;
 * ".8byte N"; ".insn code, dst, src, off, imm" for what should be refused.
 * Comments begin with ";", "//", or with "#" if no digit follows.
 *
 * Return: slots, or -1.
 */
int kt_asm(const char *text, struct bpf_insn *out, u32 max, char *err,
	   size_t errlen);

#endif
