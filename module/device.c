// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - the device, and the way of every ioctl */

#include <linux/build_bug.h>
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <linux/kapsel.h>

#include "abi.h"
#include "device.h"
#include "image.h"
#include "link.h"
#include "map.h"
#include "object.h"
#include "pin.h"
#include "prog.h"
#include "testrun.h"

/* What files an ioctl is for: bits of kinds, and the device's. */
#define ON_DEVICE	BIT(0)
#define ON_PROG		BIT(KAPSEL_OBJ_PROG)
#define ON_MAP		BIT(KAPSEL_OBJ_MAP)
#define ON_LINK		BIT(KAPSEL_OBJ_LINK)
#define ON_ANY_OBJECT	(ON_PROG | ON_MAP | ON_LINK)

/* Whom it is for. An object's fd is a right in itself, to what it is open for. */
#define BY_ANYONE	0
#define BY_LOADERS	1	/* CAP_BPF or CAP_SYS_ADMIN */
#define BY_HANDLER	2	/* the handler checks, to say what is missing */
#define BY_READERS	4	/* who may read by the fd */
#define BY_WRITERS	8	/* who may write by it */

/**
 * struct kps_ioctl - a row of the table
 * @nr: _IOC_NR of the command
 * @on: ON_*
 * @by: BY_*
 * @min_size: of the struct in ABI 1; grows no more
 * @size: of the struct today
 * @fn: handler
 */
struct kps_ioctl {
	u8 nr;
	u8 on;
	u8 by;
	u16 min_size;
	u16 size;
	int (*fn)(struct kps_call *call);
};

#define ROW(cmd, _on, _by, _min_size, _fn) {				\
	.nr = _IOC_NR(cmd), .on = _on, .by = _by,			\
	.min_size = _min_size, .size = _IOC_SIZE(cmd), .fn = _fn,	\
}

static const struct kps_ioctl ioctls[] = {
	ROW(KAPSEL_GET_ABI, ON_DEVICE, BY_ANYONE, 88, kps_get_abi),
	ROW(KAPSEL_LIST_HELPERS, ON_DEVICE, BY_ANYONE, 16, kps_list_helpers),
	ROW(KAPSEL_LIST_CONTEXTS, ON_DEVICE, BY_ANYONE, 16, kps_list_contexts),
	ROW(KAPSEL_LIST_MAP_TYPES, ON_DEVICE, BY_ANYONE, 16, kps_list_map_types),
	ROW(KAPSEL_LIST_HOOKS, ON_DEVICE, BY_ANYONE, 16, kps_list_hooks),
	ROW(KAPSEL_LIST_WRAPS, ON_DEVICE, BY_LOADERS, 16, kps_list_wraps),
	ROW(KAPSEL_PROG_LOAD, ON_DEVICE, BY_HANDLER, 256, kps_prog_load),
	ROW(KAPSEL_MAP_CREATE, ON_DEVICE, BY_LOADERS, 104, kps_map_create),
	ROW(KAPSEL_LINK_CREATE, ON_DEVICE, BY_HANDLER, 224, kps_link_create),
	ROW(KAPSEL_NEXT_ID, ON_DEVICE, BY_LOADERS, 8, kps_next_id),
	ROW(KAPSEL_FD_BY_ID, ON_DEVICE, BY_LOADERS, 8, kps_fd_by_id),
	ROW(KAPSEL_PIN, ON_DEVICE, BY_LOADERS, 72, kps_pin),
	ROW(KAPSEL_UNPIN, ON_DEVICE, BY_LOADERS, 72, kps_unpin),
	ROW(KAPSEL_GET_PINNED, ON_DEVICE, BY_LOADERS, 72, kps_get_pinned),
	ROW(KAPSEL_OBJ_INFO, ON_ANY_OBJECT, BY_ANYONE, 424, kps_obj_info),
	ROW(KAPSEL_PROG_TEST_RUN, ON_PROG, BY_LOADERS, 64, kps_prog_test_run),
	ROW(KAPSEL_PROG_IMAGE, ON_PROG, BY_LOADERS, 40, kps_prog_image),
	ROW(KAPSEL_MAP_LOOKUP, ON_MAP, BY_READERS, 32, kps_map_lookup),
	ROW(KAPSEL_MAP_UPDATE, ON_MAP, BY_WRITERS, 32, kps_map_update),
	ROW(KAPSEL_MAP_DELETE, ON_MAP, BY_WRITERS, 32, kps_map_delete),
	ROW(KAPSEL_MAP_NEXT_KEY, ON_MAP, BY_READERS, 24, kps_map_next_key),
	ROW(KAPSEL_MAP_LOOKUP_DELETE, ON_MAP, BY_READERS | BY_WRITERS, 32,
	    kps_map_lookup_delete),
	ROW(KAPSEL_MAP_BATCH, ON_MAP, BY_HANDLER, 56, kps_map_batch),
	ROW(KAPSEL_MAP_FREEZE, ON_MAP, BY_WRITERS, 8, kps_map_freeze),
	ROW(KAPSEL_LINK_UPDATE, ON_LINK, BY_LOADERS, 16, kps_link_update),
	ROW(KAPSEL_LINK_DETACH, ON_LINK, BY_ANYONE, 8, kps_link_detach),
};

