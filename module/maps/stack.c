// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type stack: the newest value first */

#include "maps/row.h"

static struct kps_map *stack_alloc(const struct kapsel_map_create *arg)
{
	return kps_row_alloc(arg, true);
}

const struct kps_map_ops kps_map_stack_ops = {
	KPS_ROW_OPS,
	.alloc = stack_alloc,
};
