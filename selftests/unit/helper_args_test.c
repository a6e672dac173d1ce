// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each helper in each program type: a call as its prototype says is accepted; with
 * any one argument replaced by any one thing that the prototype does not allow, it
 * is refused, for that reason. The calls are generated from helpers.tbl: a new row
 * is tested from the start.
 */

#include <stdio.h>
#include <string.h>

#include <linux/kapsel.h>
#include <linux/kernel.h>

#include "core/proto.h"
#include "kselftest_harness.h"
#include "lib/asm.h"
#include "lib/judge.h"

#define MAX_TEXT	4096
#define MAX_SLOTS	256

enum {
	HASH, ARRAY, PERCPU_ARRAY, RINGBUF, READ_ONLY, WRITE_ONLY, PERF, CGROUP, PROGS, MAPS, STACK,
	QUEUE, STRINGS, LOCKED, USER_RINGBUF, STORAGE, PERCPU_STORAGE
};

static const struct kps_map_facts maps[] = {
	[HASH] = { BPF_MAP_TYPE_HASH, 4, 8, 16, 0, false },
	[ARRAY] = { BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, false },
	[PERCPU_ARRAY] = { BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 16, 0, false },
	[RINGBUF] = { BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, false },
	[READ_ONLY] = { BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_RDONLY_PROG, false },
	[WRITE_ONLY] = { BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_WRONLY_PROG, false },
	[CGROUP] = { BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 2, 0, false },
	[PERF] = { BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 2, 0, false },
	[PROGS] = { BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 2, 0, false },
	[MAPS] = { .type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .key_size = 4, .value_size = 4,
		   .max_entries = 2, .inner = { BPF_MAP_TYPE_ARRAY, 4, 8, 1 } },
	[QUEUE] = { BPF_MAP_TYPE_QUEUE, 0, 8, 16, 0, false },
	[STACK] = { BPF_MAP_TYPE_STACK_TRACE, 4, 80, 16, 0, false },
	[STRINGS] = { BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_RDONLY_PROG, true },
	[LOCKED] = { .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8,
		     .max_entries = 16, .lock_size = 4, .lock_off = 4 },
	[USER_RINGBUF] = { BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0, false },
	[STORAGE] = { BPF_MAP_TYPE_CGROUP_STORAGE, 16, 8, 0, 0, false },
	[PERCPU_STORAGE] = { BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, 8, 8, 0, 0, false },
};

/*
 * Before the arguments: r6 is the context, r7 the packet, of which 8 bytes are
 * there (in a kprobe program 0), r8 a value or NULL, r9 a record, a lock or a socket; 64 bytes of
 * stack hold zeroes, those below nothing, but there may be a dynptr at r10 - 96; r0 is
 * any number, and r1 to r5 are not initialised.
 */
static const char stack_and_value[] =
	"*(u64 *)(r10 - 8) = 0\n*(u64 *)(r10 - 16) = 0\n"
	"*(u64 *)(r10 - 24) = 0\n*(u64 *)(r10 - 32) = 0\n"
	"*(u64 *)(r10 - 40) = 0\n*(u64 *)(r10 - 48) = 0\n"
	"*(u64 *)(r10 - 56) = 0\n*(u64 *)(r10 - 64) = 0\n"
	"r1 = map[fd:0]\nr2 = r10\nr2 += -4\ncall 1\nr8 = r0\n";

static const char packet[] =
	"r7 = *(u32 *)(r1 + 76)\nr2 = *(u32 *)(r1 + 80)\n"
	"r3 = r7\nr3 += 8\nif r3 > r2 goto out\n";

static const char reserve[] =
	"r1 = map[fd:3]\nr2 = 8\nr3 = 0\ncall 131\nr9 = r0\nif r9 == 0 goto out\n";

static const char find_lock[] =
	"r1 = map[fd:13]\nr2 = r10\nr2 += -4\ncall 1\nr9 = r0\nif r9 == 0 goto out\nr9 += 4\n";

static const char make_dynptr[] =
	"r1 = map[fd:1] + 0 ll\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -96\ncall 197\n";

static const char reserve_dynptr[] =
	"r1 = map[fd:3]\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -96\ncall 198\n";

static const char discard_dynptr[] = "r1 = r10\nr1 += -96\nr2 = 0\ncall 200\n";

