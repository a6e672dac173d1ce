// SPDX-License-Identifier: GPL-2.0-only
/*
 * The storage of a cgroup: which value a program has, at each hook, by each engine; and
 * one object that counts in the root cgroup and at hooks.
 */

#include <bpf/bpf.h>
#include <linux/kernel.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_net.h"
#include "module/lib/km_twins.h"

#define FILE_NAME	"storage.bpf.o"
#define CGROUPS		"/tmp/storages"
#define PORT		7941
#define MAX_CPUS	64

#define storage_key struct bpf_cgroup_storage_key

static const __u32 types[] = {
	BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
};

static bool is_percpu(__u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

FIXTURE(where) {
	int dev;
	__u32 cpus;
	int each[2];		/* by type: a value for each direction */
	int both[2];
};

FIXTURE_VARIANT(where) {
	__u32 engine;
};

FIXTURE_VARIANT_ADD(where, compiled) { KAPSEL_ENGINE_AUTO };
FIXTURE_VARIANT_ADD(where, interpreted) { KAPSEL_ENGINE_INTERP };

FIXTURE_SETUP(where)
{
	struct kapsel_abi abi;

	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	self->cpus = abi.cpus;
	for (int i = 0; i < 2; i++) {
		self->each[i] = km_map(self->dev, types[i], 16, 8, 0, 0);
		self->both[i] = km_map(self->dev, types[i], 8, 8, 0, 0);
		ASSERT_LE(0, self->each[i]);
		ASSERT_LE(0, self->both[i]);
	}
}

FIXTURE_TEARDOWN(where)
{
	for (int i = 0; i < 2; i++) {
		close(self->each[i]);
		close(self->both[i]);
	}
	EXPECT_EQ(0, km_objects_settle(self->dev, 0));
}

/* A value's sum over the CPUs; @cpu: that CPU's alone. */
static __u64 value_of(__u32 cpus, int map, __u32 type, __u32 key_size, __u32 direction, int cpu)
{
	const storage_key key = { 1, direction };
	__u64 values[MAX_CPUS] = {}, sum = 0;
	int err = km_elem(map, KAPSEL_MAP_LOOKUP, &key, key_size, values,
			  is_percpu(type) ? 8 * cpus : 8, 0);

	for (__u32 i = 0; i < cpus; i++)
		sum += cpu < 0 || cpu == (int)i ? values[i] : 0;
	return err ? (__u64)(long)err : sum;
}

#define EACH(self, i, direction) \
	value_of((self)->cpus, (self)->each[i], types[i], 16, direction, -1)
#define BOTH(self, i) value_of((self)->cpus, (self)->both[i], types[i], 8, 0, -1)

/* Counts in each map; the shared ones atomically. */
#define COUNT_IN							\
	"r1 = map[fd:%d] ll\n"						\
	"r2 = 0\n"							\
	"call bpf_get_local_storage\n"					\
	"r1 = 1\n"							\
	"lock *(u64 *)(r0 + 0) += r1\n"
#define COUNTS	COUNT_IN COUNT_IN COUNT_IN COUNT_IN

static int load(struct _test_data_where *self, __u32 engine, const char *text)
{
	struct kapsel_prog_load arg = { .engine = engine };
	char filled[4096];
	int fd;

	snprintf(filled, sizeof(filled), text, self->each[0], self->each[1], self->both[0],
		 self->both[1]);
	fd = km_load_arg(self->dev, &arg, KAPSEL_PROG_NETFILTER, filled);
	if (fd < 0)
		fprintf(stderr, "# load: %d, KV%03u @%u\n", fd, arg.log.verdict.code,
			arg.log.verdict.insn);
	return fd;
}

static const __u8 packet[20] = { 0x45, [3] = 20, [8] = 64, [9] = 253 };

static int run(int prog, __u32 hook)
{
	__u64 ret;
	int err = km_run(prog, NULL, 0, packet, sizeof(packet), hook, &ret);

	return err ?: (int)ret;
}

static void expect(struct __test_metadata *_metadata, struct _test_data_where *self, __u64 in,
		   __u64 out)
{
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(in, EACH(self, i, BPF_CGROUP_INET_INGRESS));
		EXPECT_EQ(out, EACH(self, i, BPF_CGROUP_INET_EGRESS));
		EXPECT_EQ(in + out, BOTH(self, i));
	}
}

