// SPDX-License-Identifier: GPL-2.0-only
/* Helpers of Linux's that kapsel lacks are refused by name */

#include <stdio.h>
#include <string.h>

#include <linux/bpf.h>
#include <linux/kernel.h>

#include "core/proto.h"
#include "kselftest_harness.h"
#include "render.h"

TEST(each_has_a_name)
{
	char name[128], want[128];

	/* All that there will be: Linux adds no more. */
	for (__u32 id = 1; id <= 211; id++) {
		const struct kps_helper *helper = kps_helper_find(id);

		kl_helper_name(id, name, sizeof(name));
		EXPECT_EQ(0, strncmp(name, "bpf_", 4)) TH_LOG("%u: %s", id, name);
		snprintf(want, sizeof(want), "(%u), which is not available in kapsel", id);
		EXPECT_EQ(!helper, !!strstr(name, want)) TH_LOG("%u: %s", id, name);
	}
}

TEST(by_the_name_that_linux_has)
{
	char name[128];

	EXPECT_STREQ("bpf_sk_lookup_tcp (84), which is not available in kapsel",
		     kl_helper_name(BPF_FUNC_sk_lookup_tcp, name, sizeof(name)));
	EXPECT_STREQ("bpf_probe_write_user (36), which is not available in kapsel",
		     kl_helper_name(BPF_FUNC_probe_write_user, name, sizeof(name)));
	EXPECT_STREQ("bpf_copy_from_user (148), which is not available in kapsel",
		     kl_helper_name(BPF_FUNC_copy_from_user, name, sizeof(name)));
	EXPECT_STREQ("bpf_task_pt_regs (175), which is not available in kapsel",
		     kl_helper_name(BPF_FUNC_task_pt_regs, name, sizeof(name)));
	EXPECT_STREQ("bpf_tail_call", kl_helper_name(BPF_FUNC_tail_call, name, sizeof(name)));
}

TEST(what_nobody_has)
{
	char name[128];

	EXPECT_STREQ("helper 0", kl_helper_name(0, name, sizeof(name)));
	EXPECT_STREQ("helper 9999", kl_helper_name(9999, name, sizeof(name)));
	EXPECT_STREQ("helper 4294967295", kl_helper_name(-1, name, sizeof(name)));
}

TEST_HARNESS_MAIN
