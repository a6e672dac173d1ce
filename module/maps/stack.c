// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type stack: the newest value first */

#include "maps/row.h"

static struct kps_map *stack_alloc(const struct kapsel_map_create *arg)
{
	return kps_row_alloc(arg, true);
}

const struct kps_map_ops kps_map_stack_ops = {
	.check = kps_row_check,
	.alloc = stack_alloc,
	.free = kps_row_free,
	.push = kps_row_push,
	.pop = kps_row_pop,
	.peek = kps_row_peek,
	.remove = kps_row_remove,
	.read = kps_row_read,
	.write = kps_row_write,
	.take = kps_row_take,
	.next_key = kps_row_next_key,
	.batch = kps_row_batch,
	.used = kps_row_used,
};
