// SPDX-License-Identifier: GPL-2.0-only
/* Program arrays and tail calls: where they lead, how often, and how long they last */

#include <linux/kernel.h>
#include <pthread.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"

#define CALL(index)							\
	"r2 = map[fd:%d] ll\n"						\
	"r3 = " #index "\n"						\
	"call bpf_tail_call\n"

static int progs(int dev, __u32 n)
{
	return km_map(dev, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, n, 0);
}

static int put(int map, __u32 index, __u32 fd)
{
	return km_elem(map, KAPSEL_MAP_UPDATE, &index, 4, &fd, 4, 0);
}

static int get(int map, __u32 index, __u32 *id)
{
	return km_elem(map, KAPSEL_MAP_LOOKUP, &index, 4, id, 4, 0);
}

FIXTURE(tail_call) {
	int dev;
	int progs;	/* program array of 4 */
	int count;	/* array of one number */
	struct kapsel_abi abi;
};

FIXTURE_SETUP(tail_call)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &self->abi));
	self->progs = progs(self->dev, 4);
	ASSERT_LE(0, self->progs);
	self->count = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	ASSERT_LE(0, self->count);
	/* What the test before has left is going. */
	ASSERT_EQ(2, km_objects_settle(self->dev, 2));
}

FIXTURE_TEARDOWN(tail_call)
{
}

static int load_on(struct _test_data_tail_call *self, __u32 engine, __u32 flags, const char *fmt,
		   ...)
{
	struct kapsel_prog_load arg = { .engine = engine, .flags = flags };
	char text[4096];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return km_load_arg(self->dev, &arg, KAPSEL_PROG_KPROBE, text);
}

static bool has_engine(const struct _test_data_tail_call *self, __u32 engine)
{
	return self->abi.engines & 1u << engine;
}

TEST_F(tail_call, shape)
{
	__u32 id = 0, next, key = 3;
	int prog = km_kprobe(self->dev, "r0 = 7\nexit\n");

	EXPECT_EQ(-EINVAL, km_map(self->dev, BPF_MAP_TYPE_PROG_ARRAY, 8, 4, 1, 0));
	EXPECT_EQ(-EINVAL, km_map(self->dev, BPF_MAP_TYPE_PROG_ARRAY, 4, 8, 1, 0));
	EXPECT_EQ(-EINVAL, km_map(self->dev, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 0, 0));
	EXPECT_EQ(-EINVAL, km_map(self->dev, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1, BPF_F_RDONLY_PROG));
	EXPECT_EQ(-ENOMEM, progs(self->dev, 0xffffffff));
	EXPECT_EQ(-ENOENT, get(self->progs, 1, &id));
	EXPECT_EQ(-ENOENT, get(self->progs, 4, &id));
	EXPECT_EQ(-E2BIG, put(self->progs, 4, prog));
	EXPECT_EQ(-EBADF, put(self->progs, 1, 1000));
	EXPECT_EQ(-EINVAL, put(self->progs, 1, self->progs));
	EXPECT_EQ(-EINVAL, put(self->progs, 1, self->dev));
	EXPECT_EQ(0, km_info(self->progs).map.used);
	ASSERT_EQ(0, put(self->progs, 1, prog));
	EXPECT_EQ(0, get(self->progs, 1, &id));
	EXPECT_EQ(km_info(prog).id, id);
	EXPECT_EQ(1, km_info(self->progs).map.used);
	EXPECT_EQ(-E2BIG, km_del(self->progs, 4));
	EXPECT_EQ(-ENOENT, km_del(self->progs, 0));
	EXPECT_EQ(0, km_del(self->progs, 1));
	EXPECT_EQ(-ENOENT, get(self->progs, 1, &id));
	EXPECT_EQ(0, km_next(self->progs, NULL, &next, 4));
	EXPECT_EQ(-ENOENT, km_next(self->progs, &key, &next, 4));
	EXPECT_EQ(-EINVAL, km_elem(self->progs, KAPSEL_MAP_UPDATE, &key, 4, &prog, 4, BPF_EXIST));
}

