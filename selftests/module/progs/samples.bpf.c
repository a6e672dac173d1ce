// SPDX-License-Identifier: GPL-2.0-only
/* Samples from userspace, for Linux and for kapsel: the same object drains them */

#include "kapsel.bpf.h"

/* What is to be done; userspace writes it. */
struct order {
	u64 stop;	/* after so many samples, 0: never */
	u64 flags;
};

/* What came of it. Of an error's upper half Linux says nothing. */
struct result {
	s64 ret;
	u64 calls;
	u64 sum;	/* of the samples' first words */
	u64 whole;	/* samples that have a second one */
	s64 inner;	/* what draining meanwhile returned */
};

/* What is said of samples; the tests write others, too. */
struct sample {
	u64 number;
	char text[16];
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

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} samples SEC(".maps");

struct visit {
	struct order order;
	struct result result;
	struct sample sample;
};

static long ignore(struct bpf_dynptr *ptr, void *ctx)
{
	return 0;
}

static long look(struct bpf_dynptr *ptr, struct visit *v)
{
	u64 *second;

	v->result.calls++;
	if (!bpf_dynptr_read(&v->sample.number, sizeof(v->sample.number), ptr, 0, 0))
		v->result.sum += v->sample.number;
	second = bpf_dynptr_data(ptr, sizeof(*second), sizeof(*second));
	if (second) {
		v->result.whole++;
		*second = ~*second;
	}
	return v->result.calls == v->order.stop;
}

static long look_again(struct bpf_dynptr *ptr, struct visit *v)
{
	v->result.calls++;
	v->result.inner = (int)bpf_user_ringbuf_drain(&samples, ignore, NULL, 0);
	return 0;
}

static __always_inline int drain(void *fn)
{
	struct visit v = {};
	struct result *result;
	struct order *order;
	u32 zero = 0;

	order = bpf_map_lookup_elem(&orders, &zero);
	result = bpf_map_lookup_elem(&results, &zero);
	if (!order || !result)
		return 0;
	v.order = *order;
	v.result.ret = (int)bpf_user_ringbuf_drain(&samples, fn, &v, order->flags);
	*result = v.result;
	return 1;
}

SEC("cgroup_skb/ingress")
int plain(struct __sk_buff *skb)
{
	return drain(look);
}

SEC("cgroup_skb/ingress")
int nested(struct __sk_buff *skb)
{
	return drain(look_again);
}

char LICENSE[] SEC("license") = "GPL";
