// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is allocated piece by piece and freed whole */

#include <string.h>

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

/* What is lent comes first, and whatever is in it: who wants zeros asks for them. */
TEST(lent)
{
	struct kps_host host = test_host(NULL);
	static u64 mem[64];
	struct kps_arena arena;
	u64 *piece;
	int round;

	memset(mem, 0xff, sizeof(mem));
	kps_arena_init(&arena, &host, 0);
	kps_arena_lend(&arena, mem, sizeof(mem));
	for (round = 0; round < 3; round++) {
		EXPECT_EQ(sizeof(mem), arena.bytes);
		piece = kps_arena_zalloc(&arena, 200);
		ASSERT_TRUE(piece > mem && piece + 25 <= mem + 64);
		EXPECT_EQ(0, piece[0] | piece[24]);
		memset(piece, 0xff, 200);
		piece = kps_arena_zalloc(&arena, 400);
		ASSERT_NE(NULL, piece);
		EXPECT_TRUE(piece < mem || piece >= mem + 64);
		EXPECT_EQ(0, piece[0] | piece[49]);
		kps_arena_reset(&arena);
	}
	kps_arena_free(&arena);
	EXPECT_EQ(0, arena.bytes);
	EXPECT_EQ(NULL, arena.chunks);
}

TEST(passed_on)
{
	struct kps_host host = test_host(NULL);
	struct kps_arena from, to;
	static u64 mem[128];
	u64 *a, *b;

	memset(mem, 0xff, sizeof(mem));
	kps_arena_init(&from, &host, 0);
	kps_arena_init(&to, &host, 0);
	kps_arena_pass_on(&from, 64, &to);
	EXPECT_EQ(NULL, to.chunks);
	kps_arena_lend(&from, mem, sizeof(mem) / 2);
	kps_arena_lend(&to, mem + 64, sizeof(mem) / 2);
	a = kps_arena_alloc(&from, 104);
	kps_arena_pass_on(&from, 64, &to);
	EXPECT_EQ(sizeof(mem), from.bytes + to.bytes);
	/* All that was kept, and all that was passed on. */
	EXPECT_EQ(a + 13, kps_arena_alloc(&from, 64));
	b = kps_arena_alloc(&to, to.bytes - (from.bytes - 104 - 64));
	ASSERT_NE(NULL, b);
	EXPECT_EQ(mem + 128, b + (to.bytes - (from.bytes - 104 - 64)) / 8);
	kps_arena_pass_on(&from, 64, &to);
	EXPECT_EQ(sizeof(mem), from.bytes + to.bytes);
	kps_arena_free(&from);
	kps_arena_free(&to);
}

TEST_HARNESS_MAIN