static const char find_socket[] = "r9 = *(u64 *)(r6 + 168)\nif r9 == 0 goto out\n";

static const char take_lock[] = "r1 = r9\ncall 93\n";
static const char give_back[] = "r1 = r9\ncall 94\n";

static const char after_reserve[] =
	"if r0 == 0 goto out\nr1 = r0\nr2 = 0\ncall 133\n";

static const char end[] = "out:\nr0 = 1\nexit\n";
static const char callback[] = "cb:\nr0 = 0\nexit\n";

/**
 * struct value - what an argument is made by
 * @text: instructions, of which "$" is the register
 * @netfilter: the code that a netfilter program is refused with; 0: none
 * @kprobe: the same of a kprobe program
 */
struct value {
	const char *text;
	int netfilter;
	int kprobe;
};

/* Every kind but NONE and MAYBE refuses what is not initialised. */
static const struct value unset = { "", 20, 20 };

static const struct value good[] = {
	[KPS_ARG_ANY] = { "$ = 0\n" },
	[KPS_ARG_CTX] = { "$ = r6\n" },
	[KPS_ARG_MAP] = { "$ = map[fd:0]\n" },
	[KPS_ARG_KEY] = { "$ = r10\n$ += -4\n" },
	[KPS_ARG_VALUE] = { "$ = r10\n$ += -8\n" },
	[KPS_ARG_VALUE_OUT] = { "$ = r10\n$ += -8\n" },
	[KPS_ARG_MEM] = { "$ = r10\n$ += -8\n" },
	[KPS_ARG_MEM_OUT] = { "$ = r10\n$ += -8\n" },
	[KPS_ARG_SIZE] = { "$ = 8\n" },
	[KPS_ARG_SIZE0] = { "$ = 8\n" },
	[KPS_ARG_CONST_SIZE] = { "$ = 8\n" },
	[KPS_ARG_RECORD] = { "$ = r9\n" },
	[KPS_ARG_CALLBACK] = { "$ = func cb\n" },
	[KPS_ARG_CALLBACK_CTX] = { "$ = r10\n$ += -8\n" },
	[KPS_ARG_ZERO] = { "$ = 0\n" },
	[KPS_ARG_MAYBE] = { "$ = 0\n" },
	[KPS_ARG_CTX_CHANGED] = { "$ = r6\n" },
	[KPS_ARG_MEM_OR_NULL] = { "$ = r10\n$ += -8\n" },
	[KPS_ARG_TEXT_OR_NULL] = { "$ = r10\n$ += -8\n" },
	[KPS_ARG_STRING] = { "$ = map[fd:12] + 0 ll\n" },
	[KPS_ARG_FORMAT] = { "$ = map[fd:12] + 0 ll\n" },
	[KPS_ARG_WORDS_SIZE] = { "$ = 8\n" },
	[KPS_ARG_LOCK] = { "$ = r9\n" },
	[KPS_ARG_SOCKET] = { "$ = r9\n" },
	[KPS_ARG_VALUE_MEM] = { "$ = map[fd:1] + 0 ll\n" },
	[KPS_ARG_DYNPTR] = { "$ = r10\n$ += -96\n" },
	[KPS_ARG_DYNPTR_OUT] = { "$ = r10\n$ += -96\n" },
	[KPS_ARG_DYNPTR_RECORD] = { "$ = r10\n$ += -96\n" },
	[KPS_ARG_CTX_WRITTEN] = { "$ = r6\n" },
};

static const struct value wrong_number[] = {
	{ "$ = r10\n", 29, 0 }, { "$ = r6\n", 29, 0 }, { "$ = map[fd:0]\n", 29, 0 }, { NULL },
};

static const struct value wrong_ctx[] = {
	{ "$ = 0\n", 42, 42 }, { "$ = r10\n", 42, 42 }, { "$ = r6\n$ += 4\n", 42, 42 },
	{ "$ = map[fd:1] + 0 ll\n", 42, 42 }, { NULL },
};

static const struct value wrong_map[] = {
	{ "$ = 0\n", 42, 42 }, { "$ = r6\n", 42, 42 }, { "$ = r10\n", 42, 42 },
	{ "$ = map[fd:1] + 0 ll\n", 42, 42 }, { "$ = map[fd:77]\n", 90, 90 }, { NULL },
};

