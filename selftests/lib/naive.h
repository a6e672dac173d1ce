/* SPDX-License-Identifier: GPL-2.0-only */
/* RFC 9669 read aloud: arithmetic and comparisons without any cleverness */
#ifndef KPS_TEST_NAIVE_H
#define KPS_TEST_NAIVE_H

#include <linux/types.h>

/**
 * naive_eval - what an instruction makes of two values
 * @row: name of a row of opcodes.tbl: of ALU, MOV, MOVSX, NEG, END or JCOND
 * @dst: dst before
 * @src: src, or the sign-extended immediate
 * @result: dst afterwards; of a jump: 1 if it is taken, else 0
 *
 * Return: whether there is such a row.
 */
bool naive_eval(const char *row, u64 dst, u64 src, u64 *result);

#endif
