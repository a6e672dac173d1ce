// SPDX-License-Identifier: GPL-2.0-only
/* Hooks as people write them, and what a function's name may mean */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "core/diag.h"
#include "internal.h"
#include "kselftest_harness.h"

static const char symbols[] =
	"ffffffff81000000 T _stext\n"
	"ffffffff81001000 T vfs_read\n"
	"ffffffff81002000 t cleanup\n"
	"ffffffff81003000 t cleanup\n"
	"ffffffff81004000 t do_sys_openat2\n"
	"ffffffff81005000 t only_inlined.isra.0\n"
	"ffffffff82000000 D a_variable\n"
	"ffffffffc0001000 t cleanup\t[nf_tables]\n"
	"ffffffffc0002000 t in_module\t[nf_tables]\n"
	"ffffffffc0003000 t in_module\t[nf_tables_extra]\n"
	"not a line at all\n"
	"\n";

FIXTURE(kallsyms)
{
	char path[64];
	struct kapsel_error err;
	struct kapsel_hook hook;
};

FIXTURE_SETUP(kallsyms)
{
	int fd;

	memset(self, 0, sizeof(*self));
	strcpy(self->path, "/tmp/kallsyms.XXXXXX");
	fd = mkstemp(self->path);
	ASSERT_LE(0, fd);
	ASSERT_EQ(sizeof(symbols) - 1, write(fd, symbols, sizeof(symbols) - 1));
	close(fd);
}

FIXTURE_TEARDOWN(kallsyms)
{
	unlink(self->path);
}

static int check(struct _test_data_kallsyms *self, const char *words)
{
	memset(&self->err, 0, sizeof(self->err));
	if (kapsel_hook_parse(words, &self->hook, &self->err))
		return self->err.err;
	return kapsel_hook_check(&self->hook, self->path, &self->err);
}

TEST_F(kallsyms, one_function)
{
	EXPECT_EQ(0, check(self, "kprobe:vfs_read"));
	EXPECT_EQ(0, check(self, "kretprobe:do_sys_openat2"));
	EXPECT_EQ(0, check(self, "kprobe:vfs_read+4"));
}

/* The kernel knows what is there; a list may be closed to the reader. */
TEST_F(kallsyms, no_function)
{
	EXPECT_EQ(0, check(self, "kprobe:no_such_thing"));
	EXPECT_EQ(0, check(self, "nf:inet:input"));
	strcpy(self->path, "/nonexistent");
	EXPECT_EQ(0, check(self, "kprobe:cleanup"));
}

TEST_F(kallsyms, several)
{
	EXPECT_EQ(-EADDRNOTAVAIL, check(self, "kprobe:cleanup"));
	EXPECT_EQ(KPS_D_AMBIGUOUS, self->err.code);
	EXPECT_NE(NULL, strstr(self->err.text, "KA007"));
	EXPECT_NE(NULL, strstr(self->err.text, "3 functions"));
	EXPECT_NE(NULL, strstr(self->err.hint, "kprobe:cleanup@0xffffffff81002000"));
	EXPECT_NE(NULL, strstr(self->err.hint, "kprobe:cleanup@0xffffffffc0001000 (nf_tables)"));
}

/* What the hint says can be typed. */
TEST_F(kallsyms, one_of_several)
{
	EXPECT_EQ(0, check(self, "kprobe:cleanup@0xffffffff81003000"));
	EXPECT_EQ(0xffffffff81003000ULL, self->hook.addr);
	EXPECT_STREQ("cleanup", self->hook.target);
	EXPECT_EQ(0, check(self, "kprobe:nf_tables:cleanup"));
	EXPECT_STREQ("nf_tables:cleanup", self->hook.target);
	EXPECT_EQ(-EADDRNOTAVAIL, check(self, "kprobe:in_module"));
	EXPECT_EQ(0, check(self, "kprobe:nf_tables:in_module"));
}

