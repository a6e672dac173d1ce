// SPDX-License-Identifier: GPL-2.0-only
/* Objects' lives: loaders that die, pins, exec, unloading, storms */

#include <fcntl.h>
#include <linux/kernel.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_net.h"

#define TARGET "__x64_sys_getpgid"

static int module_users(void)
{
	FILE *f = fopen("/sys/module/kapsel/refcnt", "r");
	int n = -1;

	if (!f || fscanf(f, "%d", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

FIXTURE(life) {
	int dev;
};

FIXTURE_SETUP(life)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_objects_settle(self->dev, 0));
}

FIXTURE_TEARDOWN(life)
{
	EXPECT_EQ(0, km_objects_settle(self->dev, 0));
	EXPECT_EQ(1, module_users());
	close(self->dev);
	EXPECT_EQ(0, module_users());
}

/* Programs, maps and links of all kinds; children inherit nothing but @dev. */
static int make_objects(int dev, int *map, int *prog, int *links)
{
	int packets = km_netfilter(dev, KM_ACCEPT);

	*map = km_map(dev, BPF_MAP_TYPE_HASH, 4, 8, 16, 0);
	*prog = km_kprobe(dev, "r1 = map[fd:%d] ll\n" KM_ACCEPT, *map);
	links[0] = km_probe(dev, *prog, KAPSEL_HOOK_KPROBE, TARGET);
	links[1] = km_probe(dev, *prog, KAPSEL_HOOK_KRETPROBE, TARGET);
	links[2] = km_hook(dev, packets, NFPROTO_INET, NF_INET_LOCAL_OUT, 0);
	close(packets);
	return *prog < 0 || links[0] < 0 || links[1] < 0 || links[2] < 0;
}

#define ALL_OBJECTS 6	/* a map, two programs, three links */

TEST_F(life, a_link_holds_its_program_and_that_its_maps)
{
	int map, prog, links[3];

	ASSERT_EQ(0, make_objects(self->dev, &map, &prog, links));
	EXPECT_EQ(ALL_OBJECTS, km_objects(self->dev));
	close(map);
	close(prog);
	EXPECT_EQ(ALL_OBJECTS, km_objects(self->dev));
	close(links[0]);
	EXPECT_EQ(ALL_OBJECTS - 1, km_objects_settle(self->dev, ALL_OBJECTS - 1));
	close(links[1]);
	EXPECT_EQ(2, km_objects_settle(self->dev, 2));
	close(links[2]);
}

/* A loader that is killed leaves nothing. */
TEST_F(life, death_of_the_loader)
{
	for (int i = 0; i < 5; i++) {
		int pipes[2], map, prog, links[3];
		char c;
		pid_t child;

		ASSERT_EQ(0, pipe(pipes));
		child = fork();
		if (!child) {
			c = make_objects(self->dev, &map, &prog, links);
			if (write(pipes[1], &c, 1) != 1)
				_exit(1);
			for (;;)
				syscall(SYS_getpgid, 0);
		}
		ASSERT_EQ(1, read(pipes[0], &c, 1));
		ASSERT_EQ(0, c);
		EXPECT_EQ(ALL_OBJECTS, km_objects(self->dev));
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, NULL, 0));
		EXPECT_EQ(0, km_objects_settle(self->dev, 0));
	}
}

TEST_F(life, a_child_shares_and_exec_does_not)
{
	int map, prog, links[3], pipes[2];
	pid_t child;

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, make_objects(self->dev, &map, &prog, links));
	child = fork();
	if (!child) {
		char c;

		/* Holds all of it until it is told. */
		close(pipes[1]);
		if (read(pipes[0], &c, 1) < 0)
			_exit(1);
		execl("/bin/sleep", "sleep", "1000", NULL);
		_exit(1);
	}
	close(map);
	close(prog);
	for (int i = 0; i < 3; i++)
		close(links[i]);
	EXPECT_EQ(ALL_OBJECTS, km_objects(self->dev));
	close(pipes[0]);
	close(pipes[1]);
	EXPECT_EQ(0, km_objects_settle(self->dev, 0));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

