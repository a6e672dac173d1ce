// SPDX-License-Identifier: GPL-2.0-only
/*
 * kapsel - function entries by an ftrace_ops of our own
 *
 * A kprobe on a function's entry is a callback of ftrace's, too, but one that is
 * shared, finds its probe in a table and saves all registers: three times as dear.
 * Here each link has an ftrace_ops, called by a trampoline of its own.
 */

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/container_of.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "link.h"
#include "prog.h"
#include "hooks/entry.h"
#include "hooks/ftrace.h"

/* Held while the list, the spare ones or a module's coming and going are looked at. */
DEFINE_MUTEX(kps_entry_lock);

#if KPS_HAS_ENTRIES

#define MAX_SPARE	8

/**
 * struct kps_entry - a function that is watched
 * @ops: the kernel's
 * @link: whose program runs; NULL: nobody's
 * @site: what its programs may ask of the place; before @link
 * @ip: where: the trampoline may be about to call with another one, of before
 * @unwatched: events that came where RCU was not watching
 * @list: in entries or spares
 *
 * Taking an ftrace_ops away for good means to wait until each task has left its
 * trampoline, a tenth of a second and more. So it is pointed at a function that
 * nobody calls instead, and kept for the next link; what is too many is taken away
 * in the background.
 */
struct kps_entry {
	struct ftrace_ops ops;
	struct kps_link __rcu *link;
	const struct kps_site *site;
	unsigned long ip;
	atomic64_t unwatched;
	struct list_head list;
};

/* Both under kps_entry_lock. */
static LIST_HEAD(entries);
static LIST_HEAD(spares);
static unsigned int nr_spares;

/* Never called: where spare ones wait. */
static noinline __used void waiting_room(void)
{
	barrier();
}

unsigned long kps_entry_nowhere(void)
{
	return (unsigned long)waiting_room;
}

/* ------------------------------------------------------------------------
 * Events
 */
#define FIELD_sk_buff(name)
#define FIELD_pt_regs(name)	AT_##name,
#define KPS_CTX_FIELD(_ctx, _off, _size, _flags, _name) FIELD_##_ctx(_name)
/* Bits of kps_prog.ctx_read. */
enum {
#include "core/context.tbl"
};

#undef KPS_CTX_FIELD
#undef FIELD_pt_regs
#undef FIELD_sk_buff

#define ALWAYS_SAVED	(BIT(AT_di) | BIT(AT_si) | BIT(AT_dx) | BIT(AT_cx) |	\
			 BIT(AT_r8) | BIT(AT_r9) | BIT(AT_ax) | BIT(AT_bp) |	\
			 BIT(AT_sp) | BIT(AT_ip) | BIT(AT_orig_ax))

bool kps_entry_suits(const struct kps_prog *prog)
{
	return !(prog->ctx_read & ~ALWAYS_SAVED);
}

/* A link is not freed before who found it here has preemption on again. */
static notrace __nocfi void entered(unsigned long ip, unsigned long parent_ip,
				    struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct kps_entry *entry = container_of(ops, struct kps_entry, ops);
	struct kps_link *link;

	preempt_disable_notrace();
	if (likely(kps_rcu_watching())) {
		link = rcu_dereference_raw_check(entry->link);
		/* The link before its place, as publish() has it. */
		smp_rmb();
		if (likely(link && READ_ONCE(entry->ip) == ip))
			kps_entry_event(link, entry->site, ip, fregs);
	} else {
		atomic64_inc(&entry->unwatched);
	}
	preempt_enable_notrace();
}

NOKPROBE_SYMBOL(entered);

/* ------------------------------------------------------------------------
 * Entries that come and go
 */
static int aim(struct kps_entry *entry, unsigned long ip)
{
	return ftrace_set_filter_ip(&entry->ops, ip, 0, 1);
}

static void publish(struct kps_entry *entry, struct kps_link *link,
		    const struct kps_site *site)
{
	atomic64_set(&entry->unwatched, 0);
	entry->site = site;
	WRITE_ONCE(entry->ip, site->ip);
	rcu_assign_pointer(entry->link, link);
}

static void withdraw(struct kps_entry *entry)
{
	RCU_INIT_POINTER(entry->link, NULL);
	synchronize_rcu();
}

bool kps_entry_unregister(struct ftrace_ops *ops)
{
	if (unregister_ftrace_function(ops)) {
		pr_err_once("kapsel: ftrace is broken, the module stays\n");
		__module_get(THIS_MODULE);
		return false;
	}
	ftrace_free_filter(ops);
	return true;
}

static void destroy(struct kps_entry *entry)
{
	if (kps_entry_unregister(&entry->ops))
		kfree(entry);
}

