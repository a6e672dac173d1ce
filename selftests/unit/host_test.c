// SPDX-License-Identifier: GPL-2.0-only
/* What the verifier makes of its host's answers, and of what no program file can hold */

#include <errno.h>
#include <string.h>

#include <linux/kapsel.h>
#include <linux/kernel.h>

#include "core/diag.h"
#include "core/verifier.h"
#include "kselftest_harness.h"
#include "lib/asm.h"
#include "lib/insn_build.h"

#define MAX_SLOTS	512

FIXTURE(host)
{
	struct kps_host host;
	struct bpf_insn insns[MAX_SLOTS];
	struct kps_prog_in in;
	struct kps_map_facts map;	/* that every fd is */
	int map_answer;
	int read_answer;
	u32 warnings;
	struct kapsel_verdict v;
};

static int answer_map(void *priv, s32 fd, struct kps_map_facts *facts)
{
	const struct _test_data_host *self = priv;

	(void)fd;
	*facts = self->map;
	return self->map_answer;
}

/* The map holds ones. */
static int answer_read(void *priv, u32 map, u32 off, u32 size, u64 *val)
{
	const struct _test_data_host *self = priv;

	(void)map;
	(void)off;
	(void)size;
	*val = 1;
	return self->read_answer;
}

static void take_record(void *priv, const void *rec, u32 size)
{
	const struct kapsel_rec *hdr = rec;
	struct _test_data_host *self = priv;

	(void)size;
	self->warnings += hdr->kind == KAPSEL_REC_WARNING;
}

static int answer_poll(void *priv)
{
	(void)priv;
	return 0;
}

static void *answer_alloc(void *priv, size_t size)
{
	(void)priv;
	return calloc(1, size);
}

FIXTURE_SETUP(host)
{
	memset(self, 0, sizeof(*self));
	self->host = (struct kps_host){
		.alloc = answer_alloc, .free = test_free, .map = answer_map,
		.map_read = answer_read, .emit = take_record, .poll = answer_poll,
		.priv = self,
	};
	self->in = (struct kps_prog_in){
		.insns = self->insns, .prog_type = KAPSEL_PROG_NETFILTER, .gpl = true,
	};
	self->map = (struct kps_map_facts){
		.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 64, .max_entries = 1,
		.flags = BPF_F_RDONLY_PROG, .frozen = true,
	};
}

FIXTURE_TEARDOWN(host)
{
	(void)self;
}

static int verify(struct _test_data_host *self)
{
	struct kps_proof proof;
	int err = kps_verify(&self->in, &self->host, &self->v, &proof);

	kps_proof_free(&proof, &self->host);
	return err;
}

/* Returns the code of the refusal, 0, or what else went wrong. */
static int judge(struct _test_data_host *self, const char *text)
{
	char why[128];
	int err, cnt = kt_asm(text, self->insns, MAX_SLOTS, why, sizeof(why));

	if (cnt < 0)
		return cnt;
	self->in.insn_cnt = cnt;
	err = verify(self);
	return self->v.code ? (int)self->v.code : err;
}

static const char takes_map[] = "r1 = map[fd:3] ll\nr0 = 1\nexit\n";

TEST_F(host, map_is_refused)
{
	static const struct { int answer; int code; } rows[] = {
		{ 0, 0 }, { KAPSEL_MAX_MAPS - 1, 0 },
		{ -EBADF, KPS_D_MAP_FD }, { -EINVAL, KPS_D_MAP_FD },
		{ -E2BIG, KPS_D_MAP_COUNT }, { KAPSEL_MAX_MAPS, KPS_D_MAP_COUNT },
		{ -EPERM, -EPERM }, { -ENOMEM, -ENOMEM },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		self->map_answer = rows[i].answer;
		EXPECT_EQ(rows[i].code, judge(self, takes_map)) {
			TH_LOG("answer %d", rows[i].answer);
		}
	}
}

static const char returns_byte[] =
	"r1 = map[fd:3] + 0 ll\nr0 = *(u8 *)(r1 + 5)\nexit\n";

