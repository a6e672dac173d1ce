// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cgroups: arrays of them as Linux has them, errors included, and what programs
 * learn of the current task's
 */

#include <fcntl.h>
#include <linux/kernel.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_bpf.h"

#define ENTRIES 3

#define UNDER								\
	"r2 = *(u64 *)(r1 + 112)\n"					\
	"r1 = map[fd:%d] ll\n"						\
	"call bpf_current_task_under_cgroup\n"				\
	"exit\n"

FIXTURE(cgroup) {
	int dev;
	int ours;
	int theirs;
	int prog;
	int root;
	int child;
	char mount[32];
	char path[48];
};

FIXTURE_SETUP(cgroup)
{
	strcpy(self->mount, "/tmp/cgroup-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->mount));
	if (mount("cgroup2", self->mount, "cgroup2", 0, NULL))
		SKIP(return KM_NO_TEST, "no cgroup2: %d", errno);
	snprintf(self->path, sizeof(self->path), "%s/kapsel", self->mount);
	mkdir(self->path, 0755);
	self->root = open(self->mount, O_RDONLY);
	self->child = open(self->path, O_RDONLY);
	ASSERT_LE(0, self->child);
	self->dev = km_open();
	self->ours = km_map(self->dev, BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, ENTRIES, 0);
	ASSERT_LE(0, self->ours);
	self->prog = km_kprobe(self->dev, UNDER, self->ours);
	ASSERT_LE(0, self->prog);
	self->theirs = km_bpf_map(BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, ENTRIES, 0);
}

FIXTURE_TEARDOWN(cgroup)
{
	close(self->root);
	close(self->child);
	rmdir(self->path);
	umount(self->mount);
	rmdir(self->mount);
}

static long run(int prog, __u64 number)
{
	__u64 regs[21] = { [14] = number };
	struct kapsel_test_run arg = { .ctx_in = km_ptr(regs), .ctx_size = sizeof(regs) };
	int err = km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg);

	return err ? -1000 : (long)arg.retval;
}

static int put(int map, __u32 index, __u32 fd, __u64 flags)
{
	return km_elem(map, KAPSEL_MAP_UPDATE, &index, 4, &fd, 4, flags);
}

/* This process goes into a cgroup, by its file cgroup.procs. */
static int enter(const char *cgroup)
{
	char path[80];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY);
	ret = write(fd, "0", 1) == 1 ? 0 : -errno;
	close(fd);
	return ret;
}

TEST_F(cgroup, elements_as_in_linux)
{
	const __u32 fds[] = { self->root, self->child, self->dev, 12345, UINT32_MAX };

	if (self->theirs < 0)
		SKIP(return, "bpf(2): %d", self->theirs);
	for (__u32 index = 0; index <= ENTRIES; index++)
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
			for (__u64 flags = 0; flags < 4; flags++) {
				__u32 fd = fds[i];

				EXPECT_EQ(km_bpf_elem(BPF_MAP_UPDATE_ELEM, self->theirs, &index,
						      &fd, flags),
					  put(self->ours, index, fd, flags)) {
					TH_LOG("index %u, fd %zu, flags %llu", index, i, flags);
				}
			}
	for (int again = 0; again < 2; again++)
		for (__u32 index = 0; index <= ENTRIES; index++)
			EXPECT_EQ(km_bpf_elem(BPF_MAP_DELETE_ELEM, self->theirs, &index, NULL, 0),
				  km_elem(self->ours, KAPSEL_MAP_DELETE, &index, 4, NULL, 0, 0));
}

TEST_F(cgroup, creation_errors_as_in_linux)
{
	static const struct { __u32 key, value, entries; } cases[] = {
		{ 4, 4, 0 }, { 4, 8, 1 }, { 8, 4, 1 }, { 0, 4, 1 }, { 4, 0, 1 },
	};

	if (self->theirs < 0)
		SKIP(return, "bpf(2): %d", self->theirs);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (__u32 type = BPF_MAP_TYPE_PERF_EVENT_ARRAY;
		     type <= BPF_MAP_TYPE_CGROUP_ARRAY; type += 4) {
			EXPECT_EQ(km_bpf_map(type, cases[i].key, cases[i].value,
					     cases[i].entries, 0),
				  km_map(self->dev, type, cases[i].key, cases[i].value,
					 cases[i].entries, 0)) {
				TH_LOG("type %u, case %zu", type, i);
			}
		}
}