/* Of 4 bytes at least: keys, values, and memory of 8 bytes. */
static const struct value wrong_bytes[] = {
	{ "$ = 0\n", 42, 42 }, { "$ = 4096\n", 42, 42 }, { "$ = r0\n", 42, 42 },
	{ "$ = r6\n", 42, 42 }, { "$ = map[fd:1]\n", 42, 42 }, { "$ = func cb\n", 42, 42 },
	{ "$ = r8\n", 21, 21 },
	{ "$ = r10\n", 35, 35 }, { "$ = r10\n$ += -3\n", 35, 35 },
	{ "$ = r10\n$ += -513\n", 34, 34 },
	{ "$ = map[fd:1] + 5 ll\n", 35, 35 },
	{ "$ = r0\n$ &= 63\n$ -= 64\n$ += r10\n", 35, 35 },
	{ NULL },
};

/* What is read must be there to be read; a kprobe program may read old stack. */
static const struct value wrong_read[] = {
	{ "$ = r10\n$ += -72\n", 25, 0 }, { "$ = r10\n$ += -66\n", 25, 0 },
	{ "$ = map[fd:5] + 0 ll\n", 26, 26 }, { "$ = map[fd:4] + 0 ll\n", 0, 0 },
	{ "$ = r7\n", 0, 42 }, { "$ = r7\n$ += 5\n", 36, 42 }, { NULL },
};

static const struct value wrong_write[] = {
	{ "$ = map[fd:4] + 0 ll\n", 23, 23 }, { "$ = map[fd:5] + 0 ll\n", 0, 0 },
	{ "$ = r10\n$ += -72\n", 0, 0 }, { "$ = r7\n", 23, 42 }, { NULL },
};

/* Some of it stays as it was: it must be there to be read, too. */
static const struct value wrong_text[] = {
	{ "$ = r10\n$ += -72\n", 25, 0 }, { "$ = r10\n$ += -66\n", 25, 0 },
	{ "$ = map[fd:5] + 0 ll\n", 26, 26 }, { "$ = map[fd:4] + 0 ll\n", 23, 23 },
	{ "$ = r7\n", 23, 42 }, { NULL },
};

/* The map is frozen, is read-only, and has one value, or the string may change. */
static const struct value wrong_string[] = {
	{ "$ = 0\n", 115, 115 }, { "$ = r10\n$ += -8\n", 115, 115 }, { "$ = r6\n", 115, 115 },
	{ "$ = r8\n", 21, 21 }, { "$ = map[fd:12]\n", 115, 115 },
	{ "$ = map[fd:1] + 0 ll\n", 115, 115 }, { "$ = map[fd:4] + 0 ll\n", 115, 115 },
	{ "$ = map[fd:12] + 7 ll\n", 0, 0 }, { "$ = map[fd:12] + 7 ll\n$ += 1\n", 115, 115 },
	{ "$ = map[fd:12] + 0 ll\n$ += -1\n", 115, 115 },
	{ "$ = map[fd:12] + 0 ll\nr0 &= 7\n$ += r0\n", 115, 115 }, { NULL },
};

static const struct value wrong_words[] = {
	{ "$ = r0\n", 47, 47 }, { "$ = -1\n", 47, 47 }, { "$ = 97\n", 47, 47 },
	{ "$ = 104\n", 47, 47 }, { "$ = 7\n", 43, 43 }, { "$ = 4\n", 43, 43 },
	{ "$ = 16\n", 35, 35 }, { "$ = 0\n", 0, 0 }, { "$ = r10\n", 47, 47 }, { NULL },
};

static const struct value wrong_size[] = {
	{ "$ = -1\n", 43, 43 }, { "w$ = -2147483648\n", 43, 43 }, { "$ = r0\n", 43, 43 },
	{ "$ = 9\n", 35, 35 }, { "$ = 65\n", 35, 35 }, { "$ = r10\n", 42, 42 },
	{ "$ = r0\n$ &= 15\n$ += 1\n", 35, 35 }, { "$ = r0\n$ &= 7\n$ += 1\n", 0, 0 }, { NULL },
};

static const struct value wrong_zero_size[] = {
	{ "$ = 0\n", 43, 43 }, { "$ = r0\n$ &= 7\n", 43, 43 }, { NULL },
};

static const struct value zero_size[] = {
	{ "$ = 0\n", 0, 0 }, { "$ = r0\n$ &= 7\n", 0, 0 }, { NULL },
};

