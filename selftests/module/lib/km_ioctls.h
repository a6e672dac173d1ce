/* SPDX-License-Identifier: GPL-2.0-only */
/* Every ioctl, one row each: the file it is for, and a call that succeeds */
#ifndef KM_IOCTLS_H
#define KM_IOCTLS_H

#include <stdbool.h>

#include <linux/kernel.h>

#include "module/lib/km.h"

#define KM_ON_DEVICE	1
#define KM_ON_PROG		2
#define KM_ON_MAP		4
#define KM_ON_LINK		8
#define KM_ON_OBJECTS	(KM_ON_PROG | KM_ON_MAP | KM_ON_LINK)

/* All files there are, and memory for calls that succeed. */
struct km_env {
	int dev;
	int prog;
	int map;
	int link;
	struct bpf_insn insns[2];
	__u32 key;
	__u64 value;
	__u32 id;
};

static inline void km_fill_load(struct km_env *env, void *arg)
{
	struct kapsel_prog_load *load = arg;

	env->insns[0] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV, .imm = 1 };
	env->insns[1] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	load->insns = km_ptr(env->insns);
	load->insn_cnt = 2;
	load->prog_type = KAPSEL_PROG_NETFILTER;
}

static inline void km_fill_map(struct km_env *env, void *arg)
{
	*(struct kapsel_map_create *)arg = (struct kapsel_map_create){
		.map_type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8,
		.max_entries = 1,
	};
}

static inline void km_fill_link(struct km_env *env, void *arg)
{
	*(struct kapsel_link_create *)arg = (struct kapsel_link_create){
		.prog_fd = env->prog, .hook = KAPSEL_HOOK_NETFILTER,
		.netfilter = { .family = NFPROTO_IPV4 },
	};
}

static inline void km_fill_next_id(struct km_env *env, void *arg)
{
	((struct kapsel_next_id *)arg)->kind = KAPSEL_OBJ_MAP;
}

static inline void km_fill_fd_by_id(struct km_env *env, void *arg)
{
	*(struct kapsel_fd_by_id *)arg = (struct kapsel_fd_by_id){
		.kind = KAPSEL_OBJ_MAP, .id = km_info(env->map).id,
	};
}

/* Each call gets a name of its own, as an object has one pin. */
static inline void km_fill_pin(struct km_env *env, void *arg)
{
	struct kapsel_pin *pin = arg;

	km_pin(env->dev, KAPSEL_UNPIN, 0, "uapi");
	pin->fd = env->map;
	strcpy(pin->name, "uapi");
}

static inline void km_fill_pinned(struct km_env *env, void *arg)
{
	struct kapsel_pin *pin = arg;

	km_pin(env->dev, KAPSEL_PIN, env->map, "uapi");
	strcpy(pin->name, "uapi");
}

static inline void km_fill_run(struct km_env *env, void *arg)
{
	static __u8 packet[20] = { 0x45 };
	struct kapsel_test_run *run = arg;

	run->data_in = km_ptr(packet);
	run->data_size_in = sizeof(packet);
}

static inline void km_fill_elem(struct km_env *env, void *arg)
{
	km_set(env->map, env->key, 1, BPF_ANY);
	*(struct kapsel_map_elem *)arg = (struct kapsel_map_elem){
		.key = km_ptr(&env->key), .key_size = 4,
		.value = km_ptr(&env->value), .value_size = 8,
	};
}

static inline void km_fill_next(struct km_env *env, void *arg)
{
	km_set(env->map, env->key, 1, BPF_ANY);
	*(struct kapsel_map_next *)arg = (struct kapsel_map_next){
		.next_key = km_ptr(&env->key), .key_size = 4,
	};
}

static inline void km_fill_batch(struct km_env *env, void *arg)
{
	*(struct kapsel_map_batch *)arg = (struct kapsel_map_batch){
		.op = KAPSEL_BATCH_LOOKUP, .count = 1, .keys = km_ptr(&env->key),
		.values = km_ptr(&env->value), .key_size = 4, .value_size = 8,
	};
}

static inline void km_fill_update(struct km_env *env, void *arg)
{
	((struct kapsel_link_update *)arg)->prog_fd = env->prog;
}

static inline void km_fill_nothing(struct km_env *env, void *arg)
{
}