TEST_F(cgroup, who_is_below)
{
	EXPECT_EQ(-E2BIG, run(self->prog, ENTRIES));
	EXPECT_EQ(-E2BIG, run(self->prog, UINT32_MAX));
	EXPECT_EQ(-EAGAIN, run(self->prog, 0));
	ASSERT_EQ(0, put(self->ours, 0, self->root, 0));
	ASSERT_EQ(0, put(self->ours, 1, self->child, 0));
	EXPECT_EQ(2, km_info(self->ours).map.used);
	EXPECT_EQ(1, run(self->prog, 0));
	EXPECT_EQ(0, run(self->prog, 1));
	ASSERT_EQ(0, enter(self->path));
	EXPECT_EQ(1, run(self->prog, 0));
	EXPECT_EQ(1, run(self->prog, 1));
	ASSERT_EQ(0, enter(self->mount));
	EXPECT_EQ(0, run(self->prog, 1));
}

/* The array keeps a cgroup that is removed; nobody is in it any more. */
TEST_F(cgroup, a_dead_cgroup)
{
	ASSERT_EQ(0, put(self->ours, 1, self->child, 0));
	close(self->child);
	ASSERT_EQ(0, rmdir(self->path));
	EXPECT_EQ(0, run(self->prog, 1));
	ASSERT_EQ(0, put(self->ours, 1, self->root, 0));
	EXPECT_EQ(1, run(self->prog, 1));
}

/* A cgroup's id is its directory's inode. */
/* How many are gone that somebody holds; -1: it does not say. */
static int dying(const char *mount)
{
	static const char key[] = "nr_dying_descendants ";
	char path[80], text[200] = "";
	const char *at;
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.stat", mount);
	fd = open(path, O_RDONLY);
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	at = strstr(text, key);
	return at ? atoi(at + sizeof(key) - 1) : -1;
}

TEST_F(cgroup, what_is_replaced_or_removed_is_let_go)
{
	__u32 one = 1;
	int before = dying(self->mount);

	if (before < 0)
		SKIP(return, "this kernel does not say how many cgroups are dying");
	ASSERT_EQ(0, put(self->ours, 0, self->child, 0));
	ASSERT_EQ(0, put(self->ours, 1, self->child, 0));
	ASSERT_EQ(0, put(self->ours, 0, self->root, 0));
	ASSERT_EQ(0, km_elem(self->ours, KAPSEL_MAP_DELETE, &one, 4, NULL, 0, 0));
	close(self->child);
	self->child = -1;
	ASSERT_EQ(0, rmdir(self->path));
	for (int i = 0; i < 100 && dying(self->mount) > before; i++)
		usleep(100 * 1000);
	EXPECT_GE(before, dying(self->mount));
}

TEST_F(cgroup, ids)
{
	int id = km_kprobe(self->dev, "call bpf_get_current_cgroup_id\nexit\n");
	int above = km_kprobe(self->dev, "r1 = *(u64 *)(r1 + 112)\n"
					 "call bpf_get_current_ancestor_cgroup_id\nexit\n");
	struct stat root, child;

	ASSERT_EQ(0, fstat(self->root, &root));
	ASSERT_EQ(0, fstat(self->child, &child));
	EXPECT_EQ(root.st_ino, run(id, 0));
	ASSERT_EQ(0, enter(self->path));
	EXPECT_EQ(child.st_ino, run(id, 0));
	EXPECT_EQ(root.st_ino, run(above, 0));
	EXPECT_EQ(child.st_ino, run(above, 1));
	EXPECT_EQ(0, run(above, 2));
	EXPECT_EQ(0, run(above, UINT32_MAX));
	ASSERT_EQ(0, enter(self->mount));
	close(id);
	close(above);
}

/* The number is the task's address: its pid can be read there. */
TEST_F(cgroup, current_task)
{
	int prog = km_kprobe(self->dev,
			     "call bpf_get_current_task_btf\n"
			     "r6 = r0\n"
			     "call bpf_get_current_task\n"
			     "if r0 != r6 goto other\n"
			     "r3 = r0\n"
			     "r1 = r10\n"
			     "r1 += -8\n"
			     "r2 = 8\n"
			     "call bpf_probe_read_kernel\n"
			     "exit\n"
			     "other:\n"
			     "r0 = 1\n"
			     "exit\n");

	ASSERT_LE(0, prog);
	EXPECT_EQ(0, run(prog, 0));
	close(prog);
}

TEST_HARNESS_MAIN
