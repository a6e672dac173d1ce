// SPDX-License-Identifier: GPL-2.0-only
/*
 * A storm: several processes attach, exchange, detach, pin, pass on, inherit and lose
 * links, maps and programs, kill each other's owners and end networks, all while
 * functions are called and packets sent; each knows what must be true of its own.
 *
 * KAPSEL_SEED and KAPSEL_OPS in the environment say which storm, and how long it takes:
 * make storm SEED= OPS=
 */

#include <linux/kernel.h>
#include <sys/prctl.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/storm.h"
#include "module/lib/storm_seat.h"

#define PROCESSES	3
#define OPERATIONS	250

/* ------------------------------------------------------------------------
 * Children
 */

/* Makes events until it is killed, and does not outlive its parent. */
static pid_t spawn(struct storm *s, int (*what)(struct storm *s, void *arg), void *arg)
{
	int pipes[2];
	pid_t child;
	char c = 0;

	storm_must(s, pipe(pipes), "pipe");
	child = storm_must(s, fork(), "fork");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		c = what(s, arg) ? 1 : 0;
		if (write(pipes[1], &c, 1) != 1)
			_exit(1);
		for (;;) {
			storm_event(s->socket);
			usleep(1000);
		}
	}
	close(pipes[1]);
	if (read(pipes[0], &c, 1) != 1 || c)
		storm_fail(s, "a child failed");
	close(pipes[0]);
	return child;
}

static void slay(struct storm *s, pid_t child)
{
	kill(child, SIGKILL);
	storm_must(s, waitpid(child, NULL, 0), "waiting for a child");
}

/* ------------------------------------------------------------------------
 * What is done to seats
 */
static struct storm_seat *any_seat(struct storm *s)
{
	return &s->seats[storm_random(s, STORM_SEATS)];
}

static bool is_free(const struct storm_seat *seat)
{
	return seat->link < 0;
}

static void do_attach(struct storm *s)
{
	struct storm_seat *seat = any_seat(s);

	if (!is_free(seat))
		storm_unseat(s, seat);
	storm_make(s, seat, storm_random(s, STORM_NR_PLACES));
	storm_attach(s, seat);
	storm_runs(s, seat, seat->link);
}

static void do_close(struct storm *s)
{
	struct storm_seat *seat = any_seat(s);

	if (!is_free(seat))
		storm_unseat(s, seat);
}

static void do_detach(struct storm *s)
{
	struct storm_seat *seat = any_seat(s);
	bool was = seat->attached;
	int err;

	if (is_free(seat))
		return;
	err = km_detach(seat->link);
	if (err != (was ? 0 : -ENOENT))
		storm_fail(s, "detach: %d", err);
	storm_detached(s, seat);
}

static void do_exchange(struct storm *s)
{
	struct storm_seat *seat = any_seat(s);
	int err, other;

	if (is_free(seat) || seat->flavour != STORM_PLAIN)
		return;
	if (storm_random(s, 4) == 0) {
		/* Not the one that is there. */
		err = km_update(seat->link, seat->progs[0], seat->progs[1]);
		if (err != (seat->attached ? -ESTALE : -ENOENT))
			storm_fail(s, "exchange of another: %d", err);
		return;
	}
	err = km_update(seat->link, seat->progs[1], seat->progs[0]);
	if (err != (seat->attached ? 0 : -ENOENT))
		storm_fail(s, "exchange: %d", err);
	if (err)
		return;
	other = seat->progs[0];
	seat->progs[0] = seat->progs[1];
	seat->progs[1] = other;
	storm_runs(s, seat, seat->link);
}

static void do_verify(struct storm *s)
{
	struct storm_seat *seat = any_seat(s);

	if (!is_free(seat))
		storm_runs(s, seat, seat->link);
	storm_visit_grave(s, storm_random(s, STORM_GRAVES));
}