TEST_F(tail_call, whole_array_is_read)
{
	__u32 keys[4], ids[4];
	struct kapsel_map_batch arg = {
		.op = KAPSEL_BATCH_LOOKUP, .keys = km_ptr(keys), .values = km_ptr(ids),
		.count = 4, .key_size = 4, .value_size = 4,
	};
	int prog = km_kprobe(self->dev, "r0 = 7\nexit\n");

	memset(ids, 0xff, sizeof(ids));
	ASSERT_EQ(0, put(self->progs, 2, prog));
	ASSERT_EQ(0, km_ioctl(self->progs, KAPSEL_MAP_BATCH, &arg));
	EXPECT_EQ(4, arg.count);
	EXPECT_EQ(0, ids[1]);
	EXPECT_EQ(km_info(prog).id, ids[2]);
	EXPECT_EQ(0, ids[3]);
}

/* Each engine leads into each. */
TEST_F(tail_call, goes_on_in_another_program)
{
	static const __u32 engines[] = { KAPSEL_ENGINE_INTERP, KAPSEL_ENGINE_JIT };

	for (size_t i = 0; i < ARRAY_SIZE(engines) * 4; i++) {
		__u32 from = engines[i & 1], to = engines[i >> 1 & 1];
		__u32 flags = i & 4 ? KAPSEL_PROG_METERED : 0;
		int caller, callee;

		if (!has_engine(self, from) || !has_engine(self, to))
			continue;
		callee = load_on(self, to, flags, "r0 = *(u64 *)(r1 + 112)\nr0 += 7\nexit\n");
		caller = load_on(self, from, flags, CALL(2) "r0 = 1\nexit\n", self->progs);
		ASSERT_LE(0, callee);
		ASSERT_LE(0, caller);
		km_del(self->progs, 2);
		EXPECT_EQ(1, km_call(caller));
		ASSERT_EQ(0, put(self->progs, 2, callee));
		EXPECT_EQ(0, km_info(callee).prog.tail_calls);
		EXPECT_EQ(1, km_info(caller).prog.tail_calls);
		EXPECT_EQ(7, km_call(caller)) {
			TH_LOG("engine %u to %u, flags %u", from, to, flags);
		}
		close(caller);
		close(callee);
	}
}

TEST_F(tail_call, index_that_is_not_there)
{
	int caller = km_kprobe(self->dev, "r2 = map[fd:%d] ll\nr3 = *(u64 *)(r1 + 112)\n"
					  "call bpf_tail_call\nr0 = 1\nexit\n", self->progs);
	int callee = km_kprobe(self->dev, "r0 = 7\nexit\n");
	static const __u64 missing[] = { 0, 1, 2, 4, 5, 0x7fffffff, 0x80000000, 0xffffffff };
	__u64 regs[21] = {}, ret;

	ASSERT_EQ(0, put(self->progs, 3, callee));
	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		regs[14] = missing[i];
		ASSERT_EQ(0, km_run(caller, regs, sizeof(regs), NULL, 0, 0, &ret));
		EXPECT_EQ(1, ret) TH_LOG("%#llx", missing[i]);
	}
	/* An index has 32 bits. */
	regs[14] = 0x100000003;
	ASSERT_EQ(0, km_run(caller, regs, sizeof(regs), NULL, 0, 0, &ret));
	EXPECT_EQ(7, ret);
}

/* A program that counts and calls itself, until that fails; then it returns 5. */
#define COUNTING							\
	"r6 = r1\n"							\
	"r2 = map[fd:%d] + 0 ll\n"					\
	"r3 = 1\n"							\
	"lock *(u64 *)(r2 + 0) += r3\n"					\
	"r1 = r6\n" CALL(0) "r0 = 5\nexit\n"

TEST_F(tail_call, thirty_three_times)
{
	static const __u32 engines[] = { KAPSEL_ENGINE_INTERP, KAPSEL_ENGINE_JIT };

	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		int prog;

		if (!has_engine(self, engines[i]))
			continue;
		prog = load_on(self, engines[i], 0, COUNTING, self->count, self->progs);
		ASSERT_LE(0, prog);
		ASSERT_EQ(0, put(self->progs, 0, prog));
		for (int run = 1; run < 4; run++) {
			ASSERT_EQ(0, km_set(self->count, 0, 0, 0));
			EXPECT_EQ(5, km_call(prog));
			EXPECT_EQ(1 + KAPSEL_MAX_TAIL_CALLS, km_value(self->count, 0));
		}
		close(prog);
	}
}

