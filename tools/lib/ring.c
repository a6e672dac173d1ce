// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - reading a ring buffer, in Linux's memory layout */

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "internal.h"

/**
 * struct kapsel_ring - see kapsel.h
 * @fd: of the map, the caller's
 * @mask: size - 1
 * @page: bytes
 * @consumer: how far we read; ours to write
 * @producer: how far programs wrote
 * @data: records, mapped twice so that none is broken in two
 */
struct kapsel_ring {
	int fd;
	u64 mask;
	size_t page;
	unsigned long *consumer;
	const unsigned long *producer;
	const char *data;
};

bool kapsel_has_records(u32 type)
{
	return type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
}

u32 kapsel_ring_size(const struct kapsel_dev *dev, u32 type, u32 max_entries)
{
	u32 cpus = 1;

	if (type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return max_entries;
	while (cpus < dev->abi.cpus)
		cpus *= 2;
	return cpus * KAPSEL_PERF_RING;
}

struct kapsel_ring *kapsel_ring_open(int fd, u32 size, struct kapsel_error *err)
{
	struct kapsel_ring *ring = calloc(1, sizeof(*ring));
	void *rw, *ro;

	if (!ring) {
		kl_nomem(err);
		return NULL;
	}
	ring->fd = fd;
	ring->mask = (u64)size - 1;
	ring->page = sysconf(_SC_PAGESIZE);
	rw = mmap(NULL, ring->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ro = mmap(NULL, ring->page + 2 * (size_t)size, PROT_READ, MAP_SHARED, fd, ring->page);
	ring->consumer = rw;
	ring->producer = ro;
	ring->data = (const char *)ro + ring->page;
	if (rw != MAP_FAILED && ro != MAP_FAILED)
		return ring;
	kl_errno(err, -errno, "cannot map the ring buffer");
	if (rw != MAP_FAILED)
		munmap(rw, ring->page);
	if (ro != MAP_FAILED)
		munmap(ro, ring->page + 2 * (size_t)size);
	free(ring);
	return NULL;
}

void kapsel_ring_close(struct kapsel_ring *ring)
{
	if (!ring)
		return;
	munmap(ring->consumer, ring->page);
	munmap((void *)ring->producer, ring->page + 2 * (ring->mask + 1));
	free(ring);
}

int kapsel_ring_fd(const struct kapsel_ring *ring)
{
	return ring->fd;
}

int kapsel_ring_read(struct kapsel_ring *ring,
		     int (*fn)(void *ctx, const void *data, u32 size), void *ctx)
{
	unsigned long at = __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE), end;
	int ret = 0;

	/* The position is made known after each record: its room is free at once. */
	while (!ret) {
		const u32 *head = (const u32 *)(ring->data + (at & ring->mask));
		u32 len;

		end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
		if (at >= end)
			break;
		len = __atomic_load_n(head, __ATOMIC_ACQUIRE);
		if (len & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(len & BPF_RINGBUF_DISCARD_BIT))
			ret = fn(ctx, (const char *)head + BPF_RINGBUF_HDR_SZ, len);
		len &= ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		at += ALIGN(len + BPF_RINGBUF_HDR_SZ, 8);
		__atomic_store_n(ring->consumer, at, __ATOMIC_RELEASE);
	}
	return ret;
}