/* As the kernel shows them to those without rights. */
TEST_F(kallsyms, by_address)
{
	struct kapsel_ksyms *syms = kapsel_ksyms_read(self->path);
	__u64 off = 0;

	ASSERT_NE(NULL, syms);
	EXPECT_STREQ("nf_tables_extra:in_module",
		     kapsel_ksyms_find(syms, 0xffffffffc0003007, &off));
	EXPECT_EQ(7, off);
	EXPECT_STREQ("nf_tables_extra:in_module",
		     kapsel_ksyms_find(syms, 0xffffffffc0003000, &off));
	EXPECT_EQ(0, off);
	/* Before the first one, and where no function reaches. */
	EXPECT_EQ(NULL, kapsel_ksyms_find(syms, 0x1000, &off));
	EXPECT_EQ(NULL, kapsel_ksyms_find(syms, -1ULL, &off));
	kapsel_ksyms_free(syms);
	EXPECT_EQ(NULL, kapsel_ksyms_read("/no/such/file"));
}

TEST_F(kallsyms, hidden_addresses)
{
	static const char hidden[] = "0000000000000000 t cleanup\n"
				     "0000000000000000 t cleanup\t[nf_tables]\n";
	FILE *file = fopen(self->path, "we");

	ASSERT_NE(NULL, file);
	fputs(hidden, file);
	fclose(file);
	EXPECT_EQ(-EADDRNOTAVAIL, check(self, "kprobe:cleanup"));
	EXPECT_NE(NULL, strstr(self->err.hint, "MODULE:NAME"));
	EXPECT_NE(NULL, strstr(self->err.hint, "(nf_tables)"));
	EXPECT_EQ(NULL, strstr(self->err.hint, "@0x"));
	EXPECT_EQ(0, check(self, "kprobe:nf_tables:cleanup"));
}

TEST_F(kallsyms, similar)
{
	char names[4][KAPSEL_TARGET_LEN];

	ASSERT_LE(1, kapsel_symbols_like(self->path, "do_sys_open", names, 4));
	EXPECT_STREQ("do_sys_openat2", names[0]);
	ASSERT_LE(1, kapsel_symbols_like(self->path, "only_inlined", names, 4));
	EXPECT_STREQ("only_inlined.isra.0", names[0]);
	EXPECT_EQ(0, kapsel_symbols_like(self->path, "a_variable", names, 4));
	EXPECT_EQ(0, kapsel_symbols_like("/nonexistent", "vfs_read", names, 4));
}

static const char * const same_again[] = {
	"kprobe:vfs_read", "kprobe:vfs_read+0x10", "kretprobe:vfs_read",
	"kprobe:vfs_read@0xffffffff81001000", "kprobe:vfs_read@0xffffffff81001000+0x4",
	"kretprobe:m:f@0x10", "kprobe:ext4:ext4_map_blocks", "nf:inet:input",
	"kprobe.multi:vfs_*", "kretprobe.multi:nf_tables:nf_*,vfs_[rw]*", "kprobe.multi:one",
	"nf:ip6:postrouting:-5", "nf:ip:output:2147483646",
};

TEST(written_and_read)
{
	struct kapsel_error err;
	struct kapsel_hook hook;
	char words[400];
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(same_again); i++) {
		ASSERT_EQ(0, kapsel_hook_parse(same_again[i], &hook, &err)) {
			TH_LOG("%s: %s", same_again[i], err.text);
		}
		EXPECT_STREQ(same_again[i], kapsel_hook_format(&hook, words, sizeof(words)));
	}
}

static const char * const refused[] = {
	"", "kprobe", "kprobe:", "kprobe:+4", "kprobe:@0x10", "kprobe:f+", "kprobe:f+x",
	"kprobe:f+-1", "kprobe:f@", "kprobe:f@x", "kprobe:f@-1", "kprobe:f@1x", "kprobe:f@1+",
	"kretprobe:f+4", "kretprobe:f@1+4", "kprobe:f*+4", "kprobe:f,g@8", "kprobe.multi:f+1",
	"kprobe.multi", "kprobe.multi:", "kprobe:f+99999999999999999999", "uprobe:f", "nf",
	"nf:", "nf:inet", "nf:inet:", "nf:bridge:input", "nf:inet:ingress",
	"nf:inet:input:x", "nf:inet:input:", "nf:inet:input:2147483647",
	"nf:inet:input:-2147483648", "nf:inet:input:1:2",
};

