// SPDX-License-Identifier: GPL-2.0-only
/* PROG_LOAD: what it refuses, and how it says so */

#include <linux/kernel.h>

#include "core/diag.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"

/* Reads through a lookup that may have failed: KV021 with a few steps. */
#define REFUSED								\
	"*(u32 *)(r10 - 4) = 0\n"					\
	"r2 = r10\n"							\
	"r2 += -4\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"call bpf_map_lookup_elem\n"					\
	"r0 = *(u64 *)(r0 + 0)\n"					\
	"r0 = 1\n"							\
	"exit\n"
#define REFUSED_AT 6

FIXTURE(load) {
	int dev;
	int map;
	struct kapsel_abi abi;
	struct kapsel_prog_load arg;
	struct bpf_insn insns[2];
	char text[512];
	unsigned char log[8192];
};

FIXTURE_SETUP(load)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &self->abi));
	self->map = km_map(self->dev, BPF_MAP_TYPE_HASH, 4, 8, 4, 0);
	ASSERT_LE(0, self->map);
	self->insns[0] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV, .imm = 1 };
	self->insns[1] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	self->arg = (struct kapsel_prog_load){
		.insns = km_ptr(self->insns), .insn_cnt = 2,
		.prog_type = KAPSEL_PROG_NETFILTER,
		.log = { .buf = km_ptr(self->log), .size = sizeof(self->log) },
	};
	snprintf(self->text, sizeof(self->text), REFUSED, self->map);
	memset(self->log, 0xee, sizeof(self->log));
}

FIXTURE_TEARDOWN(load)
{
	close(self->dev);
}

#define load(self) km_ioctl((self)->dev, KAPSEL_PROG_LOAD, &(self)->arg)

/* The code of a refusal is in the verdict and in the one record. */
#define EXPECT_REFUSED(err, _code) do {					\
	struct kapsel_rec_problem *rec = (void *)self->log;		\
									\
	EXPECT_EQ(err, load(self));					\
	EXPECT_EQ(_code, self->arg.log.verdict.code);			\
	EXPECT_EQ(sizeof(*rec), self->arg.log.true_size);		\
	EXPECT_EQ(KAPSEL_REC_ERROR, rec->hdr.kind);			\
	EXPECT_EQ(_code, rec->code);					\
} while (0)

TEST_F(load, accepted_programs_have_a_verdict)
{
	struct kapsel_verdict *v = &self->arg.log.verdict;

	memset(v, 0xff, sizeof(*v));
	ASSERT_LE(0, load(self));
	EXPECT_EQ(0, v->code);
	EXPECT_EQ(0, v->capability);
	EXPECT_EQ(1, v->subprogs);
	EXPECT_EQ(2, v->max_insns);
	EXPECT_EQ(2, v->visited);
	EXPECT_EQ(0, v->stack_depth);
	EXPECT_EQ(0, v->warnings);
	EXPECT_EQ(1, v->rung);
	EXPECT_LT(0, v->state_bytes);
	EXPECT_EQ(0, self->arg.log.true_size);
	EXPECT_EQ(0xee, self->log[0]);
}

TEST_F(load, number_of_instructions)
{
	const __u32 bad[] = { 0, KAPSEL_MAX_INSNS + 1, INT32_MAX, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		self->arg.insn_cnt = bad[i];
		EXPECT_REFUSED(-EINVAL, KPS_D_SIZE);
		EXPECT_EQ(bad[i], ((struct kapsel_rec_problem *)self->log)->detail);
	}
}

TEST_F(load, program_type)
{
	const __u32 bad[] = { 0, 1, 3, 31, 33, 77, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		self->arg.prog_type = bad[i];
		EXPECT_REFUSED(-EINVAL, KPS_D_PROG_TYPE);
	}
}

TEST_F(load, engine_that_is_not_there)
{
	if (self->abi.engines & 1 << KAPSEL_ENGINE_JIT)
		SKIP(return, "there is a JIT");
	self->arg.engine = KAPSEL_ENGINE_JIT;
	EXPECT_REFUSED(-EOPNOTSUPP, KPS_D_ENGINE);
}

