// SPDX-License-Identifier: GPL-2.0-only
/*
 * The contract of every ioctl: numbers, kinds of file, sizes, reserved fields,
 * pointers, the order of checks
 */

#include <linux/kernel.h>

#include "core/diag.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_ioctls.h"

FIXTURE(uapi) {
	struct km_env env;
	char *room;		/* two pages, the second is not there */
	long page;
};

FIXTURE_SETUP(uapi)
{
	ASSERT_EQ(0, km_env_open(&self->env));
	self->page = sysconf(_SC_PAGESIZE);
	self->room = mmap(NULL, 8 * self->page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->room);
	ASSERT_EQ(0, munmap(self->room + 7 * self->page, self->page));
	self->room += 6 * self->page;
}

FIXTURE_TEARDOWN(uapi)
{
	km_pin(self->env.dev, KAPSEL_UNPIN, 0, "uapi");
}

/* A call that would succeed, at @arg, with this size. */
static int call(struct km_env *env, const struct km_row *row, char *arg, __u32 size)
{
	char buf[1024] = {};
	__u32 own = _IOC_SIZE(row->cmd);
	int ret;

	row->fill(env, buf);
	memcpy(arg, buf, size < own ? size : own);
	ret = km_ioctl(km_file_of(env, row->on), km_sized(row->cmd, size), arg);
	if (ret > 2)
		close(ret);
	return ret;
}

TEST_F(uapi, sizes_are_those_of_abi_1)
{
	for (size_t i = 0; i < ARRAY_SIZE(km_rows); i++) {
		EXPECT_LE(km_rows[i].min, _IOC_SIZE(km_rows[i].cmd)) {
			TH_LOG("nr %#lx", _IOC_NR(km_rows[i].cmd));
		}
	}
}

TEST_F(uapi, another_kind_of_file_does_not_know_it)
{
	char arg[1024] = {};

	for (size_t i = 0; i < ARRAY_SIZE(km_rows); i++) {
		for (__u32 on = KM_ON_DEVICE; on <= KM_ON_LINK; on <<= 1) {
			if (km_rows[i].on & on)
				continue;
			EXPECT_EQ(-ENOTTY, km_ioctl(km_file_of(&self->env, on),
						    km_rows[i].cmd, arg)) {
				TH_LOG("nr %#lx on %u", _IOC_NR(km_rows[i].cmd), on);
			}
		}
	}
}

TEST_F(uapi, numbers_without_a_row_are_unknown)
{
	char arg[1024] = {};

	for (__u32 on = KM_ON_DEVICE; on <= KM_ON_LINK; on <<= 1) {
		for (__u32 nr = 0; nr < 256; nr++) {
			if (km_is_known(nr, on))
				continue;
			EXPECT_EQ(-ENOTTY, km_ioctl(km_file_of(&self->env, on),
						    km_sized(nr, 64), arg)) {
				TH_LOG("nr %#x on %u", nr, on);
			}
		}
	}
}

TEST_F(uapi, another_type_is_unknown)
{
	char arg[1024] = {};

	for (size_t i = 0; i < ARRAY_SIZE(km_rows); i++) {
		unsigned long cmd = km_rows[i].cmd ^ (1 << _IOC_TYPESHIFT);

		EXPECT_EQ(-ENOTTY, km_ioctl(km_file_of(&self->env, km_rows[i].on), cmd, arg));
	}
}

TEST_F(uapi, the_direction_does_not_matter)
{
	struct kapsel_abi abi = {};
	int dev = self->env.dev;

	EXPECT_EQ(0, km_ioctl(dev, _IOR(KAPSEL_IOC, 0, struct kapsel_abi), &abi));
	EXPECT_EQ(0, km_ioctl(dev, _IOW(KAPSEL_IOC, 0, struct kapsel_abi), &abi));
}

TEST_F(uapi, shorter_than_in_abi_1_is_refused)
{
	char arg[1024] = {};

	for (size_t i = 0; i < ARRAY_SIZE(km_rows); i++) {
		for (__u32 size = 0; size < km_rows[i].min; size++) {
			ASSERT_EQ(-EINVAL, call(&self->env, &km_rows[i], arg, size)) {
				TH_LOG("nr %#lx size %u", _IOC_NR(km_rows[i].cmd), size);
			}
	}
		}
}

