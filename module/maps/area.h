/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - memory for map types */
#ifndef KPS_AREA_H
#define KPS_AREA_H

#include <linux/compiler.h>
#include <linux/types.h>

struct vm_area_struct;

/** kps_area_alloc - zeroed memory of any size for kvfree(), or NULL */
void *kps_area_alloc(u64 size);

/**
 * kps_area_mmap - map an area of whole pages into userspace
 * @area: from kps_area_alloc()
 * @size: of it
 * @vma: where to; any part of the area
 */
int kps_area_mmap(void *area, u64 size, struct vm_area_struct *vma);

/**
 * kps_percpu_check - can there be @n per-CPU values of @size bytes each?
 *
 * Return: 0, -E2BIG, or -ENOMEM if they never can on this machine.
 */
int kps_percpu_check(u32 size, u64 n);

/** kps_percpu_alloc - a zeroed per-CPU value for free_percpu(), or NULL */
void __percpu *kps_percpu_alloc(u32 size);

/** kps_percpu_read - gather a value: all CPUs', each rounded up to 8 bytes */
void kps_percpu_read(void *to, void __percpu *from, u32 size);

/** kps_percpu_write - the reverse */
void kps_percpu_write(void __percpu *to, const void *from, u32 size);

/** kps_percpu_user_size - bytes that a gathered value takes */
u32 kps_percpu_user_size(u32 size);

/**
 * kps_copy_value - memcpy() of a key or a value, whose size is not known when compiling
 *
 * Most are a number, of which copying takes no call, and which is copied whole. One side
 * is memory that programs, and processes that mapped it, may write to meanwhile: a map's
 * value, or what was given as one or as a key. To have it whole, where it is more than a
 * number, is theirs to see to, with a lock or a value that is replaced; here each byte is
 * worth as much as the next one.
 */
static __always_inline void kps_copy_value(void *to, const void *from, u32 size)
{
	if (size == sizeof(u64))
		data_race(memcpy(to, from, sizeof(u64)));	/* see above */
	else
		data_race(memcpy(to, from, size));		/* likewise */
}

#endif
