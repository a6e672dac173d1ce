// SPDX-License-Identifier: GPL-2.0-only
/* Functions that stay functions: what they hand back is there if they say so, or NULL */

#include "kapsel.bpf.h"

struct value {
	u64 hits;
	u64 slot[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct value);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct event {
	u32 pid;
	u32 kind;
	char comm[16];
	char text[64];
};

u64 total, lost;

static __noinline struct value *find(u32 key)
{
	return bpf_map_lookup_elem(&values, &key);
}

static __noinline struct value *find_or_make(u32 key)
{
	struct value zero = {}, *value = find(key);

	if (value)
		return value;
	bpf_map_update_elem(&values, &key, &zero, BPF_NOEXIST);
	return find(key);
}

/* Both are written only if all goes well. */
static __noinline int read_two(void *from, u64 *first, u64 *second)
{
	if (bpf_probe_read_kernel(first, sizeof(*first), from))
		return -1;
	if (!*first)
		return -2;
	return bpf_probe_read_kernel(second, sizeof(*second), (void *)*first) ? -3 : 0;
}

static __noinline int slot_of(u64 x)
{
	if (x < 10)
		return 0;
	if (x < 1000)
		return 2;
	return x > 1 << 20 ? 7 : 3;
}

SEC("kprobe/vfs_read")
int pointers(struct pt_regs *ctx)
{
	struct value *value = find_or_make(bpf_get_current_pid_tgid());
	u64 first, second;

	if (!value)
		return 0;
	value->hits++;
	value->slot[slot_of(PT_REGS_PARM3(ctx))]++;
	if (!read_two((void *)PT_REGS_PARM1(ctx), &first, &second))
		total += first + second;
	return 0;
}

static __noinline void fill(struct event *event, u32 kind)
{
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->kind = kind;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
}

static __noinline struct event *begin(u32 kind)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		lost++;
		return NULL;
	}
	fill(event, kind);
	return event;
}

static __noinline void finish(struct event *event)
{
	bpf_ringbuf_submit(event, 0);
}

SEC("kprobe/vfs_unlink")
int records(struct pt_regs *ctx)
{
	struct event *event = begin(1);

	if (!event)
		return 0;
	event->text[0] = '\0';
	finish(event);
	return 0;
}

/* The head by one function, the text by another, as much as was written. */
SEC("kprobe/vfs_rename")
int in_parts(struct pt_regs *ctx)
{
	struct event event;
	long len;

	fill(&event, 2);
	len = bpf_probe_read_user_str(event.text, sizeof(event.text), (void *)PT_REGS_PARM2(ctx));
	if (len > 0 && len <= (long)sizeof(event.text))
		bpf_ringbuf_output(&events, &event,
				   __builtin_offsetof(struct event, text) + len, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
