// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - maps as objects: creation, files, information */

#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/bpf.h>

#include "compat.h"
#include "device.h"
#include "map.h"
#include "maps/inner.h"

#define KPS_MAP_TYPE(_type, _name, ...) { .type = _type, .ops = &kps_map_##_name##_ops },
static const struct {
	u32 type;
	const struct kps_map_ops *ops;
} types[] = {
#include "core/maptypes.tbl"
};

#undef KPS_MAP_TYPE

static const struct kps_map_ops *find_ops(u32 type)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return types[i].ops;
	return NULL;
}

int kps_map_write_begin(struct kps_map *map)
{
	down_read(&map->freeze);
	if (!map->frozen)
		return 0;
	up_read(&map->freeze);
	return -EPERM;
}

void kps_map_write_end(struct kps_map *map)
{
	up_read(&map->freeze);
}

static void free_map(struct kps_map *map)
{
	kvfree(map->btf);
	map->ops->free(map);
}

static void bury(struct kps_grave *grave)
{
	free_map(container_of(grave, struct kps_map, grave));
}

/* Programs hold the maps that they name, but not those that they find in others. */
static void map_release(struct kps_object *obj)
{
	struct kps_map *map = kps_map_of(obj);

	if (map->found)
		kps_reap(&map->grave, bury);
	else
		free_map(map);
}

static void map_orphan(struct kps_object *obj)
{
	struct kps_map *map = kps_map_of(obj);

	if (map->ops->orphan)
		map->ops->orphan(map);
}

static int copy_btf(const struct kps_map *map, const struct kapsel_map_info *out)
{
	u32 size = min(map->btf_size, out->btf_size);

	if (out->btf && copy_to_user(u64_to_user_ptr(out->btf), map->btf, size))
		return -EFAULT;
	return 0;
}

static int map_info(struct kps_object *obj, struct kapsel_obj_info *info)
{
	struct kps_map *map = kps_map_of(obj);
	struct kapsel_map_info *out = &info->map;
	int err = copy_btf(map, out);

	out->type = map->type->type;
	out->key_size = map->key_size;
	out->value_size = map->value_size;
	out->max_entries = map->max_entries;
	out->flags = map->flags;
	out->frozen = READ_ONCE(map->frozen);
	out->used = map->ops->used(map);
	out->btf_key_type_id = map->btf_key_type_id;
	out->btf_value_type_id = map->btf_value_type_id;
	out->btf_size = map->btf_size;
	out->lost = atomic64_read(&map->lost);
	out->memory = map->memory;
	out->lock_size = map->lock_size;
	out->lock_off = map->lock_off;
	return err;
}

/* Mappings that may be written count, so that a frozen map is frozen. */
static void vm_open(struct vm_area_struct *vma)
{
	struct kps_map *map = kps_map_of(vma->vm_private_data);

	if (!(vma->vm_flags & VM_MAYWRITE))
		return;
	down_write(&map->freeze);
	map->writable++;
	up_write(&map->freeze);
}

static void vm_close(struct vm_area_struct *vma)
{
	struct kps_map *map = kps_map_of(vma->vm_private_data);

	if (!(vma->vm_flags & VM_MAYWRITE))
		return;
	down_write(&map->freeze);
	map->writable--;
	up_write(&map->freeze);
}

static const struct vm_operations_struct vm_ops = {
	.open = vm_open,
	.close = vm_close,
};

static int mmap_locked(struct kps_map *map, struct vm_area_struct *vma)
{
	int err;

	if (vma->vm_flags & VM_WRITE && map->frozen)
		return -EPERM;
	err = map->ops->mmap(map, vma);
	if (err)
		return err;
	vma->vm_ops = &vm_ops;
	vma->vm_private_data = &map->obj;
	if (vma->vm_flags & VM_MAYWRITE)
		map->writable++;
	return 0;
}

static int map_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct kps_map *map = kps_map_of(file->private_data);
	int err;

	if (!map->ops->mmap)
		return -ENODEV;
	/* Userspace must not reach the locks. */
	if (map->lock_size)
		return -EOPNOTSUPP;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	kps_vm_forbid(vma, VM_MAYEXEC);
	down_write(&map->freeze);
	err = mmap_locked(map, vma);
	up_write(&map->freeze);
	return err;
}

static __poll_t map_poll(struct file *file, struct poll_table_struct *table)
{
	struct kps_map *map = kps_map_of(file->private_data);

	return map->ops->poll ? map->ops->poll(map, file, table) : EPOLLERR;
}

