/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * kapsel - the contract between the kernel module and userspace
 *
 * Every ioctl takes one struct. The kernel dispatches on the number alone and
 * learns the caller's size from _IOC_SIZE(): a shorter struct is extended with
 * zeros (down to the size the ioctl had in ABI 1), a longer one must end in
 * zeros (else E2BIG). Unknown flags and non-zero reserved fields are EINVAL,
 * unknown numbers ENOTTY. Layouts are the same on 32 and 64 bits.
 *
 * Map types, helper ids, map flags, struct __sk_buff, struct pt_regs and the
 * ring buffer's memory layout have Linux's numbers and meanings (linux/bpf.h).
 */
#ifndef _UAPI_LINUX_KAPSEL_H
#define _UAPI_LINUX_KAPSEL_H

#include <linux/types.h>
#include <linux/ioctl.h>

#define KAPSEL_DEVICE		"/dev/kapsel"
#define KAPSEL_ABI		1
#define KAPSEL_NAME_LEN		64	/* with the terminating NUL */
#define KAPSEL_LICENSE_LEN	64
#define KAPSEL_PATTERN_LEN	256	/* of functions' names, with the terminating NUL */
#define KAPSEL_COMM_LEN		16

/* Hard limits; GET_ABI repeats them. */
#define KAPSEL_MAX_INSNS	1000000	/* 8-byte instruction slots a program */
#define KAPSEL_MAX_MAPS		64	/* different maps a program */
#define KAPSEL_MAX_STACK	512	/* bytes, all frames of a call chain */
#define KAPSEL_MAX_DEPTH	8	/* frames of a call chain */
#define KAPSEL_MAX_BTF		(256 * 1024)	/* bytes kept for a map */
#define KAPSEL_MAX_REPEAT	10000000	/* PROG_TEST_RUN */
#define KAPSEL_MAX_TAIL_CALLS	33	/* a run */
#define KAPSEL_DEFAULT_CEILING	4000000	/* instructions a run */
#define KAPSEL_MAX_FUNCTIONS	65536	/* whose entries one link watches */
#define KAPSEL_MAX_RETURNS	4096	/* functions whose returns one link watches */
#define KAPSEL_MAX_METERED	1000000000	/* ceiling of a metered program: a second or two */

/* Kinds of object. Ids are counted for each kind from 1 and not reused soon. */
#define KAPSEL_OBJ_PROG		1
#define KAPSEL_OBJ_MAP		2
#define KAPSEL_OBJ_LINK		3

/* Program types (numbers of enum bpf_prog_type). */
#define KAPSEL_PROG_KPROBE	2	/* context: struct pt_regs, read-only */
#define KAPSEL_PROG_NETFILTER	32	/* context: struct __sk_buff; 0 drop, 1 accept */

/* Hooks. */
#define KAPSEL_HOOK_KPROBE	1	/* function entry, or an instruction in it */
#define KAPSEL_HOOK_KRETPROBE	2	/* function return */
#define KAPSEL_HOOK_NETFILTER	3	/* a netfilter hook of one network namespace */
#define KAPSEL_HOOK_KPROBE_MULTI 4	/* the entries of many functions */
#define KAPSEL_HOOK_KRETPROBE_MULTI 5	/* the returns of many functions */

/* Engines. */
#define KAPSEL_ENGINE_AUTO	0
#define KAPSEL_ENGINE_INTERP	1
#define KAPSEL_ENGINE_JIT	2

/* Why a program is not compiled, or an engine not there. */
#define KAPSEL_WHY_NOTHING	0	/* it is */
#define KAPSEL_WHY_ASKED	1	/* the interpreter was asked for */
#define KAPSEL_WHY_NO_JIT	2	/* the kernel was built without a JIT */
#define KAPSEL_WHY_JIT_OFF	3	/* the sysctl net.core.bpf_jit_enable is 0 */
#define KAPSEL_WHY_METERED	4	/* metered, and no room on its stack to count */
#define KAPSEL_WHY_INSN		5	/* the kernel's JIT compiles an instruction wrong */
#define KAPSEL_WHY_FUNCTIONS	6	/* functions are compiled on x86-64 only */
#define KAPSEL_WHY_FAR		7	/* a jump or call reaches too far */
#define KAPSEL_WHY_LENGTH	8	/* too long for a JIT that blinds constants */
#define KAPSEL_WHY_REFUSED	9	/* the kernel's JIT refused, for want of memory perhaps */
#define KAPSEL_WHY_NO_INTERP	10	/* the kernel was built to have no interpreters */

/* ------------------------------------------------------------------------
 * Verdict and records: what a load or an attachment answers
 */

/**
 * struct kapsel_facts - what the verifier knows of one register
 * @kind: KAPSEL_KIND_*
 * @flags: KAPSEL_FACT_*
 * @reg: 0 to 10, or KAPSEL_NO_REG
 * @object: which object a pointer points to: the index of a map (by first use
 *	in the program; of any map that is in it, KAPSEL_MAX_MAPS more), the frame
 *	of a stack, the id of a reference, KAPSEL_SOCK_*
 * @size: of that object, bytes; of a packet: bytes proven to be there
 * @smin: @smax, @umin, @umax, @s32_min...: ranges of the number, or of the
 *	pointer's offset into its object
 * @bits_value: bits known to be set
 * @bits_mask: bits not known
 */
struct kapsel_facts {
	__u8	kind;
	__u8	flags;
	__u16	reg;
	__u32	object;
	__u32	size;
	__u32	__reserved;
	__s64	smin;
	__s64	smax;
	__u64	umin;
	__u64	umax;
	__s32	s32_min;
	__s32	s32_max;
	__u32	u32_min;
	__u32	u32_max;
	__u64	bits_value;
	__u64	bits_mask;
};