static const struct value wrong_const[] = {
	{ "$ = r0\n", 47, 47 }, { "$ = -1\n", 47, 47 }, { "w$ = -2147483648\n", 47, 47 },
	{ "$ = r0\n$ &= 7\n", 47, 47 }, { "$ = r10\n", 47, 47 }, { NULL },
};

/* An address is a number that a kprobe program may have, but far too many calls. */
static const struct value wrong_trips[] = {
	{ "$ = r10\n", 29, 72 }, { "$ = r6\n", 29, 72 }, { "$ = r0\n", 72, 72 }, { NULL },
};

static const struct value wrong_flags[] = {
	{ "$ = 1\n", 47, 47 }, { "$ = r0\n", 47, 47 }, { "$ = r10\n", 47, 47 }, { NULL },
};

static const struct value wrong_record[] = {
	{ "$ = 0\n", 42, 42 }, { "$ = r9\n$ += 1\n", 51, 51 }, { "$ = r10\n$ += -8\n", 51, 51 },
	{ "$ = r8\n", 21, 21 }, { "$ = map[fd:1] + 0 ll\n", 51, 51 }, { "$ = r6\n", 51, 51 },
	{ NULL },
};

static const struct value wrong_lock[] = {
	{ "$ = 0\n", 119, 0 }, { "$ = r9\n$ += 1\n", 119, 0 }, { "$ = r9\n$ += -4\n", 119, 0 },
	{ "$ = r10\n$ += -8\n", 119, 0 }, { "$ = r8\n", 21, 0 }, { "$ = r7\n", 119, 0 },
	{ "$ = map[fd:1] + 0 ll\n", 119, 0 }, { "$ = map[fd:13]\n", 119, 0 }, { NULL },
};

static const struct value wrong_socket[] = {
	{ "$ = 0\n", 42, 0 }, { "$ = r10\n$ += -8\n", 42, 0 }, { "$ = r8\n", 21, 0 },
	{ "$ = r6\n", 42, 0 }, { "$ = r7\n", 42, 0 }, { "$ = map[fd:1] + 0 ll\n", 42, 0 },
	{ "$ = *(u64 *)(r6 + 168)\n", 21, 0 }, { "$ = r9\n$ += 4\n", 42, 0 }, { NULL },
};

static const struct value wrong_value_mem[] = {
	{ "$ = 0\n", 42, 42 }, { "$ = r6\n", 42, 42 }, { "$ = r10\n$ += -8\n", 42, 42 },
	{ "$ = r7\n", 42, 42 }, { "$ = r8\n", 21, 21 }, { "$ = map[fd:1]\n", 42, 42 },
	{ "$ = map[fd:4] + 0 ll\n", 23, 23 }, { "$ = map[fd:5] + 0 ll\n", 26, 26 },
	{ "$ = map[fd:1] + 1 ll\n", 35, 35 }, { NULL },
};

static const struct value wrong_dynptr[] = {
	{ "$ = 0\n", 42, 42 }, { "$ = r6\n", 42, 42 }, { "$ = r8\n", 21, 21 },
	{ "$ = map[fd:1] + 0 ll\n", 42, 42 }, { "$ = r10\n", 131, 131 },
	{ "$ = r10\n$ += -8\n", 131, 131 }, { "$ = r10\n$ += -88\n", 131, 131 },
	{ "$ = r10\n$ += -104\n", 131, 131 }, { "$ = r10\n$ += -520\n", 131, 131 },
	{ "r0 &= 16\n$ = r10\n$ += -96\n$ += r0\n", 131, 131 }, { NULL },
};

static const struct value wrong_dynptr_out[] = {
	{ "$ = 0\n", 42, 42 }, { "$ = r6\n", 42, 42 }, { "$ = r8\n", 21, 21 },
	{ "$ = map[fd:1] + 0 ll\n", 42, 42 }, { "$ = r10\n", 130, 130 },
	{ "$ = r10\n$ += -8\n", 130, 130 }, { "$ = r10\n$ += -92\n", 130, 130 },
	{ "$ = r10\n$ += -520\n", 130, 130 },
	{ "r0 &= 16\n$ = r10\n$ += -96\n$ += r0\n", 130, 130 }, { NULL },
};