TEST_F(uapi, the_size_of_abi_1_is_enough)
{
	char arg[1024] = {};

	for (size_t i = 0; i < ARRAY_SIZE(km_rows); i++) {
		EXPECT_LE(0, call(&self->env, &km_rows[i], arg, km_rows[i].min)) {
			TH_LOG("nr %#lx", _IOC_NR(km_rows[i].cmd));
		}
	}
}

TEST_F(uapi, longer_with_zeros_is_accepted)
{
	static char arg[KM_MAX_SIZE + 1];
	const __u32 more[] = { 1, 8, 4096 };

	for (size_t i = 0; i < ARRAY_SIZE(km_rows); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(more) && !km_once(&km_rows[i]); j++) {
			memset(arg, 0, sizeof(arg));
			EXPECT_LE(0, call(&self->env, &km_rows[i], arg,
					  _IOC_SIZE(km_rows[i].cmd) + more[j])) {
				TH_LOG("nr %#lx + %u", _IOC_NR(km_rows[i].cmd), more[j]);
			}
		}
	}
}

TEST_F(uapi, the_longest_is_accepted_and_its_tail_left_alone)
{
	static char arg[KM_MAX_SIZE + 1];

	for (size_t i = 0; i < ARRAY_SIZE(km_rows); i++) {
		memset(arg, 0, sizeof(arg));
		EXPECT_LE(0, call(&self->env, &km_rows[i], arg, KM_MAX_SIZE));
		for (__u32 at = _IOC_SIZE(km_rows[i].cmd); at <= KM_MAX_SIZE; at++)
			ASSERT_EQ(0, arg[at]);
	}
}

TEST_F(uapi, longer_with_anything_else_is_too_big)
{
	static char arg[KM_MAX_SIZE + 1];

	for (size_t i = 0; i < ARRAY_SIZE(km_rows); i++) {
		__u32 size = _IOC_SIZE(km_rows[i].cmd);

		for (__u32 more = 1; more < 4096; more *= 3) {
			memset(arg, 0, sizeof(arg));
			arg[size + more - 1] = 1;
			EXPECT_EQ(-E2BIG, call(&self->env, &km_rows[i], arg, size + more)) {
				TH_LOG("nr %#lx + %u", _IOC_NR(km_rows[i].cmd), more);
			}
		}
	}
}

TEST_F(uapi, a_bad_pointer_faults_and_leaves_nothing)
{
	int fds = km_count_fds(), objects = km_objects(self->env.dev);
	char *const bad[] = { NULL, (char *)8, self->room + self->page,
			      (char *)(1UL << 63), (char *)-8UL, (char *)-1UL };

	for (size_t i = 0; i < ARRAY_SIZE(km_rows); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(bad); j++) {
			EXPECT_EQ(-EFAULT, km_ioctl(km_file_of(&self->env, km_rows[i].on),
						    km_rows[i].cmd, bad[j])) {
				TH_LOG("nr %#lx %p", _IOC_NR(km_rows[i].cmd), bad[j]);
			}
	}
		}
	EXPECT_EQ(fds, km_count_fds());
	EXPECT_EQ(objects, km_objects_settle(self->env.dev, objects));
}

/* Fits before the hole to the byte; a byte later it does not. */
TEST_F(uapi, half_mapped_memory_faults_and_leaves_nothing)
{
	int fds = km_count_fds(), objects = km_objects(self->env.dev);
	char *end = self->room + self->page;

	for (size_t i = 0; i < ARRAY_SIZE(km_rows); i++) {
		__u32 size = _IOC_SIZE(km_rows[i].cmd);
		int fd = km_file_of(&self->env, km_rows[i].on);
		char buf[1024] = {};

		for (__u32 in = 1; in < size; in = in * 2 + 1) {
			km_rows[i].fill(&self->env, buf);
			memcpy(end - in, buf, in);
			EXPECT_EQ(-EFAULT, km_ioctl(fd, km_rows[i].cmd, end - in)) {
				TH_LOG("nr %#lx", _IOC_NR(km_rows[i].cmd));
			}
		}
		EXPECT_LE(0, call(&self->env, &km_rows[i], end - size, size));
	}
	km_pin(self->env.dev, KAPSEL_UNPIN, 0, "uapi");
	EXPECT_EQ(fds, km_count_fds());
	EXPECT_EQ(objects, km_objects_settle(self->env.dev, objects));
}

