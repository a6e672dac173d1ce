// SPDX-License-Identifier: GPL-2.0-only
/* Formats: which are understood, what they print, and where there is no room left */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "core/format.h"
#include "kselftest_harness.h"

#define ADDR(x)	((u64)(uintptr_t)(x))
#define BAD	0	/* where nothing can be read */

/* ------------------------------------------------------------------------
 * A home: memory is the test's own, and pointers show how they were asked for
 */
static long copy_string(char *to, u32 size, u64 addr, char letter)
{
	(void)letter;
	if (addr == BAD)
		return -EFAULT;
	return snprintf(to, size, "%s", (const char *)(uintptr_t)addr) < (int)size ?
	       (long)strlen(to) + 1 : (long)size;
}

static void copy_bytes(void *to, u32 size, u64 addr)
{
	if (addr == BAD)
		memset(to, 0, size);
	else
		memcpy(to, (const void *)(uintptr_t)addr, size);
}

static bool fails;

static int show_pointer(char *to, size_t size, const char *spec, const void *value)
{
	if (fails)
		return -EINVAL;
	if (spec[2] == 'I' || spec[2] == 'i')
		return snprintf(to, size, "<%s %u>", spec + 1, *(const u8 *)value);
	return snprintf(to, size, "<%s %lu>", spec + 1, (unsigned long)(uintptr_t)value);
}

static const struct kps_format_home home = {
	.string = copy_string, .bytes = copy_bytes, .print = show_pointer,
};

static int understand(const char *fmt, u32 nr_args, u32 *bad)
{
	struct kps_format f;

	return kps_format_parse(&f, fmt, strlen(fmt) + 1, nr_args, bad);
}

/* The length of the text, or -errno. */
static long print(const char *fmt, const u64 *args, char *buf, size_t size)
{
	struct kps_format f;
	u32 bad;
	int err = kps_format_parse(&f, fmt, strlen(fmt) + 1, KPS_FORMAT_ARGS, &bad);

	err = err ?: kps_format_fetch(&f, args, &home);
	return err ?: (long)kps_format_print(&f, fmt, args, &home, buf, size);
}

/* ------------------------------------------------------------------------
 * Texts
 */
static const u8 ip[16] = { 10, 1, 2, 3 };

static const struct { const char *fmt; u64 args[3]; const char *text; } texts[] = {
	{ "", {}, "" },
	{ "plain, 100%%", {}, "plain, 100%" },
	{ "%%%d%%", { 5 }, "%5%" },
	{ "%d %i", { -1ULL, 0xffffffff00000007 }, "-1 7" },
	{ "%u %x %X", { -1ULL, 0xabcd, 0xabcd }, "4294967295 abcd ABCD" },
	{ "%ld %lu", { -1ULL, -1ULL }, "-1 18446744073709551615" },
	{ "%lld|%llx", { -2ULL, -1ULL }, "-2|ffffffffffffffff" },
	{ "%5d|%-5d|%05d", { 42, 42, 42 }, "   42|42   |00042" },
	{ "%+d|% d", { 42, 42 }, "+42| 42" },
	{ "%c%c", { 'a', 'b' + 256 }, "ab" },
	{ "%3c|", { 'a' }, "  a|" },
	{ "%s.", { ADDR("text") }, "text." },
	{ "%6s|%-6s|", { ADDR("ab"), ADDR("cd") }, "    ab|cd    |" },
	{ "%s.", { BAD }, "." },
	{ "%pks %pus", { ADDR("k"), ADDR("u") }, "k u" },
	{ "%p, %pK, %px", { 1, 2, 3 }, "<p 1>, <pK 2>, <px 3>" },
	{ "%ps %pS", { 1, 2 }, "<ps 1> <pS 2>" },
	{ "%pB!", { 3 }, "<pB 3>!" },
	{ "%pI4 %pi4", { ADDR(ip), ADDR(ip) }, "<pI4 10> <pi4 10>" },
	{ "%pI6.%pi6", { ADDR(ip), BAD }, "<pI6 10>.<pi6 0>" },
	/* Letters behind a pointer belong to it. */
	{ "%pSR %pI4abc.", { 1, ADDR(ip) }, "<pS 1> <pI4 10>." },
	{ "\xc3\xa4\t%d\n", { 1 }, "\xc3\xa4\t1\n" },
};

TEST(texts_are_printed)
{
	char buf[128];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		EXPECT_EQ((long)strlen(texts[i].text),
			  print(texts[i].fmt, texts[i].args, buf, sizeof(buf))) {
			TH_LOG("%s", texts[i].fmt);
		}
		EXPECT_STREQ(texts[i].text, buf);
	}
}

/* Of each buffer's size: as much as fits in, and the whole length. */
TEST(texts_are_cut)
{
	const u64 args[] = { 12345, ADDR("string"), 'c', 7 };
	const char *fmt = "a%%%d-%s-%c-%px.", *whole = "a%12345-string-c-<px 7>.";
	size_t size, len = strlen(whole);
	char buf[64];

	for (size = 0; size <= len + 2; size++) {
		memset(buf, '#', sizeof(buf));
		ASSERT_EQ((long)len, print(fmt, args, buf, size));
		if (size) {
			EXPECT_EQ(min(size - 1, len), strlen(buf));
			EXPECT_EQ(0, strncmp(whole, buf, strlen(buf)));
		}
		EXPECT_EQ('#', buf[size]);
	}
}

/* ------------------------------------------------------------------------
 * What is not understood, and where
 */
