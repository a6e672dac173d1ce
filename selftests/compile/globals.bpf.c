// SPDX-License-Identifier: GPL-2.0-only
/* Variables of .data, .bss and .rodata, arrays with masked or tested indices */

#include "kapsel.bpf.h"

#define RING 64
#define CPUS 128

struct entry {
	u64 ts;
	u32 pid;
	u32 cpu;
};

struct {
	u32 head;
	struct entry entries[RING];
} ring;

u64 per_cpu[CPUS];
s32 weights[] = { 1, 2, 4, 8, 16, 32, 64, 128 };
static volatile u32 generation;
const u16 primes[16] = { 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53 };
const volatile int verbose;
u8 matrix[8][8];
s64 balance = -5;

SEC("kprobe/wake_up_new_task")
int into_ring(struct pt_regs *ctx)
{
	u32 at = ring.head++ & (RING - 1);
	struct entry *e = &ring.entries[at];

	e->ts = bpf_ktime_get_ns();
	e->pid = bpf_get_current_pid_tgid();
	e->cpu = bpf_get_smp_processor_id();
	return 0;
}

SEC("kprobe/finish_task_switch")
int by_cpu(struct pt_regs *ctx)
{
	u32 cpu = bpf_get_smp_processor_id();

	if (cpu < CPUS)
		per_cpu[cpu]++;
	generation++;
	return 0;
}

SEC("kprobe/vfs_read")
int weigh(struct pt_regs *ctx)
{
	u64 x = PT_REGS_PARM3(ctx);
	u32 row = x & 7, column = (x >> 3) & 7, i;
	s64 sum = 0;

	matrix[row][column]++;
	for (i = 0; i < 8; i++)
		sum += matrix[row][i] * weights[i];
	for (i = 0; i < ARRAY_SIZE(primes); i++)
		if (x % primes[i] == 0)
			sum -= primes[i];
	balance += sum;
	if (verbose)
		bpf_printk("row %d, sum %lld", row, sum);
	return 0;
}

SEC("kprobe/vfs_write")
int transpose(struct pt_regs *ctx)
{
	int i, j;

	for (i = 0; i < 8; i++)
		for (j = i + 1; j < 8; j++) {
			u8 t = matrix[i][j];

			matrix[i][j] = matrix[j][i];
			matrix[j][i] = t;
		}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
