/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - the entries of many functions by one ftrace_ops */
#ifndef KPS_MANY_H
#define KPS_MANY_H

#include <linux/types.h>

struct kps_link;
struct kps_many;
struct kps_site;

/**
 * kps_many_add - run a link's program whenever any of some functions is entered
 * @link: the link
 * @site: the functions by ascending @ip, where ftrace patches them; their modules are
 *	there. They last as long as the link
 * @count: how many
 * @all_regs: save all registers, not only those that pass arguments
 *
 * Under kps_entry_lock.
 *
 * Return: the entries, switched on, or ERR_PTR; never NULL.
 */
struct kps_many *kps_many_add(struct kps_link *link, struct kps_site *site, u32 count,
			      bool all_regs);

/** kps_many_remove - the reverse; returns when nobody runs the link any more */
void kps_many_remove(struct kps_many *many);

/** kps_many_all_regs - are all registers saved? */
bool kps_many_all_regs(const struct kps_many *many);

/** kps_many_missed - events where RCU was not watching, so that nothing may run */
u64 kps_many_missed(const struct kps_many *many);

int kps_many_init(void);
void kps_many_exit(void);

#endif