static const struct { const char *fmt; u32 bad; } wrong[] = {
	{ "%", 0 }, { "ab%", 2 }, { "%d %q", 3 }, { "%f", 0 }, { "%n", 0 }, { "%*d", 0 },
	{ "%.3s", 0 }, { "%hd", 0 }, { "%llld", 0 }, { "%l", 0 }, { "%5", 0 },
	{ "%sx", 0 }, { "%s1", 0 }, { "%pksx", 0 }, { "%pka", 0 }, { "%pz", 0 },
	{ "%pI", 0 }, { "%pI5", 0 }, { "%1024d", 0 }, { "%99999999999d", 0 },
	{ "a\x01z", 1 }, { "\x7f", 0 },
};

TEST(wrong_formats_are_refused)
{
	u32 i, bad;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, understand(wrong[i].fmt, KPS_FORMAT_ARGS, &bad)) {
			TH_LOG("%s", wrong[i].fmt);
		}
		EXPECT_EQ(wrong[i].bad, bad) {
			TH_LOG("%s", wrong[i].fmt);
		}
	}
	/* The nearest that are right. */
	EXPECT_EQ(0, understand("%1023d %s. %s! %pks", 4, &bad));
}

TEST(arguments_are_enough)
{
	const char *twelve = "%d%d%d%d%d%d%d%d%d%d%d%d";
	char thirteen[32];
	u32 bad;

	snprintf(thirteen, sizeof(thirteen), "%s%%d", twelve);
	EXPECT_EQ(0, understand(twelve, KPS_FORMAT_ARGS, &bad));
	EXPECT_EQ(-EINVAL, understand(twelve, KPS_FORMAT_ARGS - 1, &bad));
	EXPECT_EQ(22, bad);
	EXPECT_EQ(-EINVAL, understand(thirteen, 100, &bad));
	EXPECT_EQ(24, bad);
	EXPECT_EQ(0, understand("100%%", 0, &bad));
}

TEST(formats_end)
{
	static char text[KPS_MAX_STRING + 1];
	struct kps_format f;
	u32 bad;

	EXPECT_EQ(-EINVAL, kps_format_parse(&f, "abc", 3, 0, &bad));
	EXPECT_EQ(3, bad);
	EXPECT_EQ(0, kps_format_parse(&f, "abc", 4, 0, &bad));
	EXPECT_EQ(-EINVAL, kps_format_parse(&f, "", 0, 0, &bad));
	memset(text, 'x', KPS_MAX_STRING);
	EXPECT_EQ(-EINVAL, kps_format_parse(&f, text, sizeof(text), 0, &bad));
	text[KPS_MAX_STRING - 1] = '\0';
	EXPECT_EQ(0, kps_format_parse(&f, text, sizeof(text), 0, &bad));
	EXPECT_EQ(KPS_MAX_STRING - 1, f.end);
}

/* ------------------------------------------------------------------------
 * Room for what is fetched
 */
static long with_string(u32 len, const char *rest, u64 arg)
{
	char string[KPS_FORMAT_ROOM + 1], fmt[16], buf[16];
	const u64 args[] = { ADDR(string), arg };

	memset(string, 'y', len);
	string[len] = '\0';
	snprintf(fmt, sizeof(fmt), "%%s %s", rest);
	return print(fmt, args, buf, sizeof(buf)) < 0 ? -ENOSPC : 0;
}

TEST(room_runs_out)
{
	const u32 all = KPS_FORMAT_ROOM - 1;

	EXPECT_EQ(0, with_string(all, "", 0));
	/* Cut, which leaves none for more. */
	EXPECT_EQ(0, with_string(all + 1, "", 0));
	EXPECT_EQ(-ENOSPC, with_string(all, "%c", 'c'));
	EXPECT_EQ(0, with_string(all - 1, "%c", 'c'));
	EXPECT_EQ(-ENOSPC, with_string(all, "%s", ADDR("")));
	EXPECT_EQ(0, with_string(all - 1, "%s", ADDR("")));
	/* Numbers are aligned. */
	EXPECT_EQ(0, with_string(all - 4, "%d", 1));
	EXPECT_EQ(-ENOSPC, with_string(all - 3, "%d", 1));
	EXPECT_EQ(0, with_string(all - 8, "%lx", 1));
	EXPECT_EQ(-ENOSPC, with_string(all - 7, "%lx", 1));
	EXPECT_EQ(0, with_string(all - 8, "%px", 1));
	EXPECT_EQ(-ENOSPC, with_string(all - 7, "%px", 1));
	/* The address itself, and its text, "<pI4 10>" and NUL. */
	EXPECT_EQ(-ENOSPC, with_string(all - 3, "%pI4", ADDR(ip)));
	EXPECT_EQ(-ENOSPC, with_string(all - 8, "%pI4", ADDR(ip)));
	EXPECT_EQ(0, with_string(all - 9, "%pI4", ADDR(ip)));
	EXPECT_EQ(-ENOSPC, with_string(all - 15, "%pI6", ADDR(ip)));
	EXPECT_EQ(0, with_string(all - 16, "%pI6", ADDR(ip)));
}

TEST(what_cannot_be_printed)
{
	const u64 args[] = { 1 };
	char buf[16];

	fails = true;
	EXPECT_EQ(-ENOSPC, print("%pB", args, buf, sizeof(buf)));
	fails = false;
	EXPECT_LT(0, print("%pB", args, buf, sizeof(buf)));
}

TEST_HARNESS_MAIN
