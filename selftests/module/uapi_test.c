// SPDX-License-Identifier: GPL-2.0-only
/*
 * The contract of every ioctl: numbers, kinds of file, sizes, reserved fields,
 * pointers, the order of checks
 */

#include <linux/kernel.h>

#include "core/diag.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"

#define ON_DEVICE	1
#define ON_PROG		2
#define ON_MAP		4
#define ON_LINK		8
#define ON_OBJECTS	(ON_PROG | ON_MAP | ON_LINK)

/* All files there are, and memory for calls that succeed. */
struct env {
	int dev;
	int prog;
	int map;
	int link;
	struct bpf_insn insns[2];
	__u32 key;
	__u64 value;
	__u32 id;
};

static void fill_load(struct env *env, void *arg)
{
	struct kapsel_prog_load *load = arg;

	env->insns[0] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV, .imm = 1 };
	env->insns[1] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	load->insns = km_ptr(env->insns);
	load->insn_cnt = 2;
	load->prog_type = KAPSEL_PROG_NETFILTER;
}

static void fill_map(struct env *env, void *arg)
{
	*(struct kapsel_map_create *)arg = (struct kapsel_map_create){
		.map_type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8,
		.max_entries = 1,
	};
}

static void fill_link(struct env *env, void *arg)
{
	*(struct kapsel_link_create *)arg = (struct kapsel_link_create){
		.prog_fd = env->prog, .hook = KAPSEL_HOOK_NETFILTER,
		.netfilter = { .family = NFPROTO_IPV4 },
	};
}

static void fill_next_id(struct env *env, void *arg)
{
	((struct kapsel_next_id *)arg)->kind = KAPSEL_OBJ_MAP;
}

static void fill_fd_by_id(struct env *env, void *arg)
{
	*(struct kapsel_fd_by_id *)arg = (struct kapsel_fd_by_id){
		.kind = KAPSEL_OBJ_MAP, .id = km_info(env->map).id,
	};
}

/* Each call gets a name of its own, as an object has one pin. */
static void fill_pin(struct env *env, void *arg)
{
	struct kapsel_pin *pin = arg;

	km_pin(env->dev, KAPSEL_UNPIN, 0, "uapi");
	pin->fd = env->map;
	strcpy(pin->name, "uapi");
}

static void fill_pinned(struct env *env, void *arg)
{
	struct kapsel_pin *pin = arg;

	km_pin(env->dev, KAPSEL_PIN, env->map, "uapi");
	strcpy(pin->name, "uapi");
}

static void fill_run(struct env *env, void *arg)
{
	static __u8 packet[20] = { 0x45 };
	struct kapsel_test_run *run = arg;

	run->data_in = km_ptr(packet);
	run->data_size_in = sizeof(packet);
}

static void fill_elem(struct env *env, void *arg)
{
	km_set(env->map, env->key, 1, BPF_ANY);
	*(struct kapsel_map_elem *)arg = (struct kapsel_map_elem){
		.key = km_ptr(&env->key), .key_size = 4,
		.value = km_ptr(&env->value), .value_size = 8,
	};
}

static void fill_next(struct env *env, void *arg)
{
	km_set(env->map, env->key, 1, BPF_ANY);
	*(struct kapsel_map_next *)arg = (struct kapsel_map_next){
		.next_key = km_ptr(&env->key), .key_size = 4,
	};
}

static void fill_batch(struct env *env, void *arg)
{
	*(struct kapsel_map_batch *)arg = (struct kapsel_map_batch){
		.op = KAPSEL_BATCH_LOOKUP, .count = 1, .keys = km_ptr(&env->key),
		.values = km_ptr(&env->value), .key_size = 4, .value_size = 8,
	};
}

static void fill_update(struct env *env, void *arg)
{
	((struct kapsel_link_update *)arg)->prog_fd = env->prog;
}

static void fill_nothing(struct env *env, void *arg)
{
}