TEST_F(where, by_hand_at_each_hook)
{
	int prog = load(self, variant->engine, COUNTS KM_ACCEPT);

	ASSERT_LE(0, prog);
	expect(_metadata, self, 0, 0);
	for (__u32 hook = 0; hook <= NF_INET_POST_ROUTING; hook++)
		for (__u32 i = 0; i < 1U << hook; i++)
			ASSERT_EQ(1, run(prog, hook));
	expect(_metadata, self, 1 + 2 + 4, 8 + 16);
	close(prog);
}

TEST_F(where, in_a_callback)
{
	int prog = load(self, variant->engine,
			"r1 = 5\nr2 = func cb\nr3 = 0\nr4 = 0\ncall bpf_loop\n" KM_ACCEPT
			"cb:\n" COUNTS "r0 = 0\nexit\n");

	ASSERT_LE(0, prog);
	ASSERT_EQ(1, run(prog, NF_INET_LOCAL_OUT));
	ASSERT_EQ(1, run(prog, NF_INET_LOCAL_IN));
	ASSERT_EQ(1, run(prog, NF_INET_LOCAL_IN));
	expect(_metadata, self, 10, 5);
	close(prog);
}

TEST_F(where, behind_a_tail_call)
{
	int progs = km_map(self->dev, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1, 0);
	int counts = load(self, variant->engine, COUNTS KM_ACCEPT), calls;
	struct kapsel_prog_load arg = { .engine = variant->engine };
	char text[300];

	snprintf(text, sizeof(text), "r2 = map[fd:%d] ll\nr3 = 0\ncall bpf_tail_call\n" KM_DROP,
		 progs);
	calls = km_load_arg(self->dev, &arg, KAPSEL_PROG_NETFILTER, text);
	ASSERT_LE(0, calls);
	ASSERT_EQ(0, km_elem(progs, KAPSEL_MAP_UPDATE, &(__u32){ 0 }, 4, &counts, 4, 0));
	ASSERT_EQ(1, run(calls, NF_INET_POST_ROUTING));
	ASSERT_EQ(1, run(calls, NF_INET_PRE_ROUTING));
	ASSERT_EQ(1, run(calls, NF_INET_FORWARD));
	expect(_metadata, self, 2, 1);
	close(calls);
	close(progs);
	close(counts);
}

TEST_F(where, on_each_cpu)
{
	int prog = load(self, variant->engine, COUNTS KM_ACCEPT);
	cpu_set_t all, one;

	ASSERT_LE(0, prog);
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	for (__u32 cpu = 0; cpu < self->cpus; cpu++) {
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one))
			continue;
		for (__u32 i = 0; i <= cpu; i++)
			ASSERT_EQ(1, run(prog, NF_INET_LOCAL_IN));
		EXPECT_EQ(cpu + 1, value_of(self->cpus, self->each[1], types[1], 16, 0, cpu));
		EXPECT_EQ(cpu + 1, value_of(self->cpus, self->both[1], types[1], 8, 0, cpu));
	}
	EXPECT_EQ(0, sched_setaffinity(0, sizeof(all), &all));
	close(prog);
}

/* What userspace stores, programs go on from. */
TEST_F(where, from_what_is_stored)
{
	int prog = load(self, variant->engine, COUNTS KM_ACCEPT);
	const storage_key out = { 1, BPF_CGROUP_INET_EGRESS };
	__u64 values[MAX_CPUS] = {};

	ASSERT_LE(0, prog);
	values[0] = 100;
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, km_elem(self->each[i], KAPSEL_MAP_UPDATE, &out, 16, values,
				     i ? 8 * self->cpus : 8, BPF_EXIST));
	ASSERT_EQ(1, run(prog, NF_INET_LOCAL_OUT));
	ASSERT_EQ(1, run(prog, NF_INET_LOCAL_IN));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(101, EACH(self, i, BPF_CGROUP_INET_EGRESS));
		EXPECT_EQ(1, EACH(self, i, BPF_CGROUP_INET_INGRESS));
	}
	close(prog);
}

static bool stop;

static void *store_often(void *map)
{
	const storage_key in = { 1, BPF_CGROUP_INET_INGRESS };
	__u64 zero = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		km_elem(*(int *)map, KAPSEL_MAP_UPDATE, &in, 16, &zero, 8, 0);
	return NULL;
}