#define KAPSEL_KIND_UNINIT	0	/* never written on this path */
#define KAPSEL_KIND_SCALAR	1	/* a number */
#define KAPSEL_KIND_CTX		2
#define KAPSEL_KIND_STACK	3
#define KAPSEL_KIND_MAP		4	/* the map itself, a helper's argument */
#define KAPSEL_KIND_MAP_VALUE	5
#define KAPSEL_KIND_PACKET	6
#define KAPSEL_KIND_PACKET_END	7
#define KAPSEL_KIND_RINGBUF	8	/* a reservation */
#define KAPSEL_KIND_FUNC	9	/* a callback */
#define KAPSEL_KIND_UNUSABLE	10	/* different things on different paths */
#define KAPSEL_KIND_MAP_KEY	11	/* of the element that a callback is called for */
#define KAPSEL_KIND_SOCKET	12	/* of which fields are read; object: KAPSEL_SOCK_* */
#define KAPSEL_KIND_DYNPTR	13	/* half of one, on the stack; object: KAPSEL_DYNPTR_* */
#define KAPSEL_KIND_SLICE	14	/* memory that bpf_dynptr_data() gives */
#define KAPSEL_KIND_SAMPLE	15	/* the dynptr that a callback is called for */

#define KAPSEL_SOCK_ANY		0	/* struct bpf_sock without what full ones have */
#define KAPSEL_SOCK_FULL	1	/* struct bpf_sock */
#define KAPSEL_SOCK_TCP		2	/* struct bpf_tcp_sock */

#define KAPSEL_DYNPTR_LOCAL	0	/* of a map's value */
#define KAPSEL_DYNPTR_RINGBUF	1	/* of a reservation */

#define KAPSEL_FACT_MAYBE_NULL	1
#define KAPSEL_NO_REG		0xffff

/**
 * struct kapsel_rec - the head of each record in a log buffer
 * @kind: KAPSEL_REC_*
 * @size: of the whole record, bytes, a multiple of 8
 * @insn: index of the instruction it speaks of
 */
struct kapsel_rec {
	__u16	kind;
	__u16	size;
	__u32	insn;
};

#define KAPSEL_REC_ERROR	1	/* struct kapsel_rec_problem */
#define KAPSEL_REC_WARNING	2	/* struct kapsel_rec_problem */
#define KAPSEL_REC_STEP		3	/* struct kapsel_rec_step, oldest first */
#define KAPSEL_REC_HOT		4	/* struct kapsel_rec_hot, dearest first */

/**
 * struct kapsel_rec_problem - a refusal or a warning
 * @hdr: kind ERROR or WARNING
 * @code: 21 is KV021, 1003 is KA003
 * @access: KAPSEL_ACCESS_*, of the access or helper argument refused
 * @half: KAPSEL_HALF_*: which half of @need_min <= x <= @need_max is missing
 * @arg: of a helper, 1 to 5; 0: not about an argument
 * @access_size: bytes
 * @helper: id, 0: not about a helper
 * @detail: what the code says it is (a field's offset, a map type, ...)
 * @need_min: smallest value that would do
 * @need_max: largest value that would do
 * @has: the register refused
 * @other: the second operand, kind UNINIT and reg KAPSEL_NO_REG if none
 */
struct kapsel_rec_problem {
	struct kapsel_rec hdr;
	__u32	code;
	__u8	access;
	__u8	half;
	__u16	arg;
	__u32	access_size;
	__u32	helper;
	__u64	detail;
	__s64	need_min;
	__s64	need_max;
	struct kapsel_facts has;
	struct kapsel_facts other;
};

#define KAPSEL_ACCESS_NONE	0
#define KAPSEL_ACCESS_READ	1
#define KAPSEL_ACCESS_WRITE	2
#define KAPSEL_ACCESS_ATOMIC	3

#define KAPSEL_HALF_NONE	0
#define KAPSEL_HALF_LOWER	1
#define KAPSEL_HALF_UPPER	2
#define KAPSEL_HALF_BOTH	3

/**
 * struct kapsel_rec_step - one step of the path that led to the problem
 * @hdr: kind STEP
 * @event: KAPSEL_STEP_*
 * @outcome: of a branch: 0 fell through, 1 taken; of a call: the helper's id
 *	or the callee's first instruction; of OMITTED: how many steps
 * @facts: the register concerned, after the step
 */
struct kapsel_rec_step {
	struct kapsel_rec hdr;
	__u32	event;
	__u32	outcome;
	struct kapsel_facts facts;
};

#define KAPSEL_STEP_ENTRY	1
#define KAPSEL_STEP_BRANCH	2
#define KAPSEL_STEP_CALL	3	/* a helper */
#define KAPSEL_STEP_ENTER	4	/* a subprogram or callback */
#define KAPSEL_STEP_LEAVE	5
#define KAPSEL_STEP_DEFINE	6	/* where the refused register got its value */
#define KAPSEL_STEP_JOIN	7	/* paths were merged here; the nearer is shown */
#define KAPSEL_STEP_OMITTED	8

/**
 * struct kapsel_rec_hot - an instruction visited often
 * @hdr: kind HOT
 * @visits: how many times
 */
struct kapsel_rec_hot {
	struct kapsel_rec hdr;
	__u64	visits;
};

/**
 * struct kapsel_verdict - the answer of a load or an attachment in fixed form
 * @code: 0 accepted; 1 to 999 KV codes; 1001 on KA codes
 * @insn: the instruction refused
 * @capability: the capability missing when @code says that one is; else 0
 * @subprogs: functions in the program, the main one included
 * @max_insns: most instructions one run may take up to its next tail call, proven; or
 *	the ceiling, if only that ends the runs of a metered program
 * @visited: instructions the verifier looked at, each visit counted
 * @state_bytes: most memory it needed for states
 * @states: most states alive at a time
 * @stack_depth: bytes of stack of the deepest call chain
 * @warnings: number of warning records
 * @rung: which rung of the precision ladder decided, from 1
 */
struct kapsel_verdict {
	__u32	code;
	__u32	insn;
	__u32	capability;
	__u32	subprogs;
	__u64	max_insns;
	__u64	visited;
	__u64	state_bytes;
	__u32	states;
	__u32	stack_depth;
	__u32	warnings;
	__u32	rung;
};

/**
 * struct kapsel_log - the tail of PROG_LOAD and LINK_CREATE
 * @buf: room for records, or 0
 * @size: of @buf, bytes. Records are never cut: what does not fit is left out
 * @true_size: out: bytes that all records take
 * @verdict: out
 */
struct kapsel_log {
	__aligned_u64 buf;
	__u32	size;
	__u32	true_size;
	struct kapsel_verdict verdict;
};

