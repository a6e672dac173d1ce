// SPDX-License-Identifier: GPL-2.0-only
/* Big switches, a state machine, and numbers turned into names */

#include "kapsel.bpf.h"

enum class { NONE, DIGIT, LETTER, SPACE, SIGN, OTHER, CLASSES };

struct counts {
	u32 class[CLASSES];
	u32 words;
	u32 numbers;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct counts);
} counts SEC(".maps");

static __always_inline enum class class_of(char c)
{
	switch (c) {
	case '0' ... '9':
		return DIGIT;
	case 'a' ... 'z':
	case 'A' ... 'Z':
	case '_':
		return LETTER;
	case ' ':
	case '\t':
	case '\n':
		return SPACE;
	case '+':
	case '-':
	case '*':
	case '/':
	case '=':
		return SIGN;
	case 0:
		return NONE;
	}
	return OTHER;
}

SEC("kprobe/vfs_write")
int classify(struct pt_regs *ctx)
{
	enum { BETWEEN, IN_WORD, IN_NUMBER } state = BETWEEN;
	struct counts *to;
	char text[48] = {};
	u32 zero = 0;
	int i;

	if (bpf_probe_read_user(text, sizeof(text) - 1, (void *)PT_REGS_PARM2(ctx)))
		return 0;
	to = bpf_map_lookup_elem(&counts, &zero);
	if (!to)
		return 0;
	for (i = 0; i < sizeof(text); i++) {
		enum class class = class_of(text[i]);

		to->class[class]++;
		if (class == NONE)
			break;
		switch (state) {
		case BETWEEN:
			if (class == LETTER) {
				state = IN_WORD;
				to->words++;
			} else if (class == DIGIT) {
				state = IN_NUMBER;
				to->numbers++;
			}
			break;
		case IN_WORD:
			if (class != LETTER && class != DIGIT)
				state = BETWEEN;
			break;
		case IN_NUMBER:
			if (class != DIGIT)
				state = BETWEEN;
			break;
		}
	}
	return 0;
}

static __always_inline const char *name_of(int error)
{
	switch (error) {
	case 1:
		return "EPERM";
	case 2:
		return "ENOENT";
	case 4:
		return "EINTR";
	case 5:
		return "EIO";
	case 9:
		return "EBADF";
	case 11:
		return "EAGAIN";
	case 12:
		return "ENOMEM";
	case 13:
		return "EACCES";
	case 17:
		return "EEXIST";
	case 20:
		return "ENOTDIR";
	case 21:
		return "EISDIR";
	case 22:
		return "EINVAL";
	case 24:
		return "EMFILE";
	case 28:
		return "ENOSPC";
	case 30:
		return "EROFS";
	case 32:
		return "EPIPE";
	}
	return "?";
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, char[8]);
	__type(value, u64);
} errors SEC(".maps");

SEC("kretprobe/do_sys_openat2")
int name_error(struct pt_regs *ctx)
{
	int ret = PT_REGS_RC(ctx), i;
	char name[8] = {};
	const char *from;
	u64 one = 1, *n;

	if (ret >= 0)
		return 0;
	from = name_of(-ret);
	for (i = 0; i < 7 && from[i]; i++)
		name[i] = from[i];
	n = bpf_map_lookup_elem(&errors, name);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&errors, name, &one, BPF_NOEXIST);
	return 0;
}

SEC("kprobe/ksys_ioctl")
int costs(struct pt_regs *ctx)
{
	u32 cmd = PT_REGS_PARM2(ctx), cost;
	static u64 by_cost[64];

	switch (cmd & 31) {
	case 0:
		cost = 1;
		break;
	case 1:
		cost = 7;
		break;
	case 2:
		cost = 3;
		break;
	case 3:
		cost = 9;
		break;
	case 5:
		cost = 21;
		break;
	case 6:
		cost = 2;
		break;
	case 7:
		cost = cmd >> 27;
		break;
	case 9:
		cost = 40;
		break;
	case 12:
		cost = (cmd >> 8) & 63;
		break;
	case 17:
		cost = 63;
		break;
	case 30:
		cost = 5;
		break;
	default:
		cost = 0;
	}
	__sync_fetch_and_add(&by_cost[cost], 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