/* A value that is replaced lasts as long as the run that has it: for KASAN to see. */
TEST_F(where, while_it_is_replaced)
{
	int prog = load(self, variant->engine, COUNTS KM_ACCEPT);
	struct kapsel_test_run arg = {
		.data_in = km_ptr(packet), .data_size_in = sizeof(packet), .repeat = 2000,
		.hooknum = NF_INET_LOCAL_IN,
	};
	pthread_t thread;

	ASSERT_LE(0, prog);
	stop = false;
	ASSERT_EQ(0, pthread_create(&thread, NULL, store_often, &self->each[0]));
	for (int i = 0; i < 20; i++)
		ASSERT_EQ(0, km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg));
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(40000, EACH(self, 1, BPF_CGROUP_INET_INGRESS));
	EXPECT_GE(40000, EACH(self, 0, BPF_CGROUP_INET_INGRESS));
	close(prog);
}

/* Packets to this are forwarded, from the far namespace to nowhere. */
#define BEYOND4 "10.88.0.2"

#define MAKE_A_ROUTER							\
	"modprobe -q dummy;"						\
	"ip link add beyond type dummy && ip link set beyond up &&"	\
	"ip addr add 10.88.0.1/24 dev beyond &&"			\
	"ip neigh add " BEYOND4 " lladdr 02:00:00:00:00:01 dev beyond &&" \
	"ip -n far route add 10.88.0.0/24 via " KM_NEAR4 " &&"		\
	"echo 1 >/proc/sys/net/ipv4/ip_forward"

/* Both ways, through, and answers from the stack itself. */
static int traffic(void)
{
	int here = km_socket(KM_NEAR_NS, SOCK_DGRAM, KM_NEAR4, PORT);
	int there = km_socket(KM_FAR_NS, SOCK_DGRAM, KM_FAR4, PORT);
	int err = here < 0 || there < 0 ? -EIO : 0;

	for (int i = 0; i < 200 && !err; i++) {
		err = km_send(here, KM_FAR4, PORT, i) ?: km_send(there, KM_NEAR4, PORT, i) ?:
		      km_send(there, BEYOND4, PORT, i);
		if (!err && (km_receive(here) != i || km_receive(there) != i))
			err = -EPROTO;
	}
	close(here);
	close(there);
	return err ?: system("ping -c 3 -i 0.2 " KM_FAR6 " >/dev/null");
}

TEST_F(where, at_each_hook)
{
	int prog = load(self, variant->engine, COUNTS KM_ACCEPT), links[5];
	__u64 seen[2] = {}, sum[2];

	ASSERT_EQ(0, km_net_setup());
	ASSERT_EQ(0, system(MAKE_A_ROUTER));
	ASSERT_LE(0, prog);
	for (__u32 hook = 0; hook < 5; hook++) {
		links[hook] = km_hook(self->dev, prog, NFPROTO_INET, hook, 0);
		ASSERT_LE(0, links[hook]);
	}
	ASSERT_EQ(0, traffic());
	for (__u32 hook = 0; hook < 5; hook++) {
		ASSERT_EQ(0, km_detach(links[hook]));
		EXPECT_LE(200, km_info(links[hook]).link.accepted);
		EXPECT_EQ(0, km_info(links[hook]).link.recursed);
		seen[hook >= NF_INET_LOCAL_OUT] += km_info(links[hook]).link.accepted;
		close(links[hook]);
	}
	for (int i = 0; i < 2; i++) {
		sum[0] = EACH(self, i, BPF_CGROUP_INET_INGRESS);
		sum[1] = EACH(self, i, BPF_CGROUP_INET_EGRESS);
		EXPECT_EQ(seen[0], sum[0]);
		EXPECT_EQ(seen[1], sum[1]);
		EXPECT_EQ(seen[0] + seen[1], BOTH(self, i));
	}
	close(prog);
	km_net_teardown();
}

/* ------------------------------------------------------------------------
 * The same object in the root cgroup and at hooks of both ends
 */
FIXTURE(twins) {
	struct km_twins both;
	int cgroup;
	int links[8];
	int nr_links;
};

FIXTURE_VARIANT(twins) {
	__u32 engine;
};

FIXTURE_VARIANT_ADD(twins, compiled) { KAPSEL_ENGINE_AUTO };
FIXTURE_VARIANT_ADD(twins, interpreted) { KAPSEL_ENGINE_INTERP };

static const char *const progs[] = { "out_each", "in_each", "out_both", "in_both" };

FIXTURE_SETUP(twins)
{
	mkdir(CGROUPS, 0755);
	if (mount("cgroup2", CGROUPS, "cgroup2", 0, NULL))
		SKIP(return KM_NO_TEST, "no cgroup2: %d", errno);
	self->cgroup = open(CGROUPS, O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, km_net_setup());
	ASSERT_EQ(0, km_load_ours(&self->both, FILE_NAME, variant->engine, NULL));
	if (km_load_theirs(&self->both, FILE_NAME))
		SKIP(return KM_NO_TEST, "no bpf(2)");
}