/* ------------------------------------------------------------------------
 * ioctls on the device
 */

/**
 * struct kapsel_abi - GET_ABI: what this module is and can
 * @abi: KAPSEL_ABI
 * @verifier: revision of the verifier; equal revisions give equal verdicts
 * @features: KAPSEL_FEATURE_*
 * @engines: bit 1 << KAPSEL_ENGINE_* for each engine there is
 * @max_insns: most instruction slots of a program
 * @max_stack: bytes
 * @max_depth: frames
 * @max_maps: a program
 * @max_btf: bytes a map
 * @cpus: possible CPUs: slots of a per-CPU value
 * @page_size: bytes, as mmap() of a ring buffer needs it
 * @ceiling: default of kapsel_prog_load.ceiling
 * @version: of the module, text
 * @jit_why: why there is no JIT, KAPSEL_WHY_*
 * @__reserved: 0
 */
struct kapsel_abi {
	__u32	abi;
	__u32	verifier;
	__u64	features;
	__u32	engines;
	__u32	max_insns;
	__u32	max_stack;
	__u32	max_depth;
	__u32	max_maps;
	__u32	max_btf;
	__u32	cpus;
	__u32	page_size;
	__u64	ceiling;
	char	version[32];
	__u32	jit_why;
	__u32	__reserved;
};

#define KAPSEL_FEATURE_KERNEL_READ	(1ULL << 0) /* kernel memory may be read (no lockdown) */
#define KAPSEL_FEATURE_KPROBES		(1ULL << 1) /* kprobes are there and on (no lockdown) */
#define KAPSEL_FEATURE_STATS_TIME	(1ULL << 2) /* run times are being measured */

/**
 * struct kapsel_list - LIST_HELPERS, LIST_CONTEXTS, LIST_MAP_TYPES, LIST_HOOKS,
 *	LIST_WRAPS
 * @entries: array of the struct that belongs to the ioctl, or 0
 * @entry_size: of the caller's struct; each entry is cut or zero-extended to it
 * @count: in: room in @entries; out: how many there are
 */
struct kapsel_list {
	__aligned_u64 entries;
	__u32	entry_size;
	__u32	count;
};

/**
 * struct kapsel_helper_info - LIST_HELPERS
 * @id: enum bpf_func_id
 * @prog_types: KAPSEL_FOR_* that may call it
 * @ret: KAPSEL_RET_*: see core/helpers.tbl
 * @flags: bit 0: for GPL-compatible programs only
 * @args: what each argument must be
 * @name: without "bpf_"
 */
struct kapsel_helper_info {
	__u32	id;
	__u32	prog_types;
	__u32	ret;
	__u32	flags;
	__u32	args[5];
	__u32	__reserved;
	char	name[KAPSEL_NAME_LEN];
};

#define KAPSEL_FOR_KPROBE	1
#define KAPSEL_FOR_NETFILTER	2
#define KAPSEL_FOR_ALL		3
#define KAPSEL_HELPER_GPL	1

/**
 * struct kapsel_ctx_info - LIST_CONTEXTS: a field of a program type's context
 * @prog_type: KAPSEL_PROG_*
 * @offset: bytes
 * @size: bytes
 * @flags: KAPSEL_CTX_*
 * @name: of the field
 */
struct kapsel_ctx_info {
	__u32	prog_type;
	__u32	offset;
	__u32	size;
	__u32	flags;
	char	name[KAPSEL_NAME_LEN];
};

#define KAPSEL_CTX_READ		1
#define KAPSEL_CTX_WRITE	2
#define KAPSEL_CTX_NARROW	4	/* smaller aligned reads are fine too */
#define KAPSEL_CTX_PACKET	8	/* loads a pointer to the packet */
#define KAPSEL_CTX_PACKET_END	16
#define KAPSEL_CTX_SOCKET	32	/* loads a pointer to the packet's socket, or NULL */

/**
 * struct kapsel_map_type_info - LIST_MAP_TYPES
 * @type: enum bpf_map_type
 * @flags: map flags it takes
 * @ops: KAPSEL_MAP_OP_*
 * @name: of the type
 */
struct kapsel_map_type_info {
	__u32	type;
	__u32	flags;
	__u32	ops;
	__u32	__reserved;
	char	name[KAPSEL_NAME_LEN];
};

#define KAPSEL_MAP_OP_NONE	0
#define KAPSEL_MAP_OP_ELEM	1	/* lookup, update, next key */
#define KAPSEL_MAP_OP_DELETE	2
#define KAPSEL_MAP_OP_RINGBUF	4	/* output, reserve, submit, discard, query */
#define KAPSEL_MAP_OP_PERCPU	8	/* a value for each possible CPU */
#define KAPSEL_MAP_OP_DIRECT	16	/* value addresses in lddw; .data and .rodata */
#define KAPSEL_MAP_OP_MMAP	32
#define KAPSEL_MAP_OP_PERF	64	/* perf_event_output */
#define KAPSEL_MAP_OP_CGROUP	128	/* current_task_under_cgroup */
#define KAPSEL_MAP_OP_STACK	256	/* get_stackid */
#define KAPSEL_MAP_OP_PUSH	512	/* push; peek, which asks for a value if there is no pop */
#define KAPSEL_MAP_OP_POP	1024
#define KAPSEL_MAP_OP_PROGS	4096	/* tail_call */
#define KAPSEL_MAP_OP_MAPS	8192	/* lookup, which gives a map */
#define KAPSEL_MAP_OP_EACH	16384	/* for_each_map_elem */
#define KAPSEL_MAP_OP_DRAIN	32768	/* user_ringbuf_drain */
#define KAPSEL_MAP_OP_LOCAL	65536	/* get_local_storage; no other helper */

/*
 * A perf event array has one ring buffer for all CPUs, of so many bytes for each
 * possible CPU, their number rounded up to a power of two. It is mapped, read and
 * waited for as a ring buffer is. Records come as soon as it is mapped.
 */
#define KAPSEL_PERF_RING	65536

/**
 * struct kapsel_hook_info - LIST_HOOKS
 * @hook: KAPSEL_HOOK_*
 * @prog_type: the only one that may be attached
 * @capability: needed beside the one for loading
 * @flags: 0
 * @name: of the hook
 */
