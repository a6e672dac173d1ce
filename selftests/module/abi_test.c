// SPDX-License-Identifier: GPL-2.0-only
/* GET_ABI and LIST_*: the module tells the truth about itself */

#include <linux/kernel.h>
#include <linux/capability.h>

#include "core/proto.h"
#include "core/verifier.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"

#define ROOM 256

FIXTURE(abi) {
	int dev;
};

FIXTURE_SETUP(abi)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
}

FIXTURE_TEARDOWN(abi)
{
	close(self->dev);
}

/* Return: how many there are, or -errno. */
static int list(int dev, unsigned long cmd, void *entries, __u32 size, __u32 room)
{
	struct kapsel_list arg = {
		.entries = km_ptr(entries), .entry_size = size, .count = room,
	};
	int err = km_ioctl(dev, cmd, &arg);

	return err ?: (int)arg.count;
}

TEST_F(abi, limits_are_those_of_the_header)
{
	struct kapsel_abi abi;

	memset(&abi, 0xff, sizeof(abi));
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	EXPECT_EQ(KAPSEL_ABI, abi.abi);
	EXPECT_EQ(KPS_VERIFIER_REVISION, abi.verifier);
	EXPECT_TRUE(abi.features & KAPSEL_FEATURE_KERNEL_READ);
	EXPECT_TRUE(abi.features & KAPSEL_FEATURE_KPROBES);
	EXPECT_TRUE(abi.engines & 1 << KAPSEL_ENGINE_INTERP);
	EXPECT_EQ(!(abi.engines & 1 << KAPSEL_ENGINE_JIT), !!abi.jit_why);
	EXPECT_EQ(0, abi.__reserved);
	EXPECT_EQ(KAPSEL_MAX_INSNS, abi.max_insns);
	EXPECT_EQ(KAPSEL_MAX_STACK, abi.max_stack);
	EXPECT_EQ(KAPSEL_MAX_DEPTH, abi.max_depth);
	EXPECT_EQ(KAPSEL_MAX_MAPS, abi.max_maps);
	EXPECT_EQ(KAPSEL_MAX_BTF, abi.max_btf);
	EXPECT_EQ(sysconf(_SC_NPROCESSORS_CONF), abi.cpus);
	EXPECT_EQ(sysconf(_SC_PAGESIZE), abi.page_size);
	EXPECT_EQ(KAPSEL_DEFAULT_CEILING, abi.ceiling);
	EXPECT_LT(0, strnlen(abi.version, sizeof(abi.version)));
	EXPECT_GT(sizeof(abi.version), strnlen(abi.version, sizeof(abi.version)));
}

/* What /sys/module says is what the device says. */
TEST_F(abi, measuring_time_is_a_feature_bit)
{
	static const char path[] = "/sys/module/kapsel/parameters/stats_time";
	struct kapsel_abi abi;

	for (int on = 1; on >= 0; on--) {
		int fd = open(path, O_WRONLY);

		ASSERT_LE(0, fd);
		ASSERT_EQ(1, write(fd, on ? "1" : "0", 1));
		close(fd);
		ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
		EXPECT_EQ(on, !!(abi.features & KAPSEL_FEATURE_STATS_TIME));
	}
}

/* The probes' switch is the kernel's, and what it does is told. */
TEST_F(abi, kprobes_switched_off_are_no_feature)
{
	int fd = open("/sys/kernel/debug/kprobes/enabled", O_WRONLY);
	struct kapsel_abi abi;

	if (fd < 0)
		SKIP(return, "no debugfs");
	ASSERT_EQ(1, write(fd, "0", 1));
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	EXPECT_FALSE(abi.features & KAPSEL_FEATURE_KPROBES);
	ASSERT_EQ(1, write(fd, "1", 1));
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	EXPECT_TRUE(abi.features & KAPSEL_FEATURE_KPROBES);
}

