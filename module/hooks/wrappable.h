/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - which functions a stub may go around */
#ifndef KPS_WRAPPABLE_H
#define KPS_WRAPPABLE_H

#include <linux/types.h>

struct kps_site;

/**
 * kps_unwrappable - why a function can't be wrapped
 * @site: its entry
 * @name: as the caller calls it; the kernel may have another one for the address
 *
 * Asks nobody but the kernel: a function that takes arguments from the stack would
 * take them from the stub's. Under the wraps' lock; may sleep.
 *
 * Return: KAPSEL_UNWRAPPED_*.
 */
u32 kps_unwrappable(const struct kps_site *site, const char *name);

void kps_unwrappable_exit(void);

#endif