struct kapsel_hook_info {
	__u32	hook;
	__u32	prog_type;
	__u32	capability;
	__u32	flags;
	char	name[KAPSEL_NAME_LEN];
};

/**
 * struct kapsel_wrap_info - LIST_WRAPS: a function that is wrapped, or was
 * @inside: calls that have not returned
 * @leaving: 1: its link is gone, and it is entered no more; until what is inside has
 *	returned, the module can't be unloaded
 * @__reserved: 0
 * @name: of the function, cut off if need be
 */
struct kapsel_wrap_info {
	__u64	inside;
	__u32	leaving;
	__u32	__reserved;
	char	name[KAPSEL_PATTERN_LEN];
};

#define KAPSEL_PROG_METERED	1	/* loops need no bound: runs are ended at the ceiling */

/**
 * struct kapsel_prog_load - PROG_LOAD: verify a program; returns its fd
 * @insns: array of struct bpf_insn. Map references as Linux has them: lddw with
 *	source BPF_PSEUDO_MAP_FD or BPF_PSEUDO_MAP_VALUE and the fd of a map
 * @insn_cnt: 8-byte slots
 * @prog_type: KAPSEL_PROG_*
 * @flags: 0 or KAPSEL_PROG_METERED
 * @engine: KAPSEL_ENGINE_*
 * @ceiling: most instructions a run may take; 0: KAPSEL_DEFAULT_CEILING; with
 *	KAPSEL_PROG_METERED at most KAPSEL_MAX_METERED
 * @budget_insns: most instructions the verifier may visit; 0: default
 * @budget_bytes: most memory it may use; 0: default
 * @budget_ms: most time it may take; 0: default
 * @name: of the program: letters, digits, "_", "." and "-"; may be empty
 * @license: as in SEC("license"); decides on GPL-only helpers
 * @log: the verdict
 *
 * The engine chosen by AUTO is the kernel's JIT, where it can run the program,
 * else the interpreter. One that is asked for by name but can't run it is
 * EOPNOTSUPP, with KAPSEL_WHY_* as the record's detail, and the slot in
 * verdict.insn.
 */
struct kapsel_prog_load {
	__aligned_u64 insns;
	__u32	insn_cnt;
	__u32	prog_type;
	__u32	flags;
	__u32	engine;
	__u64	ceiling;
	__u64	budget_insns;
	__u64	budget_bytes;
	__u32	budget_ms;
	__u32	__reserved;
	char	name[KAPSEL_NAME_LEN];
	char	license[KAPSEL_LICENSE_LEN];
	struct kapsel_log log;
};

/**
 * struct kapsel_map_create - MAP_CREATE: returns the map's fd
 * @map_type: enum bpf_map_type
 * @key_size: bytes
 * @value_size: bytes
 * @max_entries: of a ring buffer: bytes, a power of two and of whole pages; of a cgroup
 *	storage: 0
 * @map_flags: BPF_F_*. BPF_F_RDONLY and BPF_F_WRONLY are about the fd that is returned,
 *	not about the map: see struct kapsel_fd_by_id. A ring buffer has neither
 * @btf_key_type_id: in @btf; 0: unknown
 * @btf_value_type_id: in @btf; 0: unknown
 * @btf_size: of @btf, bytes, at most KAPSEL_MAX_BTF
 * @btf: type description kept with the map for those who print it; the module
 *	never looks into it
 * @name: of the map: letters, digits, "_", "." and "-"; may be empty
 * @inner_map_fd: of a map of maps: a map such as those in it; others: 0
 * @__reserved: 0
 * @map_extra: of a bloom filter: hashes for each value, at most 15; 0: 5. Else 0
 * @lock_size: 4: each value has a struct bpf_spin_lock, of a hash, an array or a cgroup
 *	storage that programs may write (else EOPNOTSUPP, EACCES); 0: it has none
 * @lock_off: where in the value it is, bytes, a multiple of 4
 *
 * Locks read as zero, and stay as they are when values are stored. Such a map is not
 * mapped (EOPNOTSUPP), nor put into another one.
 *
 * Maps in a map have the type, key and value size and flags of the one behind
 * @inner_map_fd; arrays its max_entries, too. They are no maps of maps or programs,
 * nor cgroup storage (EOPNOTSUPP).
 */
struct kapsel_map_create {
	__u32	map_type;
	__u32	key_size;
	__u32	value_size;
	__u32	max_entries;
	__u32	map_flags;
	__u32	btf_key_type_id;
	__u32	btf_value_type_id;
	__u32	btf_size;
	__aligned_u64 btf;
	char	name[KAPSEL_NAME_LEN];
	__u32	inner_map_fd;
	__u32	__reserved;
	__u64	map_extra;
	__u32	lock_size;
	__u32	lock_off;
};

/**
 * struct kapsel_link_kprobe - where a kprobe or kretprobe goes
 * @symbol: pointer to the function's name, NUL-terminated, or 0 with @addr
 * @addr: the function's address, to choose one of several that share the name;
 *	checked against @symbol; 0: the kernel looks @symbol up
 * @offset: bytes from the function's start; 0 for a kretprobe
 * @maxactive: kretprobe: calls followed at the same time; 0: the kernel's default
 */
struct kapsel_link_kprobe {
	__aligned_u64 symbol;
	__u64	addr;
	__u64	offset;
	__u32	maxactive;
	__u32	__reserved;
};

/**
 * struct kapsel_link_multi - the functions of one link to many
 * @pattern: pointer to how the caller calls them all, NUL-terminated, for whoever
 *	lists the link; or 0
 * @addrs: array of __u64: the functions' addresses, each once, in any order
 * @cookies: array of __u64: what bpf_get_attach_cookie() says in each; 0: the
 *	link's cookie in all of them
 * @count: of both arrays, 1 to KAPSEL_MAX_FUNCTIONS, for returns KAPSEL_MAX_RETURNS
 * @maxactive: as in struct kapsel_link_kprobe, for each function; 0 for entries
 *
 * Where a function is refused, the record's detail is its address.
 */
struct kapsel_link_multi {
	__aligned_u64 pattern;
	__aligned_u64 addrs;
	__aligned_u64 cookies;
	__u32	count;
	__u32	maxactive;
};