static int their_prog(struct _test_data_twins *self, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(self->both.theirs, name));
}

static enum bpf_attach_type direction_of(const char *name)
{
	return strncmp(name, "in", 2) ? BPF_CGROUP_INET_EGRESS : BPF_CGROUP_INET_INGRESS;
}

FIXTURE_TEARDOWN(twins)
{
	for (size_t i = 0; i < ARRAY_SIZE(progs) && self->both.theirs; i++)
		bpf_prog_detach2(their_prog(self, progs[i]), self->cgroup, direction_of(progs[i]));
	for (int i = 0; i < self->nr_links; i++)
		close(self->links[i]);
	km_twins_close(&self->both);
	km_net_teardown();
	close(self->cgroup);
	umount(CGROUPS);
}

/* A cgroup has sockets of all network namespaces. */
static int attach_ours(struct _test_data_twins *self, const char *name, const char *netns)
{
	const struct kapsel_prog *prog = kapsel_prog_find(self->both.ours, name);
	int fd = open(netns, O_RDONLY | O_CLOEXEC);
	struct kapsel_link_create arg = {
		.prog_fd = prog->fd, .hook = KAPSEL_HOOK_NETFILTER, .flags = KAPSEL_LINK_NETNS,
		.netfilter = {
			.family = NFPROTO_INET, .hooknum = prog->hook.hooknum, .netns_fd = fd,
		},
	};
	int link = km_ioctl(self->both.dev.fd, KAPSEL_LINK_CREATE, &arg);

	close(fd);
	self->links[self->nr_links++] = link;
	return link < 0 ? link : 0;
}

static int attach_both(struct _test_data_twins *self)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(progs) && !err; i++)
		err = attach_ours(self, progs[i], KM_NEAR_NS) ?:
		      attach_ours(self, progs[i], KM_FAR_NS) ?:
		      bpf_prog_attach(their_prog(self, progs[i]), self->cgroup,
				      direction_of(progs[i]), BPF_F_ALLOW_MULTI);
	return err;
}

static int talk(const char *near, const char *far)
{
	int here = km_socket(KM_NEAR_NS, SOCK_DGRAM, near, PORT), err = 0;
	int there = km_socket(KM_FAR_NS, SOCK_DGRAM, far, PORT);

	for (int i = 0; i < 100 && !err; i++) {
		err = km_send(here, far, PORT, i);
		if (!err && !(i % 3))
			err = km_send(there, near, PORT, i);
		if (!err && (km_receive(there) != i || (!(i % 3) && km_receive(here) != i)))
			err = -EPROTO;
	}
	close(here);
	close(there);
	return err;
}

static void same_value(struct __test_metadata *_metadata, struct _test_data_twins *self,
		       const char *name, __u32 key_size, __u32 direction, __u32 size)
{
	const storage_key key = { 1, direction };
	__u64 got[MAX_CPUS] = {}, wanted[MAX_CPUS] = {}, sum[2] = {};
	bool cpus = strstr(name, "cpu");

	ASSERT_EQ(0, km_elem(km_our_map(&self->both, name), KAPSEL_MAP_LOOKUP, &key, key_size, got,
			     cpus ? 8 * self->both.dev.abi.cpus : size, 0));
	ASSERT_EQ(0, bpf_map_lookup_elem(km_their_map(&self->both, name), &key, wanted));
	for (int i = 0; i < MAX_CPUS; i++) {
		sum[0] += wanted[i];
		sum[1] += got[i];
	}
	EXPECT_LT(100, sum[0]);
	EXPECT_EQ(sum[0], sum[1]) TH_LOG("%s, direction %u", name, direction);
	if (!cpus)
		EXPECT_EQ(0, memcmp(wanted, got, sizeof(got)));
}

TEST_F(twins, as_in_the_root_cgroup)
{
	ASSERT_EQ(0, attach_both(self));
	ASSERT_EQ(0, talk(KM_NEAR4, KM_FAR4));
	ASSERT_EQ(0, talk(KM_NEAR6, KM_FAR6));
	for (__u32 direction = 0; direction < 2; direction++) {
		same_value(_metadata, self, "each", 16, direction, 16);
		same_value(_metadata, self, "each_cpu", 16, direction, 8);
	}
	same_value(_metadata, self, "both", 8, 0, 8);
	same_value(_metadata, self, "both_cpus", 8, 0, 8);
}

TEST_HARNESS_MAIN