/* The only fd is closed: it goes on. So it does with another, until that is closed. */
static void do_pin(struct storm *s)
{
	struct storm_seat *seat = any_seat(s);
	char name[32];

	if (is_free(seat))
		return;
	snprintf(name, sizeof(name), "storm.%d.%d", getpid(), (int)(seat - s->seats));
	storm_must(s, km_pin(s->dev, KAPSEL_PIN, seat->link, name), "pin");
	storm_close(&seat->link);
	seat->link = storm_must(s, km_pin(s->dev, KAPSEL_GET_PINNED, 0, name), "get pinned");
	storm_runs(s, seat, seat->link);
	storm_must(s, km_pin(s->dev, KAPSEL_UNPIN, 0, name), "unpin");
	storm_runs(s, seat, seat->link);
}

static int nothing(struct storm *s, void *arg)
{
	return 0;
}

/* A child has it, too: it goes on until both have let it go. */
static void do_inherit(struct storm *s)
{
	struct storm_seat *seat = any_seat(s);
	pid_t child;

	if (is_free(seat))
		return;
	child = spawn(s, nothing, NULL);
	if (storm_random(s, 2)) {
		slay(s, child);
		storm_runs(s, seat, seat->link);
		return;
	}
	storm_close(&seat->link);
	slay(s, child);
	storm_unseat(s, seat);
}

static int hold(struct storm *s, void *arg)
{
	storm_attach(s, arg);
	return 0;
}

/* The process that has the only fd of a link is killed. */
static void do_kill(struct storm *s)
{
	struct storm_seat *seat = any_seat(s);
	pid_t child;

	if (!is_free(seat))
		storm_unseat(s, seat);
	storm_make(s, seat, storm_random(s, STORM_NR_PLACES));
	child = spawn(s, hold, seat);
	for (int i = 0; i < 3; i++)
		storm_event(s->socket);
	slay(s, child);
	storm_unseat(s, seat);
}