static struct kps_entry *create(struct kps_link *link, const struct kps_site *site,
				bool all_regs)
{
	struct kps_entry *entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);

	if (!entry)
		return NULL;
	entry->ops.func = entered;
	entry->ops.flags = all_regs ? FTRACE_OPS_FL_SAVE_REGS : 0;
	publish(entry, link, site);
	if (aim(entry, site->ip))
		goto free_entry;
	if (register_ftrace_function(&entry->ops))
		goto free_filter;
	return entry;
free_filter:
	ftrace_free_filter(&entry->ops);
free_entry:
	kfree(entry);
	return NULL;
}

static struct kps_entry *take_spare(bool all_regs)
{
	struct kps_entry *entry;

	list_for_each_entry(entry, &spares, list) {
		if (kps_entry_all_regs(entry) != all_regs)
			continue;
		list_del(&entry->list);
		nr_spares--;
		return entry;
	}
	return NULL;
}

static struct kps_entry *reuse(struct kps_entry *entry, struct kps_link *link,
			       const struct kps_site *site)
{
	publish(entry, link, site);
	if (!aim(entry, site->ip))
		return entry;
	withdraw(entry);
	destroy(entry);
	return NULL;
}

struct kps_entry *kps_entry_add(struct kps_link *link, const struct kps_site *site,
				bool all_regs)
{
	struct kps_entry *entry;

	lockdep_assert_held(&kps_entry_lock);
	entry = take_spare(all_regs);
	entry = entry ? reuse(entry, link, site) : create(link, site, all_regs);
	if (entry)
		list_add(&entry->list, &entries);
	return entry;
}

static struct kps_entry *next_surplus(unsigned int keep)
{
	struct kps_entry *entry = NULL;

	mutex_lock(&kps_entry_lock);
	if (nr_spares > keep) {
		entry = list_first_entry(&spares, struct kps_entry, list);
		list_del(&entry->list);
		nr_spares--;
	}
	mutex_unlock(&kps_entry_lock);
	return entry;
}

static void destroy_surplus(unsigned int keep)
{
	struct kps_entry *entry;

	while ((entry = next_surplus(keep)))
		destroy(entry);
}

static void trim(struct work_struct *work)
{
	destroy_surplus(MAX_SPARE);
}

static DECLARE_WORK(trimming, trim);

void kps_entry_remove(struct kps_entry *entry)
{
	bool waits;

	mutex_lock(&kps_entry_lock);
	list_del(&entry->list);
	waits = !aim(entry, kps_entry_nowhere());
	mutex_unlock(&kps_entry_lock);
	withdraw(entry);
	if (!waits) {
		destroy(entry);
		return;
	}
	mutex_lock(&kps_entry_lock);
	list_add(&entry->list, &spares);
	if (++nr_spares > MAX_SPARE)
		queue_work(system_unbound_wq, &trimming);
	mutex_unlock(&kps_entry_lock);
}

bool kps_entry_all_regs(const struct kps_entry *entry)
{
	return entry->ops.flags & FTRACE_OPS_FL_SAVE_REGS;
}

u64 kps_entry_missed(const struct kps_entry *entry)
{
	return atomic64_read(&entry->unwatched);
}

/* ------------------------------------------------------------------------
 * Modules that go: another one may come to lie at the same addresses
 */
/* If there is no memory for the second part, nothing runs all the same. */
static void disarm(struct kps_entry *entry)
{
	WRITE_ONCE(entry->ip, 0);
	aim(entry, kps_entry_nowhere());
}

static int module_event(struct notifier_block *self, unsigned long state, void *mod)
{
	struct kps_entry *entry;

	mutex_lock(&kps_entry_lock);
	list_for_each_entry(entry, &entries, list)
		if (kps_entry_goes(entry->ip, state, mod))
			disarm(entry);
	mutex_unlock(&kps_entry_lock);
	return NOTIFY_DONE;
}

static struct notifier_block modules = {
	.notifier_call = module_event,
};

int kps_entry_init(void)
{
	return register_module_notifier(&modules);
}

void kps_entry_exit(void)
{
	unregister_module_notifier(&modules);
	cancel_work_sync(&trimming);
	destroy_surplus(0);
}

#else

struct kps_entry *kps_entry_add(struct kps_link *link, const struct kps_site *site,
				bool all_regs)
{
	return NULL;
}

void kps_entry_remove(struct kps_entry *entry)
{
}

bool kps_entry_all_regs(const struct kps_entry *entry)
{
	return false;
}

u64 kps_entry_missed(const struct kps_entry *entry)
{
	return 0;
}

bool kps_entry_suits(const struct kps_prog *prog)
{
	return false;
}

int kps_entry_init(void)
{
	return 0;
}

void kps_entry_exit(void)
{
}

#endif
