// SPDX-License-Identifier: GPL-2.0-only
/* Opens of files under some folders, and with some endings */

#include "kapsel.bpf.h"

#define PATH_LEN 128

struct rule {
	char prefix[32];
	u32 len;
	u32 hits;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, struct rule);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} endings SEC(".maps");

static __always_inline int has_prefix(const char *path, const struct rule *rule)
{
	u32 i;

	for (i = 0; i < sizeof(rule->prefix); i++) {
		if (i == rule->len)
			return 1;
		if (path[i] != rule->prefix[i])
			return 0;
	}
	return 0;
}

SEC("kprobe/do_sys_openat2")
int by_folder(struct pt_regs *ctx)
{
	char path[PATH_LEN];
	struct rule *rule;
	u32 i;

	if (bpf_probe_read_user_str(path, sizeof(path), (void *)PT_REGS_PARM2(ctx)) <= 0)
		return 0;
	for (i = 0; i < 8; i++) {
		u32 key = i;

		rule = bpf_map_lookup_elem(&rules, &key);
		if (!rule || !rule->len)
			break;
		if (has_prefix(path, rule)) {
			__sync_fetch_and_add(&rule->hits, 1);
			break;
		}
	}
	return 0;
}

SEC("kprobe/do_sys_open")
int by_ending(struct pt_regs *ctx)
{
	char path[PATH_LEN];
	long len;
	u32 kind;
	u64 *n;

	len = bpf_probe_read_user_str(path, sizeof(path), (void *)PT_REGS_PARM2(ctx));
	/* The length counts the NUL. */
	if (len < 5 || len > (long)sizeof(path))
		return 0;
	if (path[len - 4] == '.' && path[len - 3] == 's' && path[len - 2] == 'o')
		kind = 0;
	else if (path[len - 3] == '.' && path[len - 2] == 'c')
		kind = 1;
	else
		kind = 2;
	n = bpf_map_lookup_elem(&endings, &kind);
	if (n)
		++*n;
	return 0;
}

/* Where the last component begins. */
SEC("kprobe/vfs_unlink")
int base_name(struct pt_regs *ctx)
{
	static const char fmt[] = "base name at %d, %d components";
	char path[PATH_LEN] = {};
	int len, i, base = 0, parts = 0;

	len = bpf_probe_read_kernel_str(path, sizeof(path), (void *)PT_REGS_PARM2(ctx));
	for (i = 0; i < len && i < PATH_LEN; i++) {
		if (path[i] != '/')
			continue;
		base = i + 1;
		parts++;
	}
	if (base < PATH_LEN && path[base] == '.')
		bpf_trace_printk(fmt, sizeof(fmt), base, parts);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
