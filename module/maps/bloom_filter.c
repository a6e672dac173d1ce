// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type bloom filter: a set that sometimes says yes for no */

#include <linux/bitops.h>
#include <linux/jhash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <uapi/linux/bpf.h>

#include "map.h"
#include "maps/area.h"

#define MAX_HASHES	15
#define HASHES		5	/* if nobody says how many */

/**
 * struct kps_bloom - a bloom filter
 * @map: head
 * @bits: only ever set
 * @mask: their number, a power of two, less one
 * @seed: of the first hash; the others' follow
 * @hashes: bits for each value
 * @added: values that set a bit
 */
struct kps_bloom {
	struct kps_map map;
	unsigned long *bits;
	u32 mask;
	u32 seed;
	u32 hashes;
	atomic_t added;
};

static struct kps_bloom *bloom_of(struct kps_map *map)
{
	return container_of(map, struct kps_bloom, map);
}

static int bloom_check(const struct kapsel_map_create *arg)
{
	if (arg->value_size > KMALLOC_MAX_SIZE)
		return -E2BIG;
	if (arg->key_size || !arg->value_size || !arg->max_entries ||
	    arg->map_extra > MAX_HASHES)
		return -EINVAL;
	return 0;
}

static u32 hashes_of(const struct kapsel_map_create *arg)
{
	return arg->map_extra ? (u32)arg->map_extra : HASHES;
}

/*
 * False positives are fewest with hashes / ln 2 bits a value, of which 7 / 5 is
 * near enough. Hashes have 32 bits, so that more bits than that are of no use.
 */
static u64 bits_wanted(const struct kapsel_map_create *arg)
{
	u64 bits = (u64)arg->max_entries * hashes_of(arg) / 5 * 7;

	if (bits > BIT_ULL(31))
		return BIT_ULL(32);
	return bits <= BITS_PER_LONG ? BITS_PER_LONG : roundup_pow_of_two(bits);
}

static struct kps_map *bloom_alloc(const struct kapsel_map_create *arg)
{
	struct kps_bloom *bloom = kzalloc(sizeof(*bloom), GFP_KERNEL_ACCOUNT);
	u64 bits = bits_wanted(arg);

	if (!bloom)
		return ERR_PTR(-ENOMEM);
	bloom->bits = kps_area_alloc(bits / BITS_PER_BYTE);
	if (!bloom->bits) {
		kfree(bloom);
		return ERR_PTR(-ENOMEM);
	}
	bloom->mask = bits - 1;
	bloom->hashes = hashes_of(arg);
	bloom->seed = arg->map_flags & BPF_F_ZERO_SEED ? 0 : get_random_u32();
	bloom->map.user_size = arg->value_size;
	bloom->map.memory = sizeof(*bloom) + bits / BITS_PER_BYTE;
	return &bloom->map;
}

static void bloom_free(struct kps_map *map)
{
	struct kps_bloom *bloom = bloom_of(map);

	kvfree(bloom->bits);
	kfree(bloom);
}

static u32 bit_of(const struct kps_bloom *bloom, const void *value, u32 n)
{
	return jhash(value, bloom->map.value_size, bloom->seed + n) & bloom->mask;
}

/* Bits beyond the 31st are in words of their own: bit numbers are signed. */
static unsigned long *word_of(const struct kps_bloom *bloom, u32 bit)
{
	return bloom->bits + BIT_WORD(bit);
}

static long bloom_push(struct kps_map *map, const void *value, u64 flags)
{
	struct kps_bloom *bloom = bloom_of(map);
	bool is_new = false;
	u32 i, bit;

	if (flags != BPF_ANY)
		return -EINVAL;
	for (i = 0; i < bloom->hashes; i++) {
		bit = bit_of(bloom, value, i);
		/* What is set already is not written, so that CPUs can share it. */
		if (test_bit(bit % BITS_PER_LONG, word_of(bloom, bit)))
			continue;
		set_bit(bit % BITS_PER_LONG, word_of(bloom, bit));
		is_new = true;
	}
	if (is_new)
		atomic_inc(&bloom->added);
	return 0;
}

/* Nothing is copied: the value is what is asked for. */
static long bloom_peek(struct kps_map *map, void *value)
{
	const struct kps_bloom *bloom = bloom_of(map);
	u32 i, bit;

	for (i = 0; i < bloom->hashes; i++) {
		bit = bit_of(bloom, value, i);
		if (!test_bit(bit % BITS_PER_LONG, word_of(bloom, bit)))
			return -ENOENT;
	}
	return 0;
}

static int bloom_read(struct kps_map *map, const void *key, void *value)
{
	return bloom_peek(map, value);
}

static int bloom_write(struct kps_map *map, const void *key, const void *value, u64 flags)
{
	return bloom_push(map, value, flags);
}

static long bloom_remove(struct kps_map *map, const void *key)
{
	return -EOPNOTSUPP;
}

static u32 bloom_used(struct kps_map *map)
{
	return atomic_read(&bloom_of(map)->added);
}

const struct kps_map_ops kps_map_bloom_filter_ops = {
	.check = bloom_check,
	.alloc = bloom_alloc,
	.free = bloom_free,
	.push = bloom_push,
	.peek = bloom_peek,
	.remove = bloom_remove,
	.read = bloom_read,
	.asks = true,
	.write = bloom_write,
	.used = bloom_used,
};
