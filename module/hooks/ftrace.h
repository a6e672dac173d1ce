/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - function entries by an ftrace_ops of our own */
#ifndef KPS_FTRACE_H
#define KPS_FTRACE_H

#include <linux/mutex.h>
#include <linux/types.h>

struct kps_entry;
struct kps_link;
struct kps_prog;
struct kps_site;

/* What ftrace passes is laid out as struct pt_regs on x86-64; not everywhere. */
#if defined(CONFIG_X86_64) && defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS) && \
	defined(CONFIG_KPROBES_ON_FTRACE)
#define KPS_HAS_ENTRIES	1
#else
#define KPS_HAS_ENTRIES	0
#endif

/*
 * Held from finding a function until its entry is added, so that the module that
 * it belongs to does not go in between.
 */
extern struct mutex kps_entry_lock;

/**
 * kps_entry_add - run a link's program whenever a function is entered
 * @link: the link
 * @site: @site->ip is where ftrace patches the function; its module is there. Lasts
 *	as long as the link
 * @all_regs: save all registers, not only those that pass arguments
 *
 * Under kps_entry_lock.
 *
 * Return: the entry, switched on; NULL: not possible, for whatever reason.
 */
struct kps_entry *kps_entry_add(struct kps_link *link, const struct kps_site *site,
				bool all_regs);

/** kps_entry_remove - the reverse; returns when nobody runs the link any more */
void kps_entry_remove(struct kps_entry *entry);

/** kps_entry_all_regs - are all registers saved? */
bool kps_entry_all_regs(const struct kps_entry *entry);

/** kps_entry_missed - events where RCU was not watching, so that nothing may run */
u64 kps_entry_missed(const struct kps_entry *entry);

/** kps_entry_suits - does the program read nothing but what is saved anyway? */
bool kps_entry_suits(const struct kps_prog *prog);

int kps_entry_init(void);
void kps_entry_exit(void);

#endif
