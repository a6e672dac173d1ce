// SPDX-License-Identifier: GPL-2.0-only
/*
 * Under lockdown. Nothing takes it back but a reboot, so these tests come last, in the
 * order that they have here, and only where KAPSEL_LOCKDOWN says that it is wanted.
 */

#include <linux/kernel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/diag.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"

#define LOCKDOWN	"/sys/kernel/security/lockdown"
#define NOTHING		"r0 = 0\nexit\n"

/* A word of the kernel's, or of a user's, at address 0. */
#define READ_BY(helper)							\
	"r1 = r10\n"							\
	"r1 += -8\n"							\
	"r2 = 8\n"							\
	"r3 = 0\n"							\
	"call bpf_probe_read" helper "\n"				\
	NOTHING

/* A line with what is at an address of the kernel: its length, or an error. */
#define PRINT_KERNEL							\
	"r3 = r10\n"							\
	"r3 += -16\n"							\
	"*(u64 *)(r10 - 16) = 0x6968\n"					\
	"*(u64 *)(r10 - 8) = 0x7325\n"					\
	"r1 = r10\n"							\
	"r1 += -8\n"							\
	"r2 = 3\n"							\
	"call bpf_trace_printk\n"					\
	"exit\n"

static const char * const of_kernel[] = {
	READ_BY(""), READ_BY("_str"), READ_BY("_kernel"), READ_BY("_kernel_str"),
};

static const char * const of_users[] = { READ_BY("_user"), READ_BY("_user_str") };

FIXTURE(lockdown) {
	int dev;
};

FIXTURE_SETUP(lockdown)
{
	if (!getenv("KAPSEL_LOCKDOWN"))
		SKIP(return KM_NO_TEST, "KAPSEL_LOCKDOWN is not set");
	if (access(LOCKDOWN, W_OK))
		SKIP(return KM_NO_TEST, "no lockdown in this kernel");
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
}

FIXTURE_TEARDOWN(lockdown)
{
	close(self->dev);
}

static int lock(const char *mode)
{
	/* Whatever a harness makes of the skips above. */
	int fd = getenv("KAPSEL_LOCKDOWN") ? open(LOCKDOWN, O_WRONLY | O_CLOEXEC) : -1, err;

	if (fd < 0)
		return -EPERM;
	err = write(fd, mode, strlen(mode)) < 0 ? -errno : 0;
	close(fd);
	return err;
}

static int load(int dev, const char *text, __u32 *code)
{
	struct kapsel_prog_load arg = { .license = "GPL" };
	int prog = km_load_arg(dev, &arg, KAPSEL_PROG_KPROBE, text);

	*code = arg.log.verdict.code;
	return prog;
}

static int attach(int dev, int prog, __u32 hook, __u32 *code)
{
	struct kapsel_link_create arg;
	int link;

	km_link_probe(&arg, prog, hook, "do_nanosleep", 0);
	link = km_ioctl(dev, KAPSEL_LINK_CREATE, &arg);
	*code = arg.log.verdict.code;
	return link;
}

static __u64 features(int dev)
{
	struct kapsel_abi abi = {};

	return km_ioctl(dev, KAPSEL_GET_ABI, &abi) ? 0 : abi.features;
}

#define BOTH (KAPSEL_FEATURE_KERNEL_READ | KAPSEL_FEATURE_KPROBES)

static void all_is_open(struct __test_metadata *_metadata, int dev)
{
	int prog = km_kprobe(dev, NOTHING), fd;
	__u32 code;

	EXPECT_EQ(BOTH, features(dev) & BOTH);
	for (size_t i = 0; i < ARRAY_SIZE(of_kernel); i++) {
		fd = load(dev, of_kernel[i], &code);
		EXPECT_LE(0, fd);
		close(fd);
	}
	EXPECT_EQ(2, km_call(km_kprobe(dev, PRINT_KERNEL)));
	for (__u32 hook = KAPSEL_HOOK_KPROBE; hook <= KAPSEL_HOOK_KRETPROBE; hook++) {
		fd = attach(dev, prog, hook, &code);
		EXPECT_LE(0, fd);
		close(fd);
	}
}

TEST_F(lockdown, without_it_all_is_open)
{
	all_is_open(_metadata, self->dev);
}

/* Integrity is about what changes the kernel. */
TEST_F(lockdown, integrity_closes_nothing)
{
	ASSERT_EQ(0, lock("integrity"));
	all_is_open(_metadata, self->dev);
}

TEST_F(lockdown, confidentiality_closes_kernel_memory_and_kprobes)
{
	int packets = km_netfilter(self->dev, KM_ACCEPT), before, link, prog;
	__u32 code;

	prog = km_kprobe(self->dev, NOTHING);
	before = km_kprobe(self->dev, PRINT_KERNEL);
	link = attach(self->dev, prog, KAPSEL_HOOK_KPROBE, &code);
	ASSERT_LE(0, link);
	ASSERT_EQ(0, lock("confidentiality"));
	EXPECT_EQ(0, features(self->dev) & BOTH);
	for (size_t i = 0; i < ARRAY_SIZE(of_kernel); i++) {
		EXPECT_EQ(-EPERM, load(self->dev, of_kernel[i], &code));
		EXPECT_EQ(KPS_D_LOCKDOWN, code);
	}
	for (size_t i = 0; i < ARRAY_SIZE(of_users); i++)
		EXPECT_LE(0, load(self->dev, of_users[i], &code));
	EXPECT_EQ((__u64)-EPERM, km_call(km_kprobe(self->dev, PRINT_KERNEL)));
	for (__u32 hook = KAPSEL_HOOK_KPROBE; hook <= KAPSEL_HOOK_KRETPROBE; hook++) {
		EXPECT_EQ(-EPERM, attach(self->dev, prog, hook, &code));
		EXPECT_EQ(KPS_D_LOCKDOWN, code);
	}
	/* What was there goes on, and packets are no secret of the kernel's. */
	EXPECT_EQ(2, km_call(before));
	EXPECT_EQ(KAPSEL_LINK_ATTACHED, km_info(link).link.state);
	EXPECT_LE(0, km_hook(self->dev, packets, NFPROTO_IPV4, NF_INET_LOCAL_IN, 0));
}

TEST_HARNESS_MAIN
