// SPDX-License-Identifier: GPL-2.0-only
/* Links to many functions: which they are, what programs are told of them, and an end */

#include <linux/kernel.h>

#include "core/diag.h"
#include "kapsel.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_target.h"

#define ENTRIES	KAPSEL_HOOK_KPROBE_MULTI
#define RETURNS	KAPSEL_HOOK_KRETPROBE_MULTI

#define NR_CALLS 3

/* System calls that nobody makes by chance, in the order of their cookies. */
static const char * const functions[NR_CALLS] = {
	"__x64_sys_getpgid", "__x64_sys_getsid", "__x64_sys_getpriority",
};

static void call_all(void)
{
	syscall(SYS_getpgid, 0);
	syscall(SYS_getsid, 0);
	syscall(SYS_getpriority, 0, 0);
}

/*
 * For calls of this process: what bpf_get_func_ip() says goes into the element of
 * which bpf_get_attach_cookie() is the number, and eight further on they are counted.
 */
#define NOTE								\
	"r7 = r1\n"							\
	"call bpf_get_current_pid_tgid\n"				\
	"r0 >>= 32\n"							\
	"if r0 != %d goto out\n"					\
	"r1 = r7\n"							\
	"call bpf_get_func_ip\n"					\
	"r6 = r0\n"							\
	"r1 = r7\n"							\
	"call bpf_get_attach_cookie\n"					\
	"*(u32 *)(r10 - 4) = w0\n"					\
	"r2 = r10\n"							\
	"r2 += -4\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"call bpf_map_lookup_elem\n"					\
	"if r0 == 0 goto out\n"						\
	"*(u64 *)(r0 + 0) = r6\n"					\
	"r1 = *(u32 *)(r10 - 4)\n"					\
	"r1 += 8\n"							\
	"*(u32 *)(r10 - 4) = w1\n"					\
	"r2 = r10\n"							\
	"r2 += -4\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"call bpf_map_lookup_elem\n"					\
	"if r0 == 0 goto out\n"						\
	"r1 = 1\n"							\
	"lock *(u64 *)(r0 + 0) += r1\n"					\
	"out:\n"							\
	"r0 = 0\n"							\
	"exit\n"

FIXTURE(multi) {
	int dev;
	int map;
	int prog;
	__u64 addrs[NR_CALLS];
	__u64 cookies[NR_CALLS];
	struct kapsel_rec_problem rec;
	struct kapsel_link_create arg;
};

static __u64 address(const char *name)
{
	struct kapsel_symbol sym;

	return kapsel_symbols_named(NULL, name, &sym, 1) == 1 ? sym.addr : 0;
}

FIXTURE_SETUP(multi)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 16, 0);
	ASSERT_LE(0, self->map);
	self->prog = km_kprobe(self->dev, NOTE, getpid(), self->map, self->map);
	ASSERT_LE(0, self->prog);
	for (int i = 0; i < NR_CALLS; i++) {
		self->addrs[i] = address(functions[i]);
		self->cookies[i] = i + 1;
		ASSERT_NE(0, self->addrs[i]);
	}
}

FIXTURE_TEARDOWN(multi)
{
}

static int attach(FIXTURE_DATA(multi) * self, __u32 hook, const __u64 *addrs, __u32 count,
		  __u32 flags)
{
	self->rec = (struct kapsel_rec_problem){};
	self->arg = (struct kapsel_link_create){
		.prog_fd = self->prog, .hook = hook, .flags = flags, .cookie = 5,
		.multi = { .addrs = km_ptr(addrs), .count = count },
		.log = { .buf = km_ptr(&self->rec), .size = sizeof(self->rec) },
	};
	return km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg);
}

static int attach_with_cookies(FIXTURE_DATA(multi) * self, __u32 hook)
{
	self->arg = (struct kapsel_link_create){
		.prog_fd = self->prog, .hook = hook,
		.multi = {
			.pattern = km_ptr("some,functions"), .addrs = km_ptr(self->addrs),
			.cookies = km_ptr(self->cookies), .count = NR_CALLS,
		},
	};
	return km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg);
}

FIXTURE_VARIANT(multi) {
	__u32 hook;
};

FIXTURE_VARIANT_ADD(multi, entries) { .hook = ENTRIES };
FIXTURE_VARIANT_ADD(multi, returns) { .hook = RETURNS };

