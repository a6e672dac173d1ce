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
	struct kapsel_dev dev;
	struct kapsel_object *ours;
	struct bpf_object *theirs;
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

static int load_ours(struct kapsel_dev *dev, struct kapsel_object **obj, __u32 engine)
{
	struct kapsel_load_opts opts = { .engine = engine };
	struct kapsel_result res = {};
	struct kapsel_error err = {};
	int ret = kapsel_dev_open(dev, NULL, &err);

	if (ret)
		return ret;
	*obj = kapsel_open(FILE_NAME, &err);
	ret = *obj ? kapsel_maps_create(dev, *obj, &err) : err.err;
	for (__u32 i = 0; !ret && i < kapsel_nr_progs(*obj); i++) {
		ret = kapsel_prog_load(dev, kapsel_prog_at(*obj, i), &opts, &res, &err);
		kapsel_result_free(&res);
	}
	if (ret)
		fprintf(stderr, "# %s\n", err.text);
	return ret;
}

static int our_map(FIXTURE_DATA(dynptr) * self, const char *name)
{
	return kapsel_map_find(self->ours, name)->fd;
}

static int their_map(FIXTURE_DATA(dynptr) * self, const char *name)
{
	return bpf_object__find_map_fd_by_name(self->theirs, name);
}

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
	ASSERT_EQ(0, load_ours(&self->dev, &self->ours, variant->engine));
	ASSERT_TRUE(map_ring(&self->our_ring, our_map(self, "ring")));
	self->theirs = bpf_object__open_file(FILE_NAME, NULL);
	ASSERT_NE(NULL, self->theirs);
	if (bpf_object__load(self->theirs))
		SKIP(return, "bpf(2): %d", errno);
	ASSERT_TRUE(map_ring(&self->their_ring, their_map(self, "ring")));
}

FIXTURE_TEARDOWN(dynptr)
{
	kapsel_close(self->ours);
	bpf_object__close(self->theirs);
}

static int run_ours(FIXTURE_DATA(dynptr) * self, const char *name, struct result *result)
{
	unsigned char packet[20] = { 0x45, [3] = 20, [8] = 64, [9] = 17 };
	__u32 zero = 0;
	__u64 ret = 0;
	int err = km_run(kapsel_prog_find(self->ours, name)->fd, NULL, 0, packet, sizeof(packet),
			 1, &ret);

	if (err || ret != 1)
		return err ?: -EIO;
	return km_elem(our_map(self, "results"), KAPSEL_MAP_LOOKUP, &zero, 4, result,
		       sizeof(*result), 0);
}

static int run_theirs(FIXTURE_DATA(dynptr) * self, const char *name, struct result *result)
{
	unsigned char frame[14 + 20] = { [12] = 8, [14] = 0x45, [17] = 20, [22] = 64, [23] = 17 };
	struct bpf_program *prog = bpf_object__find_program_by_name(self->theirs, name);
	__u32 zero = 0;
	int err;

	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));

	err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	if (err || opts.retval != 1)
		return err ?: -EIO;
	return bpf_map_lookup_elem(their_map(self, "results"), &zero, result);
}

static int give_order(FIXTURE_DATA(dynptr) * self, const struct order *order)
{
	struct order copy = *order;
	__u32 zero = 0;

	return km_elem(our_map(self, "orders"), KAPSEL_MAP_UPDATE, &zero, 4, &copy,
		       sizeof(copy), 0) ?:
	       bpf_map_update_elem(their_map(self, "orders"), &zero, order, 0);
}

static __u32 random_state = 1;

static __u32 rnd(__u32 below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % below;
}

/* Numbers around those that matter: 0, what there is, what fits, what wraps. */
static __u32 edge(__u32 size)
{
	const __u32 edges[] = { 0, 8, 32, size, size - 8, 0xfffff8, 0xffffff, 0x1000000, -8u, -1u };

	return edges[rnd(ARRAY_SIZE(edges))] + rnd(3) - 1;
}

static void make_order(struct order *order, __u32 size)
{
	*order = (struct order){
		.size = size, .off = rnd(3) ? rnd(40) : edge(size), .len = rnd(MEMORY),
		.discard = rnd(3) == 0, .make_flags = rnd(16) ? 0 : 1ULL << rnd(64),
		.use_flags = rnd(16) ? 0 : 1ULL << rnd(64),
	};
	/* Of two mistakes in one call, which is told depends on the kernel. */
	if (order->use_flags) {
		order->off = 0;
		order->len = 0;
	}
	for (size_t i = 0; i < sizeof(order->from); i++)
		order->from[i] = rnd(256);
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
		make_order(&order, rnd(MEMORY));
		ASSERT_EQ(0, give_order(self, &order));
		ASSERT_EQ(0, run_ours(self, "local", &ours));
		ASSERT_EQ(0, run_theirs(self, "local", &theirs));
		ASSERT_TRUE(same(&ours, &theirs))
			TH_LOG("size %u off %u len %u", order.size, order.off, order.len);
		ASSERT_EQ(0, km_elem(our_map(self, "memories"), KAPSEL_MAP_LOOKUP, &zero, 4,
				     our_memory, sizeof(our_memory), 0));
		ASSERT_EQ(0, bpf_map_lookup_elem(their_map(self, "memories"), &zero,
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
		make_order(&order, rnd(4) ? rnd(80) : edge(RING));
		ASSERT_EQ(0, give_order(self, &order));
		ASSERT_EQ(0, run_ours(self, "record", &ours));
		ASSERT_EQ(0, run_theirs(self, "record", &theirs));
		ASSERT_TRUE(same(&ours, &theirs))
			TH_LOG("size %u off %u len %u", order.size, order.off, order.len);
		ASSERT_TRUE(same_records(self, at));
		/* Now and then the reader falls behind. */
		if (rnd(8))
			continue;
		consume(&self->our_ring, position(&self->our_ring));
		consume(&self->their_ring, position(&self->their_ring));
	}
}

TEST_HARNESS_MAIN