TEST_F(abi, helpers_are_the_tables_rows)
{
	struct kapsel_helper_info info[ROOM];
	int n = list(self->dev, KAPSEL_LIST_HELPERS, info, sizeof(*info), ROOM);

	ASSERT_EQ(kps_nr_helpers, n);
	for (int i = 0; i < n; i++) {
		EXPECT_EQ(kps_helpers[i].id, info[i].id);
		EXPECT_STREQ(kps_helpers[i].name, info[i].name);
		EXPECT_EQ(kps_helpers[i].progs, info[i].prog_types);
		EXPECT_EQ(kps_helpers[i].ret, info[i].ret);
		EXPECT_EQ(kps_helpers[i].gpl, info[i].flags);
		EXPECT_EQ(0, info[i].__reserved);
		for (int arg = 0; arg < 5; arg++)
			EXPECT_EQ(kps_helpers[i].args[arg], info[i].args[arg]);
	}
}

TEST_F(abi, contexts_are_the_tables_rows)
{
	struct kapsel_ctx_info info[ROOM];
	int n = list(self->dev, KAPSEL_LIST_CONTEXTS, info, sizeof(*info), ROOM);
	int at = 0;

	for (__u32 t = 0; t < kps_nr_prog_types; t++) {
		const struct kps_prog_type *type = &kps_prog_types[t];

		for (__u32 i = 0; i < type->nr_fields; i++, at++) {
			ASSERT_LT(at, n);
			EXPECT_EQ(type->type, info[at].prog_type);
			EXPECT_EQ(type->fields[i].offset, info[at].offset);
			EXPECT_EQ(type->fields[i].size, info[at].size);
			EXPECT_EQ(type->fields[i].flags, info[at].flags);
			EXPECT_STREQ(type->fields[i].name, info[at].name);
		}
	}
	EXPECT_EQ(at, n);
}

TEST_F(abi, map_types_are_the_tables_rows)
{
	struct kapsel_map_type_info info[ROOM];
	int n = list(self->dev, KAPSEL_LIST_MAP_TYPES, info, sizeof(*info), ROOM);

	ASSERT_EQ(kps_nr_map_types, n);
	for (int i = 0; i < n; i++) {
		EXPECT_EQ(kps_map_types[i].type, info[i].type);
		EXPECT_EQ(kps_map_types[i].flags, info[i].flags);
		EXPECT_EQ(kps_map_types[i].ops, info[i].ops);
		EXPECT_STREQ(kps_map_types[i].name, info[i].name);
		EXPECT_EQ(0, info[i].__reserved);
	}
}

TEST_F(abi, hooks_are_these)
{
	static const struct kapsel_hook_info hooks[] = {
		{ KAPSEL_HOOK_KPROBE, KAPSEL_PROG_KPROBE, CAP_PERFMON, 0, "kprobe" },
		{ KAPSEL_HOOK_KRETPROBE, KAPSEL_PROG_KPROBE, CAP_PERFMON, 0, "kretprobe" },
		{ KAPSEL_HOOK_NETFILTER, KAPSEL_PROG_NETFILTER, CAP_NET_ADMIN, 0,
		  "netfilter" },
		{ KAPSEL_HOOK_KPROBE_MULTI, KAPSEL_PROG_KPROBE, CAP_PERFMON, 0,
		  "kprobe_multi" },
		{ KAPSEL_HOOK_KRETPROBE_MULTI, KAPSEL_PROG_KPROBE, CAP_PERFMON, 0,
		  "kretprobe_multi" },
	};
	struct kapsel_hook_info info[ROOM];

	ASSERT_EQ(ARRAY_SIZE(hooks),
		  list(self->dev, KAPSEL_LIST_HOOKS, info, sizeof(*info), ROOM));
	EXPECT_EQ(0, memcmp(hooks, info, sizeof(hooks)));
}

FIXTURE(list) {
	int dev;
	int n;
	unsigned char whole[64 * 1024];
	unsigned char part[64 * 1024];
};

