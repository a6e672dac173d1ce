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
#include <time.h>
#include <unistd.h>

#include <kapsel.h>
#include <linux/kernel.h>

#define ROUNDS		200
#define LOADED		512	/* so many that other users of memory hardly matter */
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
static long read_free(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	long kib = -1;

	while (f && kib < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemFree: %ld kB", &kib) != 1)
			kib = -1;
	if (f)
		fclose(f);
	return kib;
}

static int load_there(int dev, __u32 count)
{
	struct kapsel_prog_load arg = {
		.insns = (unsigned long)insns, .insn_cnt = count,
		.prog_type = KAPSEL_PROG_KPROBE, .engine = KAPSEL_ENGINE_JIT, .license = "GPL",
	};

	return ioctl(dev, KAPSEL_PROG_LOAD, &arg);
}

static void hold(int dev, __u32 count)
{
	struct kapsel_prog_image image = {};
	struct kapsel_obj_info info = {};
	static int progs[LOADED];
	double each;
	long before;
	int i;

	make(count);
	close(load_there(dev, count));
	sleep(1);
	before = read_free();
	for (i = 0; i < LOADED; i++) {
		progs[i] = load_there(dev, count);
		if (progs[i] < 0) {
			perror("load");
			exit(1);
		}
	}
	each = (before - read_free()) * 1024.0 / LOADED;
	if (ioctl(progs[0], KAPSEL_PROG_IMAGE, &image) ||
	    ioctl(progs[0], KAPSEL_OBJ_INFO, &info))
		perror("information");
	printf("%6u instructions   %8.0f bytes held, %6llu said, image %6u, a page, the image and 32 bytes an instruction %8u\n",
	       count, each, (unsigned long long)info.prog.memory, image.code_size,
	       4096 + image.code_size + 32 * count);
	for (i = 0; i < LOADED; i++)
		close(progs[i]);
	sleep(1);
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
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (device)
			hold(dev, sizes[i]);
		else
			time_one(sizes[i]);
	}
	return 0;
}
