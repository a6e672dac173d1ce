// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type user ring buffer: samples from userspace, as Linux lays them out */

#include <linux/mm.h>
#include <linux/poll.h>

#include "compat.h"
#include "helpers.h"
#include "maps/ring.h"
#include "core/dynptr.h"
#include "core/interp.h"

#define WAKEUP_FLAGS	((u64)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
#define HEAD_FLAGS	(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT)

/*
 * Userspace writes the producer's position and all of the data, at any time: each number
 * is read once, and checked before it is used. The consumer's position is the module's
 * alone, written only while @busy is held.
 */

/* Where the sample after the last one begins, and how far it may reach. */
static int next_region(const struct kps_ring *ring, unsigned long *at, u64 *room)
{
	unsigned long producer = kps_ring_producer(ring);

	if (producer % 8)
		return -EINVAL;
	*at = ring->consumer.at;
	if (*at >= producer)
		return -ENODATA;
	*room = producer - *at;
	return 0;
}

static void consume(struct kps_ring *ring, u32 len)
{
	/* Pairs with the writer's load: what was read may be written again. */
	smp_store_release(&ring->consumer.at, ring->consumer.at + kps_ring_record_size(len));
}

/* -ENODATA: there is none yet; -EAGAIN: it was discarded; others: it can't be one. */
static int peek(struct kps_ring *ring, struct kps_dynptr *sample)
{
	unsigned long at;
	u32 head, len;
	u64 room;
	int err = next_region(ring, &at, &room);

	if (err)
		return err;
	/* Pairs with the writer's store, after it has written the sample. */
	head = smp_load_acquire((u32 *)kps_ring_at(ring, at));
	len = head & ~HEAD_FLAGS;
	if (kps_ring_record_size(len) > room)
		return -EINVAL;
	if (kps_ring_record_size(len) > ring->mask + 1 || len > KPS_DYNPTR_MAX)
		return -E2BIG;
	if (head & BPF_RINGBUF_DISCARD_BIT) {
		consume(ring, len);
		return -EAGAIN;
	}
	if (head & BPF_RINGBUF_BUSY_BIT)
		return -ENODATA;
	kps_dynptr_set(sample, (unsigned long)kps_ring_at(ring, at + BPF_RINGBUF_HDR_SZ), len);
	return 0;
}

static int begin(struct kps_ring *ring, const struct kps_drain *drain)
{
	int busy = 0;

	if (drain->flags & ~WAKEUP_FLAGS)
		return -EINVAL;
	return atomic_try_cmpxchg_acquire(&ring->busy, &busy, 1) ? 0 : -EBUSY;
}

/* Programs are proved to end with so many: the writer may go on writing. */
static bool is_enough(const struct kps_ring *ring, const struct kps_drain *drain)
{
	return drain->samples == kps_most_samples(ring->mask + 1);
}

static int next_sample(struct kps_ring *ring, struct kps_drain *drain)
{
	int err = -ENODATA;

	while (!is_enough(ring, drain)) {
		err = peek(ring, &drain->sample);
		if (err && err != -EAGAIN)
			return err;
		drain->samples++;
		if (!err)
			return 0;
		drain->discarded++;
		err = -ENODATA;
	}
	return err;
}

static void end(struct kps_ring *ring, struct kps_drain *drain, int err)
{
	drain->result = err == -ENODATA ? drain->samples - drain->discarded : err;
	atomic_set_release(&ring->busy, 0);
	if (drain->flags & BPF_RB_FORCE_WAKEUP ||
	    (drain->samples && !(drain->flags & BPF_RB_NO_WAKEUP)))
		irq_work_queue(&ring->wake);
}

/*
 * For the engines, which call the callback: the next sample of the map r1, into the
 * struct kps_drain at r2; r3: the callback wants no more. False: that was all.
 */
u64 kps_h_user_ringbuf_drain(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_ring *ring = kps_ring_of((void *)(unsigned long)r1);
	struct kps_drain *drain = (void *)(unsigned long)r2;
	int err;

	if (drain->sample.data) {
		consume(ring, drain->sample.size);
	} else {
		drain->result = begin(ring, drain);
		if (drain->result)
			return false;
	}
	err = r3 ? -ENODATA : next_sample(ring, drain);
	if (err)
		end(ring, drain, err);
	return !err;
}

/* All but the consumer's page may be mapped for writing. */
static int user_ringbuf_mmap(struct kps_map *map, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_WRITE))
		kps_vm_forbid(vma, VM_MAYWRITE);
	else if (!vma->vm_pgoff)
		return -EPERM;
	return kps_ring_mmap(map, vma);
}

static __poll_t user_ringbuf_poll(struct kps_map *map, struct file *file,
				  struct poll_table_struct *table)
{
	struct kps_ring *ring = kps_ring_of(map);

	poll_wait(file, &ring->wait, table);
	return kps_ring_unread(ring) <= ring->mask ? EPOLLOUT | EPOLLWRNORM : 0;
}

const struct kps_map_ops kps_map_user_ringbuf_ops = {
	.check = kps_ring_check,
	.alloc = kps_ring_alloc,
	.free = kps_ring_free,
	.mmap = user_ringbuf_mmap,
	.poll = user_ringbuf_poll,
	.used = kps_ring_used,
};