TEST_F(load, engine_that_is_there)
{
	self->arg.engine = KAPSEL_ENGINE_INTERP;
	EXPECT_LE(0, load(self));
}

TEST_F(load, license_ends_in_its_field)
{
	memset(self->arg.license, 'x', sizeof(self->arg.license));
	EXPECT_EQ(-EINVAL, load(self));
	self->arg.license[sizeof(self->arg.license) - 1] = 0;
	EXPECT_LE(0, load(self));
}

TEST_F(load, gpl_only_helper)
{
	strcpy(self->arg.license, "Proprietary");
	EXPECT_EQ(-EACCES, km_load_arg(self->dev, &self->arg, KAPSEL_PROG_KPROBE,
				       "r1 = r10\nr1 += -8\nr2 = 8\nr3 = 0\n"
				       "call bpf_probe_read_kernel\nr0 = 0\nexit\n"));
	EXPECT_EQ(KPS_D_HELPER_GPL, self->arg.log.verdict.code);
}

TEST_F(load, instructions_that_are_not_there)
{
	self->arg.insns = 8;
	EXPECT_EQ(-EFAULT, load(self));
	self->arg.insns = 1ULL << 63;
	EXPECT_EQ(-EFAULT, load(self));
	self->arg.insns = km_ptr(self->insns);
	self->arg.insn_cnt = KAPSEL_MAX_INSNS;
	EXPECT_EQ(-EFAULT, load(self));
	EXPECT_EQ(0, self->arg.log.verdict.code);
}

TEST_F(load, a_refusal_leaves_no_object)
{
	int before = km_objects(self->dev), fds = km_count_fds();

	ASSERT_EQ(-EACCES, km_load_arg(self->dev, &self->arg, KAPSEL_PROG_NETFILTER,
				       self->text));
	EXPECT_EQ(fds, km_count_fds());
	EXPECT_EQ(before, km_objects_settle(self->dev, before));
}

/* Forged map references: each is told as such, and no kernel memory is touched. */
TEST_F(load, map_references_must_be_maps)
{
	int link, prog = km_netfilter(self->dev, KM_ACCEPT), pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	link = km_hook(self->dev, prog, NFPROTO_IPV4, NF_INET_LOCAL_IN, 0);
	ASSERT_LE(0, link);
	const int bad[] = { -1, INT32_MIN, INT32_MAX, 1000, self->dev, pipes[0],
			    prog, link };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(self->text, sizeof(self->text), REFUSED, bad[i]);
		/* Told before the missing test for NULL. */
		EXPECT_GT(0, km_load_arg(self->dev, &self->arg,
					 KAPSEL_PROG_NETFILTER, self->text));
		EXPECT_EQ(KPS_D_MAP_FD, self->arg.log.verdict.code) {
			TH_LOG("fd %d", bad[i]);
		}
	}
}

TEST_F(load, closed_map_references_are_refused_and_open_ones_kept)
{
	static const char text[] = "r1 = map[fd:%d] ll\nr0 = 1\nexit\n";
	int fd, prog = km_netfilter(self->dev, text, self->map);
	__u32 id = 0, map_id = km_info(self->map).id;

	ASSERT_LE(0, prog);
	close(self->map);
	EXPECT_GT(0, km_netfilter(self->dev, text, self->map));
	/* The program holds its map. */
	ASSERT_EQ(0, km_next_id(self->dev, KAPSEL_OBJ_MAP, &id));
	EXPECT_EQ(map_id, id);
	fd = km_fd_by_id(self->dev, KAPSEL_OBJ_MAP, id);
	EXPECT_LE(0, fd);
	close(fd);
	close(prog);
	EXPECT_EQ(0, km_objects_settle(self->dev, 0));
}

