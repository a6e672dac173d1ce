// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hash tables against a model: random operations give what an array of 64 cells
 * gives, and what the kernel's own maps give where there is bpf(2)
 */

#include <linux/kernel.h>
#include <pthread.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_bpf.h"
#include "module/lib/km_random.h"

#define KEYS		64	/* of which fit: */
#define ENTRIES		48
#define OPERATIONS	20000

enum op { LOOKUP, UPDATE, DELETE, TAKE, NR_OPS };

struct step {
	enum op op;
	__u32 key;
	__u64 value;
	__u64 flags;
};

static struct step random_step(void)
{
	return (struct step){
		.op = km_rnd(NR_OPS), .key = km_rnd(KEYS),
		.value = (__u64)km_rnd(1 << 20) << 20 | km_rnd(1 << 20), .flags = km_rnd(4),
	};
}

/* What the map should say; *@value as the map's answer. */
struct model {
	bool used[KEYS];
	__u64 values[KEYS];
	__u32 count;
};

static int model_update(struct model *m, const struct step *s)
{
	if (s->flags > BPF_EXIST)
		return -EINVAL;
	if (m->used[s->key] && s->flags == BPF_NOEXIST)
		return -EEXIST;
	if (!m->used[s->key] && s->flags == BPF_EXIST)
		return -ENOENT;
	if (!m->used[s->key] && m->count == ENTRIES)
		return -E2BIG;
	m->count += !m->used[s->key];
	m->used[s->key] = true;
	m->values[s->key] = s->value;
	return 0;
}

static int model_step(struct model *m, const struct step *s, __u64 *value)
{
	if (s->op == UPDATE)
		return model_update(m, s);
	if (!m->used[s->key])
		return -ENOENT;
	if (s->op != DELETE)
		*value = m->values[s->key];
	if (s->op != LOOKUP) {
		m->used[s->key] = false;
		m->count--;
	}
	return 0;
}

/* All CPUs' values are the same, so that one number tells them. */
static int map_step(int map, const struct step *s, __u64 *value, __u32 cpus)
{
	static const unsigned long cmds[] = {
		[LOOKUP] = KAPSEL_MAP_LOOKUP, [UPDATE] = KAPSEL_MAP_UPDATE,
		[DELETE] = KAPSEL_MAP_DELETE, [TAKE] = KAPSEL_MAP_LOOKUP_DELETE,
	};
	__u64 values[256] = {};
	int err;

	for (__u32 i = 0; i < cpus && s->op == UPDATE; i++)
		values[i] = s->value;
	err = km_elem(map, cmds[s->op], &s->key, 4, values, cpus * 8,
		      s->op == UPDATE ? s->flags : 0);
	if (!err && (s->op == LOOKUP || s->op == TAKE))
		*value = values[cpus - 1];
	return err;
}

static int bpf_step(int map, const struct step *s, __u64 *value)
{
	static const int cmds[] = {
		[LOOKUP] = BPF_MAP_LOOKUP_ELEM, [UPDATE] = BPF_MAP_UPDATE_ELEM,
		[DELETE] = BPF_MAP_DELETE_ELEM, [TAKE] = BPF_MAP_LOOKUP_AND_DELETE_ELEM,
	};
	__u64 room = s->value;
	int err = km_bpf_elem(cmds[s->op], map, &s->key, s->op == DELETE ? NULL : &room,
			      s->op == UPDATE ? s->flags : 0);

	if (!err && (s->op == LOOKUP || s->op == TAKE))
		*value = room;
	return err;
}

FIXTURE(model) {
	int dev;
	int map;
	__u32 cpus;
	struct model model;
};

FIXTURE_VARIANT(model) {
	__u32 type;
};

FIXTURE_VARIANT_ADD(model, hash) { BPF_MAP_TYPE_HASH };
FIXTURE_VARIANT_ADD(model, percpu_hash) { BPF_MAP_TYPE_PERCPU_HASH };

