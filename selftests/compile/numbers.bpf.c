// SPDX-License-Identifier: GPL-2.0-only
/* Numbers read from text and written as text */

#include "kapsel.bpf.h"

u64 total;
char printed[24];

static __always_inline u32 print(u64 value, char *to, u32 size)
{
	char digits[20];
	u32 n = 0, i;

	do {
		digits[n++] = '0' + value % 10;
		value /= 10;
	} while (value && n < sizeof(digits));
	for (i = 0; i < n && i < size - 1; i++)
		to[i] = digits[n - 1 - i];
	to[i] = 0;
	return i;
}

SEC("kprobe/vfs_read")
int print_number(struct pt_regs *ctx)
{
	print(PT_REGS_PARM3(ctx), printed, sizeof(printed));
	return 0;
}

/* 12.34.56.78 */
SEC("kprobe/vfs_write")
int parse_address(struct pt_regs *ctx)
{
	u32 part = 0, parts = 0, address = 0, i;
	char text[16];

	if (bpf_probe_read_user(text, sizeof(text), (void *)PT_REGS_PARM2(ctx)))
		return 0;
	for (i = 0; i < sizeof(text); i++) {
		if (text[i] == '.') {
			address = address << 8 | part;
			part = 0;
			if (++parts > 3)
				break;
		} else if (text[i] >= '0' && text[i] <= '9') {
			part = part * 10 + text[i] - '0';
			if (part > 255)
				return 0;
		} else {
			break;
		}
	}
	if (parts == 3)
		total += address << 8 | part;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