TEST_F(life, pins_outlive_their_maker)
{
	int map, prog, links[3], status, link;
	__u64 runs;
	pid_t child = fork();

	if (!child) {
		if (make_objects(self->dev, &map, &prog, links))
			_exit(1);
		_exit(km_pin(self->dev, KAPSEL_PIN, links[0], "pinned") != 0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_EQ(0, status);
	/* The link, its program, the program's map. */
	EXPECT_EQ(3, km_objects_settle(self->dev, 3));
	EXPECT_LE(2, module_users());
	link = km_pin(self->dev, KAPSEL_GET_PINNED, 0, "pinned");
	ASSERT_LE(0, link);
	EXPECT_STREQ("pinned", km_info(link).pin);
	runs = km_info(link).link.runs;
	syscall(SYS_getpgid, 0);
	EXPECT_LT(runs, km_info(link).link.runs);
	close(link);
	EXPECT_EQ(3, km_objects(self->dev));
	ASSERT_EQ(0, km_pin(self->dev, KAPSEL_UNPIN, 0, "pinned"));
	EXPECT_EQ(-ENOENT, km_pin(self->dev, KAPSEL_UNPIN, 0, "pinned"));
	EXPECT_EQ(-ENOENT, km_pin(self->dev, KAPSEL_GET_PINNED, 0, "pinned"));
}

TEST_F(life, names_of_pins)
{
	int maps[2], pipes[2];

	for (int i = 0; i < 2; i++)
		maps[i] = km_map(self->dev, BPF_MAP_TYPE_HASH, 4, 8, 1, 0);
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, km_pin(self->dev, KAPSEL_PIN, maps[0], "one"));
	EXPECT_EQ(-EEXIST, km_pin(self->dev, KAPSEL_PIN, maps[1], "one"));
	EXPECT_EQ(-EBUSY, km_pin(self->dev, KAPSEL_PIN, maps[0], "two"));
	EXPECT_EQ(0, km_pin(self->dev, KAPSEL_PIN, maps[1], "two"));
	EXPECT_EQ(-EINVAL, km_pin(self->dev, KAPSEL_PIN, pipes[0], "three"));
	EXPECT_EQ(-EINVAL, km_pin(self->dev, KAPSEL_PIN, self->dev, "three"));
	EXPECT_EQ(-EBADF, km_pin(self->dev, KAPSEL_PIN, 1000, "three"));
	ASSERT_EQ(0, km_pin(self->dev, KAPSEL_UNPIN, 0, "one"));
	EXPECT_STREQ("", km_info(maps[0]).pin);
	EXPECT_EQ(0, km_pin(self->dev, KAPSEL_PIN, maps[0], "again"));
	ASSERT_EQ(0, km_pin(self->dev, KAPSEL_UNPIN, 0, "again"));
	ASSERT_EQ(0, km_pin(self->dev, KAPSEL_UNPIN, 0, "two"));
	close(maps[0]);
	close(maps[1]);
}

TEST_F(life, ids_are_not_used_again_soon)
{
	__u32 last = 0;

	for (int i = 0; i < 100; i++) {
		int map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0), other;
		__u32 id = km_info(map).id;

		EXPECT_LT(last, id);
		last = id;
		other = km_fd_by_id(self->dev, KAPSEL_OBJ_MAP, id);
		EXPECT_LE(0, other);
		EXPECT_EQ(id, km_info(other).id);
		close(map);
		EXPECT_EQ(id, km_info(other).id);
		close(other);
		EXPECT_EQ(-ENOENT, km_fd_by_id(self->dev, KAPSEL_OBJ_MAP, id));
	}
	EXPECT_EQ(-ENOENT, km_fd_by_id(self->dev, KAPSEL_OBJ_MAP, 0));
	EXPECT_EQ(-ENOENT, km_fd_by_id(self->dev, KAPSEL_OBJ_MAP, UINT32_MAX));
}

