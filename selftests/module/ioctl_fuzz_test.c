// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random calls of every ioctl: of its shape, with fields that are somewhat or quite
 * wrong, on files of the right kind or not. Where the kernel has KCOV, calls that
 * reached something new are kept, to be varied. Whatever they do, they leave nothing.
 *
 * make fuzz-ioctl CALLS= SEED=
 */

#include <linux/kernel.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "module/lib/kcov.h"
#include "module/lib/km.h"
#include "module/lib/km_ioctls.h"
#include "module/lib/km_target.h"

#define RANDOM_CALLS	4000
#define FILES		24	/* of each kind */
#define KEPT		512
#define MOST		512	/* bytes of an argument */
#define ARENA		(64 * 1024)

enum { DEVICE, PROG, MAP, LINK, NR_KINDS };

/**
 * struct call - an ioctl
 * @row: which
 * @fd: of what; -1: any
 * @size: that it says
 * @arg: its argument
 */
struct call {
	const struct km_row *row;
	int fd;
	__u32 size;
	__u8 arg[MOST];
};

/**
 * struct fuzz - the state of it
 * @state: of the random numbers
 * @files: of each kind; -1: none
 * @env: objects by which a row makes a good call
 * @abi: of the module
 * @arena: memory that arguments point to; behind it there is a hole
 * @kept: calls worth varying
 * @nr_kept: how many
 * @done: calls of each row that succeeded
 */
struct fuzz {
	__u64 state;
	int files[NR_KINDS][FILES];
	struct km_env env;
	struct kapsel_abi abi;
	__u8 *arena;
	struct call kept[KEPT];
	__u32 nr_kept;
	__u32 done[ARRAY_SIZE(km_rows)];
	struct kcov kcov;
};

static __u32 rnd(struct fuzz *f, __u32 below)
{
	f->state ^= f->state >> 12;
	f->state ^= f->state << 25;
	f->state ^= f->state >> 27;
	return (f->state * 2685821657736338717ULL >> 33) % below;
}

static int any_file(struct fuzz *f, int kind)
{
	return f->files[kind][rnd(f, FILES)];
}

static __u64 any_pointer(struct fuzz *f)
{
	switch (rnd(f, 16)) {
	case 0:
		return 0;
	case 1:
		return rnd(f, 2) ? 0xffff888000000000ULL : 1ULL << 63;
	case 2:
		return km_ptr(f->arena + ARENA - rnd(f, 64));
	default:
		return km_ptr(f->arena + (rnd(f, ARENA / 2) & ~7u));
	}
}

static __u64 any_value(struct fuzz *f)
{
	static const __u64 odd[] = {
		0, 1, 2, 3, 4, 5, 7, 8, 16, 31, 32, 64, 255, 256, 512, 4095, 4096, 65535, 65536,
		INT32_MAX, 1ULL << 31, UINT32_MAX, 1ULL << 32, INT64_MAX, 1ULL << 63, UINT64_MAX,
	};

	switch (rnd(f, 6)) {
	case 0:
		return any_pointer(f);
	case 1:
		return any_file(f, rnd(f, NR_KINDS));
	case 2:
		return 1ULL << rnd(f, 64);
	case 3:
		return rnd(f, 40);
	default:
		return odd[rnd(f, ARRAY_SIZE(odd))];
	}
}

/* ------------------------------------------------------------------------
 * Calls that are about right
 */
static const char *const texts[] = {
	"r0 = 1\nexit\n",
	"r6 = map[fd:%d] ll\n*(u64 *)(r10 - 8) = 0\nr1 = r6\nr2 = r10\nr2 += -8\n"
	"call bpf_map_lookup_elem\nif r0 == 0 goto out\nr0 = *(u8 *)(r0 + 0)\nout:\nr0 = 1\nexit\n",
	"*(u64 *)(r10 - 8) = 0\n*(u64 *)(r10 - 16) = 1\nr1 = map[fd:%d] ll\nr2 = r10\nr2 += -8\n"
	"r3 = r10\nr3 += -16\nr4 = 0\ncall bpf_map_update_elem\nr0 = 1\nexit\n",
	"r6 = map[fd:%d] ll\nr1 = 9\nr2 = func each\nr3 = 0\nr4 = 0\ncall bpf_loop\nr0 = 1\nexit\n"
	"each:\nr0 = 0\nexit\n",
	"r6 = map[fd:%d] ll\ncall bpf_get_prandom_u32\nagain:\nr0 >>= 1\nif r0 != 0 goto again\n"
	"r0 = 1\nexit\n",
	"r2 = map[fd:%d] ll\nr3 = 0\ncall bpf_tail_call\nr0 = 1\nexit\n",
	"*(u64 *)(r10 - 8) = 7\nr1 = map[fd:%d] ll\nr2 = r10\nr2 += -8\nr3 = 8\nr4 = 0\n"
	"call bpf_ringbuf_output\nr0 = 1\nexit\n",
	"*(u64 *)(r10 - 8) = 0x6968\nr1 = r10\nr1 += -8\nr2 = 3\ncall bpf_trace_printk\nr0 = 1\nexit\n",
};

