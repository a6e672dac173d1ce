// SPDX-License-Identifier: GPL-2.0-only
/*
 * No address of the kernel's comes out to those who may load programs but may not see
 * addresses (CAP_SYSLOG): not by any ioctl, record, map, mapping, line or file. Values
 * of stack trace maps, and what kprobe programs are written to tell, are not meant: see
 * SECURITY.md.
 */

#include <linux/capability.h>
#include <linux/kernel.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_ioctls.h"
#include "module/lib/km_target.h"

#define KPTR_RESTRICT	"/proc/sys/kernel/kptr_restrict"
#define ROOM		65536

/* Direct map to vmemmap, and code; small negative numbers are none. */
static bool is_address(__u64 v)
{
	return (v >= 0xffff800000000000ULL && v < 0xffffff0000000000ULL) ||
	       (v >= 0xffffffff80000000ULL && v < 0xffffffffff600000ULL);
}

/* Return: where there is one in @size bytes; -1: nowhere */
static long find_address(const void *from, size_t size)
{
	__u64 v;

	for (size_t at = 0; at + sizeof(v) <= size; at += 4) {
		memcpy(&v, from + at, sizeof(v));
		if (is_address(v))
			return at;
	}
	return -1;
}

/* In text: any sixteen digits of hexadecimal that make one. Return: where, or NULL */
static const char *find_written(const char *text)
{
	for (const char *at = text; *at; at++) {
		size_t len = strspn(at, "0123456789abcdefABCDEF");

		if (len == 16 && is_address(strtoull(at, NULL, 16)))
			return at;
		if (len > 1)
			at += len - 1;
	}
	return NULL;
}

FIXTURE(leak) {
	struct km_env env;
	int probe;
	int link;
	char kptr_restrict[4];
	char room[ROOM];
};

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) > 0;

	close(fd);
	return done;
}

static long get(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t len = 0, n;

	while (fd >= 0 && len < (ssize_t)size - 1 && (n = read(fd, to + len, size - 1 - len)) > 0)
		len += n;
	to[len] = 0;
	close(fd);
	return fd < 0 ? -1 : len;
}

/* For good, and for what is started. */
static int drop_syslog(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (prctl(PR_CAPBSET_DROP, CAP_SYSLOG) || syscall(SYS_capget, &head, data))
		return -errno;
	data[CAP_TO_INDEX(CAP_SYSLOG)].effective &= ~CAP_TO_MASK(CAP_SYSLOG);
	data[CAP_TO_INDEX(CAP_SYSLOG)].permitted &= ~CAP_TO_MASK(CAP_SYSLOG);
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

FIXTURE_SETUP(leak)
{
	ASSERT_LT(0, get(KPTR_RESTRICT, self->kptr_restrict, sizeof(self->kptr_restrict)));
	ASSERT_TRUE(put(KPTR_RESTRICT, "1"));
	ASSERT_EQ(0, km_env_open(&self->env));
	self->probe = km_kprobe(self->env.dev, KM_ACCEPT);
	self->link = km_probe(self->env.dev, self->probe, KAPSEL_HOOK_KPROBE, TARGET);
	ASSERT_LE(0, self->link);
	ASSERT_EQ(0, drop_syslog());
}

FIXTURE_TEARDOWN(leak)
{
	put(KPTR_RESTRICT, self->kptr_restrict);
}

#define EXPECT_NONE(from, size, ...) do {				\
	long _at = find_address(from, size);				\
	EXPECT_EQ(-1, _at) {						\
		TH_LOG(__VA_ARGS__);					\
	}								\
} while (0)

/* The scanner finds what there is to find. */
TEST(scanner)
{
	const __u64 good[] = { 0, -1ULL, -4095ULL, 0x7fffffffffff, 1ULL << 63, INT32_MIN };
	const __u64 bad[] = { 0xffff888000001000, 0xffffc90000000000, 0xffffffffc0001000 };
	char bytes[32] = {};

	for (size_t i = 0; i < ARRAY_SIZE(good) - 1; i++)
		EXPECT_EQ(-1, find_address(&good[i], 8));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memcpy(bytes + 12, &bad[i], 8);
		EXPECT_EQ(12, find_address(bytes, sizeof(bytes)));
	}
	EXPECT_NE(NULL, find_written("at ffffffffc0001000."));
	EXPECT_NE(NULL, find_written("0xffff888000001000"));
	EXPECT_EQ(NULL, find_written("0x0000000012345678 ffffffffffffffff 00ffffffffc0001000"));
}

/* What a call answers, where it should and where it should not. */
TEST_F(leak, ioctls)
{
	for (size_t i = 0; i < ARRAY_SIZE(km_rows); i++) {
		const struct km_row *row = &km_rows[i];
		__u8 arg[1024] = {};

		row->fill(&self->env, arg);
		km_ioctl(km_file_of(&self->env, row->on), row->cmd, arg);
		EXPECT_NONE(arg, sizeof(arg), "nr %#lx", _IOC_NR(row->cmd));
	}
}