static long vmalloc_kib(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	long kib = -1;

	while (f && kib < 0 && fgets(line, sizeof(line), f))
		sscanf(line, "VmallocUsed: %ld", &kib);
	if (f)
		fclose(f);
	return kib;
}

#define LARGE	(8 << 20)
#define ROUNDS	8

/* By two descriptors. What is held for ever is in no list: only its memory tells. */
TEST_F(load, maps_that_are_named_twice_are_held_once)
{
	struct kapsel_obj_info info = {};
	long before = vmalloc_kib();

	ASSERT_LT(0, before);
	for (int i = 0; i < ROUNDS; i++) {
		int map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, LARGE / 8, 0);
		int other = dup(map);
		int prog = km_netfilter(self->dev, "r1 = map[fd:%d] ll\nr1 = map[fd:%d] ll\n"
					KM_ACCEPT, map, other);

		ASSERT_LE(0, prog);
		ASSERT_EQ(0, km_ioctl(prog, KAPSEL_OBJ_INFO, &info));
		EXPECT_EQ(1, info.prog.map_cnt);
		close(map);
		close(other);
		close(prog);
	}
	EXPECT_TRUE(KM_UNTIL(vmalloc_kib() - before < ROUNDS / 2 * (LARGE >> 10)));
}

/* A byte of the stack at a distance that is in the map. */
#define AT_DISTANCE							\
	"r1 = map[fd:%d]+0 ll\n"					\
	"r2 = *(u64 *)(r1 + 0)\n"					\
	"r3 = r10\n"							\
	"r3 += -16\n"							\
	"r3 += r2\n"							\
	"*(u8 *)(r3 + 0) = 1\n"						\
	KM_ACCEPT

TEST_F(load, values_are_constant_once_their_map_is_frozen)
{
	int map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_RDONLY_PROG);

	ASSERT_LE(0, map);
	ASSERT_EQ(0, km_set(map, 0, 4, BPF_ANY));
	EXPECT_EQ(-EACCES, km_netfilter(self->dev, AT_DISTANCE, map));
	ASSERT_EQ(0, km_flags(map, KAPSEL_MAP_FREEZE));
	EXPECT_LE(0, km_netfilter(self->dev, AT_DISTANCE, map));
}

