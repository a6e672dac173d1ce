/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - numbers of the rows of opcodes.tbl */
#ifndef KPS_ROWS_H
#define KPS_ROWS_H

#include <linux/types.h>

#include "core/insn.h"

/** enum kps_row - KPS_ROW_name is the position of row `name` in opcodes.tbl */
enum kps_row {
#define KPS_OPCODE(_name, ...)		KPS_ROW_##_name,
#define KPS_OPCODE_ALSO(_name, ...)	KPS_ROW_##_name,
#include "core/opcodes.tbl"
#undef KPS_OPCODE
#undef KPS_OPCODE_ALSO
	KPS_NR_ROWS
};

/** kps_op_row - the number of a row that kps_op_find() returned */
u32 kps_op_row(const struct kps_op *op);

#endif