TEST(refused_in_one_sentence)
{
	struct kapsel_hook hook;
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		struct kapsel_error err = {};

		EXPECT_GT(0, kapsel_hook_parse(refused[i], &hook, &err)) {
			TH_LOG("taken: '%s'", refused[i]);
		}
		EXPECT_NE('\0', err.text[0]);
		EXPECT_GT(0, kapsel_hook_parse(refused[i], &hook, NULL));
	}
}

TEST(sections)
{
	struct kapsel_error err;
	struct kapsel_hook hook;

	ASSERT_EQ(0, kapsel_hook_from_sec("kprobe/nf_tables:cleanup+0x8", &hook, &err));
	EXPECT_STREQ("nf_tables:cleanup", hook.target);
	EXPECT_EQ(8, hook.offset);
	ASSERT_EQ(0, kapsel_hook_from_sec("ksyscall/openat", &hook, &err));
	EXPECT_STREQ("__x64_sys_openat", hook.target);
	ASSERT_EQ(0, kapsel_hook_from_sec("kprobe.multi/tcp_*", &hook, &err));
	EXPECT_EQ(KAPSEL_HOOK_KPROBE_MULTI, hook.hook);
	EXPECT_EQ(KAPSEL_PROG_KPROBE, hook.prog_type);
	ASSERT_EQ(0, kapsel_hook_from_sec("kretsyscall/open*", &hook, &err));
	EXPECT_EQ(KAPSEL_HOOK_KRETPROBE_MULTI, hook.hook);
	EXPECT_STREQ("__x64_sys_open*", hook.target);
	ASSERT_EQ(0, kapsel_hook_from_sec("kprobe.multi", &hook, &err));
	EXPECT_STREQ("", hook.target);
	/* A packet program whose place is yet to be said. */
	ASSERT_EQ(0, kapsel_hook_from_sec("cgroup/skb", &hook, &err));
	EXPECT_EQ(KAPSEL_PROG_NETFILTER, hook.prog_type);
	EXPECT_EQ(0, hook.hook);
	EXPECT_FALSE(hook.check_only);
	EXPECT_GT(0, kapsel_hook_from_sec("cgroup/sock", &hook, &err));
	EXPECT_EQ(0, hook.prog_type);
}

/* Others' packet programs: verified, but no hook takes them. */
TEST(socket_filters)
{
	static const char * const are[] = { "socket", "socket1", "socket/1", "?socket" };
	static const char * const are_not[] = { "sockets", "socket_filter", "sock", "socket1x" };
	struct kapsel_hook hook;
	struct kapsel_error err;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(are); i++) {
		ASSERT_EQ(0, kapsel_hook_from_sec(are[i], &hook, &err));
		EXPECT_TRUE(hook.check_only);
		EXPECT_EQ(0, hook.hook);
		EXPECT_EQ(KAPSEL_PROG_NETFILTER, hook.prog_type);
	}
	for (i = 0; i < ARRAY_SIZE(are_not); i++)
		EXPECT_GT(0, kapsel_hook_from_sec(are_not[i], &hook, &err));
}

/* ------------------------------------------------------------------------
 * Many functions
 */
static int find(FIXTURE_DATA(kallsyms) * self, const char *list,
		const struct kapsel_attach_opts *opts, struct kl_functions *found)
{
	static const struct kapsel_attach_opts none = { .cookie = 7 };

	kl_functions_free(found);
	self->err = (struct kapsel_error){};
	return kl_functions_find(list, self->path, opts ?: &none, found, &self->err);
}

