// SPDX-License-Identifier: GPL-2.0-only
/* Rights: who may open the device, and which capability each call asks for */

#include <linux/capability.h>
#include <linux/kernel.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "core/diag.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"

#define CAP(cap)	(1ULL << (cap))
#define TARGET		"__x64_sys_getpgid"

static int set_caps(__u64 caps)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = caps, .permitted = caps },
		{ .effective = caps >> 32, .permitted = caps >> 32 },
	};

	return syscall(SYS_capset, &head, data);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), ret = -1;

	if (fd >= 0)
		ret = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	close(fd);
	return ret;
}

/* Root of a user namespace of its own, and of a network namespace if wished. */
static int enter_user_namespace(int flags)
{
	char map[64];

	snprintf(map, sizeof(map), "0 %u 1", getuid());
	/* Who changed his uid may not write his own files in /proc. */
	if (prctl(PR_SET_DUMPABLE, 1))
		return -errno;
	if (unshare(CLONE_NEWUSER | flags))
		return -errno;
	write_file("/proc/self/setgroups", "deny");
	return write_file("/proc/self/uid_map", map);
}

FIXTURE(perm) {
	int dev;
	int map;
	int kprobe;
	int netfilter;
	int probe_link;
	int packet_link;
	struct kapsel_verdict verdict;
};

FIXTURE_SETUP(perm)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->map = km_map(self->dev, BPF_MAP_TYPE_HASH, 4, 8, 4, 0);
	self->kprobe = km_kprobe(self->dev, KM_ACCEPT);
	self->netfilter = km_netfilter(self->dev, KM_ACCEPT);
	ASSERT_LE(0, self->netfilter);
	self->probe_link = km_probe(self->dev, self->kprobe, KAPSEL_HOOK_KPROBE, TARGET);
	self->packet_link = km_hook(self->dev, self->netfilter, NFPROTO_IPV4, 0, 0);
	ASSERT_LE(0, self->probe_link);
	ASSERT_LE(0, self->packet_link);
}

FIXTURE_TEARDOWN(perm)
{
}

static int load(FIXTURE_DATA(perm) * self, __u32 type)
{
	struct kapsel_prog_load arg = {};
	int fd = km_load_arg(self->dev, &arg, type, KM_ACCEPT);

	self->verdict = arg.log.verdict;
	return fd;
}

static int attach_probe(FIXTURE_DATA(perm) * self, __u32 hook)
{
	struct kapsel_link_create arg;
	int fd;

	km_link_probe(&arg, self->kprobe, hook, TARGET, 0);
	fd = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg);
	self->verdict = arg.log.verdict;
	return fd;
}

/* The right is looked at before the address, which is nothing's. */
static int attach_many(FIXTURE_DATA(perm) * self, __u32 hook)
{
	static const __u64 addr = 4096;
	struct kapsel_link_create arg = {
		.prog_fd = self->kprobe, .hook = hook,
		.multi = { .addrs = km_ptr(&addr), .count = 1 },
	};
	int fd = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg);

	self->verdict = arg.log.verdict;
	return fd;
}

static int attach_packets(FIXTURE_DATA(perm) * self)
{
	struct kapsel_link_create arg = {
		.prog_fd = self->netfilter, .hook = KAPSEL_HOOK_NETFILTER,
		.netfilter = { NFPROTO_IPV4 },
	};
	int fd = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg);

	self->verdict = arg.log.verdict;
	return fd;
}

static int run_packet(int prog)
{
	__u8 packet[20] = { 0x45 };
	__u64 ret;

	return km_run(prog, NULL, 0, packet, sizeof(packet), 0, &ret);
}

#define EXPECT_MISSING(cap, call) do {					\
	EXPECT_EQ(-EPERM, call);					\
	EXPECT_EQ(KPS_D_CAPABILITY, self->verdict.code);		\
	EXPECT_EQ(cap, self->verdict.capability);			\
} while (0)

#define EXPECT_ALLOWED(call) do {					\
	EXPECT_LE(0, call);						\
	EXPECT_EQ(0, self->verdict.code);				\
} while (0)

