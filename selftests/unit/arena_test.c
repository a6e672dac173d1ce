// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is allocated piece by piece and freed whole */

#include <linux/kernel.h>

#include "core/arena.h"
#include "kselftest_harness.h"
#include "lib/insn_build.h"

TEST(pieces)
{
	struct kps_host host = test_host(NULL);
	struct kps_arena arena;
	u64 *a, *b;
	int i;

	kps_arena_init(&arena, &host, 0);
	a = kps_arena_alloc(&arena, 12);
	b = kps_arena_alloc(&arena, 8);
	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	EXPECT_EQ(a + 2, b);
	EXPECT_EQ(0, a[0] | a[1] | b[0]);
	for (i = 0; i < 10000; i++) {
		a = kps_arena_alloc(&arena, 24);
		ASSERT_NE(NULL, a);
		EXPECT_EQ(0, (unsigned long)a % 8);
		EXPECT_EQ(0, a[0] | a[1] | a[2]);
		memset(a, 0xff, 24);
	}
	EXPECT_LE(240000, arena.bytes);
	kps_arena_free(&arena);
	EXPECT_EQ(0, arena.bytes);
}

TEST(big)
{
	struct kps_host host = test_host(NULL);
	struct kps_arena arena;
	char *mem;

	kps_arena_init(&arena, &host, 0);
	mem = kps_arena_array(&arena, 1 << 20, 3);
	ASSERT_NE(NULL, mem);
	mem[(3 << 20) - 1] = 1;
	EXPECT_EQ(NULL, kps_arena_array(&arena, SIZE_MAX / 4, 8));
	EXPECT_EQ(NULL, kps_arena_alloc(&arena, SIZE_MAX));
	EXPECT_FALSE(arena.exhausted);
	kps_arena_free(&arena);
}

TEST(limit)
{
	struct kps_host host = test_host(NULL);
	struct kps_arena arena;

	kps_arena_init(&arena, &host, 100000);
	EXPECT_NE(NULL, kps_arena_alloc(&arena, 50000));
	EXPECT_FALSE(arena.exhausted);
	EXPECT_EQ(NULL, kps_arena_alloc(&arena, 60000));
	EXPECT_TRUE(arena.exhausted);
	EXPECT_NE(NULL, kps_arena_alloc(&arena, 100));
	kps_arena_free(&arena);
	EXPECT_FALSE(arena.exhausted);
}

TEST(no_memory)
{
	size_t left = 0;
	struct kps_host host = test_host(&left);
	struct kps_arena arena;

	kps_arena_init(&arena, &host, 0);
	EXPECT_EQ(NULL, kps_arena_alloc(&arena, 8));
	EXPECT_FALSE(arena.exhausted);
	kps_arena_free(&arena);
}

TEST_HARNESS_MAIN