static void make_load(struct fuzz *f, struct call *c)
{
	struct kapsel_prog_load *load = (void *)c->arg;
	struct bpf_insn *insns = (void *)(f->arena + ARENA / 2);
	char text[1024], why[64];
	int cnt;

	snprintf(text, sizeof(text), texts[rnd(f, ARRAY_SIZE(texts))], any_file(f, MAP));
	cnt = kt_asm(text, insns, 256, why, sizeof(why));
	if (cnt > 0 && rnd(f, 3) == 0)
		((__u8 *)insns)[rnd(f, cnt * sizeof(*insns))] ^= 1 << rnd(f, 8);
	*load = (struct kapsel_prog_load){
		.insns = km_ptr(insns), .insn_cnt = cnt, .engine = rnd(f, 3),
		.prog_type = rnd(f, 2) ? KAPSEL_PROG_KPROBE : KAPSEL_PROG_NETFILTER,
		.flags = rnd(f, 2), .license = "GPL", .name = "fuzz",
		.log = { .buf = any_pointer(f), .size = rnd(f, 4096) },
	};
}

static void make_map(struct fuzz *f, struct call *c)
{
	static const __u8 types[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 19, 21, 22, 23,
				      27, 30 };
	static const __u8 sizes[] = { 0, 4, 8, 16, 64 };
	struct kapsel_map_create *map = (void *)c->arg;

	*map = (struct kapsel_map_create){
		.map_type = types[rnd(f, ARRAY_SIZE(types))], .key_size = rnd(f, 4) ? 4 : 8,
		.value_size = sizes[rnd(f, ARRAY_SIZE(sizes))], .max_entries = 1 + rnd(f, 64),
	};
	switch (map->map_type) {
	case BPF_MAP_TYPE_CGROUP_STORAGE:
	case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
		map->key_size = rnd(f, 2) ? 8 : 16;
		map->max_entries = 0;
		break;
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
	case BPF_MAP_TYPE_BLOOM_FILTER:
		map->key_size = 0;
		break;
	case BPF_MAP_TYPE_RINGBUF:
		map->key_size = 0;
		map->value_size = 0;
		map->max_entries = 4096 << rnd(f, 3);
		break;
	case BPF_MAP_TYPE_LPM_TRIE:
		map->key_size = 8;
		map->map_flags = BPF_F_NO_PREALLOC;
		break;
	case BPF_MAP_TYPE_ARRAY:
		map->map_flags = rnd(f, 2) ? BPF_F_MMAPABLE : 0;
		break;
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		map->value_size = 4;
		map->inner_map_fd = any_file(f, MAP);
		break;
	}
}

static void make_link(struct fuzz *f, struct call *c)
{
	struct kapsel_link_create *link = (void *)c->arg;
	__u32 hook = 1 + rnd(f, 5);

	*link = (struct kapsel_link_create){ .prog_fd = any_file(f, PROG), .hook = hook };
	switch (hook) {
	case KAPSEL_HOOK_NETFILTER:
		link->netfilter.family = rnd(f, 2) ? NFPROTO_IPV4 : NFPROTO_INET;
		link->netfilter.hooknum = rnd(f, 5);
		link->netfilter.priority = rnd(f, 100);
		link->flags = rnd(f, 4) << 1;
		return;
	case KAPSEL_HOOK_KPROBE:
	case KAPSEL_HOOK_KRETPROBE:
		strcpy((char *)f->arena, TARGET);
		link->kprobe.symbol = km_ptr(f->arena);
		link->kprobe.offset = rnd(f, 4) ? 0 : rnd(f, 32);
		return;
	default:
		link->multi.addrs = any_pointer(f);
		link->multi.count = rnd(f, 4);
		link->flags = rnd(f, 2) * KAPSEL_LINK_SKIP;
	}
}

