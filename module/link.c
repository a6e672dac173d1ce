// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - links: creating, updating, detaching */

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "answer.h"
#include "device.h"
#include "link.h"
#include "prog.h"
#include "core/diag.h"
#include "hooks/hook.h"

static struct kps_link *link_of(struct kps_object *obj)
{
	return container_of(obj, struct kps_link, obj);
}

struct kps_link *kps_link_by_fd(u32 fd)
{
	struct kps_object *obj = kps_object_by_fd(fd, &kps_link_kind);

	return IS_ERR(obj) ? ERR_CAST(obj) : link_of(obj);
}

static struct kps_prog *prog_locked(struct kps_link *link)
{
	return rcu_dereference_protected(link->prog,
					 lockdep_is_held(&link->lock));
}

static int detach(struct kps_link *link)
{
	int err = -ENOENT;

	mutex_lock(&link->lock);
	if (READ_ONCE(link->state) == KAPSEL_LINK_ATTACHED)
		err = link->hook->ops->detach(link);
	if (!err)
		link->state = KAPSEL_LINK_DETACHED;
	mutex_unlock(&link->lock);
	return err;
}

static void link_release(struct kps_object *obj)
{
	struct kps_link *link = link_of(obj);

	detach(link);
	if (link->hook->ops->free)
		link->hook->ops->free(link);
	/* Nobody else knows the link any more; the program waits for its runs. */
	kps_prog_put(rcu_dereference_protected(link->prog, true));
	free_percpu(link->stats);
	kfree(link);
}

static bool is_multi(u32 hook)
{
	return hook == KAPSEL_HOOK_KPROBE_MULTI || hook == KAPSEL_HOOK_KRETPROBE_MULTI;
}

static void add_stats(struct kapsel_link_info *out,
		      const struct kps_link_stats *stats)
{
	out->runs += READ_ONCE(stats->runs);
	out->run_ns += READ_ONCE(stats->run_ns);
	out->recursed += READ_ONCE(stats->recursed);
	out->aborted += READ_ONCE(stats->aborted);
	out->dropped += READ_ONCE(stats->dropped);
	out->accepted += READ_ONCE(stats->accepted);
	out->unready += READ_ONCE(stats->unready);
}

static int link_info(struct kps_object *obj, struct kapsel_obj_info *info)
{
	struct kps_link *link = link_of(obj);
	struct kapsel_link_info out = {
		.hook = link->hook->hook,
		.cookie = link->cookie,
		.target = info->link.target,
		.target_size = info->link.target_size,
		.sites = info->link.sites,
		.site_cnt = is_multi(link->hook->hook) ? info->link.site_cnt : 0,
	};
	int cpu, err;

	for_each_possible_cpu(cpu)
		add_stats(&out, per_cpu_ptr(link->stats, cpu));
	mutex_lock(&link->lock);
	out.prog_id = prog_locked(link)->obj.id;
	out.state = READ_ONCE(link->state);
	err = link->hook->ops->info(link, &out);
	mutex_unlock(&link->lock);
	info->link = out;
	return err;
}

static const struct file_operations link_fops = {
	.owner = THIS_MODULE,
	.release = kps_object_release,
	.unlocked_ioctl = kps_object_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = kps_object_fdinfo,
	.llseek = noop_llseek,
};

const struct kps_kind kps_link_kind = {
	.kind = KAPSEL_OBJ_LINK,
	.name = "link",
	.fops = &link_fops,
	.release = link_release,
	.info = link_info,
};

/* What the arguments for a hook consist of; others take none. */
static size_t hook_arg(u32 hook, u32 *flags)
{
	if (hook == KAPSEL_HOOK_NETFILTER) {
		*flags = KAPSEL_LINK_NETNS | KAPSEL_LINK_FAIL_CLOSED |
			 KAPSEL_LINK_SHADOW | KAPSEL_LINK_DEFRAG |
			 KAPSEL_LINK_BEFORE | KAPSEL_LINK_AFTER;
		return sizeof_field(struct kapsel_link_create, netfilter);
	}
	if (hook == KAPSEL_HOOK_KRETPROBE)
		*flags = KAPSEL_LINK_WRAP;
	if (!is_multi(hook))
		return sizeof_field(struct kapsel_link_create, kprobe);
	*flags = KAPSEL_LINK_SKIP;
	return sizeof_field(struct kapsel_link_create, multi);
}

static int check_arg(const struct kapsel_link_create *arg)
{
	u32 flags = 0;
	size_t used = hook_arg(arg->hook, &flags);

	if (arg->flags & ~flags || arg->__reserved)
		return -EINVAL;
	if (memchr_inv((void *)arg->__room + used, 0, sizeof(arg->__room) - used))
		return -EINVAL;
	return kps_name_check(arg->name);
}

/* Takes over the reference to @prog; released by kps_object_put(). */
static struct kps_link *new_link(const struct kapsel_link_create *arg,
				 const struct kps_hook *hook,
				 struct kps_prog *prog)
{
	struct kps_link *link = kzalloc(hook->ops->size, GFP_KERNEL_ACCOUNT);
	int cpu;

