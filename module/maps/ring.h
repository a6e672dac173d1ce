/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - the memory of ring buffers, as Linux lays it out, whoever writes the records */
#ifndef KPS_RING_H
#define KPS_RING_H

#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/irq_work.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <uapi/linux/bpf.h>

#include "map.h"

/* Pages before the data: the module's own, and the two that userspace sees. */
#define KPS_RING_OWN_PAGES	1
#define KPS_RING_POS_PAGES	2

/** struct kps_position - a position in the data, in a page of its own */
struct kps_position {
	unsigned long at;
} __aligned(PAGE_SIZE);

/**
 * struct kps_ring - the ring, in one stretch of virtual memory
 * @wait: in poll(), who waits for the other side
 * @wake: wakes them from any context
 * @lock: of a ring that programs write: by kps_lock(); writers of @producer and @pending
 * @busy: of one that userspace writes: a program is at it
 * @map: of which it is
 * @mask: size of the data less one
 * @pages: what the stretch is mapped from
 * @nr_pages: different ones
 * @pending: where the oldest record lies that is not committed yet
 * @consumer: what was read; read-only for userspace if it is the writer
 * @producer: where the next record goes; read-only for userspace if it is the reader
 * @data: mapped twice in a row, so that records never wrap; like @producer
 *
 * What userspace can write is worth nothing: see the types of maps for what it can do.
 */
struct kps_ring {
	wait_queue_head_t wait;
	struct irq_work wake;
	raw_spinlock_t lock;
	atomic_t busy;
	struct kps_map *map;
	u64 mask;
	struct page **pages;
	u32 nr_pages;
	unsigned long pending;
	struct kps_position consumer;
	struct kps_position producer;
	char data[];
};

static_assert(offsetof(struct kps_ring, consumer) == KPS_RING_OWN_PAGES * PAGE_SIZE);
static_assert(offsetof(struct kps_ring, data) ==
	      (KPS_RING_OWN_PAGES + KPS_RING_POS_PAGES) * PAGE_SIZE);

/** struct kps_ring_map - a map that is nothing but a ring */
struct kps_ring_map {
	struct kps_map map;
	struct kps_ring *ring;
};

static inline struct kps_ring *kps_ring_of(struct kps_map *map)
{
	return container_of(map, struct kps_ring_map, map)->ring;
}

/** kps_ring_check - see struct kps_map_ops: the size is a power of two, in pages */
int kps_ring_check(const struct kapsel_map_create *arg);

/** kps_ring_new - a map with a ring of @size bytes, or ERR_PTR */
struct kps_map *kps_ring_new(u32 size);

/* See struct kps_map_ops. */
struct kps_map *kps_ring_alloc(const struct kapsel_map_create *arg);
void kps_ring_free(struct kps_map *map);
u32 kps_ring_used(struct kps_map *map);

/** kps_ring_mmap - map what userspace may see from page @vma->vm_pgoff of it on */
int kps_ring_mmap(struct kps_map *map, struct vm_area_struct *vma);

/** kps_ring_record_size - bytes in the ring of a record of @len bytes, its head included */
static inline u64 kps_ring_record_size(u32 len)
{
	return ALIGN((u64)len + BPF_RINGBUF_HDR_SZ, 8);
}

static inline void *kps_ring_at(struct kps_ring *ring, unsigned long pos)
{
	return ring->data + (pos & ring->mask);
}

/* Positions of userspace and of the module; each is read before what it covers. */
static inline unsigned long kps_ring_consumer(const struct kps_ring *ring)
{
	/* Pairs with the reader's store, after it has read the record. */
	return smp_load_acquire(&ring->consumer.at);
}

static inline unsigned long kps_ring_producer(const struct kps_ring *ring)
{
	/* Pairs with the writer's store, after it has begun a record. */
	return smp_load_acquire(&ring->producer.at);
}

/** kps_ring_unread - bytes from the reader to the writer, as they say */
static inline u64 kps_ring_unread(const struct kps_ring *ring)
{
	unsigned long consumer = kps_ring_consumer(ring);

	return kps_ring_producer(ring) - consumer;
}

#endif