/* Busy as long as anybody holds anything. */
TEST_F(life, unloading_is_refused_while_in_use)
{
	int map, prog, links[3];

	EXPECT_EQ(-1, syscall(SYS_delete_module, "kapsel", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	ASSERT_EQ(0, make_objects(self->dev, &map, &prog, links));
	EXPECT_EQ(-1, syscall(SYS_delete_module, "kapsel", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	ASSERT_EQ(0, km_pin(self->dev, KAPSEL_PIN, links[0], "busy"));
	close(map);
	close(prog);
	for (int i = 0; i < 3; i++)
		close(links[i]);
	close(self->dev);
	EXPECT_EQ(-1, syscall(SYS_delete_module, "kapsel", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_pin(self->dev, KAPSEL_UNPIN, 0, "busy"));
}

/* ------------------------------------------------------------------------
 * Storms: everything at once, a bounded number of times
 */
#define SLOTS	8
#define ROUNDS	400

struct storm {
	int dev;
	int progs[4];		/* kprobe, kprobe, netfilter, netfilter */
	int slots[SLOTS];	/* links, or -1 */
	int errors;
	bool stop;
};

struct stormer {
	struct storm *storm;
	__u32 seed;
};

static __u32 rnd(struct stormer *s, __u32 below)
{
	s->seed = s->seed * 1664525 + 1013904223;
	return (s->seed >> 10) % below;
}

static int attach_any(struct stormer *s)
{
	struct storm *storm = s->storm;
	int prog = rnd(s, 4);

	if (prog >= 2)
		return km_hook(storm->dev, storm->progs[prog], NFPROTO_INET,
			       rnd(s, 5), rnd(s, 100));
	return km_probe(storm->dev, storm->progs[prog],
			rnd(s, 2) ? KAPSEL_HOOK_KPROBE : KAPSEL_HOOK_KRETPROBE, TARGET);
}

static void put(struct stormer *s, int fd)
{
	int old = __atomic_exchange_n(&s->storm->slots[rnd(s, SLOTS)], fd, __ATOMIC_ACQ_REL);

	if (old >= 0)
		close(old);
}

/* Links are used while others close them: an fd may be any link or none. */
static void one_round(struct stormer *s)
{
	struct storm *storm = s->storm;
	int link = storm->slots[rnd(s, SLOTS)];
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "storm%u", rnd(s, 4));
	switch (rnd(s, 8)) {
	case 0:
	case 1:
		fd = attach_any(s);
		if (fd < 0)
			__atomic_fetch_add(&storm->errors, 1, __ATOMIC_RELAXED);
		else
			put(s, fd);
		break;
	case 2:
		put(s, -1);
		break;
	case 3:
		km_update(link, storm->progs[rnd(s, 4)], -1);
		break;
	case 4:
		km_detach(link);
		break;
	case 5:
		km_pin(storm->dev, KAPSEL_PIN, link, name);
		break;
	case 6:
		km_pin(storm->dev, KAPSEL_UNPIN, 0, name);
		break;
	case 7:
		fd = km_pin(storm->dev, KAPSEL_GET_PINNED, 0, name);
		if (fd >= 0)
			put(s, fd);
		break;
	}
}

static void *rage(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		one_round(arg);
	return NULL;
}

static void *make_events(void *arg)
{
	struct storm *storm = arg;
	int fd = km_socket(KM_NEAR_NS, SOCK_DGRAM, KM_NEAR4, 7777);

	while (!__atomic_load_n(&storm->stop, __ATOMIC_RELAXED)) {
		syscall(SYS_getpgid, 0);
		km_send(fd, KM_FAR4, 7777, 1);
	}
	close(fd);
	return NULL;
}

TEST_F_TIMEOUT(life, storm, 200)
{
	struct storm storm = { .dev = self->dev };
	struct stormer stormers[4];
	pthread_t threads[4], load;

	ASSERT_EQ(0, km_net_setup());
	for (int i = 0; i < 4; i++)
		storm.progs[i] = i < 2 ? km_kprobe(self->dev, KM_ACCEPT) :
					 km_netfilter(self->dev, KM_ACCEPT);
	memset(storm.slots, -1, sizeof(storm.slots));
	ASSERT_EQ(0, pthread_create(&load, NULL, make_events, &storm));
	for (int i = 0; i < 4; i++) {
		stormers[i] = (struct stormer){ &storm, i + 1 };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, rage, &stormers[i]));
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&storm.stop, true, __ATOMIC_RELAXED);
	pthread_join(load, NULL);
	EXPECT_EQ(0, storm.errors);
	for (int i = 0; i < SLOTS; i++)
		close(storm.slots[i]);
	for (int i = 0; i < 4; i++)
		close(storm.progs[i]);
	for (int i = 0; i < 4; i++) {
		char name[16];

		snprintf(name, sizeof(name), "storm%d", i);
		km_pin(self->dev, KAPSEL_UNPIN, 0, name);
	}
	km_net_teardown();
}

/* Namespaces die with links in them, others are closed at the same time. */
TEST_F_TIMEOUT(life, namespaces_die_in_a_storm, 120)
{
	int prog = km_netfilter(self->dev, KM_ACCEPT);

	for (int i = 0; i < 20; i++) {
		pid_t child = fork();
		int status;

		if (!child) {
			int links[8];

			if (unshare(CLONE_NEWNET))
				_exit(1);
			for (int j = 0; j < 8; j++) {
				links[j] = km_hook(self->dev, prog, NFPROTO_INET, j % 5, j);
				if (links[j] < 0)
					_exit(2);
			}
			if (km_pin(self->dev, KAPSEL_PIN, links[0], i & 1 ? "odd" : "even"))
				_exit(3);
			_exit(0);
		}
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_EQ(0, status);
		ASSERT_EQ(0, km_pin(self->dev, KAPSEL_UNPIN, 0, i & 1 ? "odd" : "even"));
	}
	close(prog);
}

TEST_HARNESS_MAIN
