// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - writing samples to a user ring buffer, in Linux's memory layout */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "internal.h"

/**
 * struct kapsel_producer - see kapsel.h
 * @fd: of the map, the caller's
 * @size: of @data, bytes
 * @page: bytes
 * @consumer: how far programs read
 * @producer: how far we wrote; ours to write
 * @data: samples, mapped twice so that none is broken in two
 */
struct kapsel_producer {
	int fd;
	u64 size;
	size_t page;
	const unsigned long *consumer;
	unsigned long *producer;
	char *data;
};

struct kapsel_producer *kapsel_producer_open(int fd, u32 size, struct kapsel_error *err)
{
	struct kapsel_producer *p = calloc(1, sizeof(*p));
	void *ro, *rw;

	if (!p) {
		kl_nomem(err);
		return NULL;
	}
	p->fd = fd;
	p->size = size;
	p->page = sysconf(_SC_PAGESIZE);
	ro = mmap(NULL, p->page, PROT_READ, MAP_SHARED, fd, 0);
	if (ro == MAP_FAILED)
		goto failed;
	rw = mmap(NULL, p->page + 2 * p->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, p->page);
	if (rw == MAP_FAILED)
		goto failed;
	p->consumer = ro;
	p->producer = rw;
	p->data = (char *)rw + p->page;
	return p;
failed:
	kl_errno(err, -errno, "cannot map the user ring buffer");
	if (ro != MAP_FAILED)
		munmap(ro, p->page);
	free(p);
	return NULL;
}

void kapsel_producer_close(struct kapsel_producer *p)
{
	if (!p)
		return;
	munmap((void *)p->consumer, p->page);
	munmap(p->producer, p->page + 2 * p->size);
	free(p);
}

int kapsel_producer_fd(const struct kapsel_producer *p)
{
	return p->fd;
}

int kapsel_producer_push(struct kapsel_producer *p, const void *sample, u32 len)
{
	unsigned long read = __atomic_load_n(p->consumer, __ATOMIC_ACQUIRE);
	unsigned long at = __atomic_load_n(p->producer, __ATOMIC_ACQUIRE);
	u64 bytes = ALIGN((u64)len + BPF_RINGBUF_HDR_SZ, 8);
	u32 *head = (u32 *)(p->data + at % p->size);

	if (bytes > p->size)
		return -E2BIG;
	if (at - read > p->size - bytes)
		return -ENOSPC;
	memcpy(head + 2, sample, len);
	head[1] = 0;
	__atomic_store_n(head, len, __ATOMIC_RELEASE);
	/* Programs see the position only with what is behind it. */
	__atomic_store_n(p->producer, at + bytes, __ATOMIC_RELEASE);
	return 0;
}