/**
 * struct kapsel_link_netfilter - where a netfilter program goes
 * @family: NFPROTO_IPV4, NFPROTO_IPV6 or NFPROTO_INET (both)
 * @hooknum: NF_INET_PRE_ROUTING to NF_INET_POST_ROUTING
 * @priority: in ascending order; INT_MIN and INT_MAX are refused
 * @netns_fd: with KAPSEL_LINK_NETNS: a network namespace's file; else 0
 * @linear: bytes of each packet, 65535 at most, that lie before data_end whatever way
 *	the packet is kept, as far as it has them; 0: as they come
 * @link_fd: with KAPSEL_LINK_BEFORE or KAPSEL_LINK_AFTER: a link at the same hook of
 *	the same network namespace, with a family in common; else 0
 *
 * With KAPSEL_LINK_BEFORE or KAPSEL_LINK_AFTER, @priority is 0 and the kernel chooses:
 * the other link's, ahead of all that have it, or the next higher one, ahead of all that
 * have that.
 */
struct kapsel_link_netfilter {
	__u32	family;
	__u32	hooknum;
	__s32	priority;
	__u32	netns_fd;
	__u32	linear;
	__u32	link_fd;
};

/**
 * struct kapsel_link_create - LINK_CREATE: attach a program; returns the link's fd
 * @prog_fd: the program
 * @hook: KAPSEL_HOOK_*
 * @flags: KAPSEL_LINK_*
 * @cookie: kept with the link, for its owner; also what bpf_get_attach_cookie() says
 * @name: of the link; empty: the program's
 * @kprobe: for KPROBE and KRETPROBE
 * @multi: for KPROBE_MULTI and KRETPROBE_MULTI
 * @netfilter: for NETFILTER
 * @log: verdict.code says what was wrong with the place
 *
 * The link holds the program. It is detached when its last fd and its pin are
 * gone; close() returns after the hook is off and nobody runs it any more.
 *
 * A packet for which a run gave no verdict (it was ended, or skipped as one
 * inside of another, or there was no memory to make the packet ready for it) passes,
 * or is dropped with KAPSEL_LINK_FAIL_CLOSED.
 *
 * With KAPSEL_LINK_WRAP a kretprobe's function is entered through code of the module's
 * own, which calls it and then the program: in a fraction of the time, of any number of
 * calls at once, and with the arguments as they came in the registers that passed them.
 * For as long, other users of that kind (fentry, fexit and LSM programs of bpf(2)) are
 * refused there. A call that is inside keeps the module loaded until it returns, even
 * after the link: see LIST_WRAPS. Where the function can't be wrapped the kernel's
 * kretprobe is used; kapsel_link_info says why.
 *
 * With KAPSEL_LINK_SHADOW programs run and their verdicts are counted, but every
 * packet passes, and as it was: what a program writes to its context is forgotten, and
 * one that changes packets is refused, here and (EOPNOTSUPP) by LINK_UPDATE.
 *
 * With KAPSEL_LINK_DEFRAG the kernel puts fragments together before the link sees them,
 * in the whole network namespace and as long as the link is attached, as connection
 * tracking does. The link's priority is behind that, above -400. EOPNOTSUPP: this
 * kernel has no such thing for the family.
 */
struct kapsel_link_create {
	__u32	prog_fd;
	__u32	hook;
	__u32	flags;
	__u32	__reserved;
	__u64	cookie;
	char	name[KAPSEL_NAME_LEN];
	union {
		struct kapsel_link_kprobe kprobe;
		struct kapsel_link_multi multi;
		struct kapsel_link_netfilter netfilter;
		__u64	__room[8];
	};
	struct kapsel_log log;
};

#define KAPSEL_LINK_NETNS	1	/* netfilter.netns_fd is set */
#define KAPSEL_LINK_FAIL_CLOSED	2	/* netfilter: a run without a verdict drops the packet */
#define KAPSEL_LINK_SHADOW	4	/* netfilter: verdicts are counted only */
#define KAPSEL_LINK_SKIP	8	/* multi: leave out what can't be watched */
#define KAPSEL_LINK_WRAP	16	/* kretprobe: by code around the function, if possible */
#define KAPSEL_LINK_DEFRAG	32	/* netfilter: no fragments, but what they are of */
#define KAPSEL_LINK_BEFORE	64	/* netfilter: runs before the link of link_fd */
#define KAPSEL_LINK_AFTER	128	/* netfilter: runs after it */

/**
 * struct kapsel_next_id - NEXT_ID: walk the objects of a kind
 * @kind: KAPSEL_OBJ_*
 * @id: in: the last id seen, 0 to begin; out: the next one. ENOENT: no more
 */
struct kapsel_next_id {
	__u32	kind;
	__u32	id;
};

/**
 * struct kapsel_fd_by_id - FD_BY_ID: returns an fd of the object
 * @kind: KAPSEL_OBJ_*
 * @id: of the object
 * @flags: of a map's fd: BPF_F_RDONLY or BPF_F_WRONLY, or 0: for both; others: 0
 * @__reserved: 0
 *
 * By a fd that is read-only the map's elements are not changed, nor is it frozen; by one
 * that is write-only they are not read (EPERM). mmap() needs a fd for both: else EINVAL,
 * or EACCES if it is write-only or the mapping may be written. Loading programs, pinning,
 * OBJ_INFO and putting the map into another one take any fd of it, as in Linux.
 */
struct kapsel_fd_by_id {
	__u32	kind;
	__u32	id;
	__u32	flags;
	__u32	__reserved;
};

/**
 * struct kapsel_pin - PIN, UNPIN, GET_PINNED: keep an object without an fd
 * @fd: PIN: the object; others: 0
 * @flags: GET_PINNED: as in struct kapsel_fd_by_id; others: 0
 * @name: one name space for all kinds; an object has one pin at most
 *
 * GET_PINNED returns an fd. A pin lasts until UNPIN; it keeps the module loaded.
 */
struct kapsel_pin {
	__u32	fd;
	__u32	flags;
	char	name[KAPSEL_NAME_LEN];
};

/* ------------------------------------------------------------------------
 * ioctls on objects
 */

