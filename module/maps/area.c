// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - memory for map types */

#include <linux/align.h>
#include <linux/cpumask.h>
#include <linux/limits.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "maps/area.h"

#define GFP_AREA	(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN | \
			 __GFP_RETRY_MAYFAIL)

/* kvmalloc() stops at 2 GiB; maps need not. */
void *kps_area_alloc(u64 size)
{
	if (size > SIZE_MAX)
		return NULL;
	if (size <= PAGE_SIZE)
		return kmalloc(size, GFP_AREA);
	return __vmalloc(size, GFP_AREA);
}

bool kps_percpu_fits(u32 size)
{
	return size <= PCPU_MIN_UNIT_SIZE;
}

void __percpu *kps_percpu_alloc(u32 size)
{
	return __alloc_percpu_gfp(ALIGN(size, 8), 8,
				  GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN);
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