static const struct value wrong_callback[] = {
	{ "$ = 0\n", 46, 46 }, { "$ = r10\n", 46, 46 }, { "$ = map[fd:1]\n", 46, 46 }, { NULL },
};

static const struct value wrong_callback_ctx[] = {
	{ "$ = 1\n", 42, 42 }, { "$ = r6\n", 42, 42 }, { "$ = map[fd:1] + 0 ll\n", 42, 42 },
	{ "$ = 0\n", 0, 0 }, { NULL },
};

/* What is tried in place of each kind of argument, at most three lists. */
static const struct value *const tries[][3] = {
	[KPS_ARG_ANY] = { wrong_number },
	[KPS_ARG_CTX] = { wrong_ctx },
	[KPS_ARG_MAP] = { wrong_map },
	[KPS_ARG_KEY] = { wrong_bytes, wrong_read },
	[KPS_ARG_VALUE] = { wrong_bytes, wrong_read },
	[KPS_ARG_VALUE_OUT] = { wrong_bytes, wrong_write },
	[KPS_ARG_MEM] = { wrong_bytes, wrong_read },
	[KPS_ARG_MEM_OUT] = { wrong_bytes, wrong_write },
	[KPS_ARG_SIZE] = { wrong_size, wrong_zero_size },
	[KPS_ARG_SIZE0] = { wrong_size, zero_size },
	[KPS_ARG_CONST_SIZE] = { wrong_const },
	[KPS_ARG_RECORD] = { wrong_record },
	[KPS_ARG_CALLBACK] = { wrong_callback },
	[KPS_ARG_CALLBACK_CTX] = { wrong_callback_ctx },
	[KPS_ARG_ZERO] = { wrong_flags },
	[KPS_ARG_MAYBE] = { wrong_number },
	[KPS_ARG_CTX_CHANGED] = { wrong_ctx },
	/* 0 is refused, since the size is 8. */
	[KPS_ARG_MEM_OR_NULL] = { wrong_bytes, wrong_read },
	[KPS_ARG_TEXT_OR_NULL] = { wrong_bytes, wrong_text },
	[KPS_ARG_STRING] = { wrong_string },
	[KPS_ARG_FORMAT] = { wrong_string },
	[KPS_ARG_WORDS_SIZE] = { wrong_words },
	[KPS_ARG_LOCK] = { wrong_lock },
	[KPS_ARG_SOCKET] = { wrong_socket },
	[KPS_ARG_VALUE_MEM] = { wrong_value_mem },
	[KPS_ARG_DYNPTR] = { wrong_dynptr },
	[KPS_ARG_DYNPTR_OUT] = { wrong_dynptr_out },
	[KPS_ARG_DYNPTR_RECORD] = { wrong_dynptr },
	[KPS_ARG_CTX_WRITTEN] = { wrong_ctx },
};

/* Appends a value's text, with a register for each "$". */
static void put_value(char *text, const struct value *value, u32 reg)
{
	const char *c;

	for (c = value->text; *c; c++) {
		if (*c == '$')
			sprintf(text + strlen(text), c > value->text && c[-1] == 'w' ? "%u" : "r%u",
				reg);
		else
			sprintf(text + strlen(text), "%c", *c);
	}
}

static const struct value *good_value(const struct kps_helper *helper, u32 n)
{
	static const struct value percpu = { "$ = map[fd:2]\n" };
	static const struct value ringbuf = { "$ = map[fd:3]\n" };
	static const struct value perf = { "$ = map[fd:6]\n" };
	static const struct value cgroup = { "$ = map[fd:7]\n" };
	static const struct value progs = { "$ = map[fd:8]\n" };
	static const struct value stack = { "$ = map[fd:10]\n" };
	static const struct value queue = { "$ = map[fd:11]\n" };
	static const struct value user_ringbuf = { "$ = map[fd:14]\n" };
	static const struct value storage = { "$ = map[fd:15]\n" };

	if (helper->args[n] != KPS_ARG_MAP)
		return &good[helper->args[n]];
	if (helper->map_op & KAPSEL_MAP_OP_RINGBUF)
		return &ringbuf;
	if (helper->map_op & KAPSEL_MAP_OP_DRAIN)
		return &user_ringbuf;
	if (helper->map_op & KAPSEL_MAP_OP_LOCAL)
		return &storage;
	if (helper->map_op & KAPSEL_MAP_OP_PERF)
		return &perf;
	if (helper->map_op & KAPSEL_MAP_OP_CGROUP)
		return &cgroup;
	if (helper->map_op & KAPSEL_MAP_OP_PROGS)
		return &progs;
	if (helper->map_op & KAPSEL_MAP_OP_STACK)
		return &stack;
	if (helper->map_op & (KAPSEL_MAP_OP_PUSH | KAPSEL_MAP_OP_POP))
		return &queue;
	return helper->map_op & KAPSEL_MAP_OP_PERCPU ? &percpu : &good[KPS_ARG_MAP];
}

