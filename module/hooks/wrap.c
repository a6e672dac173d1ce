// SPDX-License-Identifier: GPL-2.0-only
/*
 * kapsel - function returns by a stub around the function
 *
 * A kretprobe replaces the return address, in four times as many instructions. But
 * its trampoline is the kernel's, whereas a stub is the module's own code: calls that
 * are inside of one return to it, however long after. So a stub that is not wanted
 * any more is emptied first, and keeps the module until it is.
 */

#include <linux/cpumask.h>
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "hooks/entry.h"
#include "hooks/stub.h"
#include "hooks/wrap.h"
#include "hooks/wrappable.h"

#if KPS_HAS_STUBS

#define LOOK_AGAIN	HZ	/* whether a call that is inside has returned */

/**
 * enum state - of a stub, in the order in which they come
 * @FREE: nobody's
 * @HELD: a link's
 * @LEAVING: entered no more, but some may not have been counted yet that did
 * @COUNTED: all that are inside are counted
 * @EMPTY: none is, but some may be on their last steps
 */
enum state { FREE, HELD, LEAVING, COUNTED, EMPTY };

/**
 * struct kps_wrap - a stub in use
 * @ops: the kernel's; registered while HELD
 * @state: under lock; from LEAVING on the work's
 * @name: of the function
 */
struct kps_wrap {
	struct ftrace_ops ops;
	enum state state;
	char name[KSYM_NAME_LEN];
};

/* Of the stub with the same number. */
static struct kps_wrap wraps[KPS_NR_STUBS];
static u64 __percpu *inside;
static DEFINE_MUTEX(lock);

static void look(struct work_struct *work);
static DECLARE_DELAYED_WORK(looking, look);

static u32 nr_of(const struct kps_wrap *wrap)
{
	return wrap - wraps;
}

static struct kps_stub *stub_of(const struct kps_wrap *wrap)
{
	return &kps_stubs[nr_of(wrap)];
}

/* ------------------------------------------------------------------------
 * Coming
 */
static struct kps_wrap *find_free(void)
{
	u32 i;

	for (i = 0; i < KPS_NR_STUBS; i++)
		if (wraps[i].state == FREE)
			return &wraps[i];
	return NULL;
}

static void publish(struct kps_wrap *wrap, struct kps_link *link,
		    const struct kps_site *site)
{
	struct kps_stub *stub = stub_of(wrap);

	kps_stub_aim(nr_of(wrap), site->ip + MCOUNT_INSN_SIZE);
	atomic64_set(&stub->unwatched, 0);
	stub->site = site;
	rcu_assign_pointer(stub->link, link);
}

static int switch_on(struct kps_wrap *wrap, unsigned long ip)
{
	int err;

	memset(&wrap->ops, 0, sizeof(wrap->ops));
	kps_ftrace_share(&wrap->ops);
	err = ftrace_set_filter_ip(&wrap->ops, ip, 0, 1);
	if (err)
		return err;
	err = kps_ftrace_wrap(&wrap->ops, kps_stub_codes[nr_of(wrap)]);
	if (err)
		ftrace_free_filter(&wrap->ops);
	return err;
}

static u32 add(struct kps_wrap *wrap, struct kps_link *link, const struct kps_site *site)
{
	int err;

	publish(wrap, link, site);
	err = switch_on(wrap, site->ip);
	if (!err) {
		__module_get(THIS_MODULE);
		wrap->state = HELD;
		return KAPSEL_UNWRAPPED_NOT;
	}
	RCU_INIT_POINTER(stub_of(wrap)->link, NULL);
	return err == -EBUSY ? KAPSEL_UNWRAPPED_BUSY :
	       err == -ENOMEM ? KAPSEL_UNWRAPPED_MEMORY : KAPSEL_UNWRAPPED_REFUSED;
}

u32 kps_wrap_add(struct kps_link *link, const struct kps_site *site, const char *name,
		 struct kps_wrap **wrap)
{
	struct kps_wrap *free;
	u32 why;

	mutex_lock(&lock);
	free = find_free();
	why = free ? kps_unwrappable(site, name) : KAPSEL_UNWRAPPED_FULL;
	if (!why)
		why = add(free, link, site);
	if (!why) {
		strscpy(free->name, name, sizeof(free->name));
		*wrap = free;
	}
	mutex_unlock(&lock);
	return why;
}

/* ------------------------------------------------------------------------
 * Going
 */
/* Only whoever is inside still counts, and down: a sum of zero is final. */
static u64 count_inside(const struct kps_wrap *wrap)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(stub_of(wrap)->inside, cpu));
	return sum;
}

