/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - the types of one map */
#ifndef KL_BTF_COPY_H
#define KL_BTF_COPY_H

#include "object.h"

/**
 * struct kl_map_btf - types as MAP_CREATE takes them
 * @btf: to be freed by btf__free(), NULL: nothing is known
 * @data: @size: its bytes
 * @key: id of the key's type, 0: unknown
 * @value: id of the value's, or of a ring buffer's records
 */
struct kl_map_btf {
	struct btf *btf;
	const void *data;
	u32 size;
	u32 key;
	u32 value;
};

/** kl_btf_for_map - copy the types that @map needs; 0 or -errno */
int kl_btf_for_map(const struct kapsel_object *obj, const struct kapsel_map *map,
		   struct kl_map_btf *out);

#endif