FIXTURE_VARIANT(list) {
	unsigned long cmd;
	__u32 size;
};

FIXTURE_VARIANT_ADD(list, helpers) {
	KAPSEL_LIST_HELPERS, sizeof(struct kapsel_helper_info)
};

FIXTURE_VARIANT_ADD(list, contexts) {
	KAPSEL_LIST_CONTEXTS, sizeof(struct kapsel_ctx_info)
};

FIXTURE_VARIANT_ADD(list, map_types) {
	KAPSEL_LIST_MAP_TYPES, sizeof(struct kapsel_map_type_info)
};

FIXTURE_VARIANT_ADD(list, hooks) {
	KAPSEL_LIST_HOOKS, sizeof(struct kapsel_hook_info)
};

FIXTURE_SETUP(list)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->n = list(self->dev, variant->cmd, self->whole, variant->size, ROOM);
	ASSERT_LT(0, self->n);
	memset(self->part, 0xee, sizeof(self->part));
}

FIXTURE_TEARDOWN(list)
{
	close(self->dev);
}

TEST_F(list, counts_without_room)
{
	EXPECT_EQ(self->n, list(self->dev, variant->cmd, NULL, 0, 0));
	EXPECT_EQ(self->n, list(self->dev, variant->cmd, NULL, variant->size, 9));
	EXPECT_EQ(self->n, list(self->dev, variant->cmd, self->part, variant->size, 0));
	EXPECT_EQ(0xee, self->part[0]);
}

TEST_F(list, fills_the_room_there_is_and_no_more)
{
	__u32 size = variant->size;

	ASSERT_EQ(self->n, list(self->dev, variant->cmd, self->part, size, 1));
	EXPECT_EQ(0, memcmp(self->whole, self->part, size));
	EXPECT_EQ(0xee, self->part[size]);
}

TEST_F(list, cuts_entries_for_an_older_caller)
{
	__u32 size = variant->size - 3;

	ASSERT_EQ(self->n, list(self->dev, variant->cmd, self->part, size, ROOM));
	for (int i = 0; i < self->n; i++)
		EXPECT_EQ(0, memcmp(self->whole + i * variant->size,
				    self->part + i * size, size));
	EXPECT_EQ(0xee, self->part[self->n * size]);
}

TEST_F(list, extends_entries_for_a_newer_caller)
{
	static const unsigned char zeros[13];
	__u32 size = variant->size + sizeof(zeros);

	ASSERT_EQ(self->n, list(self->dev, variant->cmd, self->part, size, ROOM));
	for (int i = 0; i < self->n; i++) {
		EXPECT_EQ(0, memcmp(self->whole + i * variant->size,
				    self->part + i * size, variant->size));
		EXPECT_EQ(0, memcmp(self->part + i * size + variant->size, zeros,
				    sizeof(zeros)));
	}
	EXPECT_EQ(0xee, self->part[self->n * size]);
}

TEST_F(list, refuses_entries_of_no_size)
{
	EXPECT_EQ(-EINVAL, list(self->dev, variant->cmd, self->part, 0, 1));
}

TEST_F(list, faults_for_bad_room)
{
	EXPECT_EQ(-EFAULT, list(self->dev, variant->cmd, (void *)8, variant->size, 1));
	EXPECT_EQ(-EFAULT, list(self->dev, variant->cmd, (void *)(1UL << 63),
				variant->size, ROOM));
}

/* Zeroes what there is of it, up to the hole. */
TEST_F(list, faults_for_entries_beyond_all_memory)
{
	long page = sysconf(_SC_PAGESIZE);
	char *room = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, room);
	ASSERT_EQ(0, mprotect(room + page, page, PROT_NONE));
	EXPECT_EQ(-EFAULT, list(self->dev, variant->cmd, room, UINT32_MAX, ROOM));
}

TEST_HARNESS_MAIN