static u32 advance(enum state from, enum state to, bool empty_only)
{
	u32 i, moved = 0;

	mutex_lock(&lock);
	for (i = 0; i < KPS_NR_STUBS; i++) {
		if (wraps[i].state != from || (empty_only && count_inside(&wraps[i])))
			continue;
		wraps[i].state = to;
		moved++;
	}
	mutex_unlock(&lock);
	return moved;
}

static u32 count_in(enum state state)
{
	u32 i, count = 0;

	mutex_lock(&lock);
	for (i = 0; i < KPS_NR_STUBS; i++)
		count += wraps[i].state == state;
	mutex_unlock(&lock);
	return count;
}

static void pass(struct work_struct *work)
{
}

/* The idle tasks are none of RCU's: they were elsewhere when another one ran. */
static void wait_for_idle(void)
{
	struct work_struct work;
	int cpu;

	INIT_WORK_ONSTACK(&work, pass);
	for_each_possible_cpu(cpu) {
		if (cpu_online(cpu) && queue_work_on(cpu, system_wq, &work))
			flush_work(&work);
	}
	destroy_work_on_stack(&work);
}

/* After it, whoever was in a stub's code that no count tells of has left it. */
static void wait_for_tasks(void)
{
	synchronize_rcu_tasks();
	wait_for_idle();
}

static void release(void)
{
	u32 i, released = advance(EMPTY, FREE, false);

	for (i = 0; i < released; i++)
		module_put(THIS_MODULE);
}

static void look(struct work_struct *work)
{
	/* Whoever leaves meanwhile comes in the next round. */
	if (advance(LEAVING, COUNTED, false))
		wait_for_tasks();
	if (advance(COUNTED, EMPTY, true)) {
		wait_for_tasks();
		release();
	}
	if (count_in(LEAVING))
		queue_delayed_work(system_unbound_wq, &looking, 0);
	else if (count_in(COUNTED))
		queue_delayed_work(system_unbound_wq, &looking, LOOK_AGAIN);
}

/* If ftrace is broken, the function is entered through the stub for ever. */
void kps_wrap_remove(struct kps_wrap *wrap)
{
	RCU_INIT_POINTER(stub_of(wrap)->link, NULL);
	synchronize_rcu();
	if (kps_ftrace_unwrap(&wrap->ops, kps_stub_codes[nr_of(wrap)])) {
		pr_err_once("kapsel: ftrace is broken, the module stays\n");
		return;
	}
	ftrace_free_filter(&wrap->ops);
	mutex_lock(&lock);
	wrap->state = LEAVING;
	mutex_unlock(&lock);
	mod_delayed_work(system_unbound_wq, &looking, 0);
}

u64 kps_wrap_missed(const struct kps_wrap *wrap)
{
	return atomic64_read(&stub_of(wrap)->unwatched);
}

u64 kps_wrap_inside(const struct kps_wrap *wrap)
{
	return count_inside(wrap);
}

bool kps_wrap_info(u32 nr, struct kapsel_wrap_info *info)
{
	const struct kps_wrap *wrap;
	u32 i;

	*info = (struct kapsel_wrap_info){};
	mutex_lock(&lock);
	for (i = 0; i < KPS_NR_STUBS; i++) {
		wrap = &wraps[i];
		if (wrap->state == FREE || nr--)
			continue;
		info->inside = count_inside(wrap);
		info->leaving = wrap->state != HELD;
		strscpy(info->name, wrap->name, sizeof(info->name));
		break;
	}
	mutex_unlock(&lock);
	return i < KPS_NR_STUBS;
}

int kps_wrap_init(void)
{
	u32 i;

	inside = __alloc_percpu(KPS_NR_STUBS * sizeof(u64), sizeof(u64));
	if (!inside)
		return -ENOMEM;
	for (i = 0; i < KPS_NR_STUBS; i++)
		kps_stubs[i].inside = inside + i;
	return 0;
}

/* All are free, since they keep the module, but the work may be on its last steps. */
void kps_wrap_exit(void)
{
	cancel_delayed_work_sync(&looking);
	kps_unwrappable_exit();
	free_percpu(inside);
}

#else

u32 kps_wrap_add(struct kps_link *link, const struct kps_site *site, const char *name,
		 struct kps_wrap **wrap)
{
	return KAPSEL_UNWRAPPED_KERNEL;
}

void kps_wrap_remove(struct kps_wrap *wrap)
{
}

u64 kps_wrap_missed(const struct kps_wrap *wrap)
{
	return 0;
}

u64 kps_wrap_inside(const struct kps_wrap *wrap)
{
	return 0;
}

bool kps_wrap_info(u32 nr, struct kapsel_wrap_info *info)
{
	return false;
}

int kps_wrap_init(void)
{
	return 0;
}

void kps_wrap_exit(void)
{
}

#endif