/**
 * struct kapsel_prog_info - the program's part of kapsel_obj_info
 * @type: KAPSEL_PROG_*
 * @engine: KAPSEL_ENGINE_* that runs it
 * @insn_cnt: slots as loaded
 * @xlated_cnt: slots after the rewrite
 * @stack_depth: bytes
 * @map_cnt: in: room in @map_ids; out: how many maps it uses
 * @map_ids: array of __u32, or 0
 * @insns: room for the program as loaded (struct bpf_insn, fds replaced by map
 *	indexes), or 0
 * @insns_room: in @insns, slots
 * @log_lost: lines of trace_printk that were overwritten unread
 * @max_insns: most instructions a run may take, up to the next tail call
 * @verify_ns: time that verification took
 * @memory: bytes
 * @why: it is not compiled, KAPSEL_WHY_*
 * @why_insn: the slot that is the reason, if there is one
 * @tail_calls: 1: it makes tail calls: a run may go on in other programs, up to
 *	KAPSEL_MAX_TAIL_CALLS times, each with its own @max_insns
 * @__reserved: 0
 */
struct kapsel_prog_info {
	__u32	type;
	__u32	engine;
	__u32	insn_cnt;
	__u32	xlated_cnt;
	__u32	stack_depth;
	__u32	map_cnt;
	__aligned_u64 map_ids;
	__aligned_u64 insns;
	__u32	insns_room;
	__u32	log_lost;
	__u64	max_insns;
	__u64	verify_ns;
	__u64	memory;
	__u32	why;
	__u32	why_insn;
	__u32	tail_calls;
	__u32	__reserved;
};

/**
 * struct kapsel_map_info - the map's part of kapsel_obj_info
 * @type: enum bpf_map_type
 * @key_size: bytes
 * @value_size: bytes
 * @max_entries: as created
 * @flags: BPF_F_*
 * @frozen: 1: userspace can't write any more
 * @used: entries in use; of a ring buffer: bytes not consumed
 * @btf_key_type_id: see MAP_CREATE
 * @btf_value_type_id: see MAP_CREATE
 * @btf_size: in: room in @btf; out: size of the description
 * @btf: room for it, or 0
 * @lost: updates refused because the map was full; records that a ring
 *	buffer had no room for
 * @memory: bytes
 * @lock_size: see MAP_CREATE
 * @lock_off: see MAP_CREATE
 */
struct kapsel_map_info {
	__u32	type;
	__u32	key_size;
	__u32	value_size;
	__u32	max_entries;
	__u32	flags;
	__u32	frozen;
	__u32	used;
	__u32	btf_key_type_id;
	__u32	btf_value_type_id;
	__u32	btf_size;
	__aligned_u64 btf;
	__u64	lost;
	__u64	memory;
	__u32	lock_size;
	__u32	lock_off;
};

/**
 * struct kapsel_link_info - the link's part of kapsel_obj_info
 * @prog_id: of the program that runs
 * @hook: KAPSEL_HOOK_*
 * @state: KAPSEL_LINK_ATTACHED, _DETACHED or _NETNS_GONE
 * @target_size: in: room in @target; out: bytes of the function's name with NUL
 * @target: room for the function's name, or 0
 * @addr: of the function, 0 if the caller may not see kernel addresses
 * @offset: into it
 * @cookie: as created
 * @family: @hooknum, @priority: netfilter
 * @maxactive: kretprobe
 * @netns_ino: inode number of the network namespace
 * @runs: completed, all CPUs
 * @run_ns: time in them, counted while time statistics are on
 * @recursed: runs skipped because the hook was entered from its own program
 * @missed: events that the kernel's probe missed
 * @aborted: runs ended by the fuel counter
 * @dropped: runs that gave verdict 0 (netfilter)
 * @accepted: runs that gave verdict 1 (netfilter)
 * @via: KAPSEL_VIA_*: what of the kernel's calls the program; 0: netfilter
 * @skipped: multi: functions left out by KAPSEL_LINK_SKIP
 * @sites: room for struct kapsel_link_site, sorted by address, or 0
 * @site_cnt: in: room in @sites; out: multi: how many functions are watched; else 0
 * @flags: KAPSEL_LINK_FAIL_CLOSED, KAPSEL_LINK_DEFRAG, KAPSEL_LINK_SHADOW: with it,
 *	@dropped packets passed
 * @unready: packets that were not judged: no memory to make them linear, or writable
 * @linear: see struct kapsel_link_netfilter
 * @unwrapped: with KAPSEL_LINK_WRAP: why it is a kretprobe after all, KAPSEL_UNWRAPPED_*
 * @inside: calls of a wrapped function that have not returned
 * @position: netfilter, attached: which of kapsel's links at its hook it is, of those
 *	that see a packet of its family (of inet: of IPv4), in the order that they
 *	run, from 1; else 0
 * @__reserved: 0
 */
struct kapsel_link_info {
	__u32	prog_id;
	__u32	hook;
	__u32	state;
	__u32	target_size;
	__aligned_u64 target;
	__u64	addr;
	__u64	offset;
	__u64	cookie;
	__u32	family;
	__u32	hooknum;
	__s32	priority;
	__u32	maxactive;
	__u64	netns_ino;
	__u64	runs;
	__u64	run_ns;
	__u64	recursed;
	__u64	missed;
	__u64	aborted;
	__u64	dropped;
	__u64	accepted;
	__u32	via;
	__u32	skipped;
	__aligned_u64 sites;
	__u32	site_cnt;
	__u32	flags;
	__u64	unready;
	__u32	linear;
	__u32	unwrapped;
	__u64	inside;
	__u32	position;
	__u32	__reserved;
};

/**
 * struct kapsel_link_site - a function that a link to many watches
 * @addr: of it, 0 if the caller may not see kernel addresses
 * @cookie: what bpf_get_attach_cookie() says there
 */
struct kapsel_link_site {
	__u64	addr;
	__u64	cookie;
};

#define KAPSEL_VIA_KPROBE	1
#define KAPSEL_VIA_KRETPROBE	2
#define KAPSEL_VIA_FTRACE	3	/* an ftrace_ops of the link's own: function entries */
#define KAPSEL_VIA_WRAP		4	/* code of the module's around the function: returns */

