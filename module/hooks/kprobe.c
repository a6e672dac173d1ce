// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - hook kprobe: function entries, and instructions inside of them */

#include <linux/capability.h>
#include <linux/kprobes.h>
#include <linux/rcupdate.h>

#include "answer.h"
#include "compat.h"
#include "event.h"
#include "link.h"
#include "prog.h"
#include "hooks/canary.h"
#include "hooks/ftrace.h"
#include "hooks/hook.h"
#include "hooks/place.h"

/**
 * struct kps_kprobe - a link to a function's entry, or an instruction
 * @link: head
 * @probe: the kernel's, if there is no @entry
 * @entry: ours, for entries that ftrace can watch
 * @missed: what the entry missed, once it is gone
 * @via: KAPSEL_VIA_*
 * @place: where it is
 * @site: the same for programs
 */
struct kps_kprobe {
	struct kps_link link;
	struct kprobe probe;
	struct kps_entry *entry;
	u64 missed;
	u32 via;
	struct kps_place place;
	struct kps_site site;
};

static struct kps_kprobe *kprobe_of(struct kps_link *link)
{
	return container_of(link, struct kps_kprobe, link);
}

/* Preemption is off in all probe handlers. */
static int notrace __nocfi handler(struct kprobe *probe, struct pt_regs *regs)
{
	struct kps_kprobe *kprobe = container_of(probe, struct kps_kprobe, probe);

	if (kps_rcu_watching())
		kps_link_event(&kprobe->link, &kprobe->site, regs);
	return 0;
}

NOKPROBE_SYMBOL(handler);

static int add(void *probe)
{
	return register_kprobe(probe);
}

static void remove(void *probe)
{
	unregister_kprobe(probe);
}

/* The kernel's own probe would be one of ftrace's, too. */
static bool add_entry(struct kps_kprobe *kprobe)
{
	const struct kps_prog *prog = rcu_dereference_protected(kprobe->link.prog, true);

	kprobe->via = KAPSEL_VIA_KPROBE;
	if (kprobe->place.offset || !kprobe_ftrace(&kprobe->probe))
		return false;
	kprobe->entry = kps_entry_add(&kprobe->link, &kprobe->site,
				      !kps_entry_suits(prog));
	if (kprobe->entry)
		kprobe->via = KAPSEL_VIA_FTRACE;
	return kprobe->entry;
}

/*
 * A kprobe finds and checks the place for both: what may be probed, and by which
 * name, is the kernel's to say.
 */
static int attach_to_place(struct kps_kprobe *kprobe, struct kps_answer *answer)
{
	int err;

	mutex_lock(&kps_entry_lock);
	err = kps_place_find(&kprobe->place, &kprobe->probe, add, remove,
			     &kprobe->probe, answer);
	if (!err)
		kprobe->site = kps_place_site(&kprobe->place, &kprobe->probe,
					      kprobe->link.cookie);
	if (!err && add_entry(kprobe))
		remove(&kprobe->probe);
	else if (!err)
		err = kps_place_enable(&kprobe->probe, remove, &kprobe->probe, answer);
	mutex_unlock(&kps_entry_lock);
	return err;
}

static int kprobe_attach(struct kps_link *link,
			 const struct kapsel_link_create *arg,
			 struct kps_answer *answer)
{
	struct kps_kprobe *kprobe = kprobe_of(link);
	int err;

	if (!perfmon_capable())
		return kps_answer_missing(answer, CAP_PERFMON);
	if (arg->kprobe.maxactive)
		return -EINVAL;
	err = kps_place_read(&kprobe->place, &arg->kprobe, answer);
	if (err)
		return err;
	kprobe->probe.pre_handler = handler;
	link->state = KAPSEL_LINK_ATTACHED;
	err = attach_to_place(kprobe, answer);
	if (err)
		link->state = KAPSEL_LINK_DETACHED;
	return err;
}

/* Waits for the handlers that run. */
static int kprobe_detach(struct kps_link *link)
{
	struct kps_kprobe *kprobe = kprobe_of(link);

	if (!kprobe->entry) {
		unregister_kprobe(&kprobe->probe);
		return 0;
	}
	kprobe->missed = kps_entry_missed(kprobe->entry);
	kps_entry_remove(kprobe->entry);
	kprobe->entry = NULL;
	return 0;
}

/* What an entry saves can't be changed while it is on. */
static int kprobe_update(struct kps_link *link, const struct kps_prog *prog)
{
	const struct kps_kprobe *kprobe = kprobe_of(link);

	if (!perfmon_capable())
		return -EPERM;
	if (kprobe->entry && !kps_entry_all_regs(kprobe->entry) &&
	    !kps_entry_suits(prog))
		return -EOPNOTSUPP;
	return 0;
}

static int kprobe_info(struct kps_link *link, struct kapsel_link_info *info)
{
	struct kps_kprobe *kprobe = kprobe_of(link);

	info->via = kprobe->via;
	info->missed = kprobe->entry ? kps_entry_missed(kprobe->entry) :
				       kprobe->missed + kprobe->probe.nmissed;
	return kps_place_info(&kprobe->place, info);
}

static int kprobe_init(void)
{
	int err = kps_entry_init();

	if (err)
		return err;
	err = kps_canary_init();
	if (err)
		kps_entry_exit();
	return err;
}

static void kprobe_exit(void)
{
	kps_canary_exit();
	kps_entry_exit();
}

const struct kps_hook_ops kps_hook_kprobe_ops = {
	.size = sizeof(struct kps_kprobe),
	.attach = kprobe_attach,
	.detach = kprobe_detach,
	.update = kprobe_update,
	.info = kprobe_info,
	.init = kprobe_init,
	.exit = kprobe_exit,
};