/* A row for each ioctl: what it is for, its first size, how to succeed. */
static const struct row {
	unsigned long cmd;
	__u32 on;
	__u32 min;
	void (*fill)(struct env *env, void *arg);
} rows[] = {
	{ KAPSEL_GET_ABI, ON_DEVICE, 88, fill_nothing },
	{ KAPSEL_LIST_HELPERS, ON_DEVICE, 16, fill_nothing },
	{ KAPSEL_LIST_CONTEXTS, ON_DEVICE, 16, fill_nothing },
	{ KAPSEL_LIST_MAP_TYPES, ON_DEVICE, 16, fill_nothing },
	{ KAPSEL_LIST_HOOKS, ON_DEVICE, 16, fill_nothing },
	{ KAPSEL_PROG_LOAD, ON_DEVICE, 256, fill_load },
	{ KAPSEL_MAP_CREATE, ON_DEVICE, 104, fill_map },
	{ KAPSEL_LINK_CREATE, ON_DEVICE, 224, fill_link },
	{ KAPSEL_NEXT_ID, ON_DEVICE, 8, fill_next_id },
	{ KAPSEL_FD_BY_ID, ON_DEVICE, 8, fill_fd_by_id },
	{ KAPSEL_PIN, ON_DEVICE, 72, fill_pin },
	{ KAPSEL_GET_PINNED, ON_DEVICE, 72, fill_pinned },
	{ KAPSEL_UNPIN, ON_DEVICE, 72, fill_pinned },
	{ KAPSEL_OBJ_INFO, ON_OBJECTS, 424, fill_nothing },
	{ KAPSEL_PROG_TEST_RUN, ON_PROG, 64, fill_run },
	{ KAPSEL_PROG_IMAGE, ON_PROG, 40, fill_nothing },
	{ KAPSEL_MAP_LOOKUP, ON_MAP, 32, fill_elem },
	{ KAPSEL_MAP_UPDATE, ON_MAP, 32, fill_elem },
	{ KAPSEL_MAP_DELETE, ON_MAP, 32, fill_elem },
	{ KAPSEL_MAP_NEXT_KEY, ON_MAP, 24, fill_next },
	{ KAPSEL_MAP_LOOKUP_DELETE, ON_MAP, 32, fill_elem },
	{ KAPSEL_MAP_BATCH, ON_MAP, 56, fill_batch },
	{ KAPSEL_LINK_UPDATE, ON_LINK, 16, fill_update },
	/* Once only: these come last. */
	{ KAPSEL_MAP_FREEZE, ON_MAP, 8, fill_nothing },
	{ KAPSEL_LINK_DETACH, ON_LINK, 8, fill_nothing },
};

#define once(row) ((row)->cmd == KAPSEL_MAP_FREEZE || (row)->cmd == KAPSEL_LINK_DETACH)

/* The largest size that the number of an ioctl can say. */
#define MAX_SIZE	((1 << _IOC_SIZEBITS) - 1)

static unsigned long sized(unsigned long cmd, __u32 size)
{
	return _IOC(_IOC_READ | _IOC_WRITE, KAPSEL_IOC, _IOC_NR(cmd), size);
}

FIXTURE(uapi) {
	struct env env;
	char *room;		/* two pages, the second is not there */
	long page;
};

FIXTURE_SETUP(uapi)
{
	struct env *env = &self->env;

	env->dev = km_open();
	ASSERT_LE(0, env->dev);
	env->prog = km_netfilter(env->dev, KM_ACCEPT);
	ASSERT_LE(0, env->prog);
	env->map = km_map(env->dev, BPF_MAP_TYPE_HASH, 4, 8, 1, 0);
	ASSERT_LE(0, env->map);
	env->link = km_hook(env->dev, env->prog, NFPROTO_IPV4, NF_INET_LOCAL_IN, 0);
	ASSERT_LE(0, env->link);
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

/* The file a row's ioctl is for: the first of them. */
static int file_of(const struct env *env, __u32 on)
{
	return on & ON_DEVICE ? env->dev : on & ON_PROG ? env->prog :
	       on & ON_MAP ? env->map : env->link;
}

/* A call that would succeed, at @arg, with this size. */
static int call(struct env *env, const struct row *row, char *arg, __u32 size)
{
	char buf[1024] = {};
	__u32 own = _IOC_SIZE(row->cmd);
	int ret;

	row->fill(env, buf);
	memcpy(arg, buf, size < own ? size : own);
	ret = km_ioctl(file_of(env, row->on), sized(row->cmd, size), arg);
	if (ret > 2)
		close(ret);
	return ret;
}

TEST_F(uapi, sizes_are_those_of_abi_1)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_LE(rows[i].min, _IOC_SIZE(rows[i].cmd)) {
			TH_LOG("nr %#lx", _IOC_NR(rows[i].cmd));
		}
	}
}

