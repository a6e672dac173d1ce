// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - hook kretprobe_multi: the returns of many functions */

#include <linux/capability.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

#include "answer.h"
#include "compat.h"
#include "event.h"
#include "link.h"
#include "hooks/ftrace.h"
#include "hooks/hook.h"
#include "hooks/place.h"
#include "hooks/sites.h"

struct kps_kretprobe_multi;

/**
 * struct kps_multi_kretprobe - a function
 * @probe: the kernel's
 * @multi: the link
 * @site: the function
 */
struct kps_multi_kretprobe {
	struct kretprobe probe;
	struct kps_kretprobe_multi *multi;
	const struct kps_site *site;
};

/**
 * struct kps_kretprobe_multi - a link to many returns
 * @link: head
 * @sites: the functions
 * @probes: of them
 * @list: their addresses, as the kernel wants them
 * @nr_probes: how many are registered
 * @missed: once they are gone
 * @maxactive: of each
 */
struct kps_kretprobe_multi {
	struct kps_link link;
	struct kps_sites sites;
	struct kps_multi_kretprobe *probes;
	struct kretprobe **list;
	u32 nr_probes;
	u64 missed;
	u32 maxactive;
};

static struct kps_kretprobe_multi *multi_of(struct kps_link *link)
{
	return container_of(link, struct kps_kretprobe_multi, link);
}

/* NULL: the probe is being unregistered; preemption is off either way. */
static int notrace __nocfi handler(struct kretprobe_instance *instance,
				   struct pt_regs *regs)
{
	struct kretprobe *probe = get_kretprobe(instance);
	struct kps_multi_kretprobe *one =
		container_of(probe, struct kps_multi_kretprobe, probe);

	if (probe && kps_rcu_watching())
		kps_link_event(&one->multi->link, one->site, regs);
	return 0;
}

NOKPROBE_SYMBOL(handler);

static u64 missed(const struct kps_kretprobe_multi *multi)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < multi->nr_probes; i++)
		sum += (u64)multi->probes[i].probe.nmissed +
		       multi->probes[i].probe.kp.nmissed;
	return sum;
}

static int add_probe(struct kps_kretprobe_multi *multi, const struct kps_site *site,
		     struct kps_answer *answer)
{
	struct kps_multi_kretprobe *one = &multi->probes[multi->nr_probes];
	int err;

	one->multi = multi;
	one->site = site;
	one->probe.kp.addr = (kprobe_opcode_t *)site->func;
	one->probe.handler = handler;
	one->probe.maxactive = multi->maxactive;
	err = register_kretprobe(&one->probe);
	if (err)
		return kps_place_refuse(answer, site->func, err);
	multi->list[multi->nr_probes++] = &one->probe;
	return 0;
}

static int add_probes(struct kps_kretprobe_multi *multi, struct kps_answer *answer)
{
	u32 count = multi->sites.count, i;
	int err = 0;

	multi->probes = kvcalloc(count, sizeof(*multi->probes), GFP_KERNEL_ACCOUNT);
	multi->list = kvcalloc(count, sizeof(*multi->list), GFP_KERNEL_ACCOUNT);
	if (!multi->probes || !multi->list)
		return -ENOMEM;
	for (i = 0; i < count && !err; i++)
		err = add_probe(multi, &multi->sites.site[i], answer);
	return err;
}

static int attach_all(struct kps_kretprobe_multi *multi,
		      const struct kapsel_link_create *arg, struct kps_answer *answer)
{
	int err;

	mutex_lock(&kps_entry_lock);
	err = kps_sites_read(&multi->sites, arg, KAPSEL_MAX_RETURNS, false, answer) ?:
	      add_probes(multi, answer);
	mutex_unlock(&kps_entry_lock);
	return err;
}

/*
 * Waits for the handlers that run, once for all. Functions that have not returned yet
 * go on without one, and the kernel frees what they still need.
 */
static int multi_detach(struct kps_link *link)
{
	struct kps_kretprobe_multi *multi = multi_of(link);

	multi->missed = missed(multi);
	if (multi->nr_probes)
		unregister_kretprobes(multi->list, multi->nr_probes);
	multi->nr_probes = 0;
	return 0;
}

static int multi_attach(struct kps_link *link, const struct kapsel_link_create *arg,
			struct kps_answer *answer)
{
	struct kps_kretprobe_multi *multi = multi_of(link);
	int err;

	if (!perfmon_capable())
		return kps_answer_missing(answer, CAP_PERFMON);
	if (arg->multi.maxactive > KPS_MAX_ACTIVE)
		return -E2BIG;
	multi->maxactive = arg->multi.maxactive;
	link->state = KAPSEL_LINK_ATTACHED;
	err = attach_all(multi, arg, answer);
	if (err) {
		multi_detach(link);
		link->state = KAPSEL_LINK_DETACHED;
	}
	return err;
}

static int multi_update(struct kps_link *link, const struct kps_prog *prog)
{
	return perfmon_capable() ? 0 : -EPERM;
}

static int multi_info(struct kps_link *link, struct kapsel_link_info *info)
{
	struct kps_kretprobe_multi *multi = multi_of(link);

	info->missed = multi->missed + missed(multi);
	info->via = KAPSEL_VIA_KRETPROBE;
	info->maxactive = multi->maxactive;
	return kps_sites_info(&multi->sites, info);
}

static void multi_free(struct kps_link *link)
{
	struct kps_kretprobe_multi *multi = multi_of(link);

	kvfree(multi->list);
	kvfree(multi->probes);
	kps_sites_free(&multi->sites);
}

const struct kps_hook_ops kps_hook_kretprobe_multi_ops = {
	.size = sizeof(struct kps_kretprobe_multi),
	.attach = multi_attach,
	.detach = multi_detach,
	.update = multi_update,
	.info = multi_info,
	.free = multi_free,
};