FIXTURE_SETUP(model)
{
	struct kapsel_abi abi;

	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	self->cpus = variant->type == BPF_MAP_TYPE_HASH ? 1 : abi.cpus;
	self->map = km_map(self->dev, variant->type, 4, 8, ENTRIES, 0);
	ASSERT_LE(0, self->map);
	km_random_state = 1;
}

FIXTURE_TEARDOWN(model)
{
	close(self->map);
	EXPECT_EQ(0, km_objects(self->dev));
}

/* Every key that is there once, and no other. */
static int count_by_walking(int map, const struct model *m)
{
	bool seen[KEYS] = {};
	__u32 key, *last = NULL;
	int n = 0;

	while (!km_next(map, last, &key, 4)) {
		if (key >= KEYS || seen[key] || !m->used[key])
			return -1;
		seen[key] = true;
		last = &key;
		n++;
	}
	return n;
}

TEST_F_TIMEOUT(model, random_operations, 120)
{
	for (int i = 0; i < OPERATIONS; i++) {
		struct step s = random_step();
		__u64 wanted = 0, seen = 0;
		int err = model_step(&self->model, &s, &wanted);

		ASSERT_EQ(err, map_step(self->map, &s, &seen, self->cpus)) {
			TH_LOG("step %d: op %d key %u flags %llu", i, s.op, s.key, s.flags);
		}
		ASSERT_EQ(wanted, seen);
		if (i % 1000)
			continue;
		ASSERT_EQ(self->model.count, km_info(self->map).map.used);
		ASSERT_EQ(self->model.count, count_by_walking(self->map, &self->model));
	}
}

TEST_F_TIMEOUT(model, the_kernels_own_maps_agree, 120)
{
	int map = km_bpf_map(variant->type, 4, 8, ENTRIES, 0);
	bool percpu = self->cpus > 1;

	if (map < 0)
		SKIP(return, "bpf(2): %d", map);
	if (percpu)
		SKIP(return, "its values are compared in elements_as_in_linux");
	for (int i = 0; i < OPERATIONS; i++) {
		struct step s = random_step();
		__u64 theirs = 0, ours = 0;
		int err = bpf_step(map, &s, &theirs);

		ASSERT_EQ(err, map_step(self->map, &s, &ours, self->cpus)) {
			TH_LOG("step %d: op %d key %u flags %llu", i, s.op, s.key, s.flags);
		}
		ASSERT_EQ(theirs, ours);
	}
}

/* ------------------------------------------------------------------------
 * Errors of single calls, on all types that both have
 */
FIXTURE(intree) {
	int dev;
	int ours;
	int theirs;
	__u32 size;
	__u32 flags;		/* so many are tried */
};

FIXTURE_VARIANT(intree) {
	__u32 type;
};

FIXTURE_VARIANT_ADD(intree, hash) { BPF_MAP_TYPE_HASH };
FIXTURE_VARIANT_ADD(intree, array) { BPF_MAP_TYPE_ARRAY };
FIXTURE_VARIANT_ADD(intree, percpu_hash) { BPF_MAP_TYPE_PERCPU_HASH };
FIXTURE_VARIANT_ADD(intree, percpu_array) { BPF_MAP_TYPE_PERCPU_ARRAY };

FIXTURE_SETUP(intree)
{
	struct kapsel_abi abi;

	self->dev = km_open();
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	self->size = variant->type >= BPF_MAP_TYPE_PERCPU_HASH ? 8 * abi.cpus : 8;
	self->flags = variant->type >= BPF_MAP_TYPE_PERCPU_HASH ? km_bpf_percpu_flags() : 4;
	self->ours = km_map(self->dev, variant->type, 4, 8, 2, 0);
	ASSERT_LE(0, self->ours);
	self->theirs = km_bpf_map(variant->type, 4, 8, 2, 0);
	if (self->theirs < 0)
		SKIP(return KM_NO_TEST, "bpf(2): %d", self->theirs);
}

FIXTURE_TEARDOWN(intree)
{
}

