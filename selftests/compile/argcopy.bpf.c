// SPDX-License-Identifier: GPL-2.0-only
/* Arguments of several kinds behind one another in a buffer, with masks that people put in asm */

#include "kapsel.bpf.h"

#define TEXT_LEN 4096
#define BUFFER_LEN 24000

enum { NOTHING, NUMBER, TEXT, BYTES, SIZE };

struct message {
	u64 when;
	u32 pid;
	u32 kind;
	long size;
	char args[BUFFER_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct message);
} heap SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
} messages SEC(".maps");

const volatile u32 kinds[4] = { NUMBER, TEXT, BYTES, SIZE };

static __always_inline long copy_text(char *to, unsigned long from)
{
	long len = bpf_probe_read_kernel_str(&to[4], TEXT_LEN - 1, (void *)from);

	if (len <= 1)
		return 4;
	*(int *)to = len - 1;
	return len + 3;
}

static __always_inline long copy_bytes(char *to, unsigned long from, u64 bytes)
{
	u64 len = bytes;

	if (len > TEXT_LEN - 1)
		len = TEXT_LEN - 1;
	asm volatile("%[len] &= 0xfff;\n" : [len] "+r"(len));
	if (bpf_probe_read_user(to + 8, len, (void *)from) < 0)
		return 4;
	*(int *)to = (int)bytes;
	*(int *)(to + 4) = (int)len;
	return len + 8;
}

static __always_inline long copy_arg(struct message *m, u32 nr, unsigned long arg,
				     unsigned long more, long off)
{
	char *to;

	asm volatile("%[off] &= 0x3fff;\n" : [off] "+r"(off));
	to = &m->args[off];
	switch (kinds[nr]) {
	case NUMBER:
		*(u32 *)to = arg;
		return sizeof(u32);
	case SIZE:
		*(u64 *)to = arg;
		return sizeof(u64);
	case TEXT:
		return copy_text(to, arg);
	case BYTES:
		return copy_bytes(to, arg, more);
	}
	return 0;
}

SEC("kprobe/vfs_write")
int arguments(struct pt_regs *ctx)
{
	struct message *m;
	long total = 0;
	u32 zero = 0;

	m = bpf_map_lookup_elem(&heap, &zero);
	if (!m)
		return 0;
	m->when = bpf_ktime_get_ns();
	m->pid = bpf_get_current_pid_tgid() >> 32;
	total += copy_arg(m, 0, PT_REGS_PARM1(ctx), 0, total);
	total += copy_arg(m, 1, PT_REGS_PARM2(ctx), 0, total);
	if (total < 12000)
		total += copy_arg(m, 2, PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx), total);
	total += copy_arg(m, 3, PT_REGS_PARM4(ctx), 0, total);
	total += __builtin_offsetof(struct message, args);
	asm volatile("if %[total] < 9000 goto +1;\n"
		     "%[total] = 9000;\n" : [total] "+r"(total));
	m->size = total;
	bpf_perf_event_output(ctx, &messages, BPF_F_CURRENT_CPU, m, total);
	return 0;
}

/* Pieces of memory in a loop, by an offset of 14 bits. */
SEC("kprobe/do_iter_readv_writev")
int pieces(struct pt_regs *ctx)
{
	struct {
		void *base;
		u64 len;
	} *vector = (void *)PT_REGS_PARM2(ctx), piece;
	struct message *m;
	u32 i, zero = 0;
	long off = 0;
	u64 len;

	m = bpf_map_lookup_elem(&heap, &zero);
	if (!m)
		return 0;
	for (i = 0; i < 8; i++) {
		if (bpf_probe_read_kernel(&piece, sizeof(piece), vector + i))
			break;
		len = piece.len > TEXT_LEN - 2 ? TEXT_LEN - 2 : piece.len;
		asm volatile("%[len] &= 0xfff;\n" : [len] "+r"(len));
		asm volatile("%[off] &= 0x3fff;\n" : [off] "+r"(off));
		if (bpf_probe_read_user(m->args + off, len, piece.base) < 0)
			return 0;
		off += len;
	}
	m->size = off;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
