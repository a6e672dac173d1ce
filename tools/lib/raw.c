// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - an object from bare instructions, without a file */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/insn.h"
#include "object.h"

static int add_data(struct kapsel_object *obj, const struct kapsel_raw *raw,
		    struct kapsel_error *err)
{
	struct kapsel_map *map;

	if (!raw->data_size)
		return 0;
	map = kl_grow(&obj->maps, obj->nr_maps, sizeof(*map));
	if (!map)
		return kl_nomem(err);
	obj->nr_maps++;
	map->name = "data";
	map->type = BPF_MAP_TYPE_ARRAY;
	map->key_size = sizeof(u32);
	map->value_size = raw->data_size;
	map->max_entries = 1;
	map->fd = -1;
	map->data = malloc(raw->data_size);
	if (!map->data)
		return kl_nomem(err);
	memcpy(map->data, raw->data, raw->data_size);
	return 0;
}

/* Who loads it looks its maps up by the indexes that references carry. */
static int check_maps(const struct kapsel_object *obj, const struct kapsel_raw *raw,
		      struct kapsel_error *err)
{
	const struct bpf_insn *insn;
	u32 i;

	for (i = 0; i < raw->insn_cnt; i += kps_insn_slots(insn)) {
		insn = &raw->insns[i];
		if (kps_insn_slots(insn) == 2 &&
		    (insn->src_reg == BPF_PSEUDO_MAP_FD ||
		     insn->src_reg == BPF_PSEUDO_MAP_VALUE) &&
		    (u32)insn->imm >= obj->nr_maps)
			return kl_fail(err, -EBADF, "%s: instruction %u refers to a map that is not there",
				       obj->path, i);
	}
	return 0;
}

static int add_prog(struct kapsel_object *obj, const struct kapsel_raw *raw,
		    struct kapsel_error *err)
{
	struct kapsel_prog *prog = kl_grow(&obj->progs, obj->nr_progs, sizeof(*prog));

	if (!prog)
		return kl_nomem(err);
	obj->nr_progs++;
	prog->obj = obj;
	prog->name = obj->path;
	prog->section = kapsel_prog_type_name(raw->prog_type);
	prog->hook.prog_type = raw->prog_type;
	prog->fd = -1;
	prog->insns = calloc(raw->insn_cnt ?: 1, sizeof(*prog->insns));
	prog->funcs = calloc(1, sizeof(*prog->funcs));
	if (!prog->insns || !prog->funcs)
		return kl_nomem(err);
	if (raw->insn_cnt)
		memcpy(prog->insns, raw->insns, raw->insn_cnt * sizeof(*prog->insns));
	prog->insn_cnt = raw->insn_cnt;
	prog->funcs[0] = (struct kapsel_func){ .name = prog->name, .end = raw->insn_cnt };
	prog->nr_funcs = 1;
	return 0;
}

static int fill(struct kapsel_object *obj, const struct kapsel_raw *raw,
		struct kapsel_error *err)
{
	int ret;

	obj->path = strdup(raw->name);
	if (!obj->path)
		return kl_nomem(err);
	if (strlen(raw->name) >= KAPSEL_NAME_LEN || strlen(raw->license) >= KAPSEL_LICENSE_LEN)
		return kl_fail(err, -ENAMETOOLONG, "%s: name or license is too long", raw->name);
	strcpy(obj->license, raw->license);
	ret = add_data(obj, raw, err);
	ret = ret ?: check_maps(obj, raw, err);
	return ret ?: add_prog(obj, raw, err);
}

struct kapsel_object *kapsel_open_raw(const struct kapsel_raw *raw, struct kapsel_error *err)
{
	struct kapsel_object *obj = calloc(1, sizeof(*obj));

	if (!obj) {
		kl_nomem(err);
		return NULL;
	}
	if (fill(obj, raw, err)) {
		kapsel_close(obj);
		return NULL;
	}
	return obj;
}