TEST_F(intree, elements_as_in_linux)
{
	static const struct { unsigned long ours; int theirs; } ops[] = {
		{ KAPSEL_MAP_LOOKUP, BPF_MAP_LOOKUP_ELEM },
		{ KAPSEL_MAP_UPDATE, BPF_MAP_UPDATE_ELEM },
		{ KAPSEL_MAP_DELETE, BPF_MAP_DELETE_ELEM },
	};

	for (int i = 0; i < 2000; i++) {
		__u64 ours[256], theirs[256];
		__u32 key = km_rnd(4), op = km_rnd(ARRAY_SIZE(ops));
		__u64 flags = op == 1 ? km_rnd(self->flags) : 0;
		int err;

		for (int j = 0; j < 256; j++)
			ours[j] = op == 1 ? km_rnd(1 << 24) : 0;
		memcpy(theirs, ours, sizeof(theirs));
		err = km_bpf_elem(ops[op].theirs, self->theirs, &key,
				  op == 2 ? NULL : theirs, flags);
		ASSERT_EQ(err, km_elem(self->ours, ops[op].ours, &key, 4, ours,
				       op == 2 ? 0 : self->size, flags)) {
			TH_LOG("op %u key %u flags %llu", op, key, flags);
		}
		ASSERT_EQ(0, memcmp(ours, theirs, self->size));
	}
}

TEST_F(intree, next_keys_as_in_linux)
{
	const bool array = variant->type == BPF_MAP_TYPE_ARRAY ||
			   variant->type == BPF_MAP_TYPE_PERCPU_ARRAY;

	for (__u32 key = 0; key < 4 && array; key++) {
		__u32 ours = 0, theirs = 0;
		int err = km_bpf_elem(BPF_MAP_GET_NEXT_KEY, self->theirs, &key, &theirs, 0);

		EXPECT_EQ(err, km_next(self->ours, &key, &ours, 4));
		EXPECT_EQ(theirs, ours);
	}
	for (int i = 0; i < 2; i++) {
		__u32 ours = 77, theirs = 77, five = 5;
		__u64 value[256] = {};
		int err = km_bpf_elem(BPF_MAP_GET_NEXT_KEY, self->theirs, NULL, &theirs, 0);

		EXPECT_EQ(err, km_next(self->ours, NULL, &ours, 4));
		EXPECT_EQ(theirs, ours);
		km_elem(self->ours, KAPSEL_MAP_UPDATE, &five, 4, value, self->size, 0);
		km_bpf_elem(BPF_MAP_UPDATE_ELEM, self->theirs, &five, value, 0);
	}
}

TEST(creation_errors_as_in_linux)
{
	static const struct { __u32 type, key, value, entries, flags; } cases[] = {
		{ BPF_MAP_TYPE_HASH, 0, 8, 1, 0 }, { BPF_MAP_TYPE_HASH, 4, 0, 1, 0 },
		{ BPF_MAP_TYPE_HASH, 4, 8, 0, 0 }, { BPF_MAP_TYPE_ARRAY, 8, 8, 1, 0 },
		{ BPF_MAP_TYPE_ARRAY, 4, 0, 1, 0 }, { BPF_MAP_TYPE_ARRAY, 4, 8, 0, 0 },
		{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, 1 << 16, 1, 0 },
		{ BPF_MAP_TYPE_PERCPU_HASH, 4, 1 << 16, 1, 0 },
		{ BPF_MAP_TYPE_HASH, 4, 1 << 23, 1, 0 },
		{ BPF_MAP_TYPE_HASH, 4, 8, 1, BPF_F_MMAPABLE },
		{ BPF_MAP_TYPE_RINGBUF, 0, 0, 4095, 0 },
		{ BPF_MAP_TYPE_RINGBUF, 4, 0, 4096, 0 },
		{ BPF_MAP_TYPE_HASH, 4, 8, 1, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG },
	};
	int dev = km_open();

	if (km_bpf_map(BPF_MAP_TYPE_HASH, 4, 8, 1, 0) < 0)
		SKIP(return, "no bpf(2)");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_EQ(km_bpf_map(cases[i].type, cases[i].key, cases[i].value,
				     cases[i].entries, cases[i].flags),
			  km_map(dev, cases[i].type, cases[i].key, cases[i].value,
				 cases[i].entries, cases[i].flags));
}