TEST_F(uapi, another_kind_of_file_does_not_know_it)
{
	char arg[1024] = {};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (__u32 on = ON_DEVICE; on <= ON_LINK; on <<= 1) {
			if (rows[i].on & on)
				continue;
			EXPECT_EQ(-ENOTTY, km_ioctl(file_of(&self->env, on),
						    rows[i].cmd, arg)) {
				TH_LOG("nr %#lx on %u", _IOC_NR(rows[i].cmd), on);
			}
		}
	}
}

static bool is_known(__u32 nr, __u32 on)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (_IOC_NR(rows[i].cmd) == nr && rows[i].on & on)
			return true;
	return false;
}

TEST_F(uapi, numbers_without_a_row_are_unknown)
{
	char arg[1024] = {};

	for (__u32 on = ON_DEVICE; on <= ON_LINK; on <<= 1) {
		for (__u32 nr = 0; nr < 256; nr++) {
			if (is_known(nr, on))
				continue;
			EXPECT_EQ(-ENOTTY, km_ioctl(file_of(&self->env, on),
						    sized(nr, 64), arg)) {
				TH_LOG("nr %#x on %u", nr, on);
			}
		}
	}
}

TEST_F(uapi, another_type_is_unknown)
{
	char arg[1024] = {};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned long cmd = rows[i].cmd ^ (1 << _IOC_TYPESHIFT);

		EXPECT_EQ(-ENOTTY, km_ioctl(file_of(&self->env, rows[i].on), cmd, arg));
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

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (__u32 size = 0; size < rows[i].min; size++) {
			ASSERT_EQ(-EINVAL, call(&self->env, &rows[i], arg, size)) {
				TH_LOG("nr %#lx size %u", _IOC_NR(rows[i].cmd), size);
			}
	}
		}
}

TEST_F(uapi, the_size_of_abi_1_is_enough)
{
	char arg[1024] = {};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_LE(0, call(&self->env, &rows[i], arg, rows[i].min)) {
			TH_LOG("nr %#lx", _IOC_NR(rows[i].cmd));
		}
	}
}

TEST_F(uapi, longer_with_zeros_is_accepted)
{
	static char arg[MAX_SIZE + 1];
	const __u32 more[] = { 1, 8, 4096 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(more) && !once(&rows[i]); j++) {
			memset(arg, 0, sizeof(arg));
			EXPECT_LE(0, call(&self->env, &rows[i], arg,
					  _IOC_SIZE(rows[i].cmd) + more[j])) {
				TH_LOG("nr %#lx + %u", _IOC_NR(rows[i].cmd), more[j]);
			}
		}
	}
}

TEST_F(uapi, the_longest_is_accepted_and_its_tail_left_alone)
{
	static char arg[MAX_SIZE + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(arg, 0, sizeof(arg));
		EXPECT_LE(0, call(&self->env, &rows[i], arg, MAX_SIZE));
		for (__u32 at = _IOC_SIZE(rows[i].cmd); at <= MAX_SIZE; at++)
			ASSERT_EQ(0, arg[at]);
	}
}

TEST_F(uapi, longer_with_anything_else_is_too_big)
{
	static char arg[MAX_SIZE + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		__u32 size = _IOC_SIZE(rows[i].cmd);

		for (__u32 more = 1; more < 4096; more *= 3) {
			memset(arg, 0, sizeof(arg));
			arg[size + more - 1] = 1;
			EXPECT_EQ(-E2BIG, call(&self->env, &rows[i], arg, size + more)) {
				TH_LOG("nr %#lx + %u", _IOC_NR(rows[i].cmd), more);
			}
		}
	}
}

TEST_F(uapi, a_bad_pointer_faults_and_leaves_nothing)
{
	int fds = km_count_fds(), objects = km_objects(self->env.dev);
	char *const bad[] = { NULL, (char *)8, self->room + self->page,
			      (char *)(1UL << 63), (char *)-8UL, (char *)-1UL };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(bad); j++) {
			EXPECT_EQ(-EFAULT, km_ioctl(file_of(&self->env, rows[i].on),
						    rows[i].cmd, bad[j])) {
				TH_LOG("nr %#lx %p", _IOC_NR(rows[i].cmd), bad[j]);
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

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		__u32 size = _IOC_SIZE(rows[i].cmd);
		int fd = file_of(&self->env, rows[i].on);
		char buf[1024] = {};

		for (__u32 in = 1; in < size; in = in * 2 + 1) {
			rows[i].fill(&self->env, buf);
			memcpy(end - in, buf, in);
			EXPECT_EQ(-EFAULT, km_ioctl(fd, rows[i].cmd, end - in)) {
				TH_LOG("nr %#lx", _IOC_NR(rows[i].cmd));
			}
		}
		EXPECT_LE(0, call(&self->env, &rows[i], end - size, size));
	}
	km_pin(self->env.dev, KAPSEL_UNPIN, 0, "uapi");
	EXPECT_EQ(fds, km_count_fds());
	EXPECT_EQ(objects, km_objects_settle(self->env.dev, objects));
}

