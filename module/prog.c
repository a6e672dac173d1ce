// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - programs as objects: files, information, end of life */

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include "device.h"
#include "log.h"
#include "map.h"
#include "prog.h"
#include "core/rewrite.h"

/* Maps may sleep when they go. */
static void free_prog(struct kps_grave *grave)
{
	struct kps_prog *prog = container_of(grave, struct kps_prog, grave);
	u32 i;

	kps_jit_free(prog->jit);
	kps_code_free(prog->code, &kps_memory_host);
	kps_log_free(prog->log);
	for (i = 0; i < prog->nr_maps; i++)
		kps_map_put(prog->maps[i]);
	kfree(prog->maps);
	kvfree(prog->insns);
	kfree(prog);
}

static void prog_release(struct kps_object *obj)
{
	kps_reap(&kps_prog_of(obj)->grave, free_prog);
}

static int copy_map_ids(const struct kps_prog *prog, u64 to, u32 room)
{
	u32 __user *ids = u64_to_user_ptr(to);
	u32 i;

	if (!to)
		return 0;
	for (i = 0; i < min(room, prog->nr_maps); i++)
		if (put_user(prog->maps[i]->obj.id, &ids[i]))
			return -EFAULT;
	return 0;
}

static int copy_insns(const struct kps_prog *prog, u64 to, u32 room)
{
	size_t size = min(room, prog->insn_cnt) * sizeof(*prog->insns);

	if (to && copy_to_user(u64_to_user_ptr(to), prog->insns, size))
		return -EFAULT;
	return 0;
}

static int prog_info(struct kps_object *obj, struct kapsel_obj_info *info)
{
	const struct kps_prog *prog = kps_prog_of(obj);
	struct kapsel_prog_info *out = &info->prog;
	int err;

	err = copy_map_ids(prog, out->map_ids, out->map_cnt) ?:
	      copy_insns(prog, out->insns, out->insns_room);
	out->type = prog->type->type;
	out->engine = prog->jit ? KAPSEL_ENGINE_JIT : KAPSEL_ENGINE_INTERP;
	out->insn_cnt = prog->insn_cnt;
	out->xlated_cnt = prog->xlated_cnt;
	out->stack_depth = prog->stack_depth;
	out->map_cnt = prog->nr_maps;
	out->log_lost = kps_log_lost(prog->log);
	out->max_insns = prog->fuel;
	out->verify_ns = prog->verify_ns;
	out->memory = prog->memory;
	out->why = prog->why;
	out->why_insn = prog->why_insn;
	out->tail_calls = prog->tail_calls;
	return err;
}

static ssize_t prog_read(struct file *file, char __user *buf, size_t size,
			 loff_t *pos)
{
	struct kps_prog *prog = kps_prog_of(file->private_data);

	return kps_log_read(prog->log, buf, size, file->f_flags & O_NONBLOCK);
}

static __poll_t prog_poll(struct file *file, struct poll_table_struct *table)
{
	struct kps_prog *prog = kps_prog_of(file->private_data);

	return kps_log_poll(prog->log, file, table);
}

static const struct file_operations prog_fops = {
	.owner = THIS_MODULE,
	.release = kps_object_release,
	.read = prog_read,
	.poll = prog_poll,
	.unlocked_ioctl = kps_object_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = kps_object_fdinfo,
	.llseek = noop_llseek,
};

const struct kps_kind kps_prog_kind = {
	.kind = KAPSEL_OBJ_PROG,
	.name = "prog",
	.fops = &prog_fops,
	.release = prog_release,
	.info = prog_info,
};

struct kps_prog *kps_prog_by_fd(u32 fd)
{
	struct kps_object *obj = kps_object_by_fd(fd, &kps_prog_kind);

	return IS_ERR(obj) ? ERR_CAST(obj) : kps_prog_of(obj);
}

int kps_prog_may_use(u32 type, int *missing)
{
	struct user_namespace *ns = current->nsproxy->net_ns->user_ns;

	*missing = 0;
	if (!bpf_capable())
		*missing = CAP_BPF;
	else if (type == KAPSEL_PROG_KPROBE && !perfmon_capable())
		*missing = CAP_PERFMON;
	else if (type == KAPSEL_PROG_NETFILTER && !ns_capable(ns, CAP_NET_ADMIN))
		*missing = CAP_NET_ADMIN;
	return *missing ? -EPERM : 0;
}