TEST_F(perm, the_device_is_roots)
{
	struct stat st;

	ASSERT_EQ(0, stat(KAPSEL_DEVICE, &st));
	EXPECT_EQ(0600, st.st_mode & 0777);
	EXPECT_EQ(0, st.st_uid);
	ASSERT_EQ(0, setresuid(65534, 65534, 65534));
	EXPECT_EQ(-EACCES, km_open());
	EXPECT_EQ(0, enter_user_namespace(CLONE_NEWNET));
	EXPECT_EQ(-EACCES, km_open());
}

/* All that asks for more than an fd; what does not is in the next test. */
static void expect_nothing_allowed(struct __test_metadata *_metadata,
				   FIXTURE_DATA(perm) * self)
{
	__u32 id = 0;

	EXPECT_MISSING(CAP_BPF, load(self, KAPSEL_PROG_KPROBE));
	EXPECT_MISSING(CAP_BPF, load(self, KAPSEL_PROG_NETFILTER));
	EXPECT_MISSING(CAP_BPF, attach_probe(self, KAPSEL_HOOK_KPROBE));
	EXPECT_MISSING(CAP_BPF, attach_probe(self, KAPSEL_HOOK_KRETPROBE));
	EXPECT_MISSING(CAP_BPF, attach_packets(self));
	EXPECT_EQ(-EPERM, km_map(self->dev, BPF_MAP_TYPE_HASH, 4, 8, 1, 0));
	EXPECT_EQ(-EPERM, km_next_id(self->dev, KAPSEL_OBJ_MAP, &id));
	EXPECT_EQ(-EPERM, km_fd_by_id(self->dev, KAPSEL_OBJ_MAP, 1));
	EXPECT_EQ(-EPERM, km_pin(self->dev, KAPSEL_PIN, self->map, "perm"));
	EXPECT_EQ(-EPERM, km_pin(self->dev, KAPSEL_GET_PINNED, 0, "perm"));
	EXPECT_EQ(-EPERM, km_pin(self->dev, KAPSEL_UNPIN, 0, "perm"));
	EXPECT_EQ(-EPERM, run_packet(self->netfilter));
	EXPECT_EQ(-EPERM, (long)km_call(self->kprobe));
	EXPECT_EQ(-EPERM, km_update(self->probe_link, self->kprobe, -1));
	EXPECT_EQ(-EPERM, km_update(self->packet_link, self->netfilter, -1));
}

TEST_F(perm, users_may_not)
{
	ASSERT_EQ(0, chmod(KAPSEL_DEVICE, 0666));
	ASSERT_EQ(0, setresuid(65534, 65534, 65534));
	close(self->dev);
	self->dev = km_open();
	EXPECT_LE(0, self->dev);
	expect_nothing_allowed(_metadata, self);
}

TEST_F(perm, restored_mode)
{
	EXPECT_EQ(0, chmod(KAPSEL_DEVICE, 0600));
}

TEST_F(perm, root_without_capabilities_may_not)
{
	ASSERT_EQ(0, set_caps(0));
	expect_nothing_allowed(_metadata, self);
}

TEST_F(perm, root_of_a_user_namespace_may_not)
{
	ASSERT_EQ(0, setresuid(65534, 65534, 65534));
	ASSERT_EQ(0, enter_user_namespace(CLONE_NEWNET));
	expect_nothing_allowed(_metadata, self);
}

/* Everything needs loaders' rights but these, which go with the fd. */
TEST_F(perm, an_fd_is_a_right)
{
	struct kapsel_list list = {};
	struct kapsel_abi abi;
	__u64 value;
	__u32 key;

	ASSERT_EQ(0, set_caps(0));
	EXPECT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	EXPECT_EQ(0, km_ioctl(self->dev, KAPSEL_LIST_HOOKS, &list));
	EXPECT_EQ(0, km_set(self->map, 1, 2, BPF_ANY));
	EXPECT_EQ(0, km_get(self->map, 1, &value));
	EXPECT_EQ(0, km_next(self->map, NULL, &key, 4));
	EXPECT_EQ(0, km_del(self->map, 1));
	EXPECT_EQ(KAPSEL_OBJ_MAP, km_info(self->map).kind);
	EXPECT_EQ(KAPSEL_OBJ_LINK, km_info(self->probe_link).kind);
	EXPECT_EQ(0, km_detach(self->probe_link));
}