static bool has_arg(const struct kps_helper *helper, u8 arg)
{
	return memchr(helper->args, arg, sizeof(helper->args));
}

/* What has to be there for its first argument, or for one of them. */
static const char *before(const struct kps_helper *helper, bool netfilter)
{
	if (helper->args[0] == KPS_ARG_RECORD)
		return reserve;
	if (helper->args[0] == KPS_ARG_LOCK && netfilter)
		return find_lock;
	if (helper->args[0] == KPS_ARG_SOCKET && netfilter)
		return find_socket;
	if (helper->args[0] == KPS_ARG_DYNPTR_RECORD)
		return reserve_dynptr;
	return has_arg(helper, KPS_ARG_DYNPTR) ? make_dynptr : "r9 = 0\n";
}

/* A call of the helper, its argument @n being @value; @n 5: all as they should be. */
static void put_call(char *text, const struct kps_helper *helper, u32 prog_type, u32 n,
		     const struct value *value)
{
	bool netfilter = prog_type == KAPSEL_PROG_NETFILTER;
	bool lock = helper->args[0] == KPS_ARG_LOCK && netfilter;
	u32 i;

	sprintf(text, "r6 = r1\n%s%s%scall 118\n%s", netfilter ? packet : "r7 = 0\n",
		stack_and_value, before(helper, netfilter),
		lock && helper->id == BPF_FUNC_spin_unlock ? take_lock : "");
	for (i = 0; i < 5 && helper->args[i] != KPS_ARG_NONE; i++)
		put_value(text, i == n ? value : good_value(helper, i), i + 1);
	sprintf(text + strlen(text), "call %u\n", helper->id);
	if (helper->ret == KPS_RET_RECORD_OR_NULL)
		strcat(text, after_reserve);
	if (helper->id == 198)
		strcat(text, discard_dynptr);
	if (lock && helper->id == BPF_FUNC_spin_lock)
		strcat(text, give_back);
	strcat(text, end);
	if (strstr(text, "func cb"))
		strcat(text, callback);
}

static int verdict_on(const char *text, u32 type)
{
	struct bpf_insn insns[MAX_SLOTS];
	char err[80];
	int count = kt_asm(text, insns, MAX_SLOTS, err, sizeof(err));

	if (count < 0) {
		fprintf(stderr, "# %s\n", err);
		return -1;
	}
	return kt_judge(type, insns, count, maps, ARRAY_SIZE(maps));
}

/* 1 if the verdict is not the one wanted. */
static u32 try(const struct kps_helper *helper, const struct kps_prog_type *type, u32 n,
	       const struct value *value)
{
	int want = type->type == KAPSEL_PROG_KPROBE ? value->kprobe : value->netfilter;
	char text[MAX_TEXT];
	int got;

	put_call(text, helper, type->type, n, value);
	got = verdict_on(text, type->type);
	if (got == want)
		return 0;
	fprintf(stderr, "# %s: %s, argument %u: wanted %d, got %d, by:\n%s", type->name,
		helper->name, n + 1, want, got, value->text);
	return 1;
}

/* The one type of those above that has an operation; 0: all that have elements. */
static u32 only_type(u32 op)
{
	switch (op) {
	case KAPSEL_MAP_OP_RINGBUF:
		return BPF_MAP_TYPE_RINGBUF;
	case KAPSEL_MAP_OP_DRAIN:
		return BPF_MAP_TYPE_USER_RINGBUF;
	case KAPSEL_MAP_OP_PERF:
		return BPF_MAP_TYPE_PERF_EVENT_ARRAY;
	case KAPSEL_MAP_OP_CGROUP:
		return BPF_MAP_TYPE_CGROUP_ARRAY;
	case KAPSEL_MAP_OP_PROGS:
		return BPF_MAP_TYPE_PROG_ARRAY;
	case KAPSEL_MAP_OP_STACK:
		return BPF_MAP_TYPE_STACK_TRACE;
	case KAPSEL_MAP_OP_PUSH:
	case KAPSEL_MAP_OP_POP:
		return BPF_MAP_TYPE_QUEUE;
	case KAPSEL_MAP_OP_PERCPU:
		return BPF_MAP_TYPE_PERCPU_ARRAY;
	}
	return 0;
}