/* What can't be read is any number. */
TEST_F(host, constant_is_not_there)
{
	EXPECT_EQ(0, judge(self, returns_byte));
	self->read_answer = -EINVAL;
	EXPECT_EQ(KPS_D_RETURN_RANGE, judge(self, returns_byte));
}

static const char looks_up[] =
	"*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = map[fd:3] ll\ncall 1\nr0 = 1\nexit\n";

TEST_F(host, unknown_type_of_map)
{
	EXPECT_EQ(0, judge(self, looks_up));
	self->map.type = 999;
	EXPECT_EQ(KPS_D_HELPER_MAP, judge(self, looks_up));
	EXPECT_EQ(KPS_D_MAP_VALUE, judge(self, returns_byte));
}

/* r2, the key, is the stack; r3, the value, is what @value makes it. */
static int update(struct _test_data_host *self, u32 size, const char *value)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "r3 = *(u32 *)(r1 + 76)\nr4 = *(u32 *)(r1 + 80)\nr5 = r3\nr5 += 64\n"
		 "if r5 > r4 goto out\n*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\n"
		 "%sr1 = map[fd:3] ll\nr4 = 0\ncall 2\nout: r0 = 1\nexit\n", value);
	self->map.flags = 0;
	self->map.value_size = size;
	return judge(self, text);
}

/* Sizes near 2^32 must not come round. */
TEST_F(host, values_larger_than_memory)
{
	static const u32 sizes[] = { 65, 0x1fffffff, 0x20000000, 0x20000001, 0x7fffffff,
				     0x80000000, 0xffffffff };

	EXPECT_EQ(0, update(self, 64, ""));
	EXPECT_EQ(0, update(self, 4, "r3 = r10\nr3 += -4\n"));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_EQ(KPS_D_PACKET, update(self, sizes[i], "")) {
			TH_LOG("size 0x%x", sizes[i]);
		}
		EXPECT_EQ(KPS_D_UPPER, update(self, sizes[i], "r3 = r10\nr3 += -4\n")) {
			TH_LOG("size 0x%x", sizes[i]);
		}
	}
}

TEST_F(host, size_of_program)
{
	static struct bpf_insn most[KAPSEL_MAX_INSNS + 1];
	u32 i;

	for (i = 0; i < KAPSEL_MAX_INSNS; i++)
		most[i] = MOV(0, 1);
	most[KAPSEL_MAX_INSNS - 1] = EXIT;
	most[KAPSEL_MAX_INSNS] = EXIT;
	self->in.insns = most;
	self->in.budget_insns = 2 * KAPSEL_MAX_INSNS;
	self->in.insn_cnt = KAPSEL_MAX_INSNS;
	EXPECT_EQ(0, verify(self)) {
		TH_LOG("KV%03u @%u", self->v.code, self->v.insn);
	}
	self->in.insn_cnt = KAPSEL_MAX_INSNS + 1;
	EXPECT_EQ(-EINVAL, verify(self));
	EXPECT_EQ(KPS_D_SIZE, self->v.code);
	self->in.insn_cnt = 0;
	EXPECT_EQ(-EINVAL, verify(self));
	EXPECT_EQ(KPS_D_SIZE, self->v.code);
}

/* So many warnings are enough; each instruction has its own. */
static int many_warnings(struct _test_data_host *self, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		self->insns[i] = INSN(BPF_LDX | BPF_MEM | BPF_DW, 0, 10, -8, 0);
	self->insns[i++] = MOV(0, 0);
	self->insns[i++] = EXIT;
	self->in.insn_cnt = i;
	self->in.prog_type = KAPSEL_PROG_KPROBE;
	self->warnings = 0;
	return verify(self);
}

TEST_F(host, warnings)
{
	EXPECT_EQ(0, many_warnings(self, 64));
	EXPECT_EQ(64, self->v.warnings);
	EXPECT_EQ(64, self->warnings);
	EXPECT_EQ(0, many_warnings(self, 65));
	EXPECT_EQ(64, self->v.warnings);
	EXPECT_EQ(64, self->warnings);
}

TEST_HARNESS_MAIN
