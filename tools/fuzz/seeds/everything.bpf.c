// SPDX-License-Identifier: GPL-2.0-only
/*
 * A seed for the loader's fuzzer: a little of all that an object can hold. Its own
 * types stand in for the kernel's when CO-RE relocations are applied.
 */

#include "kapsel.bpf.h"

#define FIELD_EXISTS 2
#define FIELD_SIZE 1
#define ENUM_EXISTS 0

enum colour {
	RED,
	GREEN = 7,
	BLUE = -1,
};

enum wide {
	NARROW,
	VAST = 0x100000000ULL,
};

struct inner {
	u16 small;
	char name[16];
};

struct task {
	u32 bits : 3;
	s32 more : 21;
	union {
		u64 whole;
		struct inner half;
	};
	struct inner many[4];
	struct task *next;
	enum colour colour;
	enum wide wide;
	_Bool yes;
	u8 rest[];
} __attribute__((preserve_access_index));

struct event {
	u64 time;
	struct inner who;
	enum colour colour;
};

KAPSEL_EVENT(struct event);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct inner);
	__type(value, u64[4]);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 24);
} slots SEC(".maps");

const volatile u32 limit = 10;
const volatile enum colour paint = GREEN;
struct inner last = { .small = 3, .name = "last" };
u64 total;

static __noinline u64 twice(u64 n)
{
	return n * 2 + total;
}

static long each(u32 index, u64 *sum)
{
	*sum += index;
	return *sum > 1000;
}

SEC("kprobe/do_exit+0x10")
int fields(struct pt_regs *ctx)
{
	struct task *task = (void *)ctx->rdi;
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	u64 whole = 0;

	if (!event)
		return 0;
	event->time = bpf_ktime_get_ns();
	bpf_probe_read_kernel(&whole, sizeof(whole), &task->many[2].small);
	if (__builtin_preserve_field_info(task->next, FIELD_EXISTS))
		whole += __builtin_preserve_field_info(task->bits, FIELD_SIZE);
	if (__builtin_preserve_enum_value(*(enum colour *)BLUE, ENUM_EXISTS))
		whole += __builtin_preserve_type_info(*(struct inner *)0, 1);
	event->who.small = twice(whole);
	event->colour = paint;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("netfilter/input/-5")
int packets(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct inner key = {};
	u64 sum = 0, *count;

	bpf_loop(limit, each, &sum, 0);
	if (data + 20 <= end)
		key.small = *(u8 *)(data + 9);
	count = bpf_map_lookup_elem(&counts, &key);
	if (count)
		__sync_fetch_and_add(count, sum);
	last.small++;
	bpf_printk("seen %d", key.small);
	return sum != 3;
}

SEC("nf/ip6/prerouting/10")
int fails(struct __sk_buff *skb)
{
	u64 *slot = bpf_map_lookup_elem(&slots, &total);

	return *slot;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