/* The answer can't be written: what was made for it is given back. */
TEST_F(uapi, read_only_memory_faults_and_leaves_nothing)
{
	int fds = km_count_fds(), objects = km_objects(self->env.dev);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		rows[i].fill(&self->env, memset(self->room, 0, 1024));
		ASSERT_EQ(0, mprotect(self->room, self->page, PROT_READ));
		EXPECT_EQ(-EFAULT, km_ioctl(file_of(&self->env, rows[i].on),
					    rows[i].cmd, self->room)) {
			TH_LOG("nr %#lx", _IOC_NR(rows[i].cmd));
		}
		ASSERT_EQ(0, mprotect(self->room, self->page, PROT_READ | PROT_WRITE));
	}
	km_pin(self->env.dev, KAPSEL_UNPIN, 0, "uapi");
	EXPECT_EQ(fds, km_count_fds());
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
	FIELD(KAPSEL_MAP_CREATE, struct kapsel_map_create, map_type, 0),
	FIELD(KAPSEL_MAP_CREATE, struct kapsel_map_create, map_type, UNKNOWN),
	FIELD(KAPSEL_MAP_CREATE, struct kapsel_map_create, btf_size, 8),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, flags, 8),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, flags, UNKNOWN),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, __reserved, 1),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, netfilter.linear, 65536),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, netfilter.__reserved, 1),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, __room[3], 1),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, __room[7], 1),
	FIELD(KAPSEL_LINK_CREATE, struct kapsel_link_create, netfilter.netns_fd, 1),
	FIELD(KAPSEL_NEXT_ID, struct kapsel_next_id, kind, 0),
	FIELD(KAPSEL_NEXT_ID, struct kapsel_next_id, kind, 4),
	FIELD(KAPSEL_FD_BY_ID, struct kapsel_fd_by_id, kind, 0),
	FIELD(KAPSEL_FD_BY_ID, struct kapsel_fd_by_id, kind, 4),
	FIELD(KAPSEL_PIN, struct kapsel_pin, __reserved, 1),
	FIELD(KAPSEL_GET_PINNED, struct kapsel_pin, __reserved, 1),
	FIELD(KAPSEL_GET_PINNED, struct kapsel_pin, fd, 1),
	FIELD(KAPSEL_UNPIN, struct kapsel_pin, __reserved, 1),
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

static const struct row *row_of(unsigned long cmd)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].cmd == cmd)
			return &rows[i];
	return NULL;
}

TEST_F(uapi, unknown_values_are_invalid)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *field = &fields[i];
		const struct row *row = row_of(field->cmd);
		char arg[1024] = {};

		row->fill(&self->env, arg);
		memcpy(arg + field->at, &field->value, field->size);
		EXPECT_EQ(-EINVAL, km_ioctl(file_of(&self->env, row->on),
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

static int call_named(struct env *env, const struct field *at, const char *name,
		      size_t len)
{
	const struct row *row = row_of(at->cmd);
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
	struct env *env = &self->env;
	char *hole = self->room + self->page;
	char arg[1024] = {};

	/* number, size, pointer, tail */
	EXPECT_EQ(-ENOTTY, km_ioctl(env->dev, sized(0xff, 0), hole));
	EXPECT_EQ(-EINVAL, km_ioctl(env->dev, sized(KAPSEL_MAP_CREATE, 8), hole));
	arg[1000] = 1;
	EXPECT_EQ(-E2BIG, km_ioctl(env->dev, sized(KAPSEL_MAP_CREATE, 1024), arg));
	/* then what the struct says, then what it points to */
	fill_load(env, memset(arg, 0, sizeof(arg)));
	((struct kapsel_prog_load *)arg)->insns = km_ptr(hole);
	EXPECT_EQ(-EFAULT, km_ioctl(env->dev, KAPSEL_PROG_LOAD, arg));
	((struct kapsel_prog_load *)arg)->flags = 2;
	EXPECT_EQ(-EINVAL, km_ioctl(env->dev, KAPSEL_PROG_LOAD, arg));
	fill_elem(env, memset(arg, 0, sizeof(arg)));
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