/* Kernel addresses are for those who may see them anyway. */
TEST_F(perm, addresses_need_syslog)
{
	EXPECT_NE(0, km_info(self->probe_link).link.addr);
	ASSERT_EQ(0, set_caps(~CAP(CAP_SYSLOG) & (CAP(CAP_CHECKPOINT_RESTORE + 1) - 1)));
	EXPECT_EQ(0, km_info(self->probe_link).link.addr);
}

TEST_F(perm, cap_bpf_alone)
{
	ASSERT_EQ(0, set_caps(CAP(CAP_BPF)));
	EXPECT_LE(0, km_map(self->dev, BPF_MAP_TYPE_HASH, 4, 8, 1, 0));
	EXPECT_MISSING(CAP_PERFMON, load(self, KAPSEL_PROG_KPROBE));
	EXPECT_MISSING(CAP_NET_ADMIN, load(self, KAPSEL_PROG_NETFILTER));
	EXPECT_MISSING(CAP_PERFMON, attach_probe(self, KAPSEL_HOOK_KPROBE));
	EXPECT_MISSING(CAP_PERFMON, attach_probe(self, KAPSEL_HOOK_KRETPROBE));
	EXPECT_MISSING(CAP_PERFMON, attach_many(self, KAPSEL_HOOK_KPROBE_MULTI));
	EXPECT_MISSING(CAP_PERFMON, attach_many(self, KAPSEL_HOOK_KRETPROBE_MULTI));
	EXPECT_MISSING(CAP_NET_ADMIN, attach_packets(self));
	EXPECT_EQ(-EPERM, (long)km_call(self->kprobe));
	EXPECT_EQ(-EPERM, run_packet(self->netfilter));
	EXPECT_EQ(-EPERM, km_update(self->probe_link, self->kprobe, -1));
	EXPECT_EQ(-EPERM, km_update(self->packet_link, self->netfilter, -1));
}

TEST_F(perm, bpf_and_perfmon)
{
	ASSERT_EQ(0, set_caps(CAP(CAP_BPF) | CAP(CAP_PERFMON)));
	EXPECT_ALLOWED(load(self, KAPSEL_PROG_KPROBE));
	EXPECT_ALLOWED(attach_probe(self, KAPSEL_HOOK_KPROBE));
	EXPECT_ALLOWED(attach_probe(self, KAPSEL_HOOK_KRETPROBE));
	EXPECT_EQ(-ENOENT, attach_many(self, KAPSEL_HOOK_KPROBE_MULTI));
	EXPECT_EQ(-ENOENT, attach_many(self, KAPSEL_HOOK_KRETPROBE_MULTI));
	EXPECT_EQ(1, km_call(self->kprobe));
	EXPECT_EQ(0, km_update(self->probe_link, self->kprobe, -1));
	EXPECT_MISSING(CAP_NET_ADMIN, load(self, KAPSEL_PROG_NETFILTER));
	EXPECT_MISSING(CAP_NET_ADMIN, attach_packets(self));
}

/* Who knows the seed can make all keys of others meet in one bucket. */
TEST_F(perm, zero_seed_is_for_sys_admin)
{
	static const __u32 types[] = {
		BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_PERCPU_HASH,
		BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH,
	};

	ASSERT_EQ(0, set_caps(CAP(CAP_BPF) | CAP(CAP_PERFMON) | CAP(CAP_NET_ADMIN)));
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		EXPECT_EQ(-EPERM, km_map(self->dev, types[i], 4, 8, 4, BPF_F_ZERO_SEED));
		EXPECT_LE(0, km_map(self->dev, types[i], 4, 8, 4, 0));
	}
}

TEST_F(perm, sys_admin_chooses_the_seed)
{
	ASSERT_EQ(0, set_caps(CAP(CAP_SYS_ADMIN)));
	EXPECT_LE(0, km_map(self->dev, BPF_MAP_TYPE_HASH, 4, 8, 4, BPF_F_ZERO_SEED));
}

