// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - hook kprobe_multi: the entries of many functions */

#include <linux/capability.h>
#include <linux/err.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

#include "answer.h"
#include "compat.h"
#include "event.h"
#include "link.h"
#include "prog.h"
#include "core/diag.h"
#include "hooks/ftrace.h"
#include "hooks/hook.h"
#include "hooks/many.h"
#include "hooks/place.h"
#include "hooks/sites.h"

struct kps_kprobe_multi;

/**
 * struct kps_multi_kprobe - a function that ftrace can't watch
 * @probe: the kernel's
 * @multi: the link
 * @site: the function
 */
struct kps_multi_kprobe {
	struct kprobe probe;
	struct kps_kprobe_multi *multi;
	const struct kps_site *site;
};

/**
 * struct kps_kprobe_multi - a link to many entries
 * @link: head
 * @sites: the functions
 * @many: those that ftrace watches; NULL: none
 * @probes: the others
 * @nr_probes: how many are registered
 * @missed: once it is all gone
 * @via: KAPSEL_VIA_*
 */
struct kps_kprobe_multi {
	struct kps_link link;
	struct kps_sites sites;
	struct kps_many *many;
	struct kps_multi_kprobe *probes;
	u32 nr_probes;
	u64 missed;
	u32 via;
};

static struct kps_kprobe_multi *multi_of(struct kps_link *link)
{
	return container_of(link, struct kps_kprobe_multi, link);
}

/* Preemption is off in all probe handlers. */
static int notrace __nocfi handler(struct kprobe *probe, struct pt_regs *regs)
{
	struct kps_multi_kprobe *one = container_of(probe, struct kps_multi_kprobe, probe);

	if (kps_rcu_watching())
		kps_link_event(&one->multi->link, one->site, regs);
	return 0;
}

NOKPROBE_SYMBOL(handler);

static u64 missed(const struct kps_kprobe_multi *multi)
{
	u64 sum = multi->many ? kps_many_missed(multi->many) : 0;
	u32 i;

	for (i = 0; i < multi->nr_probes; i++)
		sum += multi->probes[i].probe.nmissed;
	return sum;
}

/* All off first, so that none goes on while one after the other is waited for. */
static void remove_probes(struct kps_kprobe_multi *multi)
{
	u32 i;

	for (i = 0; i < multi->nr_probes; i++)
		disable_kprobe(&multi->probes[i].probe);
	for (i = 0; i < multi->nr_probes; i++)
		unregister_kprobe(&multi->probes[i].probe);
	multi->nr_probes = 0;
}

static int add_probe(struct kps_kprobe_multi *multi, const struct kps_site *site,
		     struct kps_answer *answer)
{
	struct kps_multi_kprobe *one = &multi->probes[multi->nr_probes];
	int err;

	one->multi = multi;
	one->site = site;
	one->probe.addr = (kprobe_opcode_t *)site->func;
	one->probe.pre_handler = handler;
	err = register_kprobe(&one->probe);
	if (err)
		return kps_place_refuse(answer, site->func, err);
	multi->nr_probes++;
	return 0;
}

static int add_probes(struct kps_kprobe_multi *multi, u32 first, struct kps_answer *answer)
{
	u32 count = multi->sites.count - first, i;
	int err = 0;

	if (!count)
		return 0;
	multi->probes = kvcalloc(count, sizeof(*multi->probes), GFP_KERNEL_ACCOUNT);
	if (!multi->probes)
		return -ENOMEM;
	for (i = 0; i < count && !err; i++)
		err = add_probe(multi, &multi->sites.site[first + i], answer);
	return err;
}

/* Those that ftrace knows, if it takes them; how many there are. */
static u32 add_entries(struct kps_kprobe_multi *multi)
{
	const struct kps_prog *prog = rcu_dereference_protected(multi->link.prog, true);
	struct kps_many *many;

	multi->via = KAPSEL_VIA_KPROBE;
	if (!multi->sites.traced)
		return 0;
	many = kps_many_add(&multi->link, multi->sites.site, multi->sites.traced,
			    !kps_entry_suits(prog));
	if (IS_ERR(many))
		return 0;
	multi->many = many;
	multi->via = KAPSEL_VIA_FTRACE;
	return multi->sites.traced;
}

static int attach_all(struct kps_kprobe_multi *multi, const struct kapsel_link_create *arg,
		      struct kps_answer *answer)
{
	int err;

	mutex_lock(&kps_entry_lock);
	err = kps_sites_read(&multi->sites, arg, KAPSEL_MAX_FUNCTIONS, KPS_HAS_ENTRIES,
			     answer);
	if (!err)
		err = add_probes(multi, add_entries(multi), answer);
	mutex_unlock(&kps_entry_lock);
	return err;
}

/* Waits for whoever is in there. */
static int multi_detach(struct kps_link *link)
{
	struct kps_kprobe_multi *multi = multi_of(link);

	multi->missed = missed(multi);
	if (multi->many)
		kps_many_remove(multi->many);
	multi->many = NULL;
	remove_probes(multi);
	return 0;
}

static int multi_attach(struct kps_link *link, const struct kapsel_link_create *arg,
			struct kps_answer *answer)
{
	int err;

	if (!perfmon_capable())
		return kps_answer_missing(answer, CAP_PERFMON);
	if (arg->multi.maxactive)
		return -EINVAL;
	link->state = KAPSEL_LINK_ATTACHED;
	err = attach_all(multi_of(link), arg, answer);
	if (err) {
		multi_detach(link);
		link->state = KAPSEL_LINK_DETACHED;
	}
	return err;
}

/* What an entry saves can't be changed while it is on. */
static int multi_update(struct kps_link *link, const struct kps_prog *prog)
{
	const struct kps_kprobe_multi *multi = multi_of(link);

	if (!perfmon_capable())
		return -EPERM;
	if (multi->many && !kps_many_all_regs(multi->many) && !kps_entry_suits(prog))
		return -EOPNOTSUPP;
	return 0;
}

static int multi_info(struct kps_link *link, struct kapsel_link_info *info)
{
	struct kps_kprobe_multi *multi = multi_of(link);

	info->via = multi->via;
	info->missed = multi->missed + missed(multi);
	return kps_sites_info(&multi->sites, info);
}

static void multi_free(struct kps_link *link)
{
	struct kps_kprobe_multi *multi = multi_of(link);

	kvfree(multi->probes);
	kps_sites_free(&multi->sites);
}

const struct kps_hook_ops kps_hook_kprobe_multi_ops = {
	.size = sizeof(struct kps_kprobe_multi),
	.attach = multi_attach,
	.detach = multi_detach,
	.update = multi_update,
	.info = multi_info,
	.free = multi_free,
	.init = kps_many_init,
	.exit = kps_many_exit,
};