/* What a map takes, more often than not. */
static struct kapsel_map_info choose_map(struct fuzz *f, struct call *c)
{
	struct kapsel_obj_info info = { .map = { .key_size = 4, .value_size = 8 } };

	c->fd = any_file(f, MAP);
	ioctl(c->fd, KAPSEL_OBJ_INFO, &info);
	switch (info.map.type) {
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		info.map.value_size = (info.map.value_size + 7) / 8 * 8 * f->abi.cpus;
		break;
	case BPF_MAP_TYPE_PROG_ARRAY:
		*(__u32 *)(f->arena + 4096) = any_file(f, PROG);
		break;
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		*(__u32 *)(f->arena + 4096) = any_file(f, MAP);
		break;
	}
	return info.map;
}

static void make_elem(struct fuzz *f, struct call *c)
{
	struct kapsel_map_info map = choose_map(f, c);

	*(struct kapsel_map_elem *)c->arg = (struct kapsel_map_elem){
		.key = map.key_size ? km_ptr(f->arena + rnd(f, 64) * 8) : 0,
		.key_size = map.key_size, .value = km_ptr(f->arena + 4096),
		.value_size = c->row->cmd == KAPSEL_MAP_DELETE ? 0 : map.value_size,
		.flags = c->row->cmd == KAPSEL_MAP_UPDATE ? rnd(f, 3) : 0,
	};
}

static void make_next(struct fuzz *f, struct call *c)
{
	struct kapsel_map_info map = choose_map(f, c);

	*(struct kapsel_map_next *)c->arg = (struct kapsel_map_next){
		.key = rnd(f, 2) ? km_ptr(f->arena + rnd(f, 64) * 8) : 0,
		.next_key = km_ptr(f->arena), .key_size = map.key_size,
	};
}

static void make_batch(struct fuzz *f, struct call *c)
{
	struct kapsel_map_info map = choose_map(f, c);

	*(struct kapsel_map_batch *)c->arg = (struct kapsel_map_batch){
		.op = 1 + rnd(f, 4), .count = rnd(f, 32), .keys = km_ptr(f->arena),
		.values = km_ptr(f->arena + 4096), .key_size = map.key_size,
		.value_size = map.value_size, .cursor = rnd(f, 4) ? 0 : rnd(f, 64),
	};
}

static void make_update(struct fuzz *f, struct call *c)
{
	bool expect = rnd(f, 4) == 0;

	*(struct kapsel_link_update *)c->arg = (struct kapsel_link_update){
		.prog_fd = any_file(f, PROG), .old_prog_fd = expect ? any_file(f, PROG) : 0,
		.flags = expect ? KAPSEL_UPDATE_EXPECT : 0,
	};
}

static const struct {
	unsigned long cmd;
	void (*make)(struct fuzz *f, struct call *c);
	__u32 weight;
} makers[] = {
	{ KAPSEL_PROG_LOAD, make_load, 6 },
	{ KAPSEL_MAP_CREATE, make_map, 6 },
	{ KAPSEL_LINK_CREATE, make_link, 3 },
	{ KAPSEL_MAP_LOOKUP, make_elem, 2 },
	{ KAPSEL_MAP_UPDATE, make_elem, 6 },
	{ KAPSEL_MAP_DELETE, make_elem, 3 },
	{ KAPSEL_MAP_LOOKUP_DELETE, make_elem, 2 },
	{ KAPSEL_MAP_NEXT_KEY, make_next, 3 },
	{ KAPSEL_MAP_BATCH, make_batch, 4 },
	{ KAPSEL_LINK_UPDATE, make_update, 3 },
};

static void make_one(struct fuzz *f, struct call *c)
{
	__u32 at = rnd(f, 44), i;

	memset(c, 0, sizeof(*c));
	c->fd = -1;
	for (i = 0; i < ARRAY_SIZE(makers) && at >= makers[i].weight; i++)
		at -= makers[i].weight;
	if (i < ARRAY_SIZE(makers)) {
		c->row = km_row_of(makers[i].cmd);
		makers[i].make(f, c);
	} else {
		c->row = &km_rows[rnd(f, ARRAY_SIZE(km_rows))];
		c->row->fill(&f->env, c->arg);
	}
	c->size = _IOC_SIZE(c->row->cmd);
}

