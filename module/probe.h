/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - reading memory that may not be there */
#ifndef KPS_PROBE_H
#define KPS_PROBE_H

#include <linux/types.h>

/**
 * typedef kps_read_fn - copy bytes of memory that may fault; any context
 *
 * Return: 0, or -EFAULT with the destination undefined.
 */
typedef int (*kps_read_fn)(void *to, u64 addr, size_t size);

/** kps_read_kernel - kernel addresses only */
int kps_read_kernel(void *to, u64 addr, size_t size);

/** kps_read_user - addresses of the current task only */
int kps_read_user(void *to, u64 addr, size_t size);

/** kps_read_any - whichever the address is, as old programs expect on x86 */
int kps_read_any(void *to, u64 addr, size_t size);

/**
 * kps_read_string - copy a string that may fault
 * @to: gets it, cut if need be, always terminated
 * @size: of @to
 * @addr: of the string
 * @read: how
 *
 * Return: length with NUL, 0 if @size is 0, or -EFAULT with @to zeroed.
 */
long kps_read_string(char *to, size_t size, u64 addr, kps_read_fn read);

#endif
