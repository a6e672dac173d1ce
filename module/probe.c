// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - reading memory that may not be there */

#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "probe.h"

/*
 * The kernel's half is as large as the user's. Between the two lies what no
 * access may touch: a fault there is not a page fault, and the kernel warns of
 * it. Its own check takes the processor's word for where the gap is, which is
 * wrong on one that could do five levels of page tables but does four.
 */
static bool in_kernel_half(u64 addr, size_t size)
{
	return addr >= -(u64)(TASK_SIZE_MAX + PAGE_SIZE) && addr + size >= addr;
}

int kps_read_kernel(void *to, u64 addr, size_t size)
{
	if (!in_kernel_half(addr, size))
		return -EFAULT;
	if (copy_from_kernel_nofault(to, (void *)(unsigned long)addr, size))
		return -EFAULT;
	return 0;
}

int kps_read_user(void *to, u64 addr, size_t size)
{
	if (copy_from_user_nofault(to, (void __user *)(unsigned long)addr, size))
		return -EFAULT;
	return 0;
}

int kps_read_any(void *to, u64 addr, size_t size)
{
	if (addr < TASK_SIZE_MAX)
		return kps_read_user(to, addr, size);
	return kps_read_kernel(to, addr, size);
}

/* Aligned words never straddle pages, so nothing is read beyond the NUL's. */
static size_t next_piece(u64 addr, size_t left)
{
	return min_t(size_t, left, sizeof(u64) - (addr & (sizeof(u64) - 1)));
}

long kps_read_string(char *to, size_t size, u64 addr, kps_read_fn read)
{
	size_t done, piece;
	char *end;

	for (done = 0; done < size; done += piece) {
		piece = next_piece(addr + done, size - done);
		if (read(to + done, addr + done, piece))
			goto zero;
		end = memchr(to + done, '\0', piece);
		if (end)
			return end - to + 1;
	}
	if (size)
		to[size - 1] = '\0';
	return size;
zero:
	memset(to, 0, size);
	return -EFAULT;
}
