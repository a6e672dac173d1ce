// SPDX-License-Identifier: GPL-2.0-only
/*
 * kapsel - the entries of many functions by one ftrace_ops
 *
 * Other than for a single one, taking the ftrace_ops away may take its time, and
 * where an event is must be looked up.
 */

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/slab.h>

#include "link.h"
#include "hooks/entry.h"
#include "hooks/ftrace.h"
#include "hooks/many.h"

#if KPS_HAS_ENTRIES

/**
 * struct kps_many - functions that are watched
 * @ops: the kernel's
 * @link: whose program runs
 * @site: the functions
 * @count: of them
 * @unwatched: events that came where RCU was not watching
 * @list: in all, under kps_entry_lock
 */
struct kps_many {
	struct ftrace_ops ops;
	struct kps_link *link;
	struct kps_site *site;
	u32 count;
	atomic64_t unwatched;
	struct list_head list;
};

static LIST_HEAD(all);

static __always_inline const struct kps_site *find(const struct kps_many *many,
						   unsigned long ip)
{
	u32 count = READ_ONCE(many->count), low = 0, high = count;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (many->site[middle].ip < ip)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == count || many->site[low].ip != ip || READ_ONCE(many->site[low].gone))
		return NULL;
	return &many->site[low];
}

/* Taken away before the link is freed, and nobody is in here any more then. */
static notrace __nocfi void entered(unsigned long ip, unsigned long parent_ip,
				    struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct kps_many *many = container_of(ops, struct kps_many, ops);
	const struct kps_site *site;

	preempt_disable_notrace();
	if (likely(kps_rcu_watching())) {
		site = find(many, ip);
		if (likely(site))
			kps_entry_event(many->link, site, ip, fregs);
	} else {
		atomic64_inc(&many->unwatched);
	}
	preempt_enable_notrace();
}

NOKPROBE_SYMBOL(entered);

/*
 * One more, that is never entered: when the others go with their modules, none
 * would be left, which to ftrace means all functions there are.
 */
static int aim(struct kps_many *many)
{
	unsigned long *ips = kvmalloc_array(many->count + 1, sizeof(*ips),
					    GFP_KERNEL_ACCOUNT);
	u32 i;
	int err;

	if (!ips)
		return -ENOMEM;
	for (i = 0; i < many->count; i++)
		ips[i] = many->site[i].ip;
	ips[i] = kps_entry_nowhere();
	err = kps_ftrace_filter(&many->ops, ips, many->count + 1);
	kvfree(ips);
	return err;
}

static struct kps_many *create(struct kps_link *link, struct kps_site *site, u32 count,
			       bool all_regs)
{
	struct kps_many *many = kzalloc(sizeof(*many), GFP_KERNEL_ACCOUNT);

	if (!many)
		return NULL;
	many->ops.func = entered;
	many->ops.flags = all_regs ? FTRACE_OPS_FL_SAVE_REGS : 0;
	many->link = link;
	many->site = site;
	many->count = count;
	return many;
}

struct kps_many *kps_many_add(struct kps_link *link, struct kps_site *site, u32 count,
			      bool all_regs)
{
	struct kps_many *many = create(link, site, count, all_regs);
	int err;

	lockdep_assert_held(&kps_entry_lock);
	if (!many)
		return ERR_PTR(-ENOMEM);
	err = aim(many);
	if (err)
		goto free_many;
	err = register_ftrace_function(&many->ops);
	if (err)
		goto free_filter;
	list_add(&many->list, &all);
	return many;
free_filter:
	ftrace_free_filter(&many->ops);
free_many:
	kfree(many);
	return ERR_PTR(err);
}

void kps_many_remove(struct kps_many *many)
{
	mutex_lock(&kps_entry_lock);
	list_del(&many->list);
	mutex_unlock(&kps_entry_lock);
	/* Should the kernel go on calling, it finds nothing; nor does who is in there. */
	WRITE_ONCE(many->count, 0);
	synchronize_rcu();
	if (kps_entry_unregister(&many->ops))
		kfree(many);
}

bool kps_many_all_regs(const struct kps_many *many)
{
	return many->ops.flags & FTRACE_OPS_FL_SAVE_REGS;
}

u64 kps_many_missed(const struct kps_many *many)
{
	return atomic64_read(&many->unwatched);
}

/* If there is no memory for the second part, nothing runs all the same. */
static void disarm(struct kps_many *many, struct kps_site *site)
{
	WRITE_ONCE(site->gone, true);
	ftrace_set_filter_ip(&many->ops, site->ip, 1, 0);
}

static void module_goes(struct kps_many *many, unsigned long state, struct module *mod)
{
	u32 i;

	for (i = 0; i < many->count; i++)
		if (!many->site[i].gone && kps_entry_goes(many->site[i].ip, state, mod))
			disarm(many, &many->site[i]);
}

static int module_event(struct notifier_block *self, unsigned long state, void *mod)
{
	struct kps_many *many;

	mutex_lock(&kps_entry_lock);
	list_for_each_entry(many, &all, list)
		module_goes(many, state, mod);
	mutex_unlock(&kps_entry_lock);
	return NOTIFY_DONE;
}

static struct notifier_block modules = {
	.notifier_call = module_event,
};

int kps_many_init(void)
{
	return register_module_notifier(&modules);
}

void kps_many_exit(void)
{
	unregister_module_notifier(&modules);
}

#else

struct kps_many *kps_many_add(struct kps_link *link, struct kps_site *site, u32 count,
			      bool all_regs)
{
	return ERR_PTR(-EOPNOTSUPP);
}

void kps_many_remove(struct kps_many *many)
{
}

bool kps_many_all_regs(const struct kps_many *many)
{
	return false;
}

u64 kps_many_missed(const struct kps_many *many)
{
	return 0;
}

int kps_many_init(void)
{
	return 0;
}

void kps_many_exit(void)
{
}

#endif