static const struct file_operations map_fops = {
	.owner = THIS_MODULE,
	.release = kps_object_release,
	.mmap = map_mmap,
	.poll = map_poll,
	.unlocked_ioctl = kps_object_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = kps_object_fdinfo,
	.llseek = noop_llseek,
};

const struct kps_kind kps_map_kind = {
	.kind = KAPSEL_OBJ_MAP,
	.name = "map",
	.fops = &map_fops,
	.release = map_release,
	.orphan = map_orphan,
	.info = map_info,
};

struct kps_map *kps_map_by_fd(u32 fd)
{
	struct kps_object *obj = kps_object_by_fd(fd, &kps_map_kind);

	return IS_ERR(obj) ? ERR_CAST(obj) : kps_map_of(obj);
}

static int check_arg(const struct kapsel_map_create *arg)
{
	const struct kps_map_type *type = kps_map_type_find(arg->map_type);
	const u32 both = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;
	u32 open = arg->map_flags & KPS_OPEN_FLAGS;

	if (!type || arg->map_flags & ~type->flags)
		return -EINVAL;
	if ((arg->map_flags & both) == both || kps_open_flags(&kps_map_kind, open) < 0)
		return -EINVAL;
	if (arg->map_extra && arg->map_type != BPF_MAP_TYPE_BLOOM_FILTER)
		return -EINVAL;
	if (!arg->btf != !arg->btf_size || arg->__reserved)
		return -EINVAL;
	if (arg->inner_map_fd && !(type->ops & KAPSEL_MAP_OP_MAPS))
		return -EINVAL;
	if (arg->btf_size > KAPSEL_MAX_BTF)
		return -E2BIG;
	return kps_name_check(arg->name);
}

static bool may_have_locks(u32 type)
{
	return type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_ARRAY ||
	       type == BPF_MAP_TYPE_CGROUP_STORAGE;
}

static int check_lock(const struct kapsel_map_create *arg)
{
	u32 size = arg->lock_size;

	if (!size)
		return arg->lock_off ? -EINVAL : 0;
	if (size != sizeof(struct bpf_spin_lock) || arg->lock_off % size ||
	    arg->value_size < size || arg->lock_off > arg->value_size - size)
		return -EINVAL;
	if (arg->map_flags & BPF_F_RDONLY_PROG)
		return -EACCES;
	return may_have_locks(arg->map_type) ? 0 : -EOPNOTSUPP;
}

static int take_btf(struct kps_map *map, const struct kapsel_map_create *arg)
{
	map->btf_key_type_id = arg->btf_key_type_id;
	map->btf_value_type_id = arg->btf_value_type_id;
	if (!arg->btf)
		return 0;
	map->btf = kvmalloc(arg->btf_size, GFP_KERNEL_ACCOUNT);
	if (!map->btf)
		return -ENOMEM;
	map->btf_size = arg->btf_size;
	map->memory += map->btf_size;
	if (copy_from_user(map->btf, u64_to_user_ptr(arg->btf), arg->btf_size))
		return -EFAULT;
	return 0;
}

static void init_map(struct kps_map *map, const struct kapsel_map_create *arg)
{
	kps_object_init(&map->obj, &kps_map_kind, arg->name);
	map->ops = find_ops(arg->map_type);
	map->type = kps_map_type_find(arg->map_type);
	map->key_size = arg->key_size;
	map->value_size = arg->value_size;
	map->max_entries = arg->max_entries;
	map->flags = arg->map_flags & ~KPS_OPEN_FLAGS;
	map->lock_size = arg->lock_size;
	map->lock_off = arg->lock_off;
	init_rwsem(&map->freeze);
}

int kps_map_create(struct kps_call *call)
{
	const struct kapsel_map_create *arg = call->arg;
	const struct kps_map_ops *ops;
	u32 open = arg->map_flags & KPS_OPEN_FLAGS;
	struct kps_map *map;
	int err;

	err = check_arg(arg);
	if (err)
		return err;
	ops = find_ops(arg->map_type);
	err = ops->check(arg) ?: check_lock(arg);
	if (err)
		return err;
	map = ops->alloc(arg);
	if (IS_ERR(map))
		return PTR_ERR(map);
	init_map(map, arg);
	if (map->type->ops & KAPSEL_MAP_OP_MAPS)
		err = kps_inner_like(map, arg);
	err = err ?: take_btf(map, arg) ?: kps_object_publish(&map->obj, open, call);
	kps_map_put(map);
	return err;
}