/* ------------------------------------------------------------------------
 * Batches
 */
#define STABLE 500	/* keys that stay, of twice as many */

FIXTURE(batch) {
	int dev;
	int map;
	bool array;
	__u32 keys[4 * STABLE];
	__u64 values[4 * STABLE];
};

FIXTURE_VARIANT(batch) {
	__u32 type;
};

FIXTURE_VARIANT_ADD(batch, hash) { BPF_MAP_TYPE_HASH };
FIXTURE_VARIANT_ADD(batch, array) { BPF_MAP_TYPE_ARRAY };

FIXTURE_SETUP(batch)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->array = variant->type == BPF_MAP_TYPE_ARRAY;
	self->map = km_map(self->dev, variant->type, 4, 8, 2 * STABLE, 0);
	ASSERT_LE(0, self->map);
	for (__u32 i = 0; i < STABLE; i++) {
		self->keys[i] = i;
		self->values[i] = i * 3;
	}
}

FIXTURE_TEARDOWN(batch)
{
	close(self->map);
}

#define BATCH(_op, _count) {						\
	.op = KAPSEL_BATCH_##_op, .count = _count,			\
	.keys = km_ptr(self->keys), .values = km_ptr(self->values),	\
	.key_size = 4, .value_size = 8,					\
}

static int fill(FIXTURE_DATA(batch) * self)
{
	struct kapsel_map_batch batch = BATCH(UPDATE, STABLE);

	return km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch) ?: (int)batch.count;
}

TEST_F(batch, update_stores_all)
{
	ASSERT_EQ(STABLE, fill(self));
	for (__u32 i = 0; i < STABLE; i++)
		ASSERT_EQ(i * 3, km_value(self->map, i));
}

TEST_F(batch, stops_at_the_first_failure_and_says_where)
{
	struct kapsel_map_batch batch = BATCH(UPDATE, STABLE);

	self->keys[17] = self->array ? 2 * STABLE : 3;
	batch.elem_flags = self->array ? BPF_ANY : BPF_NOEXIST;
	EXPECT_EQ(self->array ? -E2BIG : -EEXIST,
		  km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch));
	EXPECT_EQ(17, batch.count);
}

TEST_F(batch, delete)
{
	struct kapsel_map_batch batch = BATCH(DELETE, 7);

	ASSERT_EQ(STABLE, fill(self));
	batch.value_size = 0;
	EXPECT_EQ(self->array ? -EINVAL : 0, km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch));
	EXPECT_EQ(self->array ? 0 : 7, batch.count);
	batch.count = 1;
	EXPECT_EQ(self->array ? -EINVAL : -ENOENT,
		  km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch));
	EXPECT_EQ(0, batch.count);
}

/* In portions of every size, all elements come once. */
TEST_F(batch, lookup_finds_all)
{
	__u32 all = self->array ? 2 * STABLE : STABLE;

	ASSERT_EQ(STABLE, fill(self));
	for (__u32 room = 8; room <= 4 * STABLE; room *= 3) {
		struct kapsel_map_batch batch = BATCH(LOOKUP, room);
		bool seen[2 * STABLE] = {};
		__u32 n = 0;

		while (!batch.done) {
			batch.count = room;
			ASSERT_EQ(0, km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch));
			ASSERT_LE(batch.count, room);
			for (__u32 i = 0; i < batch.count; i++, n++) {
				ASSERT_GT(all, self->keys[i]);
				ASSERT_FALSE(seen[self->keys[i]]);
				seen[self->keys[i]] = true;
				if (self->keys[i] < STABLE)
					ASSERT_EQ(self->keys[i] * 3, self->values[i]);
			}
		}
		EXPECT_EQ(all, n);
	}
}