/* Each has all 512 bytes of stack, and all of its fuel. */
TEST_F(tail_call, frames_are_replaced)
{
	static const char deep[] =
		"*(u64 *)(r10 - 512) = 3\n*(u64 *)(r10 - 8) = 4\n"
		"r2 = map[fd:%d] ll\nr3 = %d\ncall bpf_tail_call\n"
		"r0 = *(u64 *)(r10 - 512)\nr2 = *(u64 *)(r10 - 8)\nr0 += r2\nexit\n";

	for (__u32 engine = KAPSEL_ENGINE_INTERP; engine <= KAPSEL_ENGINE_JIT; engine++) {
		if (!has_engine(self, engine))
			continue;
		for (int i = 0; i < 4; i++) {
			int prog = load_on(self, engine, 0, deep, self->progs, i + 1);

			ASSERT_LE(0, prog);
			ASSERT_EQ(0, put(self->progs, i, prog));
			EXPECT_EQ(7, km_call(prog));
			close(prog);
		}
	}
}

/* A run that is ended is ended, whatever it chose to go on with before. */
TEST_F(tail_call, metered_run_out)
{
	struct kapsel_prog_load arg = { .flags = KAPSEL_PROG_METERED, .ceiling = 100 };
	char text[400];
	int prog, good = km_kprobe(self->dev, "r0 = 7\nexit\n");
	struct kapsel_test_run run = {};

	snprintf(text, sizeof(text), "r6 = r1\nagain: call bpf_get_prandom_u32\n"
		 "if r0 != 0 goto again\nr1 = r6\n" CALL(0) "r0 = 1\nexit\n", self->progs);
	ASSERT_EQ(0, put(self->progs, 0, good));
	prog = km_load_arg(self->dev, &arg, KAPSEL_PROG_KPROBE, text);
	ASSERT_LE(0, prog);
	EXPECT_EQ(-ETIME, km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &run));
}

TEST_F(tail_call, programs_of_one_type)
{
	int probe = km_kprobe(self->dev, "r0 = 7\nexit\n"), other = progs(self->dev, 1);
	int filter = km_netfilter(self->dev, KM_ACCEPT);
	struct kapsel_prog_load arg = {};
	char text[200];

	/* By the first that is put in; */
	ASSERT_EQ(0, put(self->progs, 0, filter));
	EXPECT_EQ(-EINVAL, put(self->progs, 1, probe));
	EXPECT_EQ(0, km_del(self->progs, 0));
	EXPECT_EQ(-EINVAL, put(self->progs, 1, probe));
	snprintf(text, sizeof(text), CALL(0) "r0 = 1\nexit\n", self->progs);
	EXPECT_EQ(-EACCES, km_load_arg(self->dev, &arg, KAPSEL_PROG_KPROBE, text));
	EXPECT_EQ(107, arg.log.verdict.code);
	/* or by the first that uses it. */
	EXPECT_LE(0, km_kprobe(self->dev, CALL(0) "r0 = 1\nexit\n", other));
	EXPECT_EQ(-EINVAL, put(other, 0, filter));
	EXPECT_EQ(0, put(other, 0, probe));
}

TEST_F(tail_call, verdict_of_the_last)
{
	int drop = km_netfilter(self->dev, KM_DROP), ret = 0;
	int caller = km_netfilter(self->dev, CALL(0) "r0 = 1\nexit\n", self->progs);
	__u8 packet[64] = { 0x45 };
	__u64 verdict;

	ASSERT_EQ(0, km_run(caller, NULL, 0, packet, sizeof(packet), 1, &verdict));
	EXPECT_EQ(1, verdict);
	ASSERT_EQ(ret, put(self->progs, 0, drop));
	ASSERT_EQ(0, km_run(caller, NULL, 0, packet, sizeof(packet), 1, &verdict));
	EXPECT_EQ(0, verdict);
}

/* What is called finds the whole context, of which the caller reads nothing. */
TEST_F(tail_call, context_of_the_callee)
{
	int callee = km_netfilter(self->dev,
				  "r2 = *(u32 *)(r1 + 8)\n"	/* mark */
				  "r3 = *(u32 *)(r1 + 0)\n"	/* len */
				  "r0 = 0\nif r2 != 77 goto out\nif r3 != 64 goto out\n"
				  "*(u32 *)(r1 + 8) = 78\nr0 = 1\nout: exit\n");
	int caller = km_netfilter(self->dev, CALL(0) "r0 = 0\nexit\n", self->progs);
	struct __sk_buff skb = { .mark = 77 };
	__u8 packet[64] = { 0x45 };
	__u64 verdict;

	ASSERT_LE(0, callee);
	ASSERT_EQ(0, put(self->progs, 0, callee));
	ASSERT_EQ(0, km_run(caller, &skb, sizeof(skb), packet, sizeof(packet), 1, &verdict));
	EXPECT_EQ(1, verdict);
}