/* Why a function is not wrapped. */
#define KAPSEL_UNWRAPPED_NOT	0	/* it is, or nobody asked for it */
#define KAPSEL_UNWRAPPED_KERNEL	1	/* this kernel was built without what it takes */
#define KAPSEL_UNWRAPPED_ENTRY	2	/* ftrace does not watch its entry */
#define KAPSEL_UNWRAPPED_MODULE	3	/* it is a module's */
#define KAPSEL_UNWRAPPED_TYPE	4	/* the kernel's BTF does not say how it is called */
#define KAPSEL_UNWRAPPED_NAME	5	/* several of the kernel's symbols share its name */
#define KAPSEL_UNWRAPPED_ARGS	6	/* not all that it takes or gives is in registers */
#define KAPSEL_UNWRAPPED_STAYS	7	/* it does not return, sleeps for ever, or patches code */
#define KAPSEL_UNWRAPPED_BUSY	8	/* it is wrapped, or an fentry, fexit or LSM program's */
#define KAPSEL_UNWRAPPED_FULL	9	/* as many functions are wrapped as can be */
#define KAPSEL_UNWRAPPED_MEMORY	10	/* there was no memory for it */
#define KAPSEL_UNWRAPPED_REFUSED 11	/* ftrace refused */

#define KAPSEL_LINK_ATTACHED	0
#define KAPSEL_LINK_DETACHED	1
#define KAPSEL_LINK_NETNS_GONE	2

/**
 * struct kapsel_obj_info - OBJ_INFO, on the fd of any object
 * @kind: KAPSEL_OBJ_*
 * @id: of the object
 * @created_ns: since boot (CLOCK_BOOTTIME)
 * @uid: of the creator, in the caller's user namespace
 * @pid: of the creator, in the caller's pid namespace; 0 if not there
 * @comm: of the creator
 * @name: of the object
 * @pin: name of its pin, empty if there is none
 * @prog: @map, @link: by @kind
 */
struct kapsel_obj_info {
	__u32	kind;
	__u32	id;
	__u64	created_ns;
	__u32	uid;
	__u32	pid;
	char	comm[KAPSEL_COMM_LEN];
	char	name[KAPSEL_NAME_LEN];
	char	pin[KAPSEL_NAME_LEN];
	union {
		struct kapsel_prog_info prog;
		struct kapsel_map_info map;
		struct kapsel_link_info link;
		__u64	__room[32];
	};
};

/**
 * struct kapsel_test_run - PROG_TEST_RUN: run a program on given input
 * @ctx_in: kprobe: a struct pt_regs; netfilter: a struct __sk_buff of which
 *	mark, priority, cb, tstamp, hwtstamp, ifindex, ingress_ifindex, gso_segs and
 *	gso_size (these below 65536) count; or 0
 * @data_in: netfilter: the packet, from the IP header on
 * @data_out: room for the packet afterwards, or 0
 * @ctx_size: bytes at @ctx_in
 * @data_size_in: bytes, 20 to 65535
 * @data_size_out: in: room; out: the packet's length
 * @repeat: runs, 0 as 1, at most KAPSEL_MAX_REPEAT
 * @flags: 0
 * @hooknum: netfilter: NF_INET_*
 * @retval: out: of the last run
 * @duration_ns: out: a run, the mean
 *
 * ETIME: a run of a metered program was ended at the ceiling. It is the last,
 * and nothing comes back but what it did to maps.
 */
struct kapsel_test_run {
	__aligned_u64 ctx_in;
	__aligned_u64 data_in;
	__aligned_u64 data_out;
	__u32	ctx_size;
	__u32	data_size_in;
	__u32	data_size_out;
	__u32	repeat;
	__u32	flags;
	__u32	hooknum;
	__u64	retval;
	__u64	duration_ns;
};

/**
 * struct kapsel_image_func - a compiled function
 * @insn: its first slot in the program as loaded
 * @size: bytes of machine code
 */
struct kapsel_image_func {
	__u32	insn;
	__u32	size;
};

/**
 * struct kapsel_image_insn - where the code of an instruction begins
 * @insn: slot in the program as loaded
 * @off: byte of the image. It ends where the next one begins, or its function ends
 */
struct kapsel_image_insn {
	__u32	insn;
	__u32	off;
};

/**
 * struct kapsel_prog_image - PROG_IMAGE: machine code of a compiled program
 * @code: room for the image, all functions one behind the other, or 0
 * @funcs: room for struct kapsel_image_func, in the order of the image, or 0
 * @insns: room for struct kapsel_image_insn, in the order of the image, or 0.
 *	Instructions that became nothing have none
 * @code_size: in: room in @code, bytes; out: of the whole image
 * @func_cnt: in: room in @funcs; out: how many there are
 * @insn_cnt: in: room in @insns; out: how many there are; 0: not known
 * @flags: 0
 *
 * What there is no room for is left out. EOPNOTSUPP: the program is interpreted.
 * EPERM: code has kernel addresses in it, which the caller may not see: it takes
 * CAP_BPF (or CAP_SYS_ADMIN), CAP_SYSLOG, and a sysctl kernel.kptr_restrict below 2.
 */
struct kapsel_prog_image {
	__aligned_u64 code;
	__aligned_u64 funcs;
	__aligned_u64 insns;
	__u32	code_size;
	__u32	func_cnt;
	__u32	insn_cnt;
	__u32	flags;
};

/**
 * struct kapsel_map_elem - MAP_LOOKUP, MAP_UPDATE, MAP_DELETE, MAP_LOOKUP_DELETE
 * @key: pointer
 * @value: pointer; of a per-CPU map: one value for each possible CPU, each
 *	rounded up to 8 bytes
 * @key_size: at @key, must be the map's
 * @value_size: at @value, must be what the map needs
 * @flags: MAP_UPDATE: BPF_ANY, BPF_NOEXIST or BPF_EXIST; else 0. Of values with a lock,
 *	MAP_DELETE excepted, BPF_F_LOCK may be added: a value that is there is changed in
 *	place, while its lock is held
 *
 * Values with a lock are read while it is held, with the flag or without.
 */
struct kapsel_map_elem {
	__aligned_u64 key;
	__aligned_u64 value;
	__u32	key_size;
	__u32	value_size;
	__u64	flags;
};

