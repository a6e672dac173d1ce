// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - a program's own log: lines from trace_printk to whoever reads its fd */

#include <linux/irq_work.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "guard.h"
#include "log.h"
#include "run.h"

#define LOG_SIZE	(64 * 1024)	/* a power of two */

/**
 * struct kps_log - a ring of lines, each a u16 length and the text
 * @lock: protects @head, @tail and @ring, by kps_lock()
 * @head: where the next line goes; positions only grow and are masked
 * @tail: the oldest line
 * @lost: lines overwritten unread, or refused because the lock was not to be had
 * @readers: one reader at a time, so that lines keep their order
 * @line: protected by @readers; a line on its way out
 * @asked: a reader has found nothing, and wants to be told. Once, as telling him
 *	may set off the probe that writes here
 * @wait: readers
 * @wake: wakes them from any context
 * @ring: the lines
 */
struct kps_log {
	raw_spinlock_t lock;
	u32 head;
	u32 tail;
	atomic_t lost;
	struct mutex readers;	/* see above */
	char line[KPS_LINE_LEN];
	int asked;
	wait_queue_head_t wait;
	struct irq_work wake;
	u8 ring[LOG_SIZE];
};

static void wake(struct irq_work *work)
{
	wake_up_all(&container_of(work, struct kps_log, wake)->wait);
}

struct kps_log *kps_log_new(void)
{
	struct kps_log *log = kvzalloc(sizeof(*log), GFP_KERNEL_ACCOUNT);

	if (!log)
		return NULL;
	raw_spin_lock_init(&log->lock);
	mutex_init(&log->readers);
	init_waitqueue_head(&log->wait);
	init_irq_work(&log->wake, wake);
	return log;
}

void kps_log_free(struct kps_log *log)
{
	if (log)
		irq_work_sync(&log->wake);
	kvfree(log);
}

static void ring_write(struct kps_log *log, u32 pos, const void *from, u32 len)
{
	u32 at = pos & (LOG_SIZE - 1), first = min_t(u32, len, LOG_SIZE - at);

	memcpy(log->ring + at, from, first);
	memcpy(log->ring, from + first, len - first);
}

static void ring_read(const struct kps_log *log, u32 pos, void *to, u32 len)
{
	u32 at = pos & (LOG_SIZE - 1), first = min_t(u32, len, LOG_SIZE - at);

	memcpy(to, log->ring + at, first);
	memcpy(to + first, log->ring, len - first);
}

static u16 oldest_len(const struct kps_log *log)
{
	u16 len;

	ring_read(log, log->tail, &len, sizeof(len));
	return len;
}

static void make_room(struct kps_log *log, u32 need)
{
	while (LOG_SIZE - (log->head - log->tail) < need) {
		WRITE_ONCE(log->tail, log->tail + sizeof(u16) + oldest_len(log));
		atomic_inc(&log->lost);
	}
}

void kps_log_line(struct kps_log *log, const char *line, u32 len)
{
	u16 len16 = len;
	unsigned long irq;

	if (kps_lock(&log->lock, &irq)) {
		atomic_inc(&log->lost);
		return;
	}
	make_room(log, sizeof(len16) + len);
	ring_write(log, log->head, &len16, sizeof(len16));
	ring_write(log, log->head + sizeof(len16), line, len);
	WRITE_ONCE(log->head, log->head + sizeof(len16) + len);
	kps_unlock(&log->lock, irq);
	/* A full barrier: the line is there before the question is looked at. */
	if (xchg(&log->asked, 0))
		irq_work_queue(&log->wake);
}

static bool log_empty(struct kps_log *log)
{
	/* The other side of the barrier: asks before it looks. */
	xchg(&log->asked, 1);
	return READ_ONCE(log->head) == READ_ONCE(log->tail);
}

/*
 * Takes the oldest line into log->line if it is no longer than @room. Return:
 * its length, 0 if there is none, -EINVAL if it is longer.
 */
static int take_line(struct kps_log *log, size_t room)
{
	unsigned long irq;
	int len = 0;

	lockdep_assert_held(&log->readers);
	if (kps_lock(&log->lock, &irq))
		return -EBUSY;
	if (log->head != log->tail) {
		len = oldest_len(log);
		if (len <= room) {
			ring_read(log, log->tail + sizeof(u16), log->line, len);
			WRITE_ONCE(log->tail, log->tail + sizeof(u16) + len);
		} else {
			len = -EINVAL;
		}
	}
	kps_unlock(&log->lock, irq);
	return len;
}

static ssize_t take_lines(struct kps_log *log, char __user *buf, size_t size)
{
	ssize_t done = 0;
	int len;

	while ((len = take_line(log, size - done)) > 0) {
		if (copy_to_user(buf + done, log->line, len))
			return done ?: -EFAULT;
		done += len;
		if (signal_pending(current))
			break;
		cond_resched();
	}
	return done ?: len;
}

ssize_t kps_log_read(struct kps_log *log, char __user *buf, size_t size,
		     bool nonblock)
{
	ssize_t done;

	if (!log || !size)
		return 0;
	do {
		if (nonblock && log_empty(log))
			return -EAGAIN;
		if (wait_event_interruptible(log->wait, !log_empty(log)) ||
		    mutex_lock_interruptible(&log->readers))
			return -ERESTARTSYS;
		done = take_lines(log, buf, size);
		mutex_unlock(&log->readers);
	} while (!done);	/* another reader was faster */
	return done;
}

__poll_t kps_log_poll(struct kps_log *log, struct file *file,
		      struct poll_table_struct *table)
{
	if (!log)
		return EPOLLHUP;
	poll_wait(file, &log->wait, table);
	return log_empty(log) ? 0 : EPOLLIN | EPOLLRDNORM;
}

u32 kps_log_lost(const struct kps_log *log)
{
	return log ? atomic_read(&log->lost) : 0;
}

size_t kps_log_memory(const struct kps_log *log)
{
	return log ? sizeof(*log) : 0;
}