/* The answer can't be written: what was made for it is given back. */
/* A number may be taken without a file behind it. */
static int free_number(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

TEST_F(uapi, read_only_memory_faults_and_leaves_nothing)
{
	int fds = km_count_fds(), objects = km_objects(self->env.dev), number = free_number();

	for (size_t i = 0; i < ARRAY_SIZE(km_rows); i++) {
		km_rows[i].fill(&self->env, memset(self->room, 0, 1024));
		ASSERT_EQ(0, mprotect(self->room, self->page, PROT_READ));
		EXPECT_EQ(-EFAULT, km_ioctl(km_file_of(&self->env, km_rows[i].on),
					    km_rows[i].cmd, self->room)) {
			TH_LOG("nr %#lx", _IOC_NR(km_rows[i].cmd));
		}
		ASSERT_EQ(0, mprotect(self->room, self->page, PROT_READ | PROT_WRITE));
	}
	km_pin(self->env.dev, KAPSEL_UNPIN, 0, "uapi");
	EXPECT_EQ(fds, km_count_fds());
	EXPECT_EQ(number, free_number());
	EXPECT_EQ(objects, km_objects_settle(self->env.dev, objects));
}

/* Fields that must have another value than @value, at @at in the struct. */
#define FIELD(cmd, type, member, value)					\
	{ cmd, offsetof(type, member), sizeof(((type *)0)->member), value }
#define UNKNOWN 0x80000000

static const struct field {
	unsigned long cmd;
	__u32 at;
	__u32 size;
	__u64 value;
} fields[] = {
	FIELD(KAPSEL_PROG_LOAD, struct kapsel_prog_load, flags, 2),
	FIELD(KAPSEL_PROG_LOAD, struct kapsel_prog_load, flags, UNKNOWN),
	FIELD(KAPSEL_PROG_LOAD, struct kapsel_prog_load, __reserved, 1),
	FIELD(KAPSEL_PROG_LOAD, struct kapsel_prog_load, engine, 3),
	FIELD(KAPSEL_MAP_CREATE, struct kapsel_map_create, map_flags, UNKNOWN),
	FIELD(KAPSEL_MAP_CREATE, struct kapsel_map_create, map_flags, BPF_F_MMAPABLE),
	FIELD(KAPSEL_MAP_CREATE, struct kapsel_map_create, map_flags,
	      BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG),
	FIELD(KAPSEL_MAP_CREATE, struct kapsel_map_create, map_flags,
	      BPF_F_RDONLY | BPF_F_WRONLY),
	FIELD(KAPSEL_MAP_CREATE, struct kapsel_map_create, map_type, 0),
	FIELD(KAPSEL_MAP_CREATE, struct kapsel_map_create, map_type, UNKNOWN),
	FIELD(KAPSEL_MAP_CREATE, struct kapsel_map_create, btf_size, 8),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, flags, 8),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, flags, UNKNOWN),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, __reserved, 1),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, netfilter.linear, 65536),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, netfilter.link_fd, 1),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, __room[3], 1),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, __room[7], 1),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, netfilter.netns_fd, 1),
	FIELD(KAPSEL_NEXT_ID, struct kapsel_next_id, kind, 0),
	FIELD(KAPSEL_NEXT_ID, struct kapsel_next_id, kind, 4),
	FIELD(KAPSEL_FD_BY_ID, struct kapsel_fd_by_id, kind, 0),
	FIELD(KAPSEL_FD_BY_ID, struct kapsel_fd_by_id, kind, 4),
	FIELD(KAPSEL_FD_BY_ID, struct kapsel_fd_by_id, flags, 1),
	FIELD(KAPSEL_FD_BY_ID, struct kapsel_fd_by_id, flags, BPF_F_RDONLY | BPF_F_WRONLY),
	FIELD(KAPSEL_FD_BY_ID, struct kapsel_fd_by_id, flags, BPF_F_RDONLY | UNKNOWN),
	FIELD(KAPSEL_FD_BY_ID, struct kapsel_fd_by_id, __reserved, 1),
	FIELD(KAPSEL_PIN, struct kapsel_pin, flags, BPF_F_RDONLY),
	FIELD(KAPSEL_GET_PINNED, struct kapsel_pin, flags, 1),
	FIELD(KAPSEL_GET_PINNED, struct kapsel_pin, flags, BPF_F_RDONLY | BPF_F_WRONLY),
	FIELD(KAPSEL_GET_PINNED, struct kapsel_pin, fd, 1),
	FIELD(KAPSEL_UNPIN, struct kapsel_pin, flags, BPF_F_RDONLY),
	FIELD(KAPSEL_UNPIN, struct kapsel_pin, fd, 1),
	FIELD(KAPSEL_PROG_TEST_RUN, struct kapsel_test_run, flags, 1),
	FIELD(KAPSEL_PROG_TEST_RUN, struct kapsel_test_run, repeat,
	      KAPSEL_MAX_REPEAT + 1),
	FIELD(KAPSEL_PROG_TEST_RUN, struct kapsel_test_run, hooknum, 5),
	FIELD(KAPSEL_PROG_IMAGE, struct kapsel_prog_image, flags, 1),
	FIELD(KAPSEL_MAP_LOOKUP, struct kapsel_map_elem, flags, 1),
	FIELD(KAPSEL_MAP_UPDATE, struct kapsel_map_elem, flags, BPF_EXIST + 1),
	FIELD(KAPSEL_MAP_UPDATE, struct kapsel_map_elem, flags, 1ULL << 63),
	FIELD(KAPSEL_MAP_DELETE, struct kapsel_map_elem, flags, 1),
	FIELD(KAPSEL_MAP_LOOKUP_DELETE, struct kapsel_map_elem, flags, 1),
	FIELD(KAPSEL_MAP_NEXT_KEY, struct kapsel_map_next, __reserved, 1),
	FIELD(KAPSEL_MAP_BATCH, struct kapsel_map_batch, op, 0),
	FIELD(KAPSEL_MAP_BATCH, struct kapsel_map_batch, op, 5),
	FIELD(KAPSEL_MAP_BATCH, struct kapsel_map_batch, elem_flags, 1),
	FIELD(KAPSEL_MAP_BATCH, struct kapsel_map_batch, __reserved, 1),
	FIELD(KAPSEL_MAP_BATCH, struct kapsel_map_batch, cursor, 1ULL << 40),
	FIELD(KAPSEL_MAP_FREEZE, struct kapsel_flags, flags, 1),
	FIELD(KAPSEL_MAP_FREEZE, struct kapsel_flags, __reserved, 1),
	FIELD(KAPSEL_LINK_UPDATE, struct kapsel_link_update, flags, 2),
	FIELD(KAPSEL_LINK_UPDATE, struct kapsel_link_update, __reserved, 1),
	FIELD(KAPSEL_LINK_UPDATE, struct kapsel_link_update, old_prog_fd, 1),
	FIELD(KAPSEL_LINK_DETACH, struct kapsel_flags, flags, 1),
	FIELD(KAPSEL_LINK_DETACH, struct kapsel_flags, __reserved, 1),
};

