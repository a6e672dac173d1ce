// SPDX-License-Identifier: GPL-2.0-only
/*
 * One object, by libbpf in a cgroup and by kapsel at hooks of netfilter: what its
 * programs learn of the same packets and their sockets is the same. And packets of all
 * lengths and makes, stored to at every hook.
 */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/kernel.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_packets.h"
#include "module/lib/km_twins.h"

#define FILE_NAME "socket.bpf.o"
#define CGROUPS	"/tmp/sockets"
#define MARK	77
#define PORT	7904
#define STREAM	0x40000

enum {
#define FACT(name) FACT_##name,
#define SHAPE(name) FACT_##name,
#include "module/lib/socket_facts.tbl"
#undef FACT
#undef SHAPE
	FACTS,
	PACKETS = FACTS,
	ELEMENTS,
};

static const struct { const char *name; bool shape; } facts[ELEMENTS] = {
#define FACT(name) { #name, false },
#define SHAPE(name) { #name, true },
#include "module/lib/socket_facts.tbl"
#undef FACT
#undef SHAPE
	{ "packets" },
};

FIXTURE(sock) {
	struct km_twins both;
	struct km_wire wire;
};

FIXTURE_VARIANT(sock) {
	__u32 engine;
};

FIXTURE_VARIANT_ADD(sock, compiled) { KAPSEL_ENGINE_AUTO };
FIXTURE_VARIANT_ADD(sock, interpreted) { KAPSEL_ENGINE_INTERP };

/* Packets are not to overtake each other on the way to the two programs. */
static int one_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus);
}

FIXTURE_SETUP(sock)
{
	ASSERT_EQ(0, one_cpu());
	mkdir(CGROUPS, 0755);
	if (mount("cgroup2", CGROUPS, "cgroup2", 0, NULL))
		SKIP(return KM_NO_TEST, "no cgroup2: %d", errno);
	mkdir(CGROUPS "/one", 0755);
	mkdir(CGROUPS "/one/two", 0755);
	ASSERT_EQ(0, km_net_setup());
	ASSERT_EQ(0, km_load_ours(&self->both, FILE_NAME, variant->engine, NULL));
	ASSERT_EQ(0, km_wire_open(&self->wire));
}

FIXTURE_TEARDOWN(sock)
{
	km_twins_close(&self->both);
	km_net_teardown();
	system("echo 0 >" CGROUPS "/cgroup.procs; rmdir " CGROUPS "/one/two " CGROUPS "/one");
	umount(CGROUPS);
}

static int attach_ours(struct _test_data_sock *self, const char *prog, __u32 hook)
{
	return km_hook(self->both.dev.fd, kapsel_prog_find(self->both.ours, prog)->fd,
		       NFPROTO_INET, hook, 0);
}

static int attach_theirs(struct bpf_object *obj, const char *prog)
{
	const struct bpf_program *p = bpf_object__find_program_by_name(obj, prog);
	int cgroup = open(CGROUPS, O_RDONLY);
	int err = bpf_prog_attach(bpf_program__fd(p), cgroup,
				  bpf_program__expected_attach_type(p), BPF_F_ALLOW_MULTI);

	close(cgroup);
	return err;
}

/* This process goes into a cgroup. */
static int enter(const char *cgroup)
{
	char command[100];

	snprintf(command, sizeof(command), "echo %d >" CGROUPS "%s/cgroup.procs", getpid(), cgroup);
	return system(command);
}

static int marked(int fd)
{
	const int mark = MARK;

	return setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) ? -errno : 0;
}

/* ------------------------------------------------------------------------
 * Traffic
 */

/* A socket of the user's, in a cgroup of its own. */
static int open_as(uid_t uid, const char *cgroup, int type, const char *addr, __u16 port)
{
	int fd, err = enter(cgroup) || seteuid(uid);

	fd = err ? -EIO : km_socket_here(type, addr, port);
	if (seteuid(0) || enter("") || marked(fd))
		return -EIO;
	return fd;
}

static int datagrams(uid_t uid, const char *cgroup, const char *near, const char *far)
{
	static const size_t sizes[] = { 0, 1, 100, 1500, 8000, 60000 };
	static __u8 data[60000];
	int fd = open_as(uid, cgroup, SOCK_DGRAM, near, 0), ok = 0;
	struct sockaddr_storage to;
	socklen_t len = km_addr(&to, far, PORT);

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		ok += sendto(fd, data, sizes[i], 0, (void *)&to, len) == (ssize_t)sizes[i];
	/* A connected one has the other end's address. */
	ok += !connect(fd, (void *)&to, len) && send(fd, data, 100, 0) == 100;
	close(fd);
	return ok == ARRAY_SIZE(sizes) + 1 ? 0 : -EIO;
}

static bool read_all(int fd, __u8 *to)
{
	size_t done = 0;
	ssize_t n;

	while (done < STREAM && (n = read(fd, to + done, STREAM - done)) > 0)
		done += n;
	return done == STREAM;
}

