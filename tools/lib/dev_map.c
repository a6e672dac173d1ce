// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - maps on the device: create, look at, read, write, walk */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "core/proto.h"
#include "btf_copy.h"
#include "btf_type.h"

#define FIRST_BATCH 256

/* Its own flags, or freezing, may be what is in the way: the caller has the right to try. */
static int refused(struct kapsel_error *err, int code, const char *what, const char *map)
{
	kl_errno(err, -code, "cannot %s map '%s'", what, map);
	if (code == EPERM)
		kl_hint(err, "it is frozen, or was made with BPF_F_RDONLY or BPF_F_WRONLY, which is for this descriptor; `kapsel map` opens another one");
	return -code;
}

static int fill_section(const struct kapsel_map *map, struct kapsel_error *err)
{
	u32 key = 0;
	struct kapsel_map_elem elem = {
		.key = (uintptr_t)&key, .key_size = sizeof(key),
		.value = (uintptr_t)map->data, .value_size = map->value_size,
	};
	struct kapsel_flags none = {};

	if (ioctl(map->fd, KAPSEL_MAP_UPDATE, &elem))
		return refused(err, errno, "fill", map->name);
	if (map->frozen && ioctl(map->fd, KAPSEL_MAP_FREEZE, &none))
		return kl_errno(err, -errno, "cannot freeze map '%s'", map->name);
	return 0;
}

int kl_map_put_fd(const struct kapsel_map *map, u32 index, int fd, struct kapsel_error *err)
{
	u32 value = fd;
	struct kapsel_map_elem elem = {
		.key = (uintptr_t)&index, .key_size = sizeof(index),
		.value = (uintptr_t)&value, .value_size = sizeof(value),
	};

	if (!ioctl(map->fd, KAPSEL_MAP_UPDATE, &elem))
		return 0;
	return kl_errno(err, -errno, "cannot fill entry %u of map '%s'", index, map->name);
}

static int create(const struct kapsel_dev *dev, const struct kapsel_object *obj,
		  struct kapsel_map *map, struct kapsel_error *err);

/* A map of maps is told by an example what those in it are like. */
static int create_example(const struct kapsel_dev *dev, const struct kapsel_object *obj,
			  struct kapsel_map *map, struct kapsel_error *err)
{
	return map->inner ? create(dev, obj, map->inner, err) : 0;
}

static void close_example(struct kapsel_map *map)
{
	if (!map->inner || map->inner->fd < 0)
		return;
	close(map->inner->fd);
	map->inner->fd = -1;
}

static int create(const struct kapsel_dev *dev, const struct kapsel_object *obj,
		  struct kapsel_map *map, struct kapsel_error *err)
{
	struct kapsel_map_create arg = {
		.map_type = map->type, .key_size = map->key_size,
		.value_size = map->value_size, .max_entries = map->max_entries,
		.map_flags = map->flags, .map_extra = map->extra,
		.lock_size = map->lock_size, .lock_off = map->lock_off,
	};
	struct kl_map_btf types;
	int ret = create_example(dev, obj, map, err);

	if (ret)
		return ret;
	arg.inner_map_fd = map->inner ? map->inner->fd : 0;
	/* Without its types a map works as well; it is only printed as bytes. */
	if (!kl_btf_for_map(obj, map, &types) && types.btf &&
	    types.size <= KAPSEL_MAX_BTF) {
		arg.btf = (uintptr_t)types.data;
		arg.btf_size = types.size;
		arg.btf_key_type_id = types.key;
		arg.btf_value_type_id = types.value;
	}
	snprintf(arg.name, sizeof(arg.name), "%s", map->name);
	map->fd = ioctl(dev->fd, KAPSEL_MAP_CREATE, &arg);
	if (map->fd < 0)
		kl_errno(err, -errno, "cannot create map '%s'", map->name);
	btf__free(types.btf);
	close_example(map);
	if (map->fd < 0)
		return err ? err->err : -EINVAL;
	return map->data ? fill_section(map, err) : 0;
}

static int fill_with_maps(const struct kapsel_object *obj, const struct kapsel_map *map,
			  struct kapsel_error *err)
{
	u32 i;
	int ret = 0;

	for (i = 0; map->inner && i < map->nr_initial && !ret; i++)
		ret = kl_map_put_fd(map, map->initial[i].index,
				    obj->maps[map->initial[i].target].fd, err);
	return ret;
}

int kapsel_maps_create(const struct kapsel_dev *dev, struct kapsel_object *obj,
		       struct kapsel_error *err)
{
	u32 i;
	int ret = 0;

	for (i = 0; i < obj->nr_maps && !ret; i++)
		if (obj->maps[i].fd < 0)
			ret = create(dev, obj, &obj->maps[i], err);
	for (i = 0; i < obj->nr_maps && !ret; i++)
		ret = fill_with_maps(obj, &obj->maps[i], err);
	return ret;
}

static int read_types(struct kapsel_view *view, struct kapsel_error *err)
{
	struct kapsel_obj_info info = {};
	u32 size = view->info.btf_size, bad;
	void *data;
	int ret;

	if (!size)
		return 0;
	data = malloc(size);
	if (!data)
		return kl_nomem(err);
	info.map.btf = (uintptr_t)data;
	info.map.btf_size = size;
	ret = kapsel_obj_info(view->fd, &info, err);
	/* Somebody else may have given it: what is damaged is as good as none. */
	if (!ret)
		kl_btf_new(data, size, &view->btf, &bad);
	free(data);
	return ret;
}