TEST_F(uapi, unknown_values_are_invalid)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *field = &fields[i];
		const struct km_row *row = km_row_of(field->cmd);
		char arg[1024] = {};

		row->fill(&self->env, arg);
		memcpy(arg + field->at, &field->value, field->size);
		EXPECT_EQ(-EINVAL, km_ioctl(km_file_of(&self->env, row->on),
					    field->cmd, arg)) {
			TH_LOG("field %zu: nr %#lx offset %u value %#llx", i,
			       _IOC_NR(field->cmd), field->at, field->value);
		}
	}
}

/* Names: at @at in the structs of these. */
static const struct field names[] = {
	FIELD(KAPSEL_PROG_LOAD, struct kapsel_prog_load, name, 0),
	FIELD(KAPSEL_MAP_CREATE, struct kapsel_map_create, name, 0),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, name, 0),
	FIELD(KAPSEL_PIN, struct kapsel_pin, name, 1),
};

static int call_named(struct km_env *env, const struct field *at, const char *name,
		      size_t len)
{
	const struct km_row *row = km_row_of(at->cmd);
	char arg[1024] = {};
	int ret;

	row->fill(env, arg);
	memset(arg + at->at, 0, at->size);
	memcpy(arg + at->at, name, len);
	ret = km_ioctl(env->dev, at->cmd, arg);
	if (ret > 2)
		close(ret);
	if (at->cmd == KAPSEL_PIN && !ret)
		km_pin(env->dev, KAPSEL_UNPIN, 0, name);
	return ret;
}

