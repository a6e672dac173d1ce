// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type queue: the oldest value first */

#include "maps/row.h"

static struct kps_map *queue_alloc(const struct kapsel_map_create *arg)
{
	return kps_row_alloc(arg, false);
}

const struct kps_map_ops kps_map_queue_ops = {
	KPS_ROW_OPS,
	.alloc = queue_alloc,
};
