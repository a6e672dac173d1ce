/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - the text of an instruction */
#ifndef KPS_DISASM_H
#define KPS_DISASM_H

#include <linux/types.h>
#include <uapi/linux/bpf.h>

#define KPS_DISASM_LEN 96	/* enough for any instruction */

/**
 * kps_disasm - write an instruction as text, in the syntax of clang and bpftool
 * @insns: the program
 * @cnt: its slots
 * @pc: the instruction
 * @buf: of KPS_DISASM_LEN bytes; always NUL-terminated
 *
 * What does not decode is written as ".8byte 0x...". Jump targets are absolute
 * slots ("goto 12"), helpers named ("call bpf_map_lookup_elem#1").
 *
 * Return: slots taken, 1 or 2.
 */
u32 kps_disasm(const struct bpf_insn *insns, u32 cnt, u32 pc, char *buf);

#endif