/**
 * struct kapsel_map_next - MAP_NEXT_KEY: ENOENT after the last
 * @key: pointer; 0, or a key that is not there: the first key
 * @next_key: room for one key
 * @key_size: must be the map's
 * @__reserved: 0
 */
struct kapsel_map_next {
	__aligned_u64 key;
	__aligned_u64 next_key;
	__u32	key_size;
	__u32	__reserved;
};

/**
 * struct kapsel_map_batch - MAP_BATCH: many elements by one call
 * @op: KAPSEL_BATCH_*
 * @count: in: elements given or room; out: elements done
 * @keys: array
 * @values: array
 * @key_size: must be the map's
 * @value_size: as in struct kapsel_map_elem
 * @elem_flags: as in struct kapsel_map_elem
 * @cursor: LOOKUP, LOOKUP_DELETE: in: 0 to begin, else as it came back. An
 *	element that stays in the map is seen exactly once, whatever others do
 * @done: out: 1: nothing is left behind the cursor
 * @__reserved: 0
 *
 * ENOSPC: the next bucket has more elements than the room; count says how many.
 */
struct kapsel_map_batch {
	__u32	op;
	__u32	count;
	__aligned_u64 keys;
	__aligned_u64 values;
	__u32	key_size;
	__u32	value_size;
	__u64	elem_flags;
	__u64	cursor;
	__u32	done;
	__u32	__reserved;
};

#define KAPSEL_BATCH_LOOKUP		1
#define KAPSEL_BATCH_LOOKUP_DELETE	2
#define KAPSEL_BATCH_UPDATE		3
#define KAPSEL_BATCH_DELETE		4

/**
 * struct kapsel_flags - MAP_FREEZE, LINK_DETACH: nothing but flags
 * @flags: 0
 * @__reserved: 0
 */
struct kapsel_flags {
	__u32	flags;
	__u32	__reserved;
};

/**
 * struct kapsel_link_update - LINK_UPDATE: put another program in its place
 * @prog_fd: the new program, of the same type
 * @old_prog_fd: with KAPSEL_UPDATE_EXPECT: the program that must be there now,
 *	else ESTALE
 * @flags: KAPSEL_UPDATE_*
 * @__reserved: 0
 *
 * Each event runs the old program or the new one; none runs neither.
 *
 * EOPNOTSUPP: the new program reads registers that a link to a function's entry
 * does not save, since the one it was attached with read none but arguments, ax, bp,
 * sp and ip.
 */
struct kapsel_link_update {
	__u32	prog_fd;
	__u32	old_prog_fd;
	__u32	flags;
	__u32	__reserved;
};

#define KAPSEL_UPDATE_EXPECT	1

/* ------------------------------------------------------------------------
 * Numbers. Those below 0x30 go to the device, the others to objects.
 */
#define KAPSEL_IOC		0xB5

#define KAPSEL_GET_ABI		_IOWR(KAPSEL_IOC, 0x00, struct kapsel_abi)
#define KAPSEL_LIST_HELPERS	_IOWR(KAPSEL_IOC, 0x01, struct kapsel_list)
#define KAPSEL_LIST_CONTEXTS	_IOWR(KAPSEL_IOC, 0x02, struct kapsel_list)
#define KAPSEL_LIST_MAP_TYPES	_IOWR(KAPSEL_IOC, 0x03, struct kapsel_list)
#define KAPSEL_LIST_HOOKS	_IOWR(KAPSEL_IOC, 0x04, struct kapsel_list)
#define KAPSEL_LIST_WRAPS	_IOWR(KAPSEL_IOC, 0x05, struct kapsel_list)
#define KAPSEL_PROG_LOAD	_IOWR(KAPSEL_IOC, 0x10, struct kapsel_prog_load)
#define KAPSEL_MAP_CREATE	_IOWR(KAPSEL_IOC, 0x11, struct kapsel_map_create)
#define KAPSEL_LINK_CREATE	_IOWR(KAPSEL_IOC, 0x12, struct kapsel_link_create)
#define KAPSEL_NEXT_ID		_IOWR(KAPSEL_IOC, 0x20, struct kapsel_next_id)
#define KAPSEL_FD_BY_ID		_IOWR(KAPSEL_IOC, 0x21, struct kapsel_fd_by_id)
#define KAPSEL_PIN		_IOWR(KAPSEL_IOC, 0x22, struct kapsel_pin)
#define KAPSEL_UNPIN		_IOWR(KAPSEL_IOC, 0x23, struct kapsel_pin)
#define KAPSEL_GET_PINNED	_IOWR(KAPSEL_IOC, 0x24, struct kapsel_pin)
#define KAPSEL_OBJ_INFO		_IOWR(KAPSEL_IOC, 0x30, struct kapsel_obj_info)
#define KAPSEL_PROG_TEST_RUN	_IOWR(KAPSEL_IOC, 0x40, struct kapsel_test_run)
#define KAPSEL_PROG_IMAGE	_IOWR(KAPSEL_IOC, 0x41, struct kapsel_prog_image)
#define KAPSEL_MAP_LOOKUP	_IOWR(KAPSEL_IOC, 0x50, struct kapsel_map_elem)
#define KAPSEL_MAP_UPDATE	_IOWR(KAPSEL_IOC, 0x51, struct kapsel_map_elem)
#define KAPSEL_MAP_DELETE	_IOWR(KAPSEL_IOC, 0x52, struct kapsel_map_elem)
#define KAPSEL_MAP_NEXT_KEY	_IOWR(KAPSEL_IOC, 0x53, struct kapsel_map_next)
#define KAPSEL_MAP_LOOKUP_DELETE _IOWR(KAPSEL_IOC, 0x54, struct kapsel_map_elem)
#define KAPSEL_MAP_BATCH	_IOWR(KAPSEL_IOC, 0x55, struct kapsel_map_batch)
#define KAPSEL_MAP_FREEZE	_IOWR(KAPSEL_IOC, 0x56, struct kapsel_flags)
#define KAPSEL_LINK_UPDATE	_IOWR(KAPSEL_IOC, 0x60, struct kapsel_link_update)
#define KAPSEL_LINK_DETACH	_IOWR(KAPSEL_IOC, 0x61, struct kapsel_flags)

#endif /* _UAPI_LINUX_KAPSEL_H */