TEST_F(batch, lookup_with_too_little_room_says_how_much)
{
	__u32 key = 1, most = 0;

	if (self->array)
		SKIP(return, "an array has no buckets");
	ASSERT_EQ(STABLE, fill(self));
	/* Some bucket has two elements, with 500 of them in 1024 buckets. */
	for (struct kapsel_map_batch batch = BATCH(LOOKUP, 1); !batch.done;) {
		int err;

		batch.count = 1;
		err = km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch);
		if (err == -ENOSPC) {
			most = batch.count;
			ASSERT_LT(1, most);
			err = km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch);
			ASSERT_EQ(most, batch.count);
		}
		ASSERT_EQ(0, err);
		key += batch.count;
	}
	EXPECT_EQ(STABLE + 1, key);
	EXPECT_LT(1, most);
}

TEST_F(batch, lookup_and_delete_empties)
{
	struct kapsel_map_batch batch = BATCH(LOOKUP_DELETE, 4 * STABLE);

	ASSERT_EQ(STABLE, fill(self));
	if (self->array) {
		EXPECT_EQ(-EOPNOTSUPP, km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch));
		return;
	}
	ASSERT_EQ(0, km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch));
	EXPECT_EQ(STABLE, batch.count);
	EXPECT_EQ(1, batch.done);
	EXPECT_EQ(0, km_info(self->map).map.used);
}

TEST_F(batch, nothing_asked_for_is_nothing_done)
{
	struct kapsel_map_batch batch = BATCH(LOOKUP, 0);

	EXPECT_EQ(0, km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch));
	EXPECT_EQ(0, batch.done);
	EXPECT_EQ(0, batch.count);
}

TEST_F(batch, bad_pointers_fault)
{
	struct kapsel_map_batch batch = BATCH(UPDATE, 1);

	batch.keys = 8;
	EXPECT_EQ(-EFAULT, km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch));
	EXPECT_EQ(0, batch.count);
	ASSERT_EQ(STABLE, fill(self));
	batch = (struct kapsel_map_batch)BATCH(LOOKUP, STABLE);
	batch.values = 8;
	EXPECT_EQ(-EFAULT, km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch));
	/* A count that no memory has is no reason to allocate that much. */
	batch = (struct kapsel_map_batch)BATCH(UPDATE, UINT32_MAX);
	batch.keys = 8;
	EXPECT_EQ(-EFAULT, km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch));
}

struct churn {
	int map;
	bool stop;
};

/* Inserts, replaces and deletes keys beyond the stable ones, and replaces those. */
static void *churn(void *arg)
{
	struct churn *c = arg;

	for (__u32 i = 0; !__atomic_load_n(&c->stop, __ATOMIC_RELAXED); i++) {
		km_set(c->map, STABLE + i * 7 % STABLE, i, BPF_ANY);
		km_set(c->map, i % STABLE, i % STABLE * 3, BPF_ANY);
		km_del(c->map, STABLE + i * 11 % STABLE);
	}
	return NULL;
}

/* What stays is seen exactly once in each dump, and every dump ends. */
TEST_F_TIMEOUT(batch, dump_under_change_is_complete, 120)
{
	struct churn c = { .map = self->map };
	pthread_t threads[2];

	ASSERT_EQ(STABLE, fill(self));
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, churn, &c));
	for (int dump = 0; dump < 100; dump++) {
		struct kapsel_map_batch batch = BATCH(LOOKUP, 64);
		__u32 seen[2 * STABLE] = {}, calls = 0;

		while (!batch.done) {
			batch.count = 64;
			ASSERT_EQ(0, km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch));
			for (__u32 i = 0; i < batch.count; i++)
				seen[self->keys[i]]++;
			ASSERT_GT(2000, ++calls);
		}
		for (__u32 i = 0; i < STABLE; i++)
			ASSERT_EQ(1, seen[i]) {
				__atomic_store_n(&c.stop, true, __ATOMIC_RELAXED);
			}
	}
	__atomic_store_n(&c.stop, true, __ATOMIC_RELAXED);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}

TEST_HARNESS_MAIN