TEST_F(uapi, names_are_letters_digits_and_three_signs)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		for (int c = 1; c < 256; c++) {
			bool fine = c < 128 && (isalnum(c) || strchr("_.-", c));
			char name[] = { 'a', c, 'b', 0 };
			int ret = call_named(&self->env, &names[i], name, 3);

			EXPECT_EQ(fine, ret >= 0) {
				TH_LOG("character %#x: %d", c, ret);
			}
			EXPECT_TRUE(fine || ret == -EINVAL);
		}
}

TEST_F(uapi, names_end_in_their_field)
{
	char name[KAPSEL_NAME_LEN + 1];

	memset(name, 'x', sizeof(name));
	name[KAPSEL_NAME_LEN] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		EXPECT_EQ(-EINVAL, call_named(&self->env, &names[i], name,
					      KAPSEL_NAME_LEN));
	name[KAPSEL_NAME_LEN - 1] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		EXPECT_LE(0, call_named(&self->env, &names[i], name,
					KAPSEL_NAME_LEN - 1));
	/* Pins have one; others may go without. */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		EXPECT_EQ(names[i].value, call_named(&self->env, &names[i], "", 0) ==
					  -EINVAL);
}

/* The earlier reason is told when there are several. */
TEST_F(uapi, checks_have_an_order)
{
	struct km_env *env = &self->env;
	char *hole = self->room + self->page;
	char arg[1024] = {};

	/* number, size, pointer, tail */
	EXPECT_EQ(-ENOTTY, km_ioctl(env->dev, km_sized(0xff, 0), hole));
	EXPECT_EQ(-EINVAL, km_ioctl(env->dev, km_sized(KAPSEL_MAP_CREATE, 8), hole));
	arg[1000] = 1;
	EXPECT_EQ(-E2BIG, km_ioctl(env->dev, km_sized(KAPSEL_MAP_CREATE, 1024), arg));
	/* then what the struct says, then what it points to */
	km_fill_load(env, memset(arg, 0, sizeof(arg)));
	((struct kapsel_prog_load *)arg)->insns = km_ptr(hole);
	EXPECT_EQ(-EFAULT, km_ioctl(env->dev, KAPSEL_PROG_LOAD, arg));
	((struct kapsel_prog_load *)arg)->flags = 2;
	EXPECT_EQ(-EINVAL, km_ioctl(env->dev, KAPSEL_PROG_LOAD, arg));
	km_fill_elem(env, memset(arg, 0, sizeof(arg)));
	((struct kapsel_map_elem *)arg)->key = km_ptr(hole);
	EXPECT_EQ(-EFAULT, km_ioctl(env->map, KAPSEL_MAP_LOOKUP, arg));
	((struct kapsel_map_elem *)arg)->key_size = 5;
	EXPECT_EQ(-EINVAL, km_ioctl(env->map, KAPSEL_MAP_LOOKUP, arg));
}

TEST_F(uapi, fds_are_closed_on_exec)
{
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->env.prog, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->env.map, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->env.link, F_GETFD));
}

TEST_HARNESS_MAIN