/* A row for each ioctl: what it is for, its first size, how to succeed. */
static const struct km_row {
	unsigned long cmd;
	__u32 on;
	__u32 min;
	void (*fill)(struct km_env *env, void *arg);
} km_rows[] = {
	{ KAPSEL_GET_ABI, KM_ON_DEVICE, 88, km_fill_nothing },
	{ KAPSEL_LIST_HELPERS, KM_ON_DEVICE, 16, km_fill_nothing },
	{ KAPSEL_LIST_CONTEXTS, KM_ON_DEVICE, 16, km_fill_nothing },
	{ KAPSEL_LIST_MAP_TYPES, KM_ON_DEVICE, 16, km_fill_nothing },
	{ KAPSEL_LIST_HOOKS, KM_ON_DEVICE, 16, km_fill_nothing },
	{ KAPSEL_LIST_WRAPS, KM_ON_DEVICE, 16, km_fill_nothing },
	{ KAPSEL_PROG_LOAD, KM_ON_DEVICE, 256, km_fill_load },
	{ KAPSEL_MAP_CREATE, KM_ON_DEVICE, 104, km_fill_map },
	{ KAPSEL_LINK_CREATE, KM_ON_DEVICE, 224, km_fill_link },
	{ KAPSEL_NEXT_ID, KM_ON_DEVICE, 8, km_fill_next_id },
	{ KAPSEL_FD_BY_ID, KM_ON_DEVICE, 8, km_fill_fd_by_id },
	{ KAPSEL_PIN, KM_ON_DEVICE, 72, km_fill_pin },
	{ KAPSEL_GET_PINNED, KM_ON_DEVICE, 72, km_fill_pinned },
	{ KAPSEL_UNPIN, KM_ON_DEVICE, 72, km_fill_pinned },
	{ KAPSEL_OBJ_INFO, KM_ON_OBJECTS, 424, km_fill_nothing },
	{ KAPSEL_PROG_TEST_RUN, KM_ON_PROG, 64, km_fill_run },
	{ KAPSEL_PROG_IMAGE, KM_ON_PROG, 40, km_fill_nothing },
	{ KAPSEL_MAP_LOOKUP, KM_ON_MAP, 32, km_fill_elem },
	{ KAPSEL_MAP_UPDATE, KM_ON_MAP, 32, km_fill_elem },
	{ KAPSEL_MAP_DELETE, KM_ON_MAP, 32, km_fill_elem },
	{ KAPSEL_MAP_NEXT_KEY, KM_ON_MAP, 24, km_fill_next },
	{ KAPSEL_MAP_LOOKUP_DELETE, KM_ON_MAP, 32, km_fill_elem },
	{ KAPSEL_MAP_BATCH, KM_ON_MAP, 56, km_fill_batch },
	{ KAPSEL_LINK_UPDATE, KM_ON_LINK, 16, km_fill_update },
	/* Once only: these come last. */
	{ KAPSEL_MAP_FREEZE, KM_ON_MAP, 8, km_fill_nothing },
	{ KAPSEL_LINK_DETACH, KM_ON_LINK, 8, km_fill_nothing },
};

/* What can be done to an object once only. */
static inline bool km_once(const struct km_row *row)
{
	return row->cmd == KAPSEL_MAP_FREEZE || row->cmd == KAPSEL_LINK_DETACH;
}

/* The largest size that the number of an ioctl can say. */
#define KM_MAX_SIZE	((1 << _IOC_SIZEBITS) - 1)

static inline unsigned long km_sized(unsigned long cmd, __u32 size)
{
	return _IOC(_IOC_READ | _IOC_WRITE, KAPSEL_IOC, _IOC_NR(cmd), size);
}

/* The file a row's ioctl is for: the first of them. */
static inline int km_file_of(const struct km_env *env, __u32 on)
{
	return on & KM_ON_DEVICE ? env->dev : on & KM_ON_PROG ? env->prog :
	       on & KM_ON_MAP ? env->map : env->link;
}

static inline bool km_is_known(__u32 nr, __u32 on)
{
	for (size_t i = 0; i < ARRAY_SIZE(km_rows); i++)
		if (_IOC_NR(km_rows[i].cmd) == nr && km_rows[i].on & on)
			return true;
	return false;
}

static inline const struct km_row *km_row_of(unsigned long cmd)
{
	for (size_t i = 0; i < ARRAY_SIZE(km_rows); i++)
		if (km_rows[i].cmd == cmd)
			return &km_rows[i];
	return NULL;
}

/* An object of each kind; 0 if there are all. */
static inline int km_env_open(struct km_env *env)
{
	env->dev = km_open();
	env->prog = km_netfilter(env->dev, KM_ACCEPT);
	env->map = km_map(env->dev, BPF_MAP_TYPE_HASH, 4, 8, 1, 0);
	env->link = km_hook(env->dev, env->prog, NFPROTO_IPV4, NF_INET_LOCAL_IN, 0);
	return env->dev < 0 || env->prog < 0 || env->map < 0 || env->link < 0;
}

static inline void km_env_close(struct km_env *env)
{
	km_pin(env->dev, KAPSEL_UNPIN, 0, "uapi");
	close(env->link);
	close(env->prog);
	close(env->map);
	close(env->dev);
}

#endif