TEST_F(multi, each_with_its_cookie_and_address)
{
	int link = attach_with_cookies(self, variant->hook);

	ASSERT_LE(0, link);
	for (int i = 0; i < 10; i++)
		call_all();
	for (int i = 0; i < NR_CALLS; i++) {
		EXPECT_EQ(self->addrs[i], km_value(self->map, i + 1));
		EXPECT_EQ(10, km_value(self->map, i + 9));
	}
	EXPECT_LE(3 * 10, km_info(link).link.runs);
	ASSERT_EQ(0, km_detach(link));
	call_all();
	for (int i = 0; i < NR_CALLS; i++)
		EXPECT_EQ(10, km_value(self->map, i + 9));
	EXPECT_EQ(KAPSEL_LINK_DETACHED, km_info(link).link.state);
}

TEST_F(multi, without_cookies_the_links_own)
{
	int link = attach(self, variant->hook, self->addrs, NR_CALLS, 0);

	ASSERT_LE(0, link);
	call_all();
	EXPECT_EQ(3, km_value(self->map, 5 + 8));
}

TEST_F(multi, what_it_says_of_itself)
{
	int link = attach_with_cookies(self, variant->hook);
	struct kapsel_link_site sites[NR_CALLS + 1] = {};
	struct kapsel_obj_info info = {};
	char target[64] = "";

	ASSERT_LE(0, link);
	info.link.target = km_ptr(target);
	info.link.target_size = sizeof(target);
	info.link.sites = km_ptr(sites);
	info.link.site_cnt = NR_CALLS + 1;
	ASSERT_EQ(0, km_ioctl(link, KAPSEL_OBJ_INFO, &info));
	EXPECT_STREQ("some,functions", target);
	EXPECT_EQ(variant->hook, info.link.hook);
	EXPECT_EQ(NR_CALLS, info.link.site_cnt);
	EXPECT_EQ(0, info.link.skipped);
	EXPECT_EQ(variant->hook == ENTRIES ? KAPSEL_VIA_FTRACE : KAPSEL_VIA_KRETPROBE,
		  info.link.via);
	for (int i = 0; i < NR_CALLS; i++) {
		if (i)
			EXPECT_LT(sites[i - 1].addr, sites[i].addr);
		for (int j = 0; j < NR_CALLS; j++)
			if (sites[i].addr == self->addrs[j])
				EXPECT_EQ(self->cookies[j], sites[i].cookie);
		EXPECT_NE(0, sites[i].cookie);
	}
	EXPECT_EQ(0, sites[NR_CALLS].addr);
	/* Less room: what fits. */
	memset(sites, 0, sizeof(sites));
	info.link.site_cnt = 1;
	ASSERT_EQ(0, km_ioctl(link, KAPSEL_OBJ_INFO, &info));
	EXPECT_EQ(NR_CALLS, info.link.site_cnt);
	EXPECT_NE(0, sites[0].addr);
	EXPECT_EQ(0, sites[1].addr);
	info.link.sites = 8;
	EXPECT_EQ(-EFAULT, km_ioctl(link, KAPSEL_OBJ_INFO, &info));
}

/* ------------------------------------------------------------------------
 * What is refused
 */
#define EXPECT_REFUSED(err, _code, _detail, _call) do {			\
	EXPECT_EQ(err, _call);						\
	EXPECT_EQ(_code, self->arg.log.verdict.code);			\
	EXPECT_EQ(_code, self->rec.code);				\
	EXPECT_EQ(_detail, self->rec.detail);				\
} while (0)

TEST_F(multi, lists_that_are_none)
{
	__u32 most = variant->hook == ENTRIES ? KAPSEL_MAX_FUNCTIONS : KAPSEL_MAX_RETURNS;
	__u64 twice[] = { self->addrs[0], self->addrs[1], self->addrs[0] };

	EXPECT_REFUSED(-EINVAL, KPS_D_FUNCTIONS, 0,
		       attach(self, variant->hook, self->addrs, 0, 0));
	EXPECT_REFUSED(-E2BIG, KPS_D_FUNCTIONS, 0,
		       attach(self, variant->hook, self->addrs, most + 1, 0));
	EXPECT_REFUSED(-EINVAL, KPS_D_FUNCTIONS, self->addrs[0],
		       attach(self, variant->hook, twice, 3, 0));
	EXPECT_REFUSED(-EINVAL, KPS_D_FUNCTIONS, self->addrs[0],
		       attach(self, variant->hook, twice, 3, KAPSEL_LINK_SKIP));
	EXPECT_EQ(-EFAULT, attach(self, variant->hook, NULL, 3, 0));
	EXPECT_EQ(-EFAULT, attach(self, variant->hook, (void *)8, 1, 0));
	EXPECT_EQ(1, km_objects(self->dev) - 1);
}

