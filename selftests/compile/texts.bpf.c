// SPDX-License-Identifier: GPL-2.0-only
/* Text: paths compared with constants, lines put together, and a table walked through */

#include "kapsel.bpf.h"

#define LINE 96

struct visits {
	char comm[16];
	u64 opened;
	u64 refused;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct visits);
} by_user SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} lines SEC(".maps");

struct report {
	char line[LINE];
	u64 opened;
	u32 users;
};

static long add_user(void *map, const u32 *user, struct visits *visits, struct report *report)
{
	if (!visits->opened)
		return 0;
	report->users++;
	report->opened += visits->opened;
	BPF_SNPRINTF(report->line, sizeof(report->line), "%u %-16s %5llu/%llu", *user, visits->comm,
		     visits->opened, visits->refused);
	bpf_ringbuf_output(&lines, report->line, sizeof(report->line), 0);
	if (visits->opened > 1000000)
		bpf_map_delete_elem(map, user);
	return 0;
}

SEC("kprobe/do_sys_openat2")
int opens(struct pt_regs *ctx)
{
	u32 user = bpf_get_current_uid_gid();
	struct visits first = {}, *visits;
	char name[32] = "";

	bpf_probe_read_user_str(name, sizeof(name), (void *)PT_REGS_PARM2(ctx));
	visits = bpf_map_lookup_elem(&by_user, &user);
	if (!visits) {
		bpf_get_current_comm(first.comm, sizeof(first.comm));
		bpf_map_update_elem(&by_user, &user, &first, BPF_NOEXIST);
		return 0;
	}
	if (!bpf_strncmp(name, sizeof(name), "/etc/shadow"))
		visits->refused++;
	else
		visits->opened++;
	return 0;
}

SEC("kprobe/ksys_sync")
int report_all(struct pt_regs *ctx)
{
	struct report report = {};
	long users = bpf_for_each_map_elem(&by_user, add_user, &report, 0);

	bpf_printk("%ld users, %u of them active, %llu opens, at %pS, %d%%", users, report.users,
		   report.opened, PT_REGS_IP(ctx), 100);
	return 0;
}

static long count_ports(void *map, const u32 *index, u64 *seen, u64 *sum)
{
	*sum += *seen;
	return *index >= 1023;
}

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 65536);
	__type(key, u32);
	__type(value, u64);
} ports SEC(".maps");

SEC("cgroup_skb/ingress")
int well_known(struct __sk_buff *skb)
{
	u64 sum = 0;

	bpf_for_each_map_elem(&ports, count_ports, &sum, 0);
	return sum < 100000;
}

char LICENSE[] SEC("license") = "GPL";