static void list_all(struct __test_metadata *_metadata, FIXTURE_DATA(leak) * self, __u32 cmd)
{
	struct kapsel_list arg = {
		.entries = km_ptr(self->room), .entry_size = 128, .count = ROOM / 128,
	};

	memset(self->room, 0, ROOM);
	EXPECT_EQ(0, km_ioctl(self->env.dev, cmd, &arg));
	EXPECT_NONE(self->room, ROOM, "list %#x", cmd);
}

TEST_F(leak, lists_and_information)
{
	const int files[] = { self->probe, self->link, self->env.map, self->env.prog };

	list_all(_metadata, self, KAPSEL_LIST_HELPERS);
	list_all(_metadata, self, KAPSEL_LIST_CONTEXTS);
	list_all(_metadata, self, KAPSEL_LIST_MAP_TYPES);
	list_all(_metadata, self, KAPSEL_LIST_HOOKS);
	list_all(_metadata, self, KAPSEL_LIST_WRAPS);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct kapsel_obj_info info = {};
		char path[64];

		/* Programs, links and maps have their pointers in different places. */
		memset(self->room, 0, ROOM);
		if (i == 1) {
			info.link.target = km_ptr(self->room);
			info.link.target_size = ROOM / 2;
		} else if (i != 2) {
			info.prog.insns = km_ptr(self->room);
			info.prog.insns_room = ROOM / 16;
			info.prog.map_ids = km_ptr(self->room + ROOM / 2);
			info.prog.map_cnt = 64;
		}
		EXPECT_EQ(0, km_ioctl(files[i], KAPSEL_OBJ_INFO, &info));
		EXPECT_NONE(&info, sizeof(info), "information %zu", i);
		EXPECT_NONE(self->room, ROOM, "what belongs to information %zu", i);
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", files[i]);
		EXPECT_LT(0, get(path, self->room, ROOM));
		EXPECT_EQ(NULL, find_written(self->room));
	}
}

/* ------------------------------------------------------------------------
 * Refusals: each speaks of some pointer
 */
static const char *const refused[] = {
	"r0 = *(u64 *)(r10 - 8)\nexit\n",
	"r0 = r10\nexit\n",
	"r0 = *(u64 *)(r1 + 4096)\nexit\n",
	"r1 = map[fd:%d] ll\nr0 = *(u64 *)(r1 + 0)\nexit\n",
	"*(u64 *)(r10 - 8) = 0\nr1 = map[fd:%d] ll\nr2 = r10\nr2 += -8\n"
	"call bpf_map_lookup_elem\nr0 = *(u64 *)(r0 + 0)\nexit\n",
	"*(u64 *)(r10 - 8) = 0\nr1 = map[fd:%d] ll\nr2 = r10\nr2 += -8\n"
	"call bpf_map_lookup_elem\nif r0 == 0 goto out\nr0 = *(u64 *)(r0 + 1)\nout:\nr0 = 0\nexit\n",
	"r1 = map[fd:%d] ll\n*(u64 *)(r10 - 8) = r1\nr2 = *(u32 *)(r10 - 8)\nr0 = 0\nexit\n",
	"r1 = map[fd:%d] ll\nr1 += r10\nr0 = 0\nexit\n",
};

TEST_F(leak, refusals)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct kapsel_prog_load arg = {
			.log = { .buf = km_ptr(self->room), .size = ROOM },
		};
		char text[512];

		memset(self->room, 0, ROOM);
		snprintf(text, sizeof(text), refused[i], self->env.map);
		EXPECT_GT(0, km_load_arg(self->env.dev, &arg, KAPSEL_PROG_NETFILTER, text)) {
			TH_LOG("accepted: %s", text);
		}
		EXPECT_NONE(&arg.log, sizeof(arg.log), "refusal %zu", i);
		EXPECT_NONE(self->room, ROOM, "records of refusal %zu", i);
	}
}

/* ------------------------------------------------------------------------
 * Maps: what nobody has written is zero, in mappings to their last byte, too
 */
