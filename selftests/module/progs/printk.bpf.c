// SPDX-License-Identifier: GPL-2.0-only
/* Lines with fewer than three numbers, for cli_test.sh: those not given are 0 */

#include "kapsel.bpf.h"

SEC("kprobe/vfs_read")
int speaks_short(struct pt_regs *ctx)
{
	bpf_printk("none");
	bpf_printk("one %d", 1);
	bpf_printk("two %d %d", 1, 2);
	bpf_printk("too few %d %d %d", 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