/* ------------------------------------------------------------------------
 * Calls that are not
 */
static void mutate(struct fuzz *f, struct call *c)
{
	for (__u32 n = rnd(f, 4); n; n--) {
		__u32 width = rnd(f, 3) ? 4 : 8, at = rnd(f, c->size + 8) & ~(width - 1);
		__u64 value = any_value(f);

		if (at + width <= MOST)
			memcpy(c->arg + at, &value, width);
	}
	if (rnd(f, 16) == 0)
		c->size = rnd(f, MOST);
}

/* What only takes long, or all memory there is, finds nothing. */
static void restrain(struct call *c)
{
	struct kapsel_map_create *map = (void *)c->arg;
	struct kapsel_test_run *run = (void *)c->arg;
	struct kapsel_prog_load *load = (void *)c->arg;
	const __u32 absurd = 1u << 30;

	switch (c->row->cmd) {
	case KAPSEL_MAP_CREATE:
		if (map->max_entries > 65536 && map->max_entries < absurd)
			map->max_entries &= 65535;
		if (map->value_size > 1024 && map->value_size < absurd)
			map->value_size &= 1023;
		break;
	case KAPSEL_PROG_TEST_RUN:
		if (run->repeat > 100 && run->repeat <= KAPSEL_MAX_REPEAT)
			run->repeat = 100;
		break;
	case KAPSEL_PROG_LOAD:
		load->ceiling &= 0xffff;
		load->budget_ms &= 0xfff;
		break;
	}
}

static int file_for(struct fuzz *f, const struct call *c)
{
	int kind;

	if (c->fd >= 0 && rnd(f, 16))
		return c->fd;
	if (rnd(f, 32) == 0)
		return any_file(f, rnd(f, NR_KINDS));
	do {
		kind = rnd(f, NR_KINDS);
	} while (!(c->row->on & (1u << kind)));
	return any_file(f, kind);
}

static void keep_file(struct fuzz *f, int fd)
{
	struct kapsel_obj_info info = {};
	int *slot;

	if (ioctl(fd, KAPSEL_OBJ_INFO, &info)) {
		close(fd);
		return;
	}
	slot = &f->files[info.kind][rnd(f, FILES)];
	close(*slot);
	*slot = fd;
}

static bool gives_fd(unsigned long cmd)
{
	return cmd == KAPSEL_PROG_LOAD || cmd == KAPSEL_MAP_CREATE || cmd == KAPSEL_LINK_CREATE ||
	       cmd == KAPSEL_FD_BY_ID || cmd == KAPSEL_GET_PINNED;
}

static void make_call(struct fuzz *f, struct call *c)
{
	int fd = file_for(f, c), ret;
	struct call sent;

	restrain(c);
	sent = *c;
	kcov_begin(&f->kcov);
	ret = ioctl(fd, km_sized(c->row->cmd, c->size), sent.arg);
	if (kcov_end(&f->kcov))
		f->kept[f->nr_kept++ % KEPT] = *c;
	if (ret >= 0)
		f->done[c->row - km_rows]++;
	/* An fd that was not asked for is a call of another number. */
	if (ret > 2 && gives_fd(c->row->cmd))
		keep_file(f, ret);
}

static void map_and_write(struct fuzz *f, int fd)
{
	size_t size = 4096 << rnd(f, 3);
	void *mem = mmap(NULL, size, rnd(f, 2) ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED,
			 fd, (off_t)rnd(f, 4) << 12);

	if (mem == MAP_FAILED)
		return;
	/* Of a ring it is the reader's page, and he lies about where he is. */
	if (rnd(f, 2) && !mprotect(mem, 4096, PROT_READ | PROT_WRITE))
		*(__u64 *)mem = any_value(f);
	munmap(mem, size);
}