/* Lines go to the log of the program that writes them. */
TEST_F(tail_call, log_of_the_callee)
{
	int callee = km_kprobe(self->dev, "*(u64 *)(r10 - 8) = 0x6968\nr1 = r10\nr1 += -8\nr2 = 3\n"
					  "call bpf_trace_printk\nr0 = 0\nexit\n");
	int caller = km_kprobe(self->dev, CALL(0) "r0 = 1\nexit\n", self->progs);
	char line[200] = "";

	ASSERT_LE(0, callee);
	ASSERT_EQ(0, put(self->progs, 0, callee));
	EXPECT_EQ(0, km_call(caller));
	fcntl(callee, F_SETFL, O_NONBLOCK);
	EXPECT_LT(0, read(callee, line, sizeof(line) - 1));
	EXPECT_NE(NULL, strstr(line, "hi"));
}

/* ------------------------------------------------------------------------
 * Lifetime
 */
TEST_F(tail_call, array_holds_its_programs)
{
	int before = km_objects(self->dev);
	int caller = km_kprobe(self->dev, CALL(0) "r0 = 1\nexit\n", self->progs);
	int callee = km_kprobe(self->dev, "r0 = 7\nexit\n");

	ASSERT_EQ(0, put(self->progs, 0, callee));
	close(callee);
	EXPECT_EQ(7, km_call(caller));
	EXPECT_EQ(before + 2, km_objects(self->dev));
	EXPECT_EQ(0, km_del(self->progs, 0));
	EXPECT_EQ(before + 1, km_objects_settle(self->dev, before + 1));
	EXPECT_EQ(1, km_call(caller));
}

/* A program in the array uses the array: both go with the last file of the array. */
TEST_F(tail_call, circle_ends)
{
	int before = km_objects(self->dev), array = progs(self->dev, 2), other, prog;

	prog = km_kprobe(self->dev, CALL(0) "r0 = 1\nexit\n", array);
	ASSERT_EQ(0, put(array, 0, prog));
	ASSERT_EQ(0, put(array, 1, prog));
	EXPECT_EQ(1, km_call(prog));
	other = km_fd_by_id(self->dev, KAPSEL_OBJ_MAP, km_info(array).id);
	ASSERT_LE(0, other);
	close(array);
	EXPECT_EQ(2, km_info(other).map.used);
	close(prog);
	EXPECT_EQ(before + 2, km_objects(self->dev));
	close(other);
	EXPECT_EQ(before, km_objects_settle(self->dev, before));
}

/* Whoever uses the array keeps it, but not what is in it. */
TEST_F(tail_call, array_without_files_is_empty)
{
	int array = progs(self->dev, 1), callee = km_kprobe(self->dev, "r0 = 7\nexit\n"), again;
	int caller = km_kprobe(self->dev, CALL(0) "r0 = 1\nexit\n", array);
	__u32 id = km_info(array).id;

	ASSERT_EQ(0, put(array, 0, callee));
	EXPECT_EQ(7, km_call(caller));
	close(array);
	EXPECT_EQ(1, km_call(caller));
	again = km_fd_by_id(self->dev, KAPSEL_OBJ_MAP, id);
	ASSERT_LE(0, again);
	ASSERT_EQ(0, put(again, 0, callee));
	EXPECT_EQ(7, km_call(caller));
}

TEST_F(tail_call, pin_keeps_it_filled)
{
	int before = km_objects(self->dev), array = progs(self->dev, 1);
	int prog = km_kprobe(self->dev, CALL(0) "r0 = 1\nexit\n", array);

	ASSERT_EQ(0, put(array, 0, prog));
	ASSERT_EQ(0, km_pin(self->dev, KAPSEL_PIN, array, "tail_call_test"));
	close(array);
	close(prog);
	usleep(50000);
	EXPECT_EQ(before + 2, km_objects(self->dev));
	array = km_pin(self->dev, KAPSEL_GET_PINNED, 0, "tail_call_test");
	ASSERT_LE(0, array);
	EXPECT_EQ(1, km_info(array).map.used);
	close(array);
	EXPECT_EQ(0, km_pin(self->dev, KAPSEL_UNPIN, 0, "tail_call_test"));
	EXPECT_EQ(before, km_objects_settle(self->dev, before));
}

