// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type ring buffer: records from programs, as Linux lays them out */

#include <linux/mm.h>
#include <linux/string.h>

#include "compat.h"
#include "guard.h"
#include "helpers.h"
#include "maps/ring.h"
#include "maps/ringbuf.h"
#include "core/dynptr.h"

#define WAKEUP_FLAGS	((u64)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
#define MAX_RECORD	(U32_MAX / 4)

/*
 * The consumer's position is written by userspace, so worth nothing: it can make us refuse
 * records or overwrite those it has not read, no more.
 */

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

static struct kps_record *record_at(struct kps_ring *ring, unsigned long pos)
{
	return kps_ring_at(ring, pos);
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
		pos += kps_ring_record_size(len & ~BPF_RINGBUF_DISCARD_BIT);
	}
	return pos;
}

/* A record that is larger than the ring ends too far behind what is pending, too. */
static struct kps_record *reserve_locked(struct kps_ring *ring, u32 len)
{
	unsigned long at = ring->producer.at, end = at + kps_ring_record_size(len);
	unsigned long pending = oldest_pending(ring, at);
	struct kps_record *record;

	ring->pending = pending;
	if (unlikely(end - kps_ring_consumer(ring) > ring->mask || end - pending > ring->mask))
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
	return reserve(kps_ring_of(map), size);
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
	consumer = kps_ring_consumer(ring) & ring->mask;
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
	return (unsigned long)reserve(kps_ring_of((void *)(unsigned long)r1), r2);
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
		sample = reserve(kps_ring_of((void *)(unsigned long)r1), (u32)r2);
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

u64 kps_ringbuf_query(struct kps_map *map, u64 what)
{
	struct kps_ring *ring = kps_ring_of(map);

	switch (what) {
	case BPF_RB_AVAIL_DATA:
		return kps_ring_unread(ring);
	case BPF_RB_RING_SIZE:
		return ring->mask + 1;
	case BPF_RB_CONS_POS:
		return kps_ring_consumer(ring);
	case BPF_RB_PROD_POS:
		return kps_ring_producer(ring);
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
	return kps_ring_mmap(map, vma);
}

__poll_t kps_ringbuf_poll(struct kps_map *map, struct file *file,
			  struct poll_table_struct *table)
{
	struct kps_ring *ring = kps_ring_of(map);

	poll_wait(file, &ring->wait, table);
	return kps_ring_unread(ring) ? EPOLLIN | EPOLLRDNORM : 0;
}

const struct kps_map_ops kps_map_ringbuf_ops = {
	.check = kps_ring_check,
	.alloc = kps_ring_alloc,
	.free = kps_ring_free,
	.mmap = kps_ringbuf_mmap,
	.poll = kps_ringbuf_poll,
	.used = kps_ring_used,
};