TEST_F(kallsyms, functions_by_pattern)
{
	struct kl_functions found = {};

	ASSERT_EQ(0, find(self, "clean*", NULL, &found));
	EXPECT_TRUE(found.pattern);
	ASSERT_EQ(3, found.count);
	EXPECT_EQ(0xffffffff81002000ULL, found.addrs[0]);
	EXPECT_EQ(0xffffffffc0001000ULL, found.addrs[2]);
	EXPECT_EQ(7, found.cookies[2]);
	ASSERT_EQ(0, find(self, "nf_tables:*", NULL, &found));
	EXPECT_EQ(2, found.count);
	/* Each once, whatever means it. */
	ASSERT_EQ(0, find(self, "vfs_read,vfs_*,*_read", NULL, &found));
	EXPECT_EQ(1, found.count);
	EXPECT_EQ(-ENOENT, find(self, "nothing_*", NULL, &found));
	EXPECT_NE(NULL, strstr(self->err.text, "nothing_*"));
	EXPECT_EQ(-ENOENT, find(self, "vfs_*,ext4:*", NULL, &found));
	kl_functions_free(&found);
}

TEST_F(kallsyms, functions_by_name)
{
	static const __u64 cookies[] = { 11, 22 };
	struct kapsel_attach_opts opts = { .cookies = cookies, .nr_cookies = 2 };
	struct kl_functions found = {};

	ASSERT_EQ(0, find(self, "nf_tables:in_module,vfs_read", &opts, &found));
	EXPECT_FALSE(found.pattern);
	ASSERT_EQ(2, found.count);
	/* By address; the cookies are those of their names. */
	EXPECT_EQ(22, found.cookies[0]);
	EXPECT_EQ(11, found.cookies[1]);
	EXPECT_EQ(-EINVAL, find(self, "vfs_read", &opts, &found));
	EXPECT_EQ(-EADDRNOTAVAIL, find(self, "vfs_read,cleanup", NULL, &found));
	EXPECT_NE(NULL, strstr(self->err.hint, "MODULE:cleanup"));
	EXPECT_EQ(-ENOENT, find(self, "vfs_raed,do_sys_openat2", NULL, &found));
	EXPECT_NE(NULL, strstr(self->err.hint, "vfs_read"));
	EXPECT_EQ(-EINVAL, find(self, "vfs_read,", NULL, &found));
	EXPECT_EQ(-EINVAL, find(self, ",", NULL, &found));
	EXPECT_EQ(-EINVAL, find(self, "m:", NULL, &found));
	strcpy(self->path, "/nonexistent");
	EXPECT_EQ(-ENOENT, find(self, "vfs_*", NULL, &found));
	kl_functions_free(&found);
}

static void write_symbols(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file)
		abort();
	fputs(text, file);
	fclose(file);
}

TEST_F(kallsyms, parts_of_functions_are_none)
{
	struct kl_functions found = {};

	write_symbols(self->path, "1000 t walk\n1100 t walk.cold\n1200 t __pfx_walk\n"
		      "1300 t walk.cold.12\n1400 t __cfi_walk\n1000 T walk_too\n");
	ASSERT_EQ(0, find(self, "*walk*", NULL, &found));
	EXPECT_EQ(1, found.count);
	/* But for who names it. */
	ASSERT_EQ(0, find(self, "walk.cold", NULL, &found));
	EXPECT_EQ(0x1100, found.addrs[0]);
	write_symbols(self->path, "0 t walk\n");
	EXPECT_EQ(-EPERM, find(self, "walk*", NULL, &found));
	EXPECT_NE(NULL, strstr(self->err.hint, "kptr_restrict"));
	kl_functions_free(&found);
}

TEST_F(kallsyms, that_begin_at_an_address)
{
	struct kapsel_symbol sym;

	ASSERT_TRUE(kapsel_symbol_at(self->path, 0xffffffffc0001000ULL, &sym));
	EXPECT_STREQ("cleanup", sym.name);
	EXPECT_STREQ("nf_tables", sym.module);
	EXPECT_FALSE(kapsel_symbol_at(self->path, 0xffffffffc0001001ULL, &sym));
	EXPECT_FALSE(kapsel_symbol_at(self->path, 0, &sym));
}

TEST_HARNESS_MAIN
