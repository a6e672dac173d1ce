// SPDX-License-Identifier: GPL-2.0-only
/* Machine code: what of it there is, room for it, and who may see it */

#include <linux/capability.h>
#include <linux/kernel.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"

#define RESTRICT	"/proc/sys/kernel/kptr_restrict"
#define ROOM		4096
#define MANY		64

/* A function that nothing calls stands between the two that are compiled. */
#define TEXT								\
	"r1 = 0x1122334455667788 ll\n"					\
	"call f\n"							\
	"r0 += 1\n"							\
	"exit\n"							\
	"unused: r0 = 0\n"						\
	"call unused2\n"						\
	"exit\n"							\
	"f: r0 = r1\n"							\
	"exit\n"							\
	"unused2: r0 = 1\n"						\
	"exit\n"

FIXTURE(image) {
	int dev;
	int prog;
	unsigned char code[ROOM];
	struct kapsel_image_func funcs[MANY];
	struct kapsel_image_insn insns[MANY];
	struct kapsel_prog_image arg;
};

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = write(fd, text, strlen(text));

	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

static int load(struct _test_data_image *self, __u32 engine, const char *text)
{
	struct kapsel_prog_load arg = { .engine = engine };

	return km_load_arg(self->dev, &arg, KAPSEL_PROG_KPROBE, text);
}

FIXTURE_SETUP(image)
{
	struct kapsel_abi abi;

	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	if (!(abi.engines & 1 << KAPSEL_ENGINE_JIT))
		SKIP(return KM_NO_TEST, "no JIT, KAPSEL_WHY %u", abi.jit_why);
	self->prog = load(self, KAPSEL_ENGINE_JIT, TEXT);
	ASSERT_LE(0, self->prog);
	self->arg = (struct kapsel_prog_image){
		.code = km_ptr(self->code), .code_size = ROOM,
		.funcs = km_ptr(self->funcs), .func_cnt = MANY,
		.insns = km_ptr(self->insns), .insn_cnt = MANY,
	};
}

FIXTURE_TEARDOWN(image)
{
	write_file(RESTRICT, "0");
}

TEST_F(image, whole)
{
	const __u32 slots[] = { 0, 2, 3, 4, 8, 9 };

	ASSERT_EQ(0, km_ioctl(self->prog, KAPSEL_PROG_IMAGE, &self->arg));
	ASSERT_EQ(2, self->arg.func_cnt);
	EXPECT_EQ(0, self->funcs[0].insn);
	EXPECT_EQ(8, self->funcs[1].insn);
	EXPECT_EQ(self->arg.code_size, self->funcs[0].size + self->funcs[1].size);
	ASSERT_EQ(ARRAY_SIZE(slots), self->arg.insn_cnt);
	for (size_t i = 0; i < ARRAY_SIZE(slots); i++)
		EXPECT_EQ(slots[i], self->insns[i].insn);
	EXPECT_EQ(0, self->insns[0].off);
	for (size_t i = 1; i < ARRAY_SIZE(slots); i++)
		EXPECT_LT(self->insns[i - 1].off, self->insns[i].off);
	EXPECT_EQ(self->funcs[0].size, self->insns[4].off);
	EXPECT_GT(self->arg.code_size, self->insns[5].off);
}

/* The constant is in the code of the first instruction. */
TEST_F(image, code_is_the_program_s)
{
	static const __u64 constant = 0x1122334455667788;
	bool found = false;

	ASSERT_EQ(0, km_ioctl(self->prog, KAPSEL_PROG_IMAGE, &self->arg));
	for (__u32 i = 0; i + 8 <= self->insns[1].off; i++)
		found |= !memcmp(self->code + i, &constant, 8);
	EXPECT_TRUE(found);
}

TEST_F(image, metered)
{
	struct kapsel_prog_load arg = {
		.engine = KAPSEL_ENGINE_JIT, .flags = KAPSEL_PROG_METERED,
	};
	int prog = km_load_arg(self->dev, &arg, KAPSEL_PROG_KPROBE,
			       "r2 = *(u64 *)(r1 + 112)\nr0 = 0\nagain: r0 += 2\n"
			       "if r0 != r2 goto again\nexit\n");

	ASSERT_LE(0, prog);
	ASSERT_EQ(0, km_ioctl(prog, KAPSEL_PROG_IMAGE, &self->arg));
	ASSERT_EQ(5, self->arg.insn_cnt);
	EXPECT_EQ(0, self->insns[0].off);
	EXPECT_EQ(4, self->insns[4].insn);
}

