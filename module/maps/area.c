// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - memory for map types */

#include <linux/align.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "maps/area.h"

#define GFP_AREA	(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN | \
			 __GFP_RETRY_MAYFAIL)

/*
 * kvmalloc() stops at 2 GiB; maps need not. What is a page or more comes from
 * vmalloc(), as kps_area_mmap() wants it.
 */
void *kps_area_alloc(u64 size)
{
	if (size > SIZE_MAX)
		return NULL;
	if (size < PAGE_SIZE)
		return kmalloc(size, GFP_AREA);
	return __vmalloc(size, GFP_AREA);
}

int kps_area_mmap(void *area, u64 size, struct vm_area_struct *vma)
{
	u64 at = (u64)vma->vm_pgoff << PAGE_SHIFT;
	unsigned long addr;
	int err;

	if (vma->vm_pgoff > size >> PAGE_SHIFT ||
	    vma->vm_end - vma->vm_start > size - at)
		return -EINVAL;
	for (addr = vma->vm_start; addr < vma->vm_end; addr += PAGE_SIZE) {
		err = vm_insert_page(vma, addr, vmalloc_to_page(area + at));
		if (err)
			return err;
		at += PAGE_SIZE;
		cond_resched();
	}
	return 0;
}

int kps_percpu_check(u32 size, u64 n)
{
	if (size > PCPU_MIN_UNIT_SIZE)
		return -E2BIG;
	/* Rather than find out one by one, and starve others meanwhile. */
	if (n > (totalram_pages() << PAGE_SHIFT) / kps_percpu_user_size(size))
		return -ENOMEM;
	return 0;
}

void __percpu *kps_percpu_alloc(u32 size)
{
	/* Of what says "rather fail than kill somebody", it knows NORETRY only. */
	return __alloc_percpu_gfp(ALIGN(size, 8), 8,
				  GFP_KERNEL_ACCOUNT | __GFP_ZERO |
				  __GFP_NOWARN | __GFP_NORETRY);
}

void kps_percpu_read(void *to, void __percpu *from, u32 size)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		memcpy(to, per_cpu_ptr(from, cpu), size);
		to += ALIGN(size, 8);
	}
}

void kps_percpu_write(void __percpu *to, const void *from, u32 size)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		memcpy(per_cpu_ptr(to, cpu), from, size);
		from += ALIGN(size, 8);
	}
}

u32 kps_percpu_user_size(u32 size)
{
	return ALIGN(size, 8) * num_possible_cpus();
}
