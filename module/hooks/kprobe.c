// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - hook kprobe: function entries, and instructions inside of them */

#include <linux/capability.h>
#include <linux/kprobes.h>
#include <linux/rcupdate.h>

#include "answer.h"
#include "link.h"
#include "hooks/canary.h"
#include "hooks/hook.h"
#include "hooks/place.h"

/**
 * struct kps_kprobe - a link to a kprobe
 * @link: head
 * @probe: the kernel's
 * @place: where it is
 */
struct kps_kprobe {
	struct kps_link link;
	struct kprobe probe;
	struct kps_place place;
};

static struct kps_kprobe *kprobe_of(struct kps_link *link)
{
	return container_of(link, struct kps_kprobe, link);
}

/* Preemption is off in all probe handlers. */
static int notrace handler(struct kprobe *probe, struct pt_regs *regs)
{
	struct kps_link *link = &container_of(probe, struct kps_kprobe, probe)->link;
	u64 ret;

	if (rcu_is_watching())
		kps_link_run(link, kps_link_prog(link), regs, &ret);
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
	err = kps_place_register(&kprobe->place, &kprobe->probe, add, remove,
				 &kprobe->probe, answer);
	if (err)
		link->state = KAPSEL_LINK_DETACHED;
	return err;
}

/* Waits for the handlers that run. */
static int kprobe_detach(struct kps_link *link)
{
	unregister_kprobe(&kprobe_of(link)->probe);
	return 0;
}

static int kprobe_update(struct kps_link *link)
{
	return perfmon_capable() ? 0 : -EPERM;
}

static int kprobe_info(struct kps_link *link, struct kapsel_link_info *info)
{
	struct kps_kprobe *kprobe = kprobe_of(link);

	info->missed = kprobe->probe.nmissed;
	return kps_place_info(&kprobe->place, info);
}

const struct kps_hook_ops kps_hook_kprobe_ops = {
	.size = sizeof(struct kps_kprobe),
	.attach = kprobe_attach,
	.detach = kprobe_detach,
	.update = kprobe_update,
	.info = kprobe_info,
	.init = kps_canary_init,
	.exit = kps_canary_exit,
};
