// SPDX-License-Identifier: GPL-2.0-only
/* Walks over maps, for Linux and for kapsel: the same object, and a walk with a flag */

#include "kapsel.bpf.h"

#define ENTRIES 50

/* What a walk is to do; userspace writes it. */
struct order {
	u64 stop;	/* after so many calls, 0: never */
	u64 remove;	/* elements whose keys are multiples of it, 0: none */
	u64 add;	/* to each value */
};

/*
 * What came of it: sums, as hashes have no order. Of an error's upper half Linux says
 * nothing.
 */
struct sums {
	s64 ret;
	u64 calls;
	u64 keys;
	u64 values;
	s64 removed;	/* what removing returned */
};

#define MAP(_name, _type, _key, _value, _entries)			\
	struct {							\
		__uint(type, BPF_MAP_TYPE_##_type);			\
		__uint(max_entries, _entries);				\
		__type(key, _key);					\
		__type(value, _value);					\
	} _name SEC(".maps")

MAP(orders, ARRAY, u32, struct order, 1);
MAP(results, ARRAY, u32, struct sums, 1);
MAP(array, ARRAY, u32, u64, ENTRIES);
MAP(percpu_array, PERCPU_ARRAY, u32, u64, ENTRIES);
MAP(hash, HASH, u32, u64, ENTRIES);
MAP(percpu_hash, PERCPU_HASH, u32, u64, ENTRIES);
MAP(lru_hash, LRU_HASH, u32, u64, ENTRIES);
MAP(lru_percpu_hash, LRU_PERCPU_HASH, u32, u64, ENTRIES);

struct visit {
	struct order order;
	struct sums sums;
};

static long visit(void *map, u32 *key, u64 *value, struct visit *v)
{
	v->sums.calls++;
	v->sums.keys += *key;
	v->sums.values += *value;
	*value += v->order.add;
	if (v->order.remove && !(*key % v->order.remove))
		v->sums.removed += (int)bpf_map_delete_elem(map, key);
	return v->sums.calls == v->order.stop;
}

static __always_inline int walk(void *map, u64 flags)
{
	struct visit v = {};
	struct order *order;
	struct sums *sums;
	u32 zero = 0;

	order = bpf_map_lookup_elem(&orders, &zero);
	if (!order)
		return 0;
	v.order = *order;
	v.sums.ret = (int)bpf_for_each_map_elem(map, visit, &v, flags);
	sums = bpf_map_lookup_elem(&results, &zero);
	if (!sums)
		return 0;
	*sums = v.sums;
	return 1;
}

#define WALK(_name)							\
	SEC("cgroup_skb/ingress")					\
	int walk_##_name(struct __sk_buff *skb)				\
	{								\
		return walk(&_name, 0);					\
	}

WALK(array)
WALK(percpu_array)
WALK(hash)
WALK(percpu_hash)
WALK(lru_hash)
WALK(lru_percpu_hash)

/* There are no flags: one refuses the program, the other the call. */
SEC("cgroup_skb/ingress")
int flagged(struct __sk_buff *skb)
{
	return walk(&hash, 1);
}

char LICENSE[] SEC("license") = "GPL";