TEST_F(multi, functions_that_may_not_be_probed)
{
	__u64 blacklisted = address("do_int3"), own = address("kps_prog_run");
	__u64 bad[] = { self->addrs[0], blacklisted };

	ASSERT_NE(0, blacklisted);
	EXPECT_REFUSED(-EINVAL, KPS_D_BLACKLIST, blacklisted,
		       attach(self, variant->hook, bad, 2, 0));
	bad[1] = self->addrs[1] + 1;
	EXPECT_REFUSED(-ENOENT, KPS_D_SYMBOL, bad[1],
		       attach(self, variant->hook, bad, 2, 0));
	bad[1] = 4096;
	EXPECT_REFUSED(-ENOENT, KPS_D_SYMBOL, 4096,
		       attach(self, variant->hook, bad, 2, 0));
	bad[1] = 0;
	EXPECT_REFUSED(-ENOENT, KPS_D_SYMBOL, 0, attach(self, variant->hook, bad, 2, 0));
	bad[1] = own;
	if (own)
		EXPECT_REFUSED(-EINVAL, KPS_D_OWN_TEXT, own,
			       attach(self, variant->hook, bad, 2, 0));
	call_all();
	EXPECT_EQ(0, km_value(self->map, 5 + 8));
}

TEST_F(multi, left_out_if_that_is_asked)
{
	__u64 list[] = { address("do_int3"), self->addrs[0], 4096 };
	int link = attach(self, variant->hook, list, 3, KAPSEL_LINK_SKIP);
	struct kapsel_link_info info;

	ASSERT_LE(0, link);
	EXPECT_EQ(0, self->arg.log.verdict.code);
	EXPECT_EQ(0, self->arg.log.true_size);
	info = km_info(link).link;
	EXPECT_EQ(1, info.site_cnt);
	EXPECT_EQ(2, info.skipped);
	call_all();
	EXPECT_EQ(1, km_value(self->map, 5 + 8));
	close(link);
	list[1] = 8192;
	EXPECT_REFUSED(-ENOENT, KPS_D_FUNCTIONS, 0,
		       attach(self, variant->hook, list, 3, KAPSEL_LINK_SKIP));
}

static int create(FIXTURE_DATA(multi) * self)
{
	return km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg);
}

TEST_F(multi, arguments)
{
	char longest[KAPSEL_PATTERN_LEN + 1];
	int link = attach_with_cookies(self, variant->hook);

	ASSERT_LE(0, link);
	close(link);
	self->arg.multi.maxactive = variant->hook == ENTRIES ? 1 : 4097;
	EXPECT_EQ(variant->hook == ENTRIES ? -EINVAL : -E2BIG, create(self));
	self->arg.multi.maxactive = 0;
	self->arg.flags = KAPSEL_LINK_FAIL_CLOSED;
	EXPECT_EQ(-EINVAL, create(self));
	self->arg.flags = 0;
	self->arg.multi.cookies = 8;
	EXPECT_EQ(-EFAULT, create(self));
	self->arg.multi.cookies = 0;
	self->arg.multi.pattern = 8;
	EXPECT_EQ(-EFAULT, create(self));
	memset(longest, 'x', sizeof(longest));
	longest[KAPSEL_PATTERN_LEN] = '\0';
	self->arg.multi.pattern = km_ptr(longest);
	EXPECT_EQ(-ENAMETOOLONG, create(self));
	longest[KAPSEL_PATTERN_LEN - 1] = '\0';
	link = create(self);
	EXPECT_LE(0, link);
	close(link);
	self->arg.__room[7] = 1;
	EXPECT_EQ(-EINVAL, create(self));
	self->arg.__room[7] = 0;
	self->arg.hook = KAPSEL_HOOK_KPROBE;
	EXPECT_EQ(-EINVAL, create(self));
}

TEST_F(multi, another_program_in_its_place)
{
	int link = attach(self, variant->hook, self->addrs, NR_CALLS, 0);
	int other = km_kprobe(self->dev, KM_ACCEPT);
	int all = km_kprobe(self->dev, "r0 = *(u64 *)(r1 + 40)\nexit\n");

	ASSERT_LE(0, link);
	call_all();
	ASSERT_EQ(0, km_update(link, other, self->prog));
	call_all();
	EXPECT_EQ(3, km_value(self->map, 5 + 8));
	/* Entries do not save bx. */
	EXPECT_EQ(variant->hook == ENTRIES ? -EOPNOTSUPP : 0, km_update(link, all, -1));
	ASSERT_EQ(0, km_update(link, self->prog, -1));
	call_all();
	EXPECT_EQ(6, km_value(self->map, 5 + 8));
}