/* Other ways to a file, and what happens in the meantime. */
static void do_something_else(struct fuzz *f)
{
	int *slot = &f->files[1 + rnd(f, NR_KINDS - 1)][rnd(f, FILES)];
	struct pollfd pollfd = { .fd = *slot, .events = POLLIN };

	switch (rnd(f, 5)) {
	case 0:
		close(*slot);
		*slot = -1;
		break;
	case 1:
		map_and_write(f, *slot);
		break;
	case 2:
		poll(&pollfd, 1, 0);
		break;
	case 3:
		fcntl(*slot, F_SETFL, O_NONBLOCK);
		if (read(*slot, f->arena, rnd(f, 512)) < 0)
			break;
		break;
	default:
		target();
	}
}

static void one_step(struct fuzz *f)
{
	static struct call call;
	__u32 kept = f->nr_kept < KEPT ? f->nr_kept : KEPT;

	if (rnd(f, 8) == 0) {
		do_something_else(f);
		return;
	}
	if (kept && rnd(f, 2))
		call = f->kept[rnd(f, kept)];
	else
		make_one(f, &call);
	if (rnd(f, 3))
		mutate(f, &call);
	make_call(f, &call);
}

/* ------------------------------------------------------------------------
 * The test
 */
FIXTURE(fuzz) {
	struct fuzz *f;
	__u64 calls;
};

static __u64 number(const char *name, __u64 otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

FIXTURE_SETUP(fuzz)
{
	struct fuzz *f = calloc(1, sizeof(*f));

	self->f = f;
	ASSERT_NE(NULL, f);
	self->calls = number("KAPSEL_CALLS", RANDOM_CALLS);
	f->state = number("KAPSEL_SEED", 1) * 0x9e3779b97f4a7c15ULL + 1;
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, km_env_open(&f->env));
	ASSERT_EQ(0, km_ioctl(f->env.dev, KAPSEL_GET_ABI, &f->abi));
	f->arena = mmap(NULL, ARENA + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	ASSERT_NE(MAP_FAILED, f->arena);
	ASSERT_EQ(0, munmap(f->arena + ARENA, 4096));
	memset(f->files, -1, sizeof(f->files));
	for (int i = 0; i < FILES; i++)
		f->files[DEVICE][i] = f->env.dev;
	kcov_open(&f->kcov);
}

static void unpin(int dev, int fd)
{
	struct kapsel_obj_info info = km_info(fd);
	struct kapsel_pin arg = {};

	memcpy(arg.name, info.pin, sizeof(arg.name));
	if (info.pin[0])
		ioctl(dev, KAPSEL_UNPIN, &arg);
}

/* Names of pins are random, too, but their objects tell them. */
static void unpin_all(int dev)
{
	for (__u32 kind = KAPSEL_OBJ_PROG; kind <= KAPSEL_OBJ_LINK; kind++)
		for (__u32 id = 0; !km_next_id(dev, kind, &id);) {
			int fd = km_fd_by_id(dev, kind, id);

			if (fd < 0)
				continue;
			unpin(dev, fd);
			close(fd);
		}
}

FIXTURE_TEARDOWN(fuzz)
{
	int dev = self->f->env.dev;

	close(self->f->kcov.fd);
	for (int kind = PROG; kind <= LINK; kind++)
		for (int i = 0; i < FILES; i++)
			close(self->f->files[kind][i]);
	unpin_all(dev);
	close(self->f->env.prog);
	close(self->f->env.map);
	close(self->f->env.link);
	EXPECT_EQ(0, km_objects_settle(dev, 0));
	munmap(self->f->arena, ARENA);
	free(self->f);
}

TEST_F_TIMEOUT(fuzz, random_calls, 36000)
{
	struct fuzz *f = self->f;
	__u32 never = 0;

	for (__u64 i = 0; i < self->calls; i++)
		one_step(f);
	for (size_t i = 0; i < ARRAY_SIZE(km_rows); i++) {
		never += !f->done[i];
		if (!f->done[i])
			TH_LOG("%#lx never succeeded", _IOC_NR(km_rows[i].cmd));
	}
	TH_LOG("%llu calls of %zu ioctls", self->calls, ARRAY_SIZE(km_rows));
	if (f->kcov.fd >= 0)
		TH_LOG("%u places of modules' code, %u calls kept", f->kcov.places, f->nr_kept);
	/* Else it would be no test of them. */
	if (self->calls >= RANDOM_CALLS)
		EXPECT_EQ(0, never);
}

TEST_HARNESS_MAIN
