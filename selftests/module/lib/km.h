/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module for tests. Every call returns what the kernel returned, or -errno,
 * so that a test is one line a fact: ASSERT_EQ(-EBADF, km_get(...)).
 */
#ifndef KM_H
#define KM_H

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/kapsel.h>
#include <linux/netfilter.h>

#include "lib/asm.h"

#define KM_ACCEPT	"r0 = 1\nexit\n"
#define KM_DROP		"r0 = 0\nexit\n"

/* Without the module there is nothing to test. */
static void __attribute__((constructor)) km_need_module(void)
{
	if (!access(KAPSEL_DEVICE, F_OK))
		return;
	printf("TAP version 13\n1..0 # SKIP no " KAPSEL_DEVICE "\n");
	exit(4);
}

/*
 * For SKIP() in a FIXTURE_SETUP(): the harness of Linux 6.1 goes on to the test unless the
 * setup failed, and says that it was skipped all the same: SKIP(return KM_NO_TEST, ...)
 */
#define KM_NO_TEST	((void)(_metadata->passed = 0))

static inline __u64 km_ptr(const void *p)
{
	return (unsigned long)p;
}

static inline int km_ioctl(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static inline int km_open(void)
{
	int fd = open(KAPSEL_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* ------------------------------------------------------------------------
 * Maps
 */
static inline int km_map(int dev, __u32 type, __u32 key_size, __u32 value_size,
			 __u32 max_entries, __u32 flags)
{
	struct kapsel_map_create arg = {
		.map_type = type, .key_size = key_size, .value_size = value_size,
		.max_entries = max_entries, .map_flags = flags,
	};

	return km_ioctl(dev, KAPSEL_MAP_CREATE, &arg);
}

static inline int km_elem(int map, unsigned long cmd, const void *key,
			  __u32 key_size, void *value, __u32 value_size, __u64 flags)
{
	struct kapsel_map_elem arg = {
		.key = km_ptr(key), .value = km_ptr(value), .flags = flags,
		.key_size = key_size, .value_size = value_size,
	};

	return km_ioctl(map, cmd, &arg);
}

/* Of maps with 4-byte keys and 8-byte values. */
static inline int km_get(int map, __u32 key, __u64 *value)
{
	return km_elem(map, KAPSEL_MAP_LOOKUP, &key, 4, value, 8, 0);
}

static inline int km_set(int map, __u32 key, __u64 value, __u64 flags)
{
	return km_elem(map, KAPSEL_MAP_UPDATE, &key, 4, &value, 8, flags);
}

static inline int km_del(int map, __u32 key)
{
	return km_elem(map, KAPSEL_MAP_DELETE, &key, 4, NULL, 0, 0);
}

static inline int km_next(int map, const void *key, void *next, __u32 key_size)
{
	struct kapsel_map_next arg = {
		.key = km_ptr(key), .next_key = km_ptr(next), .key_size = key_size,
	};

	return km_ioctl(map, KAPSEL_MAP_NEXT_KEY, &arg);
}

static inline __u64 km_value(int map, __u32 key)
{
	__u64 value = 0;

	return km_get(map, key, &value) ? (__u64)-1 : value;
}

/* ------------------------------------------------------------------------
 * Programs
 */
#define KM_MAX_INSNS 4096

/* Fills in instructions, type and license; what else is in @arg stays. */
static inline int km_load_arg(int dev, struct kapsel_prog_load *arg, __u32 type,
			      const char *text)
{
	static struct bpf_insn insns[KM_MAX_INSNS];
	char why[128] = "";
	int cnt = kt_asm(text, insns, KM_MAX_INSNS, why, sizeof(why));

	if (cnt < 0) {
		fprintf(stderr, "# not assembled: %s\n", why);
		return -ENOEXEC;
	}
	arg->insns = km_ptr(insns);
	arg->insn_cnt = cnt;
	arg->prog_type = type;
	if (!arg->license[0])
		strcpy(arg->license, "GPL");
	return km_ioctl(dev, KAPSEL_PROG_LOAD, arg);
}

static inline int km_load(int dev, __u32 type, const char *fmt, ...)
{
	struct kapsel_prog_load arg = {};
	static char text[64 * 1024];
	va_list args;
	int fd;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fd = km_load_arg(dev, &arg, type, text);
	if (fd < 0)
		fprintf(stderr, "# load: error %d, KV%03u @%u\n", fd,
			arg.log.verdict.code, arg.log.verdict.insn);
	return fd;
}

#define km_kprobe(dev, ...)	km_load(dev, KAPSEL_PROG_KPROBE, __VA_ARGS__)
#define km_netfilter(dev, ...)	km_load(dev, KAPSEL_PROG_NETFILTER, __VA_ARGS__)

static inline int km_run(int prog, const void *ctx, __u32 ctx_size,
			 const void *packet, __u32 size, __u32 hook, __u64 *ret)
{
	struct kapsel_test_run arg = {
		.ctx_in = km_ptr(ctx), .ctx_size = ctx_size,
		.data_in = km_ptr(packet), .data_size_in = size, .hooknum = hook,
	};
	int err = km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg);

	*ret = arg.retval;
	return err;
}

/* What a kprobe program returns for registers of zeros; -errno if it did not run. */
static inline __u64 km_call(int prog)
{
	__u64 ret;
	int err = km_run(prog, NULL, 0, NULL, 0, 0, &ret);

	return err ? (__u64)(long)err : ret;
}

/* ------------------------------------------------------------------------
 * Links
 */
static inline void km_link_probe(struct kapsel_link_create *arg, int prog,
				 __u32 hook, const char *symbol, __u64 offset)
{
	*arg = (struct kapsel_link_create){
		.prog_fd = prog, .hook = hook,
		.kprobe = { .symbol = km_ptr(symbol), .offset = offset },
	};
}

static inline int km_probe(int dev, int prog, __u32 hook, const char *symbol)
{
	struct kapsel_link_create arg;

	km_link_probe(&arg, prog, hook, symbol, 0);
	return km_ioctl(dev, KAPSEL_LINK_CREATE, &arg);
}

static inline int km_hook(int dev, int prog, __u32 family, __u32 hooknum,
			  __s32 priority)
{
	struct kapsel_link_create arg = {
		.prog_fd = prog, .hook = KAPSEL_HOOK_NETFILTER,
		.netfilter = {
			.family = family, .hooknum = hooknum, .priority = priority,
		},
	};

	return km_ioctl(dev, KAPSEL_LINK_CREATE, &arg);
}

/* @old: -1: whatever program is there */
static inline int km_update(int link, int prog, int old)
{
	struct kapsel_link_update arg = {
		.prog_fd = prog, .old_prog_fd = old < 0 ? 0 : old,
		.flags = old < 0 ? 0 : KAPSEL_UPDATE_EXPECT,
	};

	return km_ioctl(link, KAPSEL_LINK_UPDATE, &arg);
}

static inline int km_flags(int fd, unsigned long cmd)
{
	struct kapsel_flags arg = {};

	return km_ioctl(fd, cmd, &arg);
}

static inline int km_detach(int link)
{
	return km_flags(link, KAPSEL_LINK_DETACH);
}

/* ------------------------------------------------------------------------
 * Objects
 */
static inline struct kapsel_obj_info km_info(int fd)
{
	struct kapsel_obj_info info = {};
	int err = km_ioctl(fd, KAPSEL_OBJ_INFO, &info);

	if (err)
		fprintf(stderr, "# no information: %d\n", err);
	return info;
}

static inline int km_next_id(int dev, __u32 kind, __u32 *id)
{
	struct kapsel_next_id arg = { .kind = kind, .id = *id };
	int err = km_ioctl(dev, KAPSEL_NEXT_ID, &arg);

	*id = arg.id;
	return err;
}

static inline int km_fd_by_id(int dev, __u32 kind, __u32 id)
{
	struct kapsel_fd_by_id arg = { .kind = kind, .id = id };

	return km_ioctl(dev, KAPSEL_FD_BY_ID, &arg);
}

static inline int km_pin(int dev, unsigned long cmd, int fd, const char *name)
{
	struct kapsel_pin arg = { .fd = fd };

	strncpy(arg.name, name, sizeof(arg.name) - 1);
	return km_ioctl(dev, cmd, &arg);
}

/* How many objects there are, of all kinds. */
static inline int km_objects(int dev)
{
	int n = 0;

	for (__u32 kind = KAPSEL_OBJ_PROG; kind <= KAPSEL_OBJ_LINK; kind++)
		for (__u32 id = 0; !km_next_id(dev, kind, &id);)
			n++;
	return n;
}

/* What happens by itself, a moment later: whether @condition came true in 20 seconds. */
#define KM_UNTIL(condition)						\
({									\
	int left_ = 20000;						\
									\
	while (!(condition) && --left_)					\
		usleep(1000);						\
	left_ > 0;							\
})

/* Objects end a moment after their last user: programs wait for their runs. */
static inline int km_objects_settle(int dev, int wanted)
{
	int n = km_objects(dev);

	for (int i = 0; n > wanted && i < 5000; i++) {
		usleep(1000);
		n = km_objects(dev);
	}
	return n;
}

/* How many files this process has open. */
static inline int km_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

#endif