static int send_fd(int socket, int fd)
{
	char room[CMSG_SPACE(sizeof(fd))] = {}, c = 0;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = room,
		.msg_controllen = sizeof(room),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(socket, &msg, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int socket)
{
	char room[CMSG_SPACE(sizeof(int))] = {}, c = 0;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = room,
		.msg_controllen = sizeof(room),
	};
	int fd = -1;

	if (recvmsg(socket, &msg, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* On its way through a socket nobody has it, and it goes on; unless the socket ends. */
static void do_pass(struct storm *s)
{
	struct storm_seat *seat = any_seat(s);
	int ends[2];

	if (is_free(seat))
		return;
	storm_must(s, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
	storm_must(s, send_fd(ends[0], seat->link), "sending a link");
	storm_close(&seat->link);
	storm_event(s->socket);
	if (storm_random(s, 2)) {
		seat->link = storm_must(s, receive_fd(ends[1]), "receiving a link");
		storm_runs(s, seat, seat->link);
	}
	close(ends[0]);
	close(ends[1]);
	if (is_free(seat))
		storm_unseat(s, seat);
}

/* ------------------------------------------------------------------------
 * Networks that end
 */
static int live_elsewhere(struct storm *s, void *arg)
{
	if (unshare(CLONE_NEWNET) || storm_lo_up())
		return -errno;
	s->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return s->socket < 0 ? -errno : 0;
}

static int wait_for_state(struct storm *s, int link, __u32 state)
{
	for (int i = 0; i < STORM_PATIENCE / 10; i++) {
		if (km_info(link).link.state == state)
			return 0;
		usleep(10000);
	}
	return -ETIME;
}

static void attach_there(struct storm *s, struct storm_seat *seat, pid_t child)
{
	struct kapsel_link_create arg;
	char path[64];
	int netns;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", child);
	netns = storm_must(s, open(path, O_RDONLY | O_CLOEXEC), "a child's network");
	storm_link_arg(s, seat, &arg);
	arg.flags |= KAPSEL_LINK_NETNS;
	arg.netfilter.netns_fd = netns;
	seat->link = storm_must(s, km_ioctl(s->dev, KAPSEL_LINK_CREATE, &arg), "attach there");
	close(netns);
}

/* The link does not keep the network; it says that it is gone. */
static void do_netns(struct storm *s)
{
	struct storm_seat *seat = any_seat(s);
	pid_t child;
	int err;

	if (!is_free(seat))
		storm_unseat(s, seat);
	storm_make(s, seat, STORM_NETFILTER + storm_random(s, STORM_NR_PLACES - STORM_NETFILTER));
	child = spawn(s, live_elsewhere, NULL);
	attach_there(s, seat, child);
	slay(s, child);
	storm_must(s, wait_for_state(s, seat->link, KAPSEL_LINK_NETNS_GONE), "end of a network");
	err = km_detach(seat->link);
	if (err != -ENOENT)
		storm_fail(s, "detach from a network that is gone: %d", err);
	storm_unseat(s, seat);
}

/* ------------------------------------------------------------------------
 * Maps
 */
static void do_update(struct storm *s)
{
	__u32 key = storm_random(s, STORM_KEYS), flags = storm_random(s, 3);
	__u64 value = s->op << 8 | key;
	bool there = s->used[key];
	int err, wanted;

	wanted = there && flags == BPF_NOEXIST ? -EEXIST :
		 !there && flags == BPF_EXIST ? -ENOENT :
		 !there && s->nr_used == STORM_ENTRIES ? -E2BIG : 0;
	err = km_set(s->map, key, value, flags);
	if (err != wanted)
		storm_fail(s, "key %u: %d, not %d", key, err, wanted);
	if (err)
		return;
	s->nr_used += !there;
	s->used[key] = true;
	s->values[key] = value;
}

static void do_lookup(struct storm *s)
{
	__u32 key = storm_random(s, STORM_KEYS);
	__u64 seen = 0;
	int err = km_get(s->map, key, &seen);

	if (err != (s->used[key] ? 0 : -ENOENT))
		storm_fail(s, "key %u: %d", key, err);
	if (!err && seen != s->values[key])
		storm_fail(s, "key %u: %#llx, not %#llx", key, seen, s->values[key]);
}

static void do_delete(struct storm *s)
{
	__u32 key = storm_random(s, STORM_KEYS);
	int err = km_del(s->map, key);

	if (err != (s->used[key] ? 0 : -ENOENT))
		storm_fail(s, "key %u: %d", key, err);
	s->nr_used -= s->used[key];
	s->used[key] = false;
}

static void do_walk(struct storm *s)
{
	__u32 key, *last = NULL, n = 0;
	__u64 there[2];

	while (!km_next(s->map, last, &key, 4)) {
		if (key >= STORM_KEYS || !s->used[key] || ++n > STORM_KEYS)
			storm_fail(s, "walk: key %u", key);
		last = &key;
	}
	if (n != s->nr_used)
		storm_fail(s, "walk: %u keys, not %u", n, s->nr_used);
	/* The other map changes while it is walked: no key comes without end. */
	for (n = 0; n < 1000 && !km_next(s->churn, n ? there : NULL, there, 8); n++)
		if (n % 4 == 0)
			km_elem(s->churn, KAPSEL_MAP_DELETE, there, 8, NULL, 0, 0);
	if (km_info(s->churn).map.used > 16)
		storm_fail(s, "more entries than there may be");
}

/* What a program looks into changes under it; each run is counted all the same. */
static void do_swap(struct storm *s)
{
	struct storm_seat *seat = any_seat(s);
	__u32 which = storm_random(s, 3), key = 0;

	if (is_free(seat) || seat->swap < 0)
		return;
	if (seat->flavour == STORM_INNER)
		storm_must(s, storm_put(seat->swap, 0, seat->count.inner[which & 1]), "put");
	else if (which)
		storm_must(s, storm_put(seat->swap, 0, seat->progs[which]), "put");
	else
		km_elem(seat->swap, KAPSEL_MAP_DELETE, &key, 4, NULL, 0, 0);
	storm_runs(s, seat, seat->link);
}

/* Room for more; or the reader of a ring lies about where it is. */
static void do_drain(struct storm *s)
{
	struct storm_count *c = &any_seat(s)->count;
	__u64 value;

	if (c->ring >= 0)
		__atomic_store_n(c->consumer, storm_random(s, 2) ? *c->producer :
				 (unsigned long)storm_random(s, UINT32_MAX) << storm_random(s, 32),
				 __ATOMIC_RELEASE);
	if (c->queue >= 0)
		while (!km_elem(c->queue, KAPSEL_MAP_LOOKUP_DELETE, NULL, 0, &value, 8, 0))
			c->popped++;
}

/* ------------------------------------------------------------------------
 * Looking around
 */
/* No random number is drawn where others' doings decide how many there would be. */
static void do_look(struct storm *s)
{
	for (__u32 kind = KAPSEL_OBJ_PROG; kind <= KAPSEL_OBJ_LINK; kind++) {
		for (__u32 id = 0; !km_next_id(s->dev, kind, &id);) {
			struct kapsel_obj_info info = {};
			int fd;

			/* Others' objects may be held for a moment, but not their links. */
			if (kind == KAPSEL_OBJ_LINK || (id ^ s->op) & 7)
				continue;
			fd = km_fd_by_id(s->dev, kind, id);
			if (fd == -ENOENT)
				continue;
			storm_must(s, fd, "fd by id");
			storm_must(s, km_ioctl(fd, KAPSEL_OBJ_INFO, &info), "information");
			if (info.id != id || info.kind != kind)
				storm_fail(s, "another object");
			close(fd);
		}
	}
}

static void do_run(struct storm *s)
{
	static __u8 packet[64] = { 0x45, [3] = 64 };
	struct storm_seat *seat = any_seat(s);
	struct kapsel_test_run arg = { .repeat = 1 + storm_random(s, 20) };

	if (is_free(seat) || !seat->attached)
		return;
	if (storm_is_netfilter(seat->place)) {
		arg.data_in = km_ptr(packet);
		arg.data_size_in = sizeof(packet);
	}
	storm_must(s, km_ioctl(seat->progs[0], KAPSEL_PROG_TEST_RUN, &arg), "test run");
	if (arg.retval != 1)
		storm_fail(s, "test run returned %llu", arg.retval);
	/* Its runs and counts agree no more. */
	storm_unseat(s, seat);
}

/* ------------------------------------------------------------------------
 * The storm
 */
static const struct {
	const char *name;
	void (*fn)(struct storm *s);
	__u32 weight;
} operations[] = {
	{ "attach", do_attach, 20 },
	{ "close", do_close, 4 },
	{ "detach", do_detach, 6 },
	{ "exchange", do_exchange, 10 },
	{ "verify", do_verify, 10 },
	{ "pin", do_pin, 6 },
	{ "inherit", do_inherit, 5 },
	{ "kill", do_kill, 5 },
	{ "pass", do_pass, 6 },
	{ "end a network", do_netns, 2 },
	{ "update", do_update, 20 },
	{ "lookup", do_lookup, 10 },
	{ "delete", do_delete, 10 },
	{ "walk", do_walk, 6 },
	{ "swap", do_swap, 12 },
	{ "drain", do_drain, 10 },
	{ "look around", do_look, 4 },
	{ "test run", do_run, 6 },
};

static void one_operation(struct storm *s)
{
	__u32 all = 0, at;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(operations); i++)
		all += operations[i].weight;
	at = storm_random(s, all);
	for (i = 0; at >= operations[i].weight; i++)
		at -= operations[i].weight;
	s->doing = operations[i].name;
	operations[i].fn(s);
	s->op++;
}

static void find_instruction(struct storm *s)
{
	struct kapsel_link_create arg;
	int prog = storm_load(s, STORM_ENTRY, 0, STORM_END), link = -1;

	for (s->offset = 6; link < 0 && s->offset < 32; s->offset++) {
		km_link_probe(&arg, prog, KAPSEL_HOOK_KPROBE, TARGET, s->offset);
		link = km_ioctl(s->dev, KAPSEL_LINK_CREATE, &arg);
	}
	s->offset--;
	storm_must(s, link, "a probe on an instruction");
	close(link);
	close(prog);
}

static void make_maps(struct storm *s)
{
	static const __u32 types[] = {
		BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_PERCPU_HASH,
		BPF_MAP_TYPE_LRU_PERCPU_HASH, BPF_MAP_TYPE_LPM_TRIE,
	};
	__u32 type = types[storm_random(s, ARRAY_SIZE(types))];

	s->map = storm_must(s, km_map(s->dev, BPF_MAP_TYPE_HASH, 4, 8, STORM_ENTRIES, 0), "map");
	s->churn = storm_must(s, km_map(s->dev, type, 8, 8, 16, type == BPF_MAP_TYPE_LPM_TRIE ?
					BPF_F_NO_PREALLOC : 0), "map");
}

static void begin(struct storm *s, int index, __u64 seed, const __u64 *addrs)
{
	pthread_t thread;

	*s = (struct storm){ .seed = seed, .index = index, .doing = "begin" };
	memcpy(s->addrs, addrs, sizeof(s->addrs));
	s->state = (seed * 2 + 1) * 0x9e3779b97f4a7c15ULL ^ (__u64)(index + 1) << 32;
	for (int i = 0; i < STORM_SEATS; i++)
		s->seats[i] = (struct storm_seat){ .link = -1, .count = storm_no_count() };
	storm_must(s, unshare(CLONE_NEWNET), "a network of its own");
	storm_must(s, storm_lo_up(), "loopback");
	s->dev = storm_must(s, km_open(), "device");
	s->socket = storm_must(s, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	find_instruction(s);
	make_maps(s);
	if (pthread_create(&thread, NULL, storm_events, s))
		storm_fail(s, "no thread");
}

static _Noreturn void rage(int index, __u64 seed, __u64 ops, const __u64 *addrs)
{
	static struct storm storm;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	begin(&storm, index, seed, addrs);
	while (storm.op < ops)
		one_operation(&storm);
	storm.doing = "end";
	for (int i = 0; i < STORM_SEATS; i++)
		if (!is_free(&storm.seats[i]))
			storm_unseat(&storm, &storm.seats[i]);
	for (int i = 0; i < STORM_GRAVES; i++)
		storm_visit_grave(&storm, i);
	_exit(0);
}

static __u64 number(const char *name, __u64 otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

FIXTURE(storm) {
	int dev;
};

FIXTURE_SETUP(storm)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
}

FIXTURE_TEARDOWN(storm)
{
}

TEST_F_TIMEOUT(storm, each_knows_what_is_true, 36000)
{
	__u64 seed = number("KAPSEL_SEED", 1), ops = number("KAPSEL_OPS", OPERATIONS);
	__u64 addrs[2];
	pid_t children[PROCESSES];
	int objects = km_objects(self->dev), status;

	TH_LOG("seed %llu, %llu operations in each of %d processes", seed, ops, PROCESSES);
	fflush(stdout);
	ASSERT_TRUE(storm_find_functions(addrs));
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		ASSERT_LE(0, children[i]);
		if (!children[i])
			rage(i, seed, ops, addrs);
	}
	for (int i = 0; i < PROCESSES; i++) {
		ASSERT_EQ(children[i], waitpid(children[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(objects, km_objects_settle(self->dev, objects));
}

TEST_HARNESS_MAIN