static bool is_storage(u32 type)
{
	return type == BPF_MAP_TYPE_CGROUP_STORAGE || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

static bool has_elements(u32 type)
{
	return type != BPF_MAP_TYPE_RINGBUF && type != BPF_MAP_TYPE_PERF_EVENT_ARRAY &&
	       type != BPF_MAP_TYPE_CGROUP_ARRAY && type != BPF_MAP_TYPE_PROG_ARRAY &&
	       type != BPF_MAP_TYPE_STACK_TRACE && type != BPF_MAP_TYPE_QUEUE &&
	       type != BPF_MAP_TYPE_USER_RINGBUF && !is_storage(type);
}

static int map_verdict(const struct kps_helper *helper, const struct kps_prog_type *prog,
		       const struct kps_map_facts *map)
{
	u32 only = only_type(helper->map_op);

	if (map->lock_size && prog->type == KAPSEL_PROG_KPROBE)
		return 118;
	if (map->inner.type)
		return helper->id == BPF_FUNC_map_lookup_elem ? 0 : 44;
	if (helper->map_op == KAPSEL_MAP_OP_LOCAL)
		return is_storage(map->type) ? 0 : 44;
	if (only ? map->type != only : !has_elements(map->type))
		return 44;
	if (map->flags & BPF_F_RDONLY_PROG && helper->ret == KPS_RET_ERR)
		return 23;
	return map->flags & BPF_F_WRONLY_PROG && helper->ret == KPS_RET_VALUE_OR_NULL ? 26 : 0;
}

static u32 try_maps(const struct kps_helper *helper, const struct kps_prog_type *type, u32 n)
{
	char text[40];
	u32 i, wrong = 0;

	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		int want = map_verdict(helper, type, &maps[i]);
		const struct value value = { text, want, want };

		sprintf(text, "$ = map[fd:%u]\n", i);
		wrong += try(helper, type, n, &value);
	}
	return wrong;
}

/* What is tried in place of an argument, list after list. */
static const struct value *tries_of(const struct kps_helper *helper, u32 n, u32 list)
{
	if (helper->id == BPF_FUNC_loop && !n)
		return list ? NULL : wrong_trips;
	return list < 3 ? tries[helper->args[n]][list] : NULL;
}

static u32 try_argument(const struct kps_helper *helper, const struct kps_prog_type *type,
			u32 n)
{
	const struct value *value;
	u32 list, wrong = 0;

	if (helper->args[n] != KPS_ARG_MAYBE)
		wrong += try(helper, type, n, &unset);
	if (helper->args[n] == KPS_ARG_MAP)
		wrong += try_maps(helper, type, n);
	for (list = 0; (value = tries_of(helper, n, list)); list++)
		for (; value->text; value++)
			wrong += try(helper, type, n, value);
	return wrong;
}

static u32 try_helper(const struct kps_helper *helper, const struct kps_prog_type *type)
{
	static const struct value absent = { "", 41, 41 }, none = { "" };
	u32 n, wrong = 0;

	if (!(helper->progs & type->bit))
		return try(helper, type, 5, &absent);
	wrong += try(helper, type, 5, &none);
	for (n = 0; n < 5 && helper->args[n] != KPS_ARG_NONE; n++)
		wrong += try_argument(helper, type, n);
	return wrong;
}

static u32 try_all(u32 prog_type)
{
	const struct kps_prog_type *type = kps_prog_type_find(prog_type);
	u32 i, wrong = 0;

	for (i = 0; i < kps_nr_helpers; i++)
		wrong += try_helper(&kps_helpers[i], type);
	return wrong;
}

TEST(kprobe)
{
	EXPECT_EQ(0, try_all(KAPSEL_PROG_KPROBE));
}

TEST(netfilter)
{
	EXPECT_EQ(0, try_all(KAPSEL_PROG_NETFILTER));
}

TEST_HARNESS_MAIN