/* ------------------------------------------------------------------------
 * Races
 */
#define ROUNDS 300

struct race {
	int dev;
	int progs;
	int caller;
	bool done;
	__u64 bad;
};

static void *run_them(void *arg)
{
	struct race *race = arg;

	while (!__atomic_load_n(&race->done, __ATOMIC_RELAXED)) {
		struct kapsel_test_run run = { .repeat = 100 };

		if (km_ioctl(race->caller, KAPSEL_PROG_TEST_RUN, &run) ||
		    (run.retval != 1 && run.retval != 7))
			race->bad++;
	}
	return NULL;
}

/* Programs come and go, and are freed, while they run on the other CPU. */
TEST_F(tail_call, replaced_while_it_runs)
{
	struct race race = { .dev = self->dev, .progs = self->progs };
	int before = km_objects(self->dev);
	pthread_t thread;

	race.caller = km_kprobe(self->dev, CALL(0) "r0 = 1\nexit\n", self->progs);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_them, &race));
	for (int i = 0; i < ROUNDS; i++) {
		int callee = load_on(self, i & 1 ? KAPSEL_ENGINE_INTERP : KAPSEL_ENGINE_AUTO, 0,
				     "r0 = 7\nexit\n");

		ASSERT_LE(0, callee);
		EXPECT_EQ(0, put(self->progs, 0, callee));
		close(callee);
		if (i % 3 == 0)
			km_del(self->progs, 0);
	}
	__atomic_store_n(&race.done, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, race.bad);
	close(race.caller);
	km_del(self->progs, 0);
	EXPECT_EQ(before, km_objects_settle(self->dev, before));
}

static void *reopen(void *arg)
{
	struct race *race = arg;

	while (!__atomic_load_n(&race->done, __ATOMIC_RELAXED)) {
		__u32 id = 0;

		while (!km_next_id(race->dev, KAPSEL_OBJ_MAP, &id)) {
			int fd = km_fd_by_id(race->dev, KAPSEL_OBJ_MAP, id);

			if (fd < 0)
				continue;
			put(fd, 0, race->caller);
			close(fd);
		}
	}
	return NULL;
}

/* Somebody fills arrays whose last file is just being closed. */
TEST_F(tail_call, emptied_and_filled)
{
	struct race race = { .dev = self->dev };
	int before = km_objects(self->dev);
	pthread_t thread;

	race.caller = km_kprobe(self->dev, "r0 = 7\nexit\n");
	ASSERT_EQ(0, pthread_create(&thread, NULL, reopen, &race));
	for (int i = 0; i < ROUNDS; i++) {
		int array = progs(self->dev, 2);
		int prog = km_kprobe(self->dev, CALL(0) "r0 = 1\nexit\n", array);

		ASSERT_LE(0, prog);
		put(array, 1, prog);
		close(prog);
		close(array);
	}
	__atomic_store_n(&race.done, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	close(race.caller);
	km_del(self->progs, 0);
	EXPECT_EQ(before, km_objects_settle(self->dev, before));
}

/* ------------------------------------------------------------------------
 * On a hook
 */
TEST_F(tail_call, at_a_function)
{
	int callee = km_kprobe(self->dev, "r2 = map[fd:%d] + 0 ll\nr3 = 1\n"
					  "lock *(u64 *)(r2 + 0) += r3\nr0 = 0\nexit\n",
			       self->count);
	int caller = km_kprobe(self->dev, CALL(1) "r0 = 1\nexit\n", self->progs);
	int link = km_probe(self->dev, caller, KAPSEL_HOOK_KPROBE, "vfs_unlink");

	ASSERT_LE(0, link);
	ASSERT_EQ(0, put(self->progs, 1, callee));
	close(open("/tmp/tail_call_test", O_CREAT | O_WRONLY, 0600));
	EXPECT_EQ(0, unlink("/tmp/tail_call_test"));
	EXPECT_LE(1, km_value(self->count, 0));
	EXPECT_EQ(km_value(self->count, 0), km_info(link).link.runs);
}

TEST_HARNESS_MAIN
