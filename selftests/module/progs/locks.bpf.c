// SPDX-License-Identifier: GPL-2.0-only
/* Programs for lock_test: of cgroup_skb for both kernels, values with locks in each place */

#include "kapsel.bpf.h"

struct locked {
	u64 before;
	struct bpf_spin_lock lock;
	u32 between;
	u64 after;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, struct locked);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, struct locked);
} row SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, struct { u64 words[3]; });
} plain SEC(".maps");

/* Nothing else of the section may be a lock; what is global would be mapped by libbpf. */
static struct bpf_spin_lock guard SEC(".data.guarded");
static u64 guarded[2] SEC(".data.guarded");

/* Of Linux 6.1, the upper halves are 0. */
int errors[8];

static __always_inline void count(struct locked *v)
{
	if (!v)
		return;
	bpf_spin_lock(&v->lock);
	v->before++;
	v->between++;
	v->after++;
	bpf_spin_unlock(&v->lock);
}

static __always_inline void count_guarded(void)
{
	struct bpf_spin_lock *lock = &guard;

	/* For Linux 6.1, an address that is taken twice is two values. */
	asm volatile("" : "+r"(lock));
	bpf_spin_lock(lock);
	guarded[0]++;
	guarded[1]++;
	bpf_spin_unlock(lock);
}

static long count_one(void *map, const u32 *key, struct locked *v, void *ctx)
{
	count(v);
	return 0;
}

SEC("cgroup_skb/egress")
int counts(struct __sk_buff *skb)
{
	u32 key = 3;

	count(bpf_map_lookup_elem(&table, &key));
	count(bpf_map_lookup_elem(&row, &key));
	count_guarded();
	return 1;
}

/* A new value in place of the one that is there, under its lock, and one that is not. */
SEC("cgroup_skb/egress")
int stores(struct __sk_buff *skb)
{
	struct locked v = { .before = 7, .between = 7, .after = 7 };
	u32 key = 3, none = 77;

	v.lock.val = 1;
	errors[0] = bpf_map_update_elem(&table, &key, &v, BPF_F_LOCK);
	errors[1] = bpf_map_update_elem(&row, &key, &v, BPF_F_LOCK | BPF_EXIST);
	errors[2] = bpf_map_update_elem(&table, &none, &v, BPF_F_LOCK | BPF_EXIST);
	errors[3] = bpf_map_update_elem(&table, &key, &v, BPF_F_LOCK | BPF_NOEXIST);
	errors[4] = bpf_map_update_elem(&row, &none, &v, BPF_F_LOCK);
	errors[5] = bpf_map_update_elem(&plain, &key, &v, BPF_F_LOCK);
	errors[6] = bpf_map_update_elem(&plain, &none, &v, BPF_F_LOCK);
	errors[7] = bpf_map_update_elem(&table, &none, &v, BPF_F_LOCK | 3);
	return 1;
}

/* Linux 6.1 does not know in a callback which value it is called for. */
SEC("cgroup_skb/egress")
int walks(struct __sk_buff *skb)
{
	bpf_for_each_map_elem(&row, count_one, NULL, 0);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