static int many_maps(int dev, int n)
{
	static char text[KAPSEL_MAX_MAPS * 64 + 128];
	int fds[KAPSEL_MAX_MAPS + 1], len = 0, prog;

	for (int i = 0; i < n; i++) {
		fds[i] = km_map(dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
		len += sprintf(text + len, "r1 = map[fd:%d] ll\n", fds[i]);
	}
	strcpy(text + len, KM_ACCEPT);
	prog = km_netfilter(dev, "%s", text);
	for (int i = 0; i < n; i++)
		close(fds[i]);
	return prog;
}

TEST_F(load, as_many_maps_as_allowed)
{
	__u32 ids[KAPSEL_MAX_MAPS + 1] = {};
	struct kapsel_obj_info info = { .prog.map_ids = km_ptr(ids),
					.prog.map_cnt = KAPSEL_MAX_MAPS };
	int prog = many_maps(self->dev, KAPSEL_MAX_MAPS);

	ASSERT_LE(0, prog);
	ASSERT_EQ(0, km_ioctl(prog, KAPSEL_OBJ_INFO, &info));
	EXPECT_EQ(KAPSEL_MAX_MAPS, info.prog.map_cnt);
	for (int i = 1; i < KAPSEL_MAX_MAPS; i++)
		EXPECT_EQ(ids[i - 1] + 1, ids[i]);
	EXPECT_GT(0, many_maps(self->dev, KAPSEL_MAX_MAPS + 1));
}

/* Records fit as wholes: what a smaller buffer has is where the bigger one's begin. */
TEST_F(load, records_are_never_cut)
{
	static unsigned char whole[8192];
	__u32 all, used;

	ASSERT_EQ(-EACCES, km_load_arg(self->dev, &self->arg, KAPSEL_PROG_NETFILTER,
				       self->text));
	EXPECT_EQ(KPS_D_NULL, self->arg.log.verdict.code);
	EXPECT_EQ(REFUSED_AT, self->arg.log.verdict.insn);
	all = self->arg.log.true_size;
	ASSERT_LT(sizeof(struct kapsel_rec_problem), all);
	memcpy(whole, self->log, sizeof(whole));

	for (__u32 size = 0; size <= all; size++) {
		memset(self->log, 0xee, sizeof(self->log));
		self->arg.log.size = size;
		ASSERT_EQ(-EACCES, km_load_arg(self->dev, &self->arg,
					       KAPSEL_PROG_NETFILTER, self->text));
		ASSERT_EQ(all, self->arg.log.true_size);
		ASSERT_EQ(KPS_D_NULL, self->arg.log.verdict.code);
		for (__u32 at = size; at < all + 8; at++)
			ASSERT_EQ(0xee, self->log[at]);
		for (used = 0; used < size && self->log[used] != 0xee;) {
			const struct kapsel_rec *rec = (void *)(self->log + used);

			ASSERT_LE(sizeof(*rec), rec->size);
			ASSERT_LE(used + rec->size, size);
			used += rec->size;
		}
	}
	EXPECT_EQ(0, memcmp(whole, self->log, all));
}

TEST_F(load, a_log_that_cannot_be_written_faults)
{
	self->arg.log.buf = 8;
	EXPECT_EQ(-EACCES, km_load_arg(self->dev, &self->arg, KAPSEL_PROG_NETFILTER,
				       self->text));
	self->arg.insns = km_ptr(self->insns);
	self->arg.insn_cnt = 2;
	/* Nothing to write. */
	EXPECT_LE(0, load(self));
}

TEST_F(load, a_log_of_any_size_is_fine)
{
	self->arg.log.size = UINT32_MAX;
	EXPECT_EQ(-EACCES, km_load_arg(self->dev, &self->arg, KAPSEL_PROG_NETFILTER,
				       self->text));
	EXPECT_EQ(KPS_D_NULL, ((struct kapsel_rec_problem *)self->log)->code);
}

TEST_F(load, budgets_and_ceiling)
{
	char text[] = "r6 = 0\nagain:\nr6 += 1\nif r6 < 1000 goto again\nr0 = 1\nexit\n";
	struct kapsel_verdict *v = &self->arg.log.verdict;

	self->arg.ceiling = 1000;
	EXPECT_EQ(-E2BIG, km_load_arg(self->dev, &self->arg, KAPSEL_PROG_NETFILTER, text));
	EXPECT_EQ(KPS_D_CEILING, v->code);
	self->arg.ceiling = 0;
	self->arg.budget_insns = 2;
	EXPECT_EQ(-E2BIG, km_load_arg(self->dev, &self->arg, KAPSEL_PROG_NETFILTER, text));
	EXPECT_EQ(KPS_D_BUDGET_INSNS, v->code);
	self->arg.budget_insns = 0;
	self->arg.budget_bytes = 1;
	EXPECT_EQ(-E2BIG, km_load_arg(self->dev, &self->arg, KAPSEL_PROG_NETFILTER, text));
	EXPECT_EQ(KPS_D_BUDGET_MEMORY, v->code);
	self->arg.budget_bytes = 0;
	EXPECT_LE(0, km_load_arg(self->dev, &self->arg, KAPSEL_PROG_NETFILTER, text));
	EXPECT_LE(2000, v->max_insns);
}

/* A refusal by name comes before one of contents. */
TEST_F(load, checks_have_an_order)
{
	self->arg.insn_cnt = 0;
	self->arg.engine = KAPSEL_ENGINE_JIT;
	self->arg.prog_type = 77;
	self->arg.flags = 2;
	EXPECT_EQ(-EINVAL, load(self));
	EXPECT_EQ(0, self->arg.log.verdict.code);
	self->arg.flags = 0;
	EXPECT_REFUSED(-EINVAL, KPS_D_PROG_TYPE);
	self->arg.prog_type = KAPSEL_PROG_NETFILTER;
	/* An engine that isn't there at all; whether one can run it shows later. */
	if (self->abi.engines & 1 << KAPSEL_ENGINE_JIT)
		EXPECT_REFUSED(-EINVAL, KPS_D_SIZE);
	else
		EXPECT_REFUSED(-EOPNOTSUPP, KPS_D_ENGINE);
	self->arg.engine = KAPSEL_ENGINE_AUTO;
	EXPECT_REFUSED(-EINVAL, KPS_D_SIZE);
	self->arg.insn_cnt = 1;
	self->arg.insns = 8;
	EXPECT_EQ(-EFAULT, load(self));
	self->arg.insns = km_ptr(self->insns);
	EXPECT_EQ(-EINVAL, load(self));
	EXPECT_EQ(KPS_D_FALL_OFF, self->arg.log.verdict.code);
}

TEST_F(load, information_is_what_was_loaded)
{
	struct bpf_insn insns[8] = {};
	__u32 ids[2] = {};
	struct kapsel_obj_info info = { .prog = {
		.insns = km_ptr(insns), .insns_room = 8,
		.map_ids = km_ptr(ids), .map_cnt = 2,
	} };
	int prog;

	strcpy(self->arg.name, "informed");
	snprintf(self->text, sizeof(self->text), "r1 = map[fd:%d] ll\n" KM_ACCEPT, self->map);
	prog = km_load_arg(self->dev, &self->arg, KAPSEL_PROG_NETFILTER, self->text);
	ASSERT_LE(0, prog);
	ASSERT_EQ(0, km_ioctl(prog, KAPSEL_OBJ_INFO, &info));
	EXPECT_EQ(KAPSEL_OBJ_PROG, info.kind);
	EXPECT_STREQ("informed", info.name);
	EXPECT_EQ(getpid(), info.pid);
	EXPECT_EQ(0, info.uid);
	EXPECT_EQ(KAPSEL_PROG_NETFILTER, info.prog.type);
	EXPECT_TRUE(self->abi.engines & 1 << info.prog.engine);
	EXPECT_EQ(4, info.prog.insn_cnt);
	EXPECT_EQ(1, info.prog.map_cnt);
	EXPECT_EQ(km_info(self->map).id, ids[0]);
	/* The map by its index, not by an fd that means nothing to others. */
	EXPECT_EQ(BPF_PSEUDO_MAP_FD, (int)insns[0].src_reg);
	EXPECT_EQ(0, insns[0].imm);
	EXPECT_EQ(0, insns[1].imm);
	EXPECT_EQ(BPF_JMP | BPF_EXIT, insns[3].code);
	EXPECT_EQ(0, insns[4].code);
}

/* What does not fit is left out, and what is behind stays as it was. */
TEST_F(load, information_for_which_there_is_little_room)
{
	struct bpf_insn insns[2] = { {}, { .code = 0xee } };
	__u32 ids[2] = { 0, 0xeeeeeeee };
	struct kapsel_obj_info info = { .prog = {
		.insns = km_ptr(insns), .insns_room = 1,
		.map_ids = km_ptr(ids), .map_cnt = 1,
	} };
	int other = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	int prog = km_netfilter(self->dev, "r1 = map[fd:%d] ll\nr1 = map[fd:%d] ll\n" KM_ACCEPT,
				self->map, other);

	ASSERT_LE(0, prog);
	ASSERT_EQ(0, km_ioctl(prog, KAPSEL_OBJ_INFO, &info));
	EXPECT_EQ(6, info.prog.insn_cnt);
	EXPECT_EQ(2, info.prog.map_cnt);
	EXPECT_EQ(BPF_LD | BPF_IMM | BPF_DW, insns[0].code);
	EXPECT_EQ(0xee, insns[1].code);
	EXPECT_EQ(km_info(self->map).id, ids[0]);
	EXPECT_EQ(0xeeeeeeee, ids[1]);
}

TEST_HARNESS_MAIN
