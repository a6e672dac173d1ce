/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - function returns by a stub around the function */
#ifndef KPS_WRAP_H
#define KPS_WRAP_H

#include <linux/types.h>
#include <linux/kapsel.h>

struct kps_call;
struct kps_link;
struct kps_site;
struct kps_wrap;

/**
 * kps_wrap_add - run a link's program whenever a function has returned
 * @link: the link
 * @site: @site->ip is where ftrace patches the function, if @site->traced says that
 *	it does. Lasts as long as the link
 * @name: of the function, for whoever lists it
 * @wrap: gets what stands for it, switched on
 *
 * Not in atomic context; may take a while, since it reads the kernel's types.
 *
 * Return: 0, or KAPSEL_UNWRAPPED_*, why not.
 */
u32 kps_wrap_add(struct kps_link *link, const struct kps_site *site, const char *name,
		 struct kps_wrap **wrap);

/**
 * kps_wrap_remove - the reverse; returns when nobody runs the link any more
 *
 * Calls that are inside of the function go on through the stub, which keeps the
 * module until the last has returned.
 */
void kps_wrap_remove(struct kps_wrap *wrap);

/** kps_wrap_missed - returns where RCU was not watching, so that nothing may run */
u64 kps_wrap_missed(const struct kps_wrap *wrap);

/** kps_wrap_inside - calls that entered the function, and have not left it yet */
u64 kps_wrap_inside(const struct kps_wrap *wrap);

/** kps_wrap_info - of function number @nr that is wrapped, or was: false: no more */
bool kps_wrap_info(u32 nr, struct kapsel_wrap_info *info);

int kps_wrap_init(void);
void kps_wrap_exit(void);

#endif
