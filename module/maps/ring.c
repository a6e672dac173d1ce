// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - the memory of ring buffers: pages, of which userspace maps most */

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "maps/area.h"
#include "maps/ring.h"

int kps_ring_check(const struct kapsel_map_create *arg)
{
	if (arg->key_size || arg->value_size)
		return -EINVAL;
	if (!is_power_of_2(arg->max_entries) || !PAGE_ALIGNED(arg->max_entries))
		return -EINVAL;
	return 0;
}

static void free_pages_of(struct page **pages, u32 n)
{
	while (n--)
		__free_page(pages[n]);
	kvfree(pages);
}

/* Room for @all of them, of which the first @n are allocated. */
static struct page **alloc_ring_pages(u32 n, u32 all)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN |
			  __GFP_RETRY_MAYFAIL;
	struct page **pages;
	u32 i;

	pages = kps_area_alloc((u64)all * sizeof(*pages));
	if (!pages)
		return NULL;
	for (i = 0; i < n; i++) {
		pages[i] = alloc_page(gfp);
		if (!pages[i]) {
			free_pages_of(pages, i);
			return NULL;
		}
	}
	return pages;
}

static void wake(struct irq_work *work)
{
	wake_up_all(&container_of(work, struct kps_ring, wake)->wait);
}

static struct kps_ring *ring_alloc(u32 size)
{
	u32 nr_data = size >> PAGE_SHIFT, first = KPS_RING_OWN_PAGES + KPS_RING_POS_PAGES, i;
	struct page **pages;
	struct kps_ring *ring;

	pages = alloc_ring_pages(first + nr_data, first + 2 * nr_data);
	if (!pages)
		return NULL;
	for (i = 0; i < nr_data; i++)
		pages[first + nr_data + i] = pages[first + i];
	ring = vmap(pages, first + 2 * nr_data, VM_MAP | VM_USERMAP, PAGE_KERNEL);
	if (!ring) {
		free_pages_of(pages, first + nr_data);
		return NULL;
	}
	ring->pages = pages;
	ring->nr_pages = first + nr_data;
	ring->mask = size - 1;
	raw_spin_lock_init(&ring->lock);
	init_waitqueue_head(&ring->wait);
	init_irq_work(&ring->wake, wake);
	return ring;
}

struct kps_map *kps_ring_new(u32 size)
{
	struct kps_ring_map *buf = kzalloc(sizeof(*buf), GFP_KERNEL_ACCOUNT);

	if (!buf)
		return ERR_PTR(-ENOMEM);
	buf->ring = ring_alloc(size);
	if (!buf->ring) {
		kfree(buf);
		return ERR_PTR(-ENOMEM);
	}
	buf->ring->map = &buf->map;
	buf->map.memory = sizeof(*buf) + (u64)buf->ring->nr_pages * PAGE_SIZE;
	return &buf->map;
}

struct kps_map *kps_ring_alloc(const struct kapsel_map_create *arg)
{
	return kps_ring_new(arg->max_entries);
}

void kps_ring_free(struct kps_map *map)
{
	struct kps_ring *ring = kps_ring_of(map);
	struct page **pages = ring->pages;
	u32 n = ring->nr_pages;

	/* No program is at it any more, but the last wakeup may be on its way. */
	irq_work_sync(&ring->wake);
	vunmap(ring);
	free_pages_of(pages, n);
	kfree(container_of(map, struct kps_ring_map, map));
}

u32 kps_ring_used(struct kps_map *map)
{
	struct kps_ring *ring = kps_ring_of(map);

	return min_t(u64, kps_ring_unread(ring), ring->mask + 1);
}

int kps_ring_mmap(struct kps_map *map, struct vm_area_struct *vma)
{
	return remap_vmalloc_range(vma, kps_ring_of(map), vma->vm_pgoff + KPS_RING_OWN_PAGES);
}