TEST_F(leak, mappings)
{
	static const struct {
		__u32 type, key, value, entries, flags, pages;
	} maps[] = {
		{ BPF_MAP_TYPE_ARRAY, 4, 24, 7, BPF_F_MMAPABLE, 1 },
		{ BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, 4 },
		{ BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 2, 0, 16 },
	};
	long page = sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		int map = km_map(self->env.dev, maps[i].type, maps[i].key, maps[i].value,
				 maps[i].entries, maps[i].flags);
		void *mem;

		ASSERT_LE(0, map);
		if (maps[i].type == BPF_MAP_TYPE_RINGBUF)
			km_call(km_kprobe(self->env.dev,
					  "r1 = map[fd:%d] ll\nr2 = 64\nr3 = 0\n"
					  "call bpf_ringbuf_reserve\nif r0 == 0 goto out\nr1 = r0\n"
					  "r2 = 0\ncall bpf_ringbuf_discard\nout:\nr0 = 0\nexit\n",
					  map));
		mem = mmap(NULL, maps[i].pages * page, PROT_READ, MAP_SHARED, map, 0);
		ASSERT_NE(MAP_FAILED, mem);
		EXPECT_NONE(mem, maps[i].pages * page, "map of type %u", maps[i].type);
		munmap(mem, maps[i].pages * page);
		close(map);
	}
}

/* Programs and maps by number, not by where they are. */
TEST_F(leak, elements)
{
	struct kapsel_map_create arg = {
		.map_type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .key_size = 4, .value_size = 4,
		.max_entries = 2, .inner_map_fd = self->env.map,
	};
	int outer = km_ioctl(self->env.dev, KAPSEL_MAP_CREATE, &arg);
	int progs = km_map(self->env.dev, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 2, 0);
	__u32 key = 0;

	ASSERT_LE(0, outer);
	ASSERT_LE(0, progs);
	EXPECT_EQ(0, km_elem(outer, KAPSEL_MAP_UPDATE, &key, 4, &self->env.map, 4, 0));
	EXPECT_EQ(0, km_elem(progs, KAPSEL_MAP_UPDATE, &key, 4, &self->probe, 4, 0));
	memset(self->room, 0, ROOM);
	EXPECT_EQ(0, km_elem(outer, KAPSEL_MAP_LOOKUP, &key, 4, self->room, 4, 0));
	EXPECT_EQ(0, km_elem(progs, KAPSEL_MAP_LOOKUP, &key, 4, self->room + 8, 4, 0));
	EXPECT_NONE(self->room, ROOM, "elements");
}

/* A packet that comes back, and what a program can return of it. */
TEST_F(leak, test_runs)
{
	struct __sk_buff ctx = {};
	struct kapsel_test_run arg = {
		.ctx_in = km_ptr(&ctx), .ctx_size = sizeof(ctx), .data_in = km_ptr(self->room),
		.data_size_in = 1500, .data_out = km_ptr(self->room + ROOM / 2),
		.data_size_out = ROOM / 2,
	};

	memset(self->room, 0, ROOM);
	self->room[0] = 0x45;
	EXPECT_EQ(0, km_ioctl(self->env.prog, KAPSEL_PROG_TEST_RUN, &arg));
	EXPECT_NONE(self->room, ROOM, "packet");
	EXPECT_NONE(&ctx, sizeof(ctx), "context");
	EXPECT_FALSE(is_address(arg.retval));
}

/* ------------------------------------------------------------------------
 * Text
 */
TEST_F(leak, lines_of_programs)
{
	int prog = km_kprobe(self->env.dev,
			     "r3 = r10\n*(u64 *)(r10 - 16) = 0x7025\nr1 = r10\nr1 += -16\n"
			     "r2 = 3\ncall bpf_trace_printk\nr0 = 0\nexit\n");
	ssize_t len;

	ASSERT_LE(0, prog);
	ASSERT_EQ(0, km_call(prog));
	len = read(prog, self->room, ROOM - 1);
	ASSERT_LT(0, len);
	self->room[len] = 0;
	EXPECT_EQ(NULL, find_written(self->room)) {
		TH_LOG("%s", self->room);
	}
}

TEST_F(leak, the_command)
{
	static const char *const commands[] = {
		"list", "-j list", "show link:%u", "-j show link:%u", "disasm --jit prog:%u",
		"doctor",
	};
	char line[256], what[64];

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		FILE *pipe;
		size_t len;

		snprintf(what, sizeof(what), commands[i],
			 strstr(commands[i], "link") ? km_info(self->link).id :
						       km_info(self->probe).id);
		snprintf(line, sizeof(line), "kapsel %s 2>&1", what);
		pipe = popen(line, "r");
		ASSERT_NE(NULL, pipe);
		len = fread(self->room, 1, ROOM - 1, pipe);
		self->room[len] = 0;
		pclose(pipe);
		EXPECT_LT(0, len);
		EXPECT_EQ(NULL, find_written(self->room)) {
			TH_LOG("%s: %s", line, find_written(self->room));
		}
	}
}

/* Which anybody may read on many machines. */
TEST(kernel_log)
{
	static char room[1 << 20];
	char *line, *next;

	ASSERT_LT(0, syscall(SYS_syslog, 3, room, sizeof(room) - 1));
	for (line = room; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (!strstr(line, "kapsel"))
			continue;
		EXPECT_EQ(NULL, find_written(line)) {
			TH_LOG("%s", line);
		}
	}
}

TEST_HARNESS_MAIN
