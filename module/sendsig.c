// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - signals that programs send */

#include <linux/errno.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "sendsig.h"

/**
 * struct pending - a signal that waits until interrupts are on
 * @work: sends it
 * @task: to whom, a reference
 * @sig: which
 * @thread: to this thread only
 */
struct pending {
	struct irq_work work;
	struct task_struct *task;
	int sig;
	bool thread;
};

static struct pending __percpu *pending;

static long deliver(struct task_struct *task, int sig, bool thread)
{
	struct pid *pid;
	long err = -ESRCH;

	if (thread)
		return send_sig(sig, task, 1);
	rcu_read_lock();
	pid = task_tgid(task);
	if (pid)
		err = kill_pid(pid, sig, 1);
	rcu_read_unlock();
	return err;
}

static void send_later(struct irq_work *work)
{
	struct pending *p = container_of(work, struct pending, work);

	deliver(p->task, p->sig, p->thread);
	put_task_struct(p->task);
}

/* Where interrupts are off, what sending locks may be held. */
static long defer(int sig, bool thread)
{
	struct pending *p = this_cpu_ptr(pending);

	if (irq_work_is_busy(&p->work))
		return -EBUSY;
	get_task_struct(current);
	p->task = current;
	p->sig = sig;
	p->thread = thread;
	irq_work_queue(&p->work);
	return 0;
}

long kps_signal_send(u32 sig, bool thread)
{
	if (current->flags & (PF_KTHREAD | PF_EXITING) || is_global_init(current))
		return -EPERM;
	if (!valid_signal(sig) || !sig)
		return -EINVAL;
	if (irqs_disabled())
		return defer(sig, thread);
	return deliver(current, sig, thread);
}

int kps_signal_init(void)
{
	int cpu;

	pending = alloc_percpu(struct pending);
	if (!pending)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		init_irq_work(&per_cpu_ptr(pending, cpu)->work, send_later);
	return 0;
}

/* No program runs any more. */
void kps_signal_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		irq_work_sync(&per_cpu_ptr(pending, cpu)->work);
	free_percpu(pending);
}
