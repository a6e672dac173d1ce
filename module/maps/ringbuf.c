// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type ring buffer: records from programs, as Linux lays them out */

#include <linux/align.h>
#include <linux/irq_work.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <uapi/linux/bpf.h>

#include "compat.h"
#include "guard.h"
#include "helpers.h"
#include "map.h"
#include "maps/area.h"
#include "maps/ringbuf.h"
#include "core/dynptr.h"

#define WAKEUP_FLAGS	((u64)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
#define MAX_RECORD	(U32_MAX / 4)

/* Pages before the data: the module's own, and the two that userspace sees. */
#define OWN_PAGES	1
#define POS_PAGES	2

/** struct kps_position - a position in the data, in a page of its own */
struct kps_position {
	unsigned long at;
} __aligned(PAGE_SIZE);

/**
 * struct kps_ring - the ring, in one stretch of virtual memory
 * @wait: readers in poll()
 * @wake: wakes them from any context
 * @lock: by kps_lock(); writers of @producer and @pending
 * @map: of which it is
 * @mask: size of the data less one
 * @pages: what the stretch is mapped from
 * @nr_pages: different ones
 * @pending: where the oldest record lies that is not committed yet
 * @consumer: written by userspace, so worth nothing: it can make us refuse
 *	records or overwrite those it has not read, no more
 * @producer: where the next record goes. Read-only for userspace
 * @data: mapped twice in a row, so that records never wrap. Read-only for
 *	userspace
 */
struct kps_ring {
	wait_queue_head_t wait;
	struct irq_work wake;
	raw_spinlock_t lock;
	struct kps_map *map;
	u64 mask;
	struct page **pages;
	u32 nr_pages;
	unsigned long pending;
	struct kps_position consumer;
	struct kps_position producer;
	char data[];
};

/**
 * struct kps_record - the head of each record
 * @len: of what follows, with BPF_RINGBUF_BUSY_BIT and BPF_RINGBUF_DISCARD_BIT
 * @page: how many pages the ring's begin lies before this one; userspace can't
 *	write it
 */
struct kps_record {
	u32 len;
	u32 page;
};

static_assert(sizeof(struct kps_record) == BPF_RINGBUF_HDR_SZ);
static_assert(offsetof(struct kps_ring, consumer) == OWN_PAGES * PAGE_SIZE);
static_assert(offsetof(struct kps_ring, data) ==
	      (OWN_PAGES + POS_PAGES) * PAGE_SIZE);

struct kps_ringbuf {
	struct kps_map map;
	struct kps_ring *ring;
};

static struct kps_ring *ring_of(struct kps_map *map)
{
	return container_of(map, struct kps_ringbuf, map)->ring;
}

static int ringbuf_check(const struct kapsel_map_create *arg)
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
	u32 nr_data = size >> PAGE_SHIFT, first = OWN_PAGES + POS_PAGES, i;
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

struct kps_map *kps_ringbuf_new(u32 size)
{
	struct kps_ringbuf *buf = kzalloc(sizeof(*buf), GFP_KERNEL_ACCOUNT);

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

static struct kps_map *ringbuf_alloc(const struct kapsel_map_create *arg)
{
	return kps_ringbuf_new(arg->max_entries);
}

void kps_ringbuf_free(struct kps_map *map)
{
	struct kps_ring *ring = ring_of(map);
	struct page **pages = ring->pages;
	u32 n = ring->nr_pages;

	/* No program writes any more, but the last wakeup may be on its way. */
	irq_work_sync(&ring->wake);
	vunmap(ring);
	free_pages_of(pages, n);
	kfree(container_of(map, struct kps_ringbuf, map));
}

static u64 record_size(u32 len)
{
	return ALIGN((u64)len + BPF_RINGBUF_HDR_SZ, 8);
}

static struct kps_record *record_at(struct kps_ring *ring, unsigned long pos)
{
	return (void *)ring->data + (pos & ring->mask);
}

/*
 * Where the oldest record lies that is not committed. Only memory behind it may be
 * used again, whatever position userspace claims to have reached.
 */
static unsigned long oldest_pending(struct kps_ring *ring, unsigned long end)
{
	unsigned long pos = ring->pending;
	u32 len;

	while (pos != end) {
		len = READ_ONCE(record_at(ring, pos)->len);
		if (len & BPF_RINGBUF_BUSY_BIT)
			break;
		pos += record_size(len & ~BPF_RINGBUF_DISCARD_BIT);
	}
	return pos;
}

/* Positions of userspace and of the module; each is read before what it covers. */
static unsigned long consumer_of(const struct kps_ring *ring)
{
	/* Pairs with the reader's store, after it has read the record. */
	return smp_load_acquire(&ring->consumer.at);
}

static unsigned long producer_of(const struct kps_ring *ring)
{
	/* Pairs with the release in reserve_locked(). */
	return smp_load_acquire(&ring->producer.at);
}

/* A record that is larger than the ring ends too far behind what is pending, too. */
static struct kps_record *reserve_locked(struct kps_ring *ring, u32 len)
{
	unsigned long at = ring->producer.at, end = at + record_size(len);
	unsigned long pending = oldest_pending(ring, at);
	struct kps_record *record;