/* A program that reads all registers is shown them. */
TEST_F(multi, all_registers)
{
	int link;

	close(self->prog);
	self->prog = km_kprobe(self->dev, "r6 = *(u64 *)(r1 + 136)\n" NOTE, getpid(), self->map,
			       self->map);
	link = attach(self, variant->hook, self->addrs, NR_CALLS, 0);
	ASSERT_LE(0, link);
	call_all();
	EXPECT_EQ(3, km_value(self->map, 5 + 8));
}

TEST_F(multi, functions_that_ftrace_leaves_alone)
{
	/* The first is not traced, but may be probed. */
	__u64 list[] = { address("copy_from_kernel_nofault"), self->addrs[0] };
	int link = attach(self, variant->hook, list, 2, 0);

	if (link < 0)
		SKIP(return, "it may not be probed here");
	call_all();
	EXPECT_EQ(1, km_value(self->map, 5 + 8));
	EXPECT_EQ(2, km_info(link).link.site_cnt);
}

TEST_F_TIMEOUT(multi, under_fire, 120)
{
	struct km_fire fire;
	__u64 before;

	ASSERT_EQ(0, km_fire_start(&fire));
	for (int i = 0; i < 12; i++) {
		int link = attach_with_cookies(self, variant->hook);

		ASSERT_LE(0, link);
		before = km_value(self->map, 9);
		for (int n = 0; n < 1000 && km_value(self->map, 9) < before + 50; n++)
			usleep(1000);
		EXPECT_LE(before + 50, km_value(self->map, 9));
		if (i & 1)
			ASSERT_EQ(0, km_detach(link));
		close(link);
		before = km_value(self->map, 9);
		usleep(1000);
		EXPECT_EQ(before, km_value(self->map, 9));
	}
	km_fire_stop(&fire);
}

/* A module's function goes, the others stay, and what comes to its place is none of them. */
TEST_F_TIMEOUT(multi, modules_that_go, 60)
{
	__u64 list[2] = { self->addrs[0] };
	int link;

	if (system("modprobe -q dummy"))
		SKIP(return, "no module to try it with");
	list[1] = address("dummy_xmit");
	ASSERT_NE(0, list[1]);
	link = attach(self, variant->hook, list, 2, 0);
	ASSERT_LE(0, link);
	ASSERT_EQ(0, system("rmmod dummy"));
	call_all();
	EXPECT_EQ(1, km_value(self->map, 5 + 8));
	ASSERT_EQ(0, system("modprobe -q dummy"));
	call_all();
	EXPECT_EQ(2, km_value(self->map, 5 + 8));
	EXPECT_EQ(0, km_detach(link));
	ASSERT_EQ(0, system("rmmod dummy"));
}

/* ------------------------------------------------------------------------
 * What single probes tell their programs
 */
TEST_F(multi, single_probes)
{
	__u32 hook = variant->hook == ENTRIES ? KAPSEL_HOOK_KPROBE : KAPSEL_HOOK_KRETPROBE;
	int link;

	km_link_probe(&self->arg, self->prog, hook, TARGET, 0);
	self->arg.cookie = 2;
	link = create(self);
	ASSERT_LE(0, link);
	call_all();
	EXPECT_EQ(address(TARGET), km_value(self->map, 2));
	EXPECT_EQ(1, km_value(self->map, 10));
	EXPECT_EQ(0, km_info(link).link.site_cnt);
	close(link);
	if (hook == KAPSEL_HOOK_KRETPROBE)
		return;
	link = -1;
	for (__u64 offset = 6; offset < 32 && link < 0; offset++) {
		km_link_probe(&self->arg, self->prog, hook, TARGET, offset);
		self->arg.cookie = 2;
		link = create(self);
	}
	ASSERT_LE(0, link);
	call_all();
	EXPECT_EQ(0, km_value(self->map, 2));
	EXPECT_EQ(2, km_value(self->map, 10));
}

TEST_F(multi, run_by_hand_there_is_no_place)
{
	int prog = km_kprobe(self->dev, "r6 = r1\ncall bpf_get_func_ip\nr7 = r0\nr1 = r6\n"
			     "call bpf_get_attach_cookie\nr0 |= r7\nexit\n");

	ASSERT_LE(0, prog);
	EXPECT_EQ(0, km_call(prog));
}

TEST_HARNESS_MAIN
