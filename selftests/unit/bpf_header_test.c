// SPDX-License-Identifier: GPL-2.0-only
/* What programs include agrees with the tables, and the tables with Linux */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>
#include <linux/kernel.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "tree.h"

struct row {
	char name[40];
	__u32 number;
	__u32 linux_number;
};

static const struct row helpers[] = {
#define KPS_HELPER(_id, _name, ...) { #_name, _id, BPF_FUNC_##_name },
#include "core/helpers.tbl"
#undef KPS_HELPER
};

/* Lower case in the table, as files are named. */
#define BPF_MAP_TYPE_hash BPF_MAP_TYPE_HASH
#define BPF_MAP_TYPE_array BPF_MAP_TYPE_ARRAY
#define BPF_MAP_TYPE_prog_array BPF_MAP_TYPE_PROG_ARRAY
#define BPF_MAP_TYPE_array_of_maps BPF_MAP_TYPE_ARRAY_OF_MAPS
#define BPF_MAP_TYPE_hash_of_maps BPF_MAP_TYPE_HASH_OF_MAPS
#define BPF_MAP_TYPE_perf_event_array BPF_MAP_TYPE_PERF_EVENT_ARRAY
#define BPF_MAP_TYPE_stack_trace BPF_MAP_TYPE_STACK_TRACE
#define BPF_MAP_TYPE_cgroup_array BPF_MAP_TYPE_CGROUP_ARRAY
#define BPF_MAP_TYPE_cgroup_storage BPF_MAP_TYPE_CGROUP_STORAGE
#define BPF_MAP_TYPE_percpu_cgroup_storage BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
#define BPF_MAP_TYPE_percpu_hash BPF_MAP_TYPE_PERCPU_HASH
#define BPF_MAP_TYPE_percpu_array BPF_MAP_TYPE_PERCPU_ARRAY
#define BPF_MAP_TYPE_lru_hash BPF_MAP_TYPE_LRU_HASH
#define BPF_MAP_TYPE_lru_percpu_hash BPF_MAP_TYPE_LRU_PERCPU_HASH
#define BPF_MAP_TYPE_lpm_trie BPF_MAP_TYPE_LPM_TRIE
#define BPF_MAP_TYPE_queue BPF_MAP_TYPE_QUEUE
#define BPF_MAP_TYPE_stack BPF_MAP_TYPE_STACK
#define BPF_MAP_TYPE_bloom_filter BPF_MAP_TYPE_BLOOM_FILTER
#define BPF_MAP_TYPE_user_ringbuf BPF_MAP_TYPE_USER_RINGBUF
#define BPF_MAP_TYPE_ringbuf BPF_MAP_TYPE_RINGBUF

static const struct row map_types[] = {
#define KPS_MAP_TYPE(_type, _name, ...) { #_name, _type, BPF_MAP_TYPE_##_name },
#include "core/maptypes.tbl"
#undef KPS_MAP_TYPE
};

TEST(numbers_are_linux)
{
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(helpers); i++) {
		EXPECT_EQ(helpers[i].linux_number, helpers[i].number) {
			TH_LOG("helper %s", helpers[i].name);
		}
	}
	for (i = 0; i < ARRAY_SIZE(map_types); i++) {
		EXPECT_EQ(map_types[i].linux_number, map_types[i].number) {
			TH_LOG("map type %s", map_types[i].name);
		}
	}
	EXPECT_EQ(BPF_PROG_TYPE_KPROBE, KAPSEL_PROG_KPROBE);
}

/* The number that the header gives a helper, or 0: "(*bpf_NAME)(...) = (void *)N;" */
static __u32 number_in(const char *header, const char *name)
{
	char start[80];
	const char *at, *end;

	snprintf(start, sizeof(start), "(*bpf_%s)(", name);
	at = strstr(header, start);
	end = at ? strchr(at, ';') : NULL;
	at = at ? strstr(at, "= (void *)") : NULL;
	return at && at < end ? strtoul(at + strlen("= (void *)"), NULL, 10) : 0;
}

TEST(every_helper_is_declared)
{
	char *header = tree_read("tools/bpf/kapsel.bpf.h");
	__u32 i;

	ASSERT_NE(NULL, header);
	for (i = 0; i < ARRAY_SIZE(helpers); i++) {
		EXPECT_EQ(helpers[i].number, number_in(header, helpers[i].name)) {
			TH_LOG("bpf_%s", helpers[i].name);
		}
	}
	free(header);
}

/* And nothing else is: a program that calls it would only be refused. */
TEST(nothing_else_is_declared)
{
	char *header = tree_read("tools/bpf/kapsel.bpf.h");
	const char *at = header;
	__u32 count = 0;

	ASSERT_NE(NULL, header);
	while ((at = strstr(at, "(*bpf_"))) {
		count++;
		at++;
	}
	EXPECT_EQ(ARRAY_SIZE(helpers), count);
	free(header);
}

/* Each helper that is for one type of program only says so behind its number. */
TEST(program_types_are_said)
{
	char *header = tree_read("tools/bpf/kapsel.bpf.h"), start[80], *at, *end;
	struct kapsel_helper_doc doc;
	__u32 i;

	ASSERT_NE(NULL, header);
	for (i = 0; kapsel_helper_at(i, &doc); i++) {
		snprintf(start, sizeof(start), "(*bpf_%s)(", doc.info.name);
		at = strstr(header, start);
		ASSERT_NE(NULL, at);
		end = strchr(strchr(at, ';'), '\n');
		*end = '\0';
		EXPECT_EQ(doc.info.prog_types == KAPSEL_FOR_KPROBE,
			  !!strstr(at, "/* kprobe */")) {
			TH_LOG("bpf_%s", doc.info.name);
		}
		EXPECT_EQ(doc.info.prog_types == KAPSEL_FOR_NETFILTER,
			  !!strstr(at, "/* netfilter */")) {
			TH_LOG("bpf_%s", doc.info.name);
		}
		*end = '\n';
	}
	free(header);
}

TEST_HARNESS_MAIN