/* Sizes are true, whatever room there is; none of it is overrun. */
TEST_F(image, room)
{
	struct kapsel_prog_image sizes = {};

	ASSERT_EQ(0, km_ioctl(self->prog, KAPSEL_PROG_IMAGE, &sizes));
	EXPECT_LT(0, sizes.code_size);
	EXPECT_EQ(2, sizes.func_cnt);
	EXPECT_EQ(6, sizes.insn_cnt);
	for (__u32 room = 0; room < 4; room++) {
		memset(self->code, 0xee, sizeof(self->code));
		memset(self->funcs, 0xee, sizeof(self->funcs));
		memset(self->insns, 0xee, sizeof(self->insns));
		self->arg.code_size = room;
		self->arg.func_cnt = room;
		self->arg.insn_cnt = room;
		ASSERT_EQ(0, km_ioctl(self->prog, KAPSEL_PROG_IMAGE, &self->arg));
		EXPECT_EQ(sizes.code_size, self->arg.code_size);
		EXPECT_EQ(2, self->arg.func_cnt);
		EXPECT_EQ(6, self->arg.insn_cnt);
		EXPECT_EQ(0xee, self->code[room]);
		EXPECT_EQ(0xeeeeeeee, self->funcs[room].size);
		EXPECT_EQ(0xeeeeeeee, self->insns[room].off);
	}
}

TEST_F(image, bad_pointers)
{
	__u64 *pointers[] = { &self->arg.code, &self->arg.funcs, &self->arg.insns };

	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		__u64 good = *pointers[i];

		self->arg.code_size = ROOM;
		self->arg.func_cnt = MANY;
		self->arg.insn_cnt = MANY;
		*pointers[i] = 8;
		EXPECT_EQ(-EFAULT, km_ioctl(self->prog, KAPSEL_PROG_IMAGE, &self->arg));
		*pointers[i] = -4096ULL;
		EXPECT_EQ(-EFAULT, km_ioctl(self->prog, KAPSEL_PROG_IMAGE, &self->arg));
		*pointers[i] = good;
	}
}

TEST_F(image, interpreted_programs_have_none)
{
	int prog = load(self, KAPSEL_ENGINE_INTERP, TEXT);

	ASSERT_LE(0, prog);
	EXPECT_EQ(-EOPNOTSUPP, km_ioctl(prog, KAPSEL_PROG_IMAGE, &self->arg));
}

static int drop_cap(int cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -errno;
	data[cap / 32].effective &= ~(1U << cap % 32);
	data[cap / 32].permitted &= ~(1U << cap % 32);
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

TEST_F(image, takes_cap_syslog)
{
	ASSERT_EQ(0, drop_cap(CAP_SYSLOG));
	EXPECT_EQ(-EPERM, km_ioctl(self->prog, KAPSEL_PROG_IMAGE, &self->arg));
	EXPECT_EQ(ROOM, self->arg.code_size);
}

TEST_F(image, takes_the_right_to_load)
{
	ASSERT_EQ(0, drop_cap(CAP_BPF));
	EXPECT_EQ(0, km_ioctl(self->prog, KAPSEL_PROG_IMAGE, &self->arg));
	ASSERT_EQ(0, drop_cap(CAP_SYS_ADMIN));
	EXPECT_EQ(-EPERM, km_ioctl(self->prog, KAPSEL_PROG_IMAGE, &self->arg));
}

TEST_F(image, heeds_kptr_restrict)
{
	ASSERT_EQ(0, write_file(RESTRICT, "1"));
	EXPECT_EQ(0, km_ioctl(self->prog, KAPSEL_PROG_IMAGE, &self->arg));
	ASSERT_EQ(0, write_file(RESTRICT, "2"));
	EXPECT_EQ(-EPERM, km_ioctl(self->prog, KAPSEL_PROG_IMAGE, &self->arg));
}

/* At most a page, the image, and 32 bytes an instruction. */
TEST_F(image, memory)
{
	static const __u32 engines[] = { KAPSEL_ENGINE_INTERP, KAPSEL_ENGINE_JIT };
	static char text[KM_MAX_INSNS * 16];
	const __u32 cnt = 4000;
	char *at = text;

	for (__u32 i = 1; i < cnt; i++)
		at += sprintf(at, "r0 = %u\n", i);
	strcpy(at, "exit\n");
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		int prog = load(self, engines[i], text);
		struct kapsel_prog_image image = {};
		__u64 memory = km_info(prog).prog.memory;

		ASSERT_LE(0, prog);
		if (engines[i] == KAPSEL_ENGINE_JIT)
			ASSERT_EQ(0, km_ioctl(prog, KAPSEL_PROG_IMAGE, &image));
		TH_LOG("%u instructions, engine %u: %llu bytes, image %u", cnt, engines[i], memory,
		       image.code_size);
		EXPECT_GE(4096 + image.code_size + 32 * cnt, memory);
		close(prog);
	}
}

TEST_HARNESS_MAIN
