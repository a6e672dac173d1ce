// SPDX-License-Identifier: GPL-2.0-only
/* Dynptrs, for Linux and for kapsel: the same object, which does what it is told */

#include "kapsel.bpf.h"

#define MEMORY	64

/* What is to be done; userspace writes it. */
struct order {
	u32 size;
	u32 off;
	u32 len;
	u32 discard;
	u64 make_flags;
	u64 use_flags;
	u8 from[MEMORY];
};

/* What came of it. Of an error's upper half Linux says nothing. */
struct result {
	s32 made;
	s32 wrote;
	s32 read;
	s32 slice;
	u8 got[MEMORY];
};

struct memory {
	u8 bytes[MEMORY];
};

#define MAP(_name, _value)						\
	struct {							\
		__uint(type, BPF_MAP_TYPE_ARRAY);			\
		__uint(max_entries, 1);					\
		__type(key, u32);					\
		__type(value, _value);					\
	} _name SEC(".maps")

MAP(orders, struct order);
MAP(results, struct result);
MAP(memories, struct memory);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

static __always_inline void use(struct bpf_dynptr *ptr, struct order *order,
				struct result *result)
{
	u64 *slice;

	result->wrote = (int)bpf_dynptr_write(ptr, order->off, order->from, order->len & 63,
					      order->use_flags);
	result->read = (int)bpf_dynptr_read(result->got, order->len & 63, ptr, order->off,
					    order->use_flags);
	slice = bpf_dynptr_data(ptr, order->off, sizeof(*slice));
	result->slice = !!slice;
	if (slice)
		*slice ^= 0x5555555555555555;
}

SEC("cgroup_skb/ingress")
int local(struct __sk_buff *skb)
{
	struct memory *memory;
	struct result *result;
	struct bpf_dynptr ptr;
	struct order *order;
	u32 zero = 0;

	order = bpf_map_lookup_elem(&orders, &zero);
	result = bpf_map_lookup_elem(&results, &zero);
	memory = bpf_map_lookup_elem(&memories, &zero);
	if (!order || !result || !memory)
		return 0;
	result->made = (int)bpf_dynptr_from_mem(memory->bytes, order->size & 63,
						order->make_flags, &ptr);
	use(&ptr, order, result);
	return 1;
}

SEC("cgroup_skb/ingress")
int record(struct __sk_buff *skb)
{
	struct result *result;
	struct bpf_dynptr ptr;
	struct order *order;
	u32 zero = 0;

	order = bpf_map_lookup_elem(&orders, &zero);
	result = bpf_map_lookup_elem(&results, &zero);
	if (!order || !result)
		return 0;
	result->made = (int)bpf_ringbuf_reserve_dynptr(&ring, order->size, order->make_flags,
						       &ptr);
	use(&ptr, order, result);
	if (order->discard)
		bpf_ringbuf_discard_dynptr(&ptr, 0);
	else
		bpf_ringbuf_submit_dynptr(&ptr, 0);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
