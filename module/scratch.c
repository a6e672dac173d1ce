// SPDX-License-Identifier: GPL-2.0-only
/*
 * kapsel - memory of the verifier while it works
 *
 * Most kernels are built to clear what they allocate, which is a fifth of the time
 * that a small program takes. The verifier does not read what it did not write, and
 * nothing else sees this memory. Objects of a cache with a constructor are not
 * cleared: so there is one for each size, and its constructor does nothing.
 */

#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "core/host.h"
#include "scratch.h"

#define FIRST_SHIFT	ilog2(KPS_SCRATCH_MIN)
#define NR_SIZES	(ilog2(KPS_SCRATCH_MAX) - FIRST_SHIFT + 1)

static struct kmem_cache *caches[NR_SIZES];

/* Large loads take other sizes, too. */
static struct kmem_cache *cache_of(size_t size)
{
	if (size < KPS_SCRATCH_MIN || size > KPS_SCRATCH_MAX || !is_power_of_2(size))
		return NULL;
	return caches[ilog2(size) - FIRST_SHIFT];
}

void *kps_scratch_alloc(void *priv, size_t size)
{
	struct kmem_cache *cache = cache_of(size);

	if (cache)
		return kmem_cache_alloc(cache, GFP_KERNEL | __GFP_NOWARN);
	if (size > INT_MAX)
		return NULL;
	return kvmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
}

void kps_scratch_free(void *priv, void *mem, size_t size)
{
	struct kmem_cache *cache = cache_of(size);

	if (cache)
		kmem_cache_free(cache, mem);
	else
		kvfree(mem);
}

static void leave_as_is(void *mem)
{
}

int kps_scratch_init(void)
{
	char name[32];
	u32 i;

	for (i = 0; i < NR_SIZES; i++) {
		snprintf(name, sizeof(name), "kapsel_scratch-%u", 1u << (FIRST_SHIFT + i));
		caches[i] = kmem_cache_create(name, 1u << (FIRST_SHIFT + i), 0, SLAB_ACCOUNT,
					      leave_as_is);
		if (!caches[i]) {
			kps_scratch_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

void kps_scratch_exit(void)
{
	u32 i;

	for (i = 0; i < NR_SIZES; i++) {
		kmem_cache_destroy(caches[i]);
		caches[i] = NULL;
	}
}