/* Ends last, so that no TIME_WAIT of ours has its last word without a socket. */
static void *pour(void *arg)
{
	static __u8 data[STREAM];
	int fd = accept(*(int *)arg, NULL, NULL);

	if (!read_all(fd, data) || write(fd, data, STREAM) != STREAM || read(fd, data, 1))
		fprintf(stderr, "# short\n");
	close(fd);
	return NULL;
}

/* A connection, whose far end begins: requests, the listener, and what comes of it. */
static int stream(const char *near, const char *far)
{
	static __u8 data[STREAM];
	int listener = open_as(1000, "/one/two", SOCK_STREAM, near, PORT);
	int fd = km_socket(KM_FAR_NS, SOCK_STREAM, far, 0);
	struct sockaddr_storage to;
	socklen_t len = km_addr(&to, near, PORT);
	pthread_t thread;
	bool ok;

	if (listen(listener, 1) || pthread_create(&thread, NULL, pour, &listener))
		return -EIO;
	ok = !connect(fd, (void *)&to, len) && write(fd, data, STREAM) == STREAM &&
	     read_all(fd, data);
	close(fd);
	pthread_join(thread, NULL);
	close(listener);
	return ok ? 0 : -EIO;
}

#define LONGEST 160

static void odd_packets(struct km_wire *wire)
{
	__u8 packet[KM_MAX_MADE] = {};
	__u64 seed = 0x736f636b;

	for (size_t len = 20; len <= LONGEST; len++)
		for (int i = 0; i < 4; i++) {
			km_make4(packet, len, i & 1 ? KM_FAR4 : KM_NEAR4,
				 i & 1 ? KM_NEAR4 : KM_FAR4, &seed);
			if (i & 1)
				km_wire_send(wire, 4, packet, len);
			else
				km_raw_send(4, packet, len, KM_FAR4);
			if (len < 40)
				continue;
			km_make6(packet, len, i & 1 ? KM_FAR6 : KM_NEAR6,
				 i & 1 ? KM_NEAR6 : KM_FAR6, &seed);
			if (i & 1)
				km_wire_send(wire, 6, packet, len);
			else
				km_raw_send(6, packet, len, KM_FAR6);
		}
}

static int all_traffic(struct km_wire *wire)
{
	km_raw_mark = MARK;
	odd_packets(wire);
	return datagrams(0, "", KM_NEAR4, KM_FAR4) ?:
	       datagrams(1000, "/one", KM_NEAR6, KM_FAR6) ?:
	       datagrams(65534, "/one/two", KM_NEAR4, KM_FAR4) ?:
	       stream(KM_NEAR4, KM_FAR4) ?: stream(KM_NEAR6, KM_FAR6);
}

/* ------------------------------------------------------------------------
 * The same of the same
 */
static void compare(struct __test_metadata *_metadata, struct _test_data_sock *self,
		    const char *map, bool shapes)
{
	int ours = km_our_map(&self->both, map);
	int theirs = km_their_map(&self->both, map);

	for (__u32 i = 0; i < ELEMENTS; i++) {
		__u64 wanted = 0;

		if (facts[i].shape && !shapes)
			continue;
		ASSERT_EQ(0, bpf_map_lookup_elem(theirs, &i, &wanted));
		EXPECT_EQ(wanted, km_value(ours, i)) TH_LOG("%s: %s", map, facts[i].name);
		EXPECT_NE(0, wanted);
		if (i == PACKETS)
			EXPECT_LT(20, wanted);
	}
}

TEST_F_TIMEOUT(sock, as_in_a_cgroup, 120)
{
	if (km_load_theirs(&self->both, FILE_NAME))
		SKIP(return, "no bpf(2)");
	ASSERT_EQ(0, attach_theirs(self->both.theirs, "on_egress"));
	ASSERT_EQ(0, attach_theirs(self->both.theirs, "on_ingress"));
	ASSERT_LE(0, attach_ours(self, "on_egress", NF_INET_POST_ROUTING));
	ASSERT_LE(0, attach_ours(self, "on_ingress", NF_INET_LOCAL_IN));
	ASSERT_EQ(0, all_traffic(&self->wire));
	compare(_metadata, self, "sent", true);
	compare(_metadata, self, "received", false);
}

/* Nobody sees the stores, since they are taken back; all are possible but those behind. */
TEST_F_TIMEOUT(sock, stores_to_any_packet, 120)
{
	int stored = km_our_map(&self->both, "stored");

	for (__u32 hook = 0; hook <= NF_INET_POST_ROUTING; hook++)
		ASSERT_LE(0, attach_ours(self, "on_any_hook", hook));
	ASSERT_EQ(0, all_traffic(&self->wire));
	EXPECT_LT(1000, km_value(stored, 0));
	EXPECT_EQ(0, km_value(stored, 1));
}

TEST_HARNESS_MAIN
