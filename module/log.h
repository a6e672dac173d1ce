/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - a program's own log: lines from trace_printk to whoever reads its fd */
#ifndef KPS_LOG_H
#define KPS_LOG_H

#include <linux/poll.h>
#include <linux/types.h>

struct kps_log;

/** kps_log_new - an empty log, or NULL */
struct kps_log *kps_log_new(void);

/** kps_log_free - once nobody writes any more; NULL is ignored; may sleep */
void kps_log_free(struct kps_log *log);

/**
 * kps_log_line - add a line
 * @log: the log
 * @line: text with newline
 * @len: bytes
 *
 * Any context. The oldest lines make room, and are counted if nobody read them.
 */
void kps_log_line(struct kps_log *log, const char *line, u32 len);

/** kps_log_read - whole lines; waits for the first; 0 without a log */
ssize_t kps_log_read(struct kps_log *log, char __user *buf, size_t size,
		     bool nonblock);

__poll_t kps_log_poll(struct kps_log *log, struct file *file,
		      struct poll_table_struct *table);

/** kps_log_lost - lines that nobody could read */
u32 kps_log_lost(const struct kps_log *log);

/** kps_log_memory - bytes */
size_t kps_log_memory(const struct kps_log *log);

#endif