	if (!link)
		return NULL;
	link->stats = alloc_percpu_gfp(struct kps_link_stats, GFP_KERNEL_ACCOUNT);
	if (!link->stats) {
		kfree(link);
		return NULL;
	}
	for_each_possible_cpu(cpu)
		per_cpu_ptr(link->stats, cpu)->link = link;
	kps_object_init(&link->obj, &kps_link_kind,
			arg->name[0] ? arg->name : prog->obj.name);
	link->hook = hook;
	RCU_INIT_POINTER(link->prog, prog);
	mutex_init(&link->lock);
	link->state = KAPSEL_LINK_DETACHED;
	link->cookie = arg->cookie;
	return link;
}

/*
 * The lock is not held while the hook is switched on: nobody else knows the link
 * yet, and hooks have locks of their own to take around it.
 */
static int attach(struct kps_link *link, const struct kapsel_link_create *arg,
		  struct kps_answer *answer, struct kps_call *call)
{
	int err = link->hook->ops->attach(link, arg, answer);

	if (err)
		return err;
	return kps_object_publish(&link->obj, 0, call);
}

/* Registers are the kernel's memory, too: Linux closes kprobes for the same reason. */
static int check_hook(const struct kps_hook *hook, const struct kps_prog *prog,
		      struct kps_answer *answer)
{
	u32 type = prog->type->type;

	if (type != hook->prog_type)
		return kps_answer_refuse(answer, KPS_D_PROG_HOOK, type, -EINVAL);
	if (type == KAPSEL_PROG_KPROBE && security_locked_down(LOCKDOWN_KPROBES))
		return kps_answer_refuse(answer, KPS_D_LOCKDOWN, 0, -EPERM);
	return 0;
}

static int create(struct kps_call *call, struct kps_answer *answer)
{
	const struct kapsel_link_create *arg = call->arg;
	const struct kps_hook *hook = kps_hook_find(arg->hook);
	struct kps_prog *prog;
	struct kps_link *link;
	int err;

	if (!hook)
		return kps_answer_refuse(answer, KPS_D_HOOK, arg->hook, -EINVAL);
	prog = kps_prog_by_fd(arg->prog_fd);
	if (IS_ERR(prog))
		return PTR_ERR(prog);
	err = check_hook(hook, prog, answer);
	if (err)
		goto put_prog;
	link = new_link(arg, hook, prog);
	if (!link) {
		err = -ENOMEM;
		goto put_prog;
	}
	err = attach(link, arg, answer, call);
	kps_object_put(&link->obj);
	return err;
put_prog:
	kps_prog_put(prog);
	return err;
}

int kps_link_create(struct kps_call *call)
{
	struct kapsel_link_create *arg = call->arg;
	struct kps_answer answer;
	int err, missing;

	err = kps_answer_begin(&answer, &arg->log);
	if (err)
		return err;
	/* What the hook needs beside is the hook's to check. */
	if (kps_prog_may_use(0, &missing))
		err = kps_answer_missing(&answer, missing);
	else
		err = check_arg(arg) ?: create(call, &answer);
	return kps_answer_end(&answer, err);
}

/* Takes over the reference to @new if it succeeds, and gives back @old's. */
static int exchange(struct kps_link *link, struct kps_prog *new,
		    const struct kps_prog *expected)
{
	struct kps_prog *old;
	int err;

	lockdep_assert_held(&link->lock);
	if (READ_ONCE(link->state) != KAPSEL_LINK_ATTACHED)
		return -ENOENT;
	err = link->hook->ops->update(link, new);
	if (err)
		return err;
	old = prog_locked(link);
	if (expected && old != expected)
		return -ESTALE;
	/* Runs of the old one may go on: it is freed after a grace period. */
	rcu_assign_pointer(link->prog, new);
	if (link->hook->ops->updated)
		link->hook->ops->updated(link, new);
	kps_prog_put(old);
	return 0;
}

static int update(struct kps_link *link, u32 new_fd, const struct kps_prog *expected)
{
	struct kps_prog *new = kps_prog_by_fd(new_fd);
	int err = -EINVAL;

	if (IS_ERR(new))
		return PTR_ERR(new);
	if (new->type->type == link->hook->prog_type) {
		mutex_lock(&link->lock);
		err = exchange(link, new, expected);
		mutex_unlock(&link->lock);
	}
	if (err)
		kps_prog_put(new);
	return err;
}

int kps_link_update(struct kps_call *call)
{
	const struct kapsel_link_update *arg = call->arg;
	struct kps_prog *expected = NULL;
	int err;

	if (arg->flags & ~KAPSEL_UPDATE_EXPECT || arg->__reserved)
		return -EINVAL;
	if (arg->flags & KAPSEL_UPDATE_EXPECT)
		expected = kps_prog_by_fd(arg->old_prog_fd);
	else if (arg->old_prog_fd)
		return -EINVAL;
	if (IS_ERR(expected))
		return PTR_ERR(expected);
	err = update(link_of(call->obj), arg->prog_fd, expected);
	if (expected)
		kps_prog_put(expected);
	return err;
}

/* A link that is not attached any more: ENOENT, here and in an update. */
int kps_link_detach(struct kps_call *call)
{
	const struct kapsel_flags *arg = call->arg;

	if (arg->flags || arg->__reserved)
		return -EINVAL;
	return detach(link_of(call->obj));
}