/* All that an ioctl may carry. The layout is the same on 32 and 64 bits. */
union kps_arg_room {
	struct kapsel_abi abi;
	struct kapsel_list list;
	struct kapsel_prog_load prog_load;
	struct kapsel_map_create map_create;
	struct kapsel_link_create link_create;
	struct kapsel_obj_info obj_info;
	struct kapsel_test_run test_run;
	struct kapsel_map_batch map_batch;
};

static_assert(sizeof(struct kapsel_facts) == 80);
static_assert(sizeof(struct kapsel_rec_problem) == 208);
static_assert(sizeof(struct kapsel_rec_step) == 96);
static_assert(sizeof(struct kapsel_verdict) == 56);
static_assert(sizeof(struct kapsel_log) == 72);
static_assert(sizeof(struct kapsel_abi) == 96);
static_assert(sizeof(struct kapsel_prog_info) == 88);
static_assert(sizeof(struct kapsel_list) == 16);
static_assert(sizeof(struct kapsel_prog_load) == 256);
static_assert(sizeof(struct kapsel_map_create) == 128);
static_assert(sizeof(struct kapsel_link_create) == 224);
static_assert(sizeof(struct kapsel_fd_by_id) == 16);
static_assert(sizeof(struct kapsel_pin) == 72);
static_assert(sizeof(struct kapsel_obj_info) == 424);
static_assert(sizeof(struct kapsel_test_run) == 64);
static_assert(sizeof(struct kapsel_map_elem) == 32);
static_assert(sizeof(struct kapsel_map_next) == 24);
static_assert(sizeof(struct kapsel_map_batch) == 56);
static_assert(sizeof(struct kapsel_link_update) == 16);

static const struct kps_ioctl *find_ioctl(unsigned int cmd, u8 on)
{
	int i;

	if (_IOC_TYPE(cmd) != KAPSEL_IOC)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(ioctls); i++)
		if (ioctls[i].nr == _IOC_NR(cmd) && ioctls[i].on & on)
			return &ioctls[i];
	return NULL;
}

/*
 * The files were reserved by the handler; nothing may fail any more once one is
 * installed, so the copy to the caller comes first.
 */
static long finish(struct kps_call *call, int err)
{
	if (!call->file)
		return err;
	if (err) {
		fput(call->file);
		put_unused_fd(call->fd);
		return err;
	}
	fd_install(call->fd, call->file);
	return call->fd;
}

static bool may_call(const struct kps_ioctl *row, fmode_t mode)
{
	if (row->by & BY_LOADERS && !bpf_capable())
		return false;
	if (row->by & BY_READERS && !(mode & FMODE_READ))
		return false;
	return !(row->by & BY_WRITERS) || mode & FMODE_WRITE;
}

static long do_ioctl(const struct kps_ioctl *row, struct kps_object *obj, fmode_t mode,
		     unsigned int size, void __user *uarg)
{
	union kps_arg_room arg;
	struct kps_call call = { .obj = obj, .mode = mode, .arg = &arg };
	int err;

	if (size < row->min_size)
		return -EINVAL;
	err = copy_struct_from_user(&arg, row->size, uarg, size);
	if (err)
		return err;
	if (!may_call(row, mode))
		return -EPERM;
	err = row->fn(&call);
	if (copy_to_user(uarg, &arg, min_t(unsigned int, size, row->size)))
		err = err ?: -EFAULT;
	return finish(&call, err);
}

long kps_object_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kps_object *obj = file->private_data;
	const struct kps_ioctl *row = find_ioctl(cmd, BIT(obj->kind->kind));

	if (!row)
		return -ENOTTY;
	return do_ioctl(row, obj, file->f_mode, _IOC_SIZE(cmd), (void __user *)arg);
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct kps_ioctl *row = find_ioctl(cmd, ON_DEVICE);

	if (!row)
		return -ENOTTY;
	return do_ioctl(row, NULL, file->f_mode, _IOC_SIZE(cmd), (void __user *)arg);
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kapsel",
	.mode = 0600,
	.fops = &device_fops,
};

int kps_device_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(ioctls); i++)
		if (WARN_ON_ONCE(ioctls[i].size > sizeof(union kps_arg_room) ||
				 ioctls[i].min_size > ioctls[i].size))
			return -EINVAL;
	return misc_register(&device);
}

void kps_device_exit(void)
{
	misc_deregister(&device);
}
