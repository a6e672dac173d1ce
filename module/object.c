// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - what programs, maps and links have in common */

#include <linux/anon_inodes.h>
#include <linux/ctype.h>
#include <linux/file.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>
#include <uapi/linux/bpf.h>

#include "device.h"
#include "link.h"
#include "map.h"
#include "object.h"
#include "pin.h"
#include "prog.h"

/**
 * struct kps_ids - the published objects of a kind
 * @kind: which
 * @objects: by id; holds no references: whoever finds an object here must win
 *	kref_get_unless_zero() under the array's lock, which release takes too
 * @next: where to look for a free id, so that ids are not reused soon
 */
struct kps_ids {
	const struct kps_kind *kind;
	struct xarray objects;
	u32 next;
};

#define IDS(n, _kind) {							\
	.kind = _kind,							\
	.objects = XARRAY_INIT(all_ids[n].objects, XA_FLAGS_ALLOC1),	\
}

static struct kps_ids all_ids[] = {
	IDS(0, &kps_prog_kind),
	IDS(1, &kps_map_kind),
	IDS(2, &kps_link_kind),
};

static struct kps_ids *find_ids(u32 kind)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(all_ids); i++)
		if (all_ids[i].kind->kind == kind)
			return &all_ids[i];
	return NULL;
}

static bool name_char(char c)
{
	return isascii(c) && (isalnum(c) || c == '_' || c == '.' || c == '-');
}

int kps_name_check(const char *name)
{
	size_t i, len = strnlen(name, KAPSEL_NAME_LEN);

	if (len == KAPSEL_NAME_LEN)
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (!name_char(name[i]))
			return -EINVAL;
	return 0;
}

void kps_object_init(struct kps_object *obj, const struct kps_kind *kind,
		     const char *name)
{
	obj->kind = kind;
	kref_init(&obj->ref);
	obj->created = ktime_get_boottime_ns();
	obj->uid = current_uid();
	obj->pid = get_pid(task_tgid(current));
	get_task_comm(obj->comm, current);
	strscpy(obj->name, name, sizeof(obj->name));
}

static void release(struct kref *ref)
{
	struct kps_object *obj = container_of(ref, struct kps_object, ref);

	if (obj->id)
		xa_erase(&find_ids(obj->kind->kind)->objects, obj->id);
	put_pid(obj->pid);
	obj->kind->release(obj);
}

void kps_object_put(struct kps_object *obj)
{
	might_sleep();
	kref_put(&obj->ref, release);
}

void kps_object_hold(struct kps_object *obj)
{
	kps_object_get(obj);
	atomic_inc(&obj->holders);
}

void kps_object_unhold(struct kps_object *obj)
{
	if (atomic_dec_and_test(&obj->holders) && obj->kind->orphan)
		obj->kind->orphan(obj);
	kps_object_put(obj);
}

int kps_open_flags(const struct kps_kind *kind, u32 flags)
{
	if (flags && kind->kind != KAPSEL_OBJ_MAP)
		return -EINVAL;
	switch (flags) {
	case 0:
		return O_RDWR;
	case BPF_F_RDONLY:
		return O_RDONLY;
	case BPF_F_WRONLY:
		return O_WRONLY;
	default:
		return -EINVAL;
	}
}

int kps_object_fd(struct kps_object *obj, u32 flags, struct kps_call *call)
{
	int fd, how = kps_open_flags(obj->kind, flags);
	struct file *file;

	if (how < 0)
		return how;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = anon_inode_getfile(obj->kind->name, obj->kind->fops, obj,
				  how | O_CLOEXEC);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	kps_object_hold(obj);
	call->fd = fd;
	call->file = file;
	return 0;
}

int kps_object_publish(struct kps_object *obj, u32 flags, struct kps_call *call)
{
	struct kps_ids *ids = find_ids(obj->kind->kind);
	int err;

	/*
	 * The id is written under the array's lock before anybody can look the
	 * object up, and the object is complete by now.
	 */
	err = xa_alloc_cyclic(&ids->objects, &obj->id, obj,
			      XA_LIMIT(1, S32_MAX), &ids->next, GFP_KERNEL);
	if (err < 0) {
		obj->id = 0;
		return err;
	}
	return kps_object_fd(obj, flags, call);
}

static bool is_object_file(const struct file *file)
{
	return file->f_op->release == kps_object_release;
}

struct kps_object *kps_object_by_any_fd(u32 fd)
{
	struct kps_object *obj = ERR_PTR(-EINVAL);
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (is_object_file(file)) {
		obj = file->private_data;
		kps_object_get(obj);
	}
	fput(file);
	return obj;
}

struct kps_object *kps_object_by_fd(u32 fd, const struct kps_kind *kind)
{
	struct kps_object *obj = kps_object_by_any_fd(fd);

	if (!IS_ERR(obj) && obj->kind != kind) {
		kps_object_put(obj);
		return ERR_PTR(-EINVAL);
	}
	return obj;
}

int kps_object_release(struct inode *inode, struct file *file)
{
	kps_object_unhold(file->private_data);
	return 0;
}

void kps_object_fdinfo(struct seq_file *seq, struct file *file)
{
	const struct kps_object *obj = file->private_data;

	seq_printf(seq, "kapsel-kind:\t%s\n", obj->kind->name);
	seq_printf(seq, "kapsel-id:\t%u\n", obj->id);
	seq_printf(seq, "kapsel-name:\t%s\n", obj->name);
}

int kps_next_id(struct kps_call *call)
{
	struct kapsel_next_id *arg = call->arg;
	struct kps_ids *ids = find_ids(arg->kind);
	unsigned long id = arg->id;

	if (!ids)
		return -EINVAL;
	if (!xa_find_after(&ids->objects, &id, S32_MAX, XA_PRESENT))
		return -ENOENT;
	arg->id = id;
	return 0;
}

static struct kps_object *object_by_id(struct kps_ids *ids, u32 id)
{
	struct kps_object *obj;

	xa_lock(&ids->objects);
	obj = xa_load(&ids->objects, id);
	if (obj && !kref_get_unless_zero(&obj->ref))
		obj = NULL;
	xa_unlock(&ids->objects);
	return obj;
}

int kps_fd_by_id(struct kps_call *call)
{
	struct kapsel_fd_by_id *arg = call->arg;
	struct kps_ids *ids = find_ids(arg->kind);
	struct kps_object *obj;
	int err;

	if (!ids || arg->__reserved || kps_open_flags(ids->kind, arg->flags) < 0)
		return -EINVAL;
	obj = object_by_id(ids, arg->id);
	if (!obj)
		return -ENOENT;
	err = kps_object_fd(obj, arg->flags, call);
	kps_object_put(obj);
	return err;
}

int kps_obj_info(struct kps_call *call)
{
	struct kapsel_obj_info *info = call->arg;
	struct kps_object *obj = call->obj;

	info->kind = obj->kind->kind;
	info->id = obj->id;
	info->created_ns = obj->created;
	info->uid = from_kuid_munged(current_user_ns(), obj->uid);
	info->pid = pid_nr_ns(obj->pid, task_active_pid_ns(current));
	strscpy_pad(info->comm, obj->comm, sizeof(info->comm));
	strscpy_pad(info->name, obj->name, sizeof(info->name));
	kps_pin_name(obj, info->pin);
	return obj->kind->info(obj, info);
}
