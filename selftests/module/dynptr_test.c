// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dynptrs beside the kernel's own: one object, by libbpf and by kapsel, that makes, reads,
 * writes and cuts them with the same numbers, of maps' values and of ring buffers' records
 */

#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/kernel.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_random.h"
#include "module/lib/km_twins.h"

#define FILE_NAME "dynptrs.bpf.o"
#define MEMORY 64
#define ROUNDS 2000
#define RING 4096

/* As dynptrs.bpf.c has them. */
struct order {
	__u32 size, off, len, discard;
	__u64 make_flags, use_flags;
	__u8 from[MEMORY];
};

struct result {
	__s32 made, wrote, read, slice;
	__u8 got[MEMORY];
};

/** struct ring - a ring buffer, as its reader maps it */
struct ring {
	unsigned long *consumer;
	unsigned long *producer;
	char *data;
};

FIXTURE(dynptr) {
	struct km_twins both;
	struct ring our_ring;
	struct ring their_ring;
};

FIXTURE_VARIANT(dynptr) {
	__u32 engine;
};

FIXTURE_VARIANT_ADD(dynptr, compiled) {
	.engine = KAPSEL_ENGINE_JIT,
};

FIXTURE_VARIANT_ADD(dynptr, interpreted) {
	.engine = KAPSEL_ENGINE_INTERP,
};

static bool map_ring(struct ring *ring, int fd)
{
	long page = sysconf(_SC_PAGESIZE);

	ring->consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ring->producer = mmap(NULL, page + 2 * RING, PROT_READ, MAP_SHARED, fd, page);
	ring->data = (char *)ring->producer + page;
	return ring->consumer != MAP_FAILED && ring->producer != MAP_FAILED;
}

FIXTURE_SETUP(dynptr)
{
	ASSERT_EQ(0, km_load_ours(&self->both, FILE_NAME, variant->engine, NULL));
	ASSERT_TRUE(map_ring(&self->our_ring, km_our_map(&self->both, "ring")));
	if (km_load_theirs(&self->both, FILE_NAME))
		SKIP(return KM_NO_TEST, "bpf(2): %d", errno);
	ASSERT_TRUE(map_ring(&self->their_ring, km_their_map(&self->both, "ring")));
}

FIXTURE_TEARDOWN(dynptr)
{
	km_twins_close(&self->both);
}

/* Numbers around those that matter: 0, what there is, what fits, what wraps. */
static __u32 edge(__u32 size)
{
	const __u32 edges[] = { 0, 8, 32, size, size - 8, 0xfffff8, 0xffffff, 0x1000000, -8u, -1u };

	return edges[km_rnd(ARRAY_SIZE(edges))] + km_rnd(3) - 1;
}

static void make_order(struct order *order, __u32 size)
{
	*order = (struct order){
		.size = size, .off = km_rnd(3) ? km_rnd(40) : edge(size),
		.len = km_rnd(MEMORY), .discard = km_rnd(3) == 0,
		.make_flags = km_rnd(16) ? 0 : 1ULL << km_rnd(64),
		.use_flags = km_rnd(16) ? 0 : 1ULL << km_rnd(64),
	};
	/* Of two mistakes in one call, which is told depends on the kernel. */
	if (order->use_flags) {
		order->off = 0;
		order->len = 0;
	}
	for (size_t i = 0; i < sizeof(order->from); i++)
		order->from[i] = km_rnd(256);
}

static bool same(const struct result *a, const struct result *b)
{
	if (!memcmp(a, b, sizeof(*a)))
		return true;
	fprintf(stderr, "# kapsel %d %d %d %d, Linux %d %d %d %d\n", a->made, a->wrote, a->read,
		a->slice, b->made, b->wrote, b->read, b->slice);
	return false;
}

TEST_F(dynptr, of_a_maps_value)
{
	__u8 our_memory[MEMORY], their_memory[MEMORY];
	struct result ours, theirs;
	struct order order;
	__u32 zero = 0;

	for (int i = 0; i < ROUNDS; i++) {
		make_order(&order, km_rnd(MEMORY));
		ASSERT_EQ(0, km_give_order(&self->both, &order, sizeof(order)));
		ASSERT_EQ(0, km_run_ours(&self->both, "local", &ours, sizeof(ours)));
		ASSERT_EQ(0, km_run_theirs(&self->both, "local", &theirs));
		ASSERT_TRUE(same(&ours, &theirs))
			TH_LOG("size %u off %u len %u", order.size, order.off, order.len);
		ASSERT_EQ(0, km_elem(km_our_map(&self->both, "memories"), KAPSEL_MAP_LOOKUP, &zero,
				     4, our_memory, sizeof(our_memory), 0));
		ASSERT_EQ(0, bpf_map_lookup_elem(km_their_map(&self->both, "memories"), &zero,
						 their_memory));
		ASSERT_EQ(0, memcmp(our_memory, their_memory, MEMORY));
	}
}

static unsigned long position(const struct ring *ring)
{
	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
}

static __u32 length_at(const struct ring *ring, unsigned long at)
{
	return *(__u32 *)(ring->data + at % RING);
}

/* What came into the rings since @at is the same, but for where in memory it lies. */
static bool same_records(FIXTURE_DATA(dynptr) * self, unsigned long at)
{
	unsigned long end = position(&self->our_ring);

	if (end != position(&self->their_ring))
		return false;
	while (at != end) {
		__u32 len = length_at(&self->our_ring, at);
		__u32 bytes = len & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (len != length_at(&self->their_ring, at) || len & BPF_RINGBUF_BUSY_BIT ||
		    memcmp(self->our_ring.data + at % RING + 8,
			   self->their_ring.data + at % RING + 8, bytes))
			return false;
		at += (bytes + 8 + 7) / 8 * 8;
	}
	return true;
}

static void consume(struct ring *ring, unsigned long to)
{
	__atomic_store_n(ring->consumer, to, __ATOMIC_RELEASE);
}

TEST_F(dynptr, of_a_ring_buffers_record)
{
	struct result ours, theirs;
	unsigned long at;
	struct order order;

	for (int i = 0; i < ROUNDS; i++) {
		at = position(&self->our_ring);
		make_order(&order, km_rnd(4) ? km_rnd(80) : edge(RING));
		ASSERT_EQ(0, km_give_order(&self->both, &order, sizeof(order)));
		ASSERT_EQ(0, km_run_ours(&self->both, "record", &ours, sizeof(ours)));
		ASSERT_EQ(0, km_run_theirs(&self->both, "record", &theirs));
		ASSERT_TRUE(same(&ours, &theirs))
			TH_LOG("size %u off %u len %u", order.size, order.off, order.len);
		ASSERT_TRUE(same_records(self, at));
		/* Now and then the reader falls behind. */
		if (km_rnd(8))
			continue;
		consume(&self->our_ring, position(&self->our_ring));
		consume(&self->their_ring, position(&self->their_ring));
	}
}

TEST_HARNESS_MAIN