int kapsel_view_open(const struct kapsel_dev *dev, int fd, struct kapsel_view *view,
		     struct kapsel_error *err)
{
	struct kapsel_obj_info info = {};
	const struct kps_map_type *type;
	int ret = kapsel_obj_info(fd, &info, err);

	memset(view, 0, sizeof(*view));
	if (ret)
		return ret;
	if (info.kind != KAPSEL_OBJ_MAP)
		return kl_fail(err, -EINVAL, "'%s' is not a map", info.name);
	view->dev = dev;
	view->fd = fd;
	view->id = info.id;
	view->info = info.map;
	memcpy(view->name, info.name, sizeof(view->name));
	view->cpus = 1;
	view->stride = view->info.value_size;
	type = kps_map_type_find(view->info.type);
	if (type && (type->ops & KAPSEL_MAP_OP_PERCPU)) {
		view->cpus = dev->abi.cpus;
		view->stride = ALIGN(view->info.value_size, 8);
	}
	if (type && type->ops & KAPSEL_MAP_OP_PROGS)
		view->holds = KAPSEL_OBJ_PROG;
	if (type && type->ops & KAPSEL_MAP_OP_MAPS)
		view->holds = KAPSEL_OBJ_MAP;
	return read_types(view, err);
}

void kapsel_view_close(struct kapsel_view *view)
{
	btf__free(view->btf);
	view->btf = NULL;
}

static int elem_call(const struct kapsel_view *view, unsigned long nr, const void *key,
		     const void *value, u64 flags, struct kapsel_error *err)
{
	struct kapsel_map_elem arg = {
		.key = (uintptr_t)key, .key_size = view->info.key_size,
		.value = (uintptr_t)value,
		.value_size = value ? view->cpus * view->stride : 0,
		.flags = flags,
	};

	if (!ioctl(view->fd, nr, &arg))
		return 0;
	if (errno == ENOENT)
		return kl_fail(err, -ENOENT, "map '%s' %s", view->name,
			       view->info.key_size ? "has no such key" : "is empty");
	if (errno == EEXIST)
		return kl_fail(err, -EEXIST, "map '%s' has that key already", view->name);
	if (errno == E2BIG)
		return kl_fail(err, -E2BIG, "map '%s' is full (%u entries)", view->name,
			       view->info.max_entries);
	return kl_errno(err, -errno, "map '%s'", view->name);
}

int kapsel_map_get(const struct kapsel_view *view, const void *key, void *value,
		   struct kapsel_error *err)
{
	return elem_call(view, KAPSEL_MAP_LOOKUP, key, value, 0, err);
}

int kapsel_map_set(const struct kapsel_view *view, const void *key, const void *value,
		   u64 flags, struct kapsel_error *err)
{
	return elem_call(view, KAPSEL_MAP_UPDATE, key, value, flags, err);
}

int kapsel_map_take(const struct kapsel_view *view, const void *key, void *value,
		    struct kapsel_error *err)
{
	return elem_call(view, KAPSEL_MAP_LOOKUP_DELETE, key, value, 0, err);
}

int kapsel_map_del(const struct kapsel_view *view, const void *key,
		   struct kapsel_error *err)
{
	return elem_call(view, KAPSEL_MAP_DELETE, key, NULL, 0, err);
}

/** struct walk - a batch walk through a map */
struct walk {
	const struct kapsel_view *view;
	struct kapsel_map_batch arg;
	char *keys;
	char *values;
	u32 room;
};

static size_t value_bytes(const struct kapsel_view *view)
{
	return (size_t)view->cpus * view->stride;
}

static int make_room(struct walk *w, u32 room, struct kapsel_error *err)
{
	free(w->keys);
	free(w->values);
	w->keys = calloc(room, w->view->info.key_size ?: 1);
	w->values = calloc(room, value_bytes(w->view) ?: 1);
	w->room = room;
	return w->keys && w->values ? 0 : kl_nomem(err);
}

static int next_batch(struct walk *w, struct kapsel_error *err)
{
	for (;;) {
		w->arg.op = KAPSEL_BATCH_LOOKUP;
		w->arg.count = w->room;
		w->arg.keys = (uintptr_t)w->keys;
		w->arg.values = (uintptr_t)w->values;
		w->arg.key_size = w->view->info.key_size;
		w->arg.value_size = value_bytes(w->view);
		if (!ioctl(w->view->fd, KAPSEL_MAP_BATCH, &w->arg))
			return 0;
		if (errno != ENOSPC)
			return refused(err, errno, "read", w->view->name);
		/* What was read before the bucket that does not fit is handed out first. */
		if (w->arg.count)
			return 0;
		if (make_room(w, w->room * 2, err))
			return -ENOMEM;
	}
}

int kapsel_map_each(const struct kapsel_view *view,
		    int (*fn)(void *ctx, const void *key, const void *value), void *ctx,
		    struct kapsel_error *err)
{
	struct walk w = { .view = view };
	u32 i, room = FIRST_BATCH;
	int ret;

	if (value_bytes(view) > (1u << 20))
		room = 4;
	ret = make_room(&w, min(room, max(view->info.max_entries, 1u)), err);
	while (!ret && !w.arg.done) {
		ret = next_batch(&w, err);
		for (i = 0; i < w.arg.count && !ret; i++)
			ret = fn(ctx, w.keys + (size_t)i * view->info.key_size,
				 w.values + i * value_bytes(view));
	}
	free(w.keys);
	free(w.values);
	return ret;
}