	ring->pending = pending;
	if (unlikely(end - consumer_of(ring) > ring->mask || end - pending > ring->mask))
		return NULL;
	record = record_at(ring, at);
	record->len = len | BPF_RINGBUF_BUSY_BIT;
	record->page = (unsigned long)((void *)record - (void *)ring) >> PAGE_SHIFT;
	/* Pairs with the reader's load: it sees the busy bit. */
	smp_store_release(&ring->producer.at, end);
	return record;
}

static noinline void *lose(struct kps_ring *ring)
{
	kps_map_lose(ring->map);
	return NULL;
}

static __always_inline void *reserve(struct kps_ring *ring, u64 size)
{
	struct kps_record *record;
	unsigned long irq;

	if (unlikely(size > MAX_RECORD || kps_lock(&ring->lock, &irq)))
		return lose(ring);
	record = reserve_locked(ring, size);
	kps_unlock(&ring->lock, irq);
	return likely(record) ? record + 1 : lose(ring);
}

void *kps_ringbuf_reserve(struct kps_map *map, u64 size)
{
	return reserve(ring_of(map), size);
}

static struct kps_ring *ring_of_record(const struct kps_record *record)
{
	unsigned long page = (unsigned long)record & PAGE_MASK;

	return (void *)(page - ((unsigned long)record->page << PAGE_SHIFT));
}

/* By default the reader is woken only if it waits for this very record. */
static __always_inline void commit(void *sample, u64 flags, u32 discard)
{
	struct kps_record *record = sample - BPF_RINGBUF_HDR_SZ;
	struct kps_ring *ring = ring_of_record(record);
	u64 consumer, pos = (void *)record - (void *)ring->data;

	/* Orders the sample before, and the reader's position after. */
	xchg(&record->len, (record->len & ~BPF_RINGBUF_BUSY_BIT) | discard);
	consumer = consumer_of(ring) & ring->mask;
	if (flags & BPF_RB_FORCE_WAKEUP ||
	    (consumer == pos && !(flags & BPF_RB_NO_WAKEUP)))
		irq_work_queue(&ring->wake);
}

void kps_ringbuf_submit(void *sample, u64 flags)
{
	commit(sample, flags, 0);
}

/*
 * Helpers' bodies, here, so that a program's record costs two calls and no more.
 */
u64 kps_h_ringbuf_reserve(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return (unsigned long)reserve(ring_of((void *)(unsigned long)r1), r2);
}

u64 kps_h_ringbuf_submit(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	commit((void *)(unsigned long)r1, r2, 0);
	return 0;
}

u64 kps_h_ringbuf_discard(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	commit((void *)(unsigned long)r1, r2, BPF_RINGBUF_DISCARD_BIT);
	return 0;
}

u64 kps_h_ringbuf_reserve_dynptr(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_dynptr *ptr = (void *)(unsigned long)r4;
	int err = kps_dynptr_refused(r2, r3);
	void *sample = NULL;

	if (!err) {
		sample = reserve(ring_of((void *)(unsigned long)r1), (u32)r2);
		err = sample ? 0 : -EINVAL;
	}
	kps_dynptr_set(ptr, (unsigned long)sample, r2);
	return err;
}

static u64 commit_dynptr(u64 r1, u64 flags, u32 discard)
{
	struct kps_dynptr *ptr = (void *)(unsigned long)r1;

	if (ptr->data)
		commit((void *)(unsigned long)ptr->data, flags, discard);
	kps_dynptr_set(ptr, 0, 0);
	return 0;
}

u64 kps_h_ringbuf_submit_dynptr(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return commit_dynptr(r1, r2, 0);
}

u64 kps_h_ringbuf_discard_dynptr(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return commit_dynptr(r1, r2, BPF_RINGBUF_DISCARD_BIT);
}

long kps_ringbuf_output(struct kps_map *map, const void *from, u64 size,
			u64 flags)
{
	void *to;

	if (flags & ~WAKEUP_FLAGS)
		return -EINVAL;
	to = kps_ringbuf_reserve(map, size);
	if (!to)
		return -EAGAIN;
	memcpy(to, from, size);
	kps_ringbuf_submit(to, flags);
	return 0;
}

static u64 unread(struct kps_ring *ring)
{
	unsigned long consumer = consumer_of(ring);

	return producer_of(ring) - consumer;
}

u64 kps_ringbuf_query(struct kps_map *map, u64 what)
{
	struct kps_ring *ring = ring_of(map);

	switch (what) {
	case BPF_RB_AVAIL_DATA:
		return unread(ring);
	case BPF_RB_RING_SIZE:
		return ring->mask + 1;
	case BPF_RB_CONS_POS:
		return consumer_of(ring);
	case BPF_RB_PROD_POS:
		return producer_of(ring);
	}
	return 0;
}

/* The consumer's page may be mapped for writing, by itself; nothing else may. */
int kps_ringbuf_mmap(struct kps_map *map, struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_WRITE) {
		if (vma->vm_pgoff || vma->vm_end - vma->vm_start != PAGE_SIZE)
			return -EPERM;
	} else {
		kps_vm_forbid(vma, VM_MAYWRITE);
	}
	return remap_vmalloc_range(vma, ring_of(map), vma->vm_pgoff + OWN_PAGES);
}

__poll_t kps_ringbuf_poll(struct kps_map *map, struct file *file,
			  struct poll_table_struct *table)
{
	struct kps_ring *ring = ring_of(map);

	poll_wait(file, &ring->wait, table);
	return unread(ring) ? EPOLLIN | EPOLLRDNORM : 0;
}

u32 kps_ringbuf_used(struct kps_map *map)
{
	struct kps_ring *ring = ring_of(map);

	return min_t(u64, unread(ring), ring->mask + 1);
}

const struct kps_map_ops kps_map_ringbuf_ops = {
	.check = ringbuf_check,
	.alloc = ringbuf_alloc,
	.free = kps_ringbuf_free,
	.mmap = kps_ringbuf_mmap,
	.poll = kps_ringbuf_poll,
	.used = kps_ringbuf_used,
};
