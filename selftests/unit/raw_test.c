// SPDX-License-Identifier: GPL-2.0-only
/* Programs that come from no file */

#include <errno.h>
#include <string.h>

#include <linux/types.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "lib/insn_build.h"

/* The second byte of the map's value. */
static const struct bpf_insn loads[] = {
	LDDW(1, BPF_PSEUDO_MAP_VALUE, 0, 1),
	INSN(BPF_LDX | BPF_MEM | BPF_B, 0, 1, 0, 0),
	EXIT,
};

static struct kapsel_raw raw_of(const void *data, u32 size)
{
	return (struct kapsel_raw){
		.name = "raw", .license = "GPL", .prog_type = KAPSEL_PROG_KPROBE,
		.insns = loads, .insn_cnt = 4, .data = data, .data_size = size,
	};
}

TEST(runs)
{
	struct kapsel_raw raw = raw_of("abc", 3);
	struct kapsel_object *obj = kapsel_open_raw(&raw, NULL);
	const struct kapsel_run_opts opts = {};
	struct kapsel_run_result run;
	struct kapsel_result res;

	ASSERT_NE(NULL, obj);
	ASSERT_EQ(1, kapsel_nr_progs(obj));
	EXPECT_STREQ("raw", kapsel_prog_at(obj, 0)->name);
	EXPECT_STREQ("kprobe", kapsel_prog_at(obj, 0)->section);
	EXPECT_EQ(0, kapsel_run_offline(kapsel_prog_at(obj, 0), &opts, NULL, &run, &res, NULL));
	EXPECT_TRUE(run.finished);
	EXPECT_EQ('b', run.retval);
	kapsel_result_free(&res);
	kapsel_close(obj);
}

/* Who loads a program looks for its maps. */
TEST(without_its_map)
{
	struct kapsel_raw raw = raw_of(NULL, 0);
	struct kapsel_error err = {};

	EXPECT_EQ(NULL, kapsel_open_raw(&raw, &err));
	EXPECT_EQ(-EBADF, err.err);
	EXPECT_NE(NULL, strstr(err.text, "instruction 0"));
}

TEST(with_a_negative_map)
{
	struct bpf_insn insns[] = { LDDW(1, BPF_PSEUDO_MAP_FD, -1, 0), EXIT };
	struct kapsel_raw raw = raw_of("abc", 3);
	struct kapsel_error err = {};

	raw.insns = insns;
	raw.insn_cnt = 3;
	EXPECT_EQ(NULL, kapsel_open_raw(&raw, &err));
	EXPECT_EQ(-EBADF, err.err);
}

TEST(empty)
{
	struct kapsel_raw raw = raw_of(NULL, 0);
	struct kapsel_object *obj;
	struct kapsel_result res;

	raw.insns = NULL;
	raw.insn_cnt = 0;
	obj = kapsel_open_raw(&raw, NULL);
	ASSERT_NE(NULL, obj);
	EXPECT_EQ(-EINVAL, kapsel_verify_offline(kapsel_prog_at(obj, 0), NULL, &res, NULL));
	kapsel_result_free(&res);
	kapsel_close(obj);
}

TEST(names_too_long)
{
	char name[KAPSEL_NAME_LEN + 1] = {};
	struct kapsel_raw raw = raw_of("abc", 3);
	struct kapsel_error err = {};

	memset(name, 'x', KAPSEL_NAME_LEN);
	raw.name = name;
	EXPECT_EQ(NULL, kapsel_open_raw(&raw, &err));
	EXPECT_EQ(-ENAMETOOLONG, err.err);
	raw.name = "raw";
	raw.license = name;
	EXPECT_EQ(NULL, kapsel_open_raw(&raw, &err));
	EXPECT_EQ(-ENAMETOOLONG, err.err);
}

TEST_HARNESS_MAIN