TEST_F(perm, bpf_and_net_admin)
{
	ASSERT_EQ(0, set_caps(CAP(CAP_BPF) | CAP(CAP_NET_ADMIN)));
	EXPECT_ALLOWED(load(self, KAPSEL_PROG_NETFILTER));
	EXPECT_ALLOWED(attach_packets(self));
	EXPECT_EQ(0, run_packet(self->netfilter));
	EXPECT_EQ(0, km_update(self->packet_link, self->netfilter, -1));
	EXPECT_MISSING(CAP_PERFMON, load(self, KAPSEL_PROG_KPROBE));
	EXPECT_MISSING(CAP_PERFMON, attach_probe(self, KAPSEL_HOOK_KPROBE));
}

TEST_F(perm, sys_admin_stands_for_bpf_and_perfmon)
{
	ASSERT_EQ(0, set_caps(CAP(CAP_SYS_ADMIN)));
	EXPECT_ALLOWED(load(self, KAPSEL_PROG_KPROBE));
	EXPECT_ALLOWED(attach_probe(self, KAPSEL_HOOK_KPROBE));
	EXPECT_MISSING(CAP_NET_ADMIN, load(self, KAPSEL_PROG_NETFILTER));
}

TEST_F(perm, net_admin_alone)
{
	ASSERT_EQ(0, set_caps(CAP(CAP_NET_ADMIN) | CAP(CAP_PERFMON)));
	expect_nothing_allowed(_metadata, self);
}

/* CAP_NET_ADMIN counts over the namespace that the link goes into. */
TEST_F(perm, net_admin_is_asked_of_the_target_namespace)
{
	int own = open("/proc/self/ns/net", O_RDONLY);
	struct kapsel_link_create arg = {
		.prog_fd = self->netfilter, .hook = KAPSEL_HOOK_NETFILTER,
		.flags = KAPSEL_LINK_NETNS, .netfilter = { NFPROTO_IPV4, 0, 0, own },
	};
	int ready[2], go[2], theirs, err;
	char path[64], c = 0;
	pid_t child;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	child = fork();
	if (!child) {
		close(go[1]);
		setresuid(65534, 65534, 65534);
		if (!enter_user_namespace(CLONE_NEWNET))
			c = 1;
		if (write(ready[1], &c, 1) == 1 && read(go[0], &c, 1) < 0)
			_exit(1);
		_exit(0);
	}
	ASSERT_EQ(1, read(ready[0], &c, 1));
	ASSERT_EQ(1, c);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", child);
	theirs = open(path, O_RDONLY);
	ASSERT_LE(0, theirs);
	/* Of the first namespace, CAP_NET_ADMIN reaches into the child's. */
	ASSERT_EQ(0, set_caps(CAP(CAP_BPF) | CAP(CAP_NET_ADMIN)));
	EXPECT_LE(0, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg));
	arg.netfilter.netns_fd = theirs;
	EXPECT_LE(0, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg));
	/* Without it, neither. */
	ASSERT_EQ(0, set_caps(CAP(CAP_BPF)));
	err = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg);
	EXPECT_EQ(-EPERM, err);
	EXPECT_EQ(CAP_NET_ADMIN, arg.log.verdict.capability);
	close(go[1]);
	waitpid(child, NULL, 0);
}

/* What is missing is told before what is wrong. */
TEST_F(perm, rights_come_before_arguments)
{
	struct kapsel_prog_load arg = { .prog_type = 77, .insn_cnt = 0 };

	ASSERT_EQ(0, set_caps(0));
	EXPECT_EQ(-EPERM, km_ioctl(self->dev, KAPSEL_PROG_LOAD, &arg));
	EXPECT_EQ(CAP_BPF, arg.log.verdict.capability);
	EXPECT_EQ(-EPERM, km_map(self->dev, 0, 0, 0, 0, -1));
	arg.flags = -1;
	EXPECT_EQ(-EPERM, km_ioctl(self->dev, KAPSEL_PROG_LOAD, &arg));
}

TEST_HARNESS_MAIN
