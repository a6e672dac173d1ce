// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - hook kretprobe: function returns */

#include <linux/capability.h>
#include <linux/kprobes.h>
#include <linux/rcupdate.h>

#include "answer.h"
#include "compat.h"
#include "event.h"
#include "link.h"
#include "core/diag.h"
#include "hooks/hook.h"
#include "hooks/place.h"
#include "hooks/wrap.h"

/**
 * struct kps_kretprobe - a link to a kretprobe
 * @link: head
 * @probe: the kernel's, if there is no @wrap
 * @wrap: ours
 * @missed: what the wrap missed, once it is gone
 * @via: KAPSEL_VIA_*
 * @unwrapped: why there is no @wrap, if one was asked for
 * @place: where it is
 * @site: the same for programs
 */
struct kps_kretprobe {
	struct kps_link link;
	struct kretprobe probe;
	struct kps_wrap *wrap;
	u64 missed;
	u32 via;
	u32 unwrapped;
	struct kps_place place;
	struct kps_site site;
};

static struct kps_kretprobe *kretprobe_of(struct kps_link *link)
{
	return container_of(link, struct kps_kretprobe, link);
}

/* NULL: the probe is being unregistered; preemption is off either way. */
static int notrace __nocfi handler(struct kretprobe_instance *instance,
				   struct pt_regs *regs)
{
	struct kretprobe *probe = get_kretprobe(instance);
	struct kps_kretprobe *kretprobe = container_of(probe, struct kps_kretprobe, probe);

	if (probe && kps_rcu_watching())
		kps_link_event(&kretprobe->link, &kretprobe->site, regs);
	return 0;
}

NOKPROBE_SYMBOL(handler);

static int add(void *probe)
{
	return register_kretprobe(probe);
}

static void remove(void *probe)
{
	unregister_kretprobe(probe);
}

static int check(const struct kapsel_link_kprobe *arg, struct kps_answer *answer)
{
	if (!perfmon_capable())
		return kps_answer_missing(answer, CAP_PERFMON);
	if (arg->offset)
		return kps_answer_refuse(answer, KPS_D_OFFSET, arg->offset,
					 -EINVAL);
	return arg->maxactive > KPS_MAX_ACTIVE ? -E2BIG : 0;
}

static bool add_wrap(struct kps_kretprobe *kretprobe)
{
	kretprobe->unwrapped = kps_wrap_add(&kretprobe->link, &kretprobe->site,
					    kretprobe->place.symbol, &kretprobe->wrap);
	if (!kretprobe->unwrapped)
		kretprobe->via = KAPSEL_VIA_WRAP;
	return !kretprobe->unwrapped;
}

/* The kernel's probe finds and checks the place for both. */
static int attach_to_place(struct kps_kretprobe *kretprobe, bool wrap,
			   struct kps_answer *answer)
{
	struct kprobe *probe = &kretprobe->probe.kp;
	int err = kps_place_find(&kretprobe->place, probe, add, remove, &kretprobe->probe,
				 answer);

	if (err)
		return err;
	kretprobe->via = KAPSEL_VIA_KRETPROBE;
	kretprobe->site = kps_place_site(&kretprobe->place, probe, kretprobe->link.cookie);
	kretprobe->site.traced = kprobe_ftrace(probe);
	if (wrap && add_wrap(kretprobe)) {
		remove(&kretprobe->probe);
		return 0;
	}
	return kps_place_enable(probe, remove, &kretprobe->probe, answer);
}

static int kretprobe_attach(struct kps_link *link,
			    const struct kapsel_link_create *arg,
			    struct kps_answer *answer)
{
	struct kps_kretprobe *kretprobe = kretprobe_of(link);
	int err;

	err = check(&arg->kprobe, answer) ?:
	      kps_place_read(&kretprobe->place, &arg->kprobe, answer);
	if (err)
		return err;
	kretprobe->probe.handler = handler;
	kretprobe->probe.maxactive = arg->kprobe.maxactive;
	link->state = KAPSEL_LINK_ATTACHED;
	err = attach_to_place(kretprobe, arg->flags & KAPSEL_LINK_WRAP, answer);
	if (err)
		link->state = KAPSEL_LINK_DETACHED;
	return err;
}

/*
 * Waits for the handlers that run. Functions that have not returned yet go on
 * without one, and the kernel frees what they still need.
 */
static int kretprobe_detach(struct kps_link *link)
{
	struct kps_kretprobe *kretprobe = kretprobe_of(link);

	if (!kretprobe->wrap) {
		unregister_kretprobe(&kretprobe->probe);
		return 0;
	}
	kretprobe->missed = kps_wrap_missed(kretprobe->wrap);
	kps_wrap_remove(kretprobe->wrap);
	kretprobe->wrap = NULL;
	return 0;
}

static int kretprobe_update(struct kps_link *link, const struct kps_prog *prog)
{
	return perfmon_capable() ? 0 : -EPERM;
}

static int kretprobe_info(struct kps_link *link, struct kapsel_link_info *info)
{
	struct kps_kretprobe *kretprobe = kretprobe_of(link);

	info->missed = kretprobe->missed + (u64)kretprobe->probe.nmissed +
		       kretprobe->probe.kp.nmissed;
	if (kretprobe->wrap) {
		info->missed = kps_wrap_missed(kretprobe->wrap);
		info->inside = kps_wrap_inside(kretprobe->wrap);
	}
	info->via = kretprobe->via;
	info->unwrapped = kretprobe->unwrapped;
	info->maxactive = kretprobe->via == KAPSEL_VIA_WRAP ? 0 : kretprobe->probe.maxactive;
	return kps_place_info(&kretprobe->place, info);
}

const struct kps_hook_ops kps_hook_kretprobe_ops = {
	.size = sizeof(struct kps_kretprobe),
	.attach = kretprobe_attach,
	.detach = kretprobe_detach,
	.update = kretprobe_update,
	.info = kretprobe_info,
	.init = kps_wrap_init,
	.exit = kps_wrap_exit,
};
