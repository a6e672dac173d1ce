// SPDX-License-Identifier: GPL-2.0-only
/*
 * What loading a program takes: the time of the library, from instructions to code
 * that runs; and, where the module is, the memory that a loaded program holds.
 *
 *	make bench-load
 *
 *	load_bench [-d]
 *
 * -d: by the module behind /dev/kapsel, not by the library.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <kapsel.h>
#include <linux/kernel.h>

#define ROUNDS		200
#define LOADED		1024	/* so many that other users of memory hardly matter */
#define MAX_INSNS	4096

static const __u32 sizes[] = { 13, 100, 1000, 4000 };

static struct bpf_insn insns[MAX_INSNS];

/* Reads the context, keeps values on the stack, computes and branches; ends with 0. */
static void make(__u32 count)
{
	static const struct bpf_insn body[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 2, .src_reg = 1, .off = 112 },
		{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 10, .src_reg = 2, .off = -8 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = 3, .src_reg = 2 },
		{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 4, .src_reg = 10, .off = -8 },
		{ .code = BPF_JMP | BPF_JGT | BPF_X, .dst_reg = 4, .src_reg = 3, .off = 1 },
		{ .code = BPF_ALU64 | BPF_XOR | BPF_K, .dst_reg = 3, .imm = 0x1234 },
		{ .code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = 3, .imm = 3 },
	};
	__u32 i;

	insns[0] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3 };
	for (i = 1; i < count - 2; i++)
		insns[i] = count - 2 - i >= ARRAY_SIZE(body) || i % ARRAY_SIZE(body) != 1 ?
			   body[(i - 1) % ARRAY_SIZE(body)] : body[0];
	/* Nothing is jumped over that is not there. */
	if (insns[count - 3].code == body[4].code)
		insns[count - 3] = body[6];
	insns[count - 2] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K };
	insns[count - 1] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
}

/* Of this thread, so that a busy machine disturbs less. */
static __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void die(const char *what, const struct kapsel_error *err)
{
	fprintf(stderr, "%s: %s\n", what, err->text);
	exit(1);
}

/* ------------------------------------------------------------------------
 * Time, of the library
 */
static __u64 load_here(struct kapsel_object *obj)
{
	struct kapsel_offline *offline;
	struct kapsel_error err = {};
	struct kapsel_result res;
	__u64 start = now_ns();

	if (kapsel_offline_open(kapsel_prog_at(obj, 0), NULL, NULL, &offline, &res, &err))
		die("load", &err);
	start = now_ns() - start;
	kapsel_offline_close(offline);
	kapsel_result_free(&res);
	return start;
}

static int by_size(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void time_one(__u32 count)
{
	const struct kapsel_raw raw = {
		.name = "load", .license = "GPL",
		.insns = insns, .insn_cnt = count, .prog_type = KAPSEL_PROG_KPROBE,
	};
	struct kapsel_error err = {};
	struct kapsel_object *obj;
	__u64 took[ROUNDS];

	make(count);
	obj = kapsel_open_raw(&raw, &err);
	if (!obj)
		die("open", &err);
	for (int i = 0; i < ROUNDS; i++)
		took[i] = load_here(obj);
	qsort(took, ROUNDS, sizeof(*took), by_size);
	printf("%6u instructions   %8.1f us, the least of %d %8.1f us\n", count,
	       took[ROUNDS / 2] / 1e3, ROUNDS, took[0] / 1e3);
	kapsel_close(obj);
}

/* ------------------------------------------------------------------------
 * Memory, of the module
 */
/* What the kernel has of its own: free memory moves for other reasons, too. */
static long read_kernel_kib(void)
{
	static const char *const kinds[] = { "SUnreclaim", "VmallocUsed", "Percpu" };
	FILE *f = fopen("/proc/meminfo", "r");
	long kib, sum = 0;
	char name[64];
	size_t i;

	while (f && fscanf(f, "%63[^:]: %ld%*[^\n] ", name, &kib) == 2)
		for (i = 0; i < ARRAY_SIZE(kinds); i++)
			sum += strcmp(name, kinds[i]) ? 0 : kib;
	if (f)
		fclose(f);
	return sum;
}

static int load_there(int dev, __u32 count)
{
	struct kapsel_prog_load arg = {
		.insns = (unsigned long)insns, .insn_cnt = count,
		.prog_type = KAPSEL_PROG_KPROBE, .engine = KAPSEL_ENGINE_JIT, .license = "GPL",
	};

	return ioctl(dev, KAPSEL_PROG_LOAD, &arg);
}

/* The same program, by bpf(2). */
static int load_linux(int dev, __u32 count)
{
	static const char license[] = "GPL";
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_KPROBE, .insn_cnt = count,
		.insns = (unsigned long)insns, .license = (unsigned long)license,
	};

	(void)dev;
	return syscall(__NR_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

typedef int (*load_fn)(int dev, __u32 count);

static void load_all(load_fn load, int dev, __u32 count, int *progs, int nr)
{
	for (int i = 0; i < nr; i++) {
		progs[i] = load(dev, count);
		if (progs[i] < 0) {
			perror("load");
			exit(1);
		}
	}
}

/* Programs die after a grace period, and their memory after another. */
static void close_all(const int *progs, int nr)
{
	for (int i = 0; i < nr; i++)
		close(progs[i]);
	sleep(2);
}

/* What many share is there when the first half is: seen is what each further one takes. */
static double held(load_fn load, int dev, __u32 count)
{
	int half = count > 1000 ? LOADED / 8 : LOADED / 2;
	static int progs[LOADED];
	long before, after;

	load_all(load, dev, count, progs, half);
	before = read_kernel_kib();
	load_all(load, dev, count, progs + half, half);
	after = read_kernel_kib();
	close_all(progs, 2 * half);
	return (after - before) * 1024.0 / half;
}

static void hold(int dev, __u32 count)
{
	struct kapsel_prog_image image = {};
	struct kapsel_obj_info info = {};
	int prog;

	make(count);
	prog = load_there(dev, count);
	if (prog < 0 || ioctl(prog, KAPSEL_PROG_IMAGE, &image) ||
	    ioctl(prog, KAPSEL_OBJ_INFO, &info)) {
		perror("load");
		exit(1);
	}
	printf("%6u  %8.0f  %8llu  %8.0f  %8u\n", count, held(load_there, dev, count),
	       (unsigned long long)info.prog.memory, held(load_linux, dev, count),
	       4096 + image.code_size + 32 * count);
	close(prog);
}

/* Each loaded program is a file descriptor. */
static void allow_files(void)
{
	const struct rlimit many = { LOADED + 64, LOADED + 64 };

	if (setrlimit(RLIMIT_NOFILE, &many))
		perror("setrlimit");
}

int main(int argc, char **argv)
{
	bool device = argc > 1 && !strcmp(argv[1], "-d");
	int dev = device ? open(KAPSEL_DEVICE, O_RDWR | O_CLOEXEC) : -1;
	__u32 i;

	if (device && dev < 0) {
		perror(KAPSEL_DEVICE);
		return 1;
	}
	allow_files();
	if (device)
		puts(" insns     bytes      said   Linux's  a page, the image and 32 an instruction");
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (device)
			hold(dev, sizes[i]);
		else
			time_one(sizes[i]);
	}
	return 0;
}
