/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What programs for kapsel include, in place of libbpf's headers (those work
 * too). Helpers have Linux's names and numbers; the comment behind each says
 * which program types may call it if not all.
 */
#ifndef KAPSEL_BPF_H
#define KAPSEL_BPF_H

#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

/* ------------------------------------------------------------------------
 * Sections and maps
 *
 * struct {
 *	__uint(type, BPF_MAP_TYPE_HASH);
 *	__uint(max_entries, 256);
 *	__type(key, u32);
 *	__type(value, u64);
 * } counts SEC(".maps");
 */
#define SEC(name) __attribute__((section(name), used))

#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]

/* <linux/stddef.h> has a weaker one. */
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
#ifndef true
#define bool _Bool
#define true 1
#define false 0
#endif
#ifndef NULL
#define NULL ((void *)0)
#endif
#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif

/*
 * KAPSEL_EVENT(struct open_event): clang leaves out of the type information
 * what only local variables have. This keeps the type of a ring buffer's
 * records in it, for those who print them; nothing of it is loaded.
 */
#define KAPSEL_EVENT(type)						\
	type *___KAPSEL_NAME(__LINE__)					\
		__attribute__((section(".kapsel.types"), unused))
#define ___KAPSEL_NAME(line) ___KAPSEL_PASTE(line)
#define ___KAPSEL_PASTE(line) ___event_##line

/*
 * The kernel's version and configuration, known when the program is loaded:
 *
 * extern int LINUX_KERNEL_VERSION __kconfig;
 * extern enum libbpf_tristate CONFIG_IPV6 __kconfig __weak;
 *
 * What is not set is refused, or 0 if it is __weak.
 */
#define __kconfig __attribute__((section(".kconfig")))

enum libbpf_tristate {
	TRI_NO,
	TRI_YES,
	TRI_MODULE,
};

#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))

/* ------------------------------------------------------------------------
 * Helpers
 */
static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key,
				   const void *value, u64 flags) = (void *)2;
static long (*bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static long (*bpf_probe_read)(void *dst, u32 size,
			      const void *from) = (void *)4;	/* kprobe */
static u64 (*bpf_ktime_get_ns)(void) = (void *)5;
static long (*bpf_trace_printk)(const char *fmt, u32 size, ...) = (void *)6;
static u32 (*bpf_get_prandom_u32)(void) = (void *)7;
static u32 (*bpf_get_smp_processor_id)(void) = (void *)8;
static long (*bpf_skb_store_bytes)(void *skb, u32 off, const void *from, u32 len,
				   u64 flags) = (void *)9;	/* netfilter */
static long (*bpf_l3_csum_replace)(void *skb, u32 off, u64 from, u64 to,
				   u64 flags) = (void *)10;	/* netfilter */
static long (*bpf_l4_csum_replace)(void *skb, u32 off, u64 from, u64 to,
				   u64 flags) = (void *)11;	/* netfilter */
static long (*bpf_tail_call)(void *ctx, void *progs, u32 index) = (void *)12;
static u64 (*bpf_get_current_pid_tgid)(void) = (void *)14;	/* kprobe */
static u64 (*bpf_get_current_uid_gid)(void) = (void *)15;	/* kprobe */
static long (*bpf_get_current_comm)(void *buf, u32 size) = (void *)16; /* kprobe */
static long (*bpf_perf_event_output)(void *ctx, void *map, u64 flags, void *data,
				     u64 size) = (void *)25;
static long (*bpf_skb_load_bytes)(const void *skb, u32 off, void *to,
				  u32 len) = (void *)26;	/* netfilter */
static long (*bpf_get_stackid)(void *ctx, void *map, u64 flags) = (void *)27; /* kprobe */
static s64 (*bpf_csum_diff)(const void *from, u32 from_size, const void *to, u32 to_size,
			    u32 seed) = (void *)28;	/* netfilter */
static u64 (*bpf_get_current_task)(void) = (void *)35;		/* kprobe */
static long (*bpf_current_task_under_cgroup)(void *map, u32 index) = (void *)37; /* kprobe */
static long (*bpf_skb_pull_data)(void *skb, u32 len) = (void *)39; /* netfilter */
static long (*bpf_get_numa_node_id)(void) = (void *)42;
static long (*bpf_probe_read_str)(void *dst, u32 size,
				  const void *from) = (void *)45; /* kprobe */
static u64 (*bpf_get_socket_cookie)(void *skb) = (void *)46;	/* netfilter */
static u32 (*bpf_get_socket_uid)(void *skb) = (void *)47;	/* netfilter */
static long (*bpf_get_stack)(void *ctx, void *buf, u32 size,
			     u64 flags) = (void *)67;		/* kprobe */
static long (*bpf_skb_load_bytes_relative)(const void *skb, u32 off, void *to, u32 len,
					   u32 start) = (void *)68; /* netfilter */
static u64 (*bpf_skb_cgroup_id)(void *skb) = (void *)79;	/* netfilter */
static u64 (*bpf_get_current_cgroup_id)(void) = (void *)80;	/* kprobe */
static void *(*bpf_get_local_storage)(void *map, u64 flags) = (void *)81; /* netfilter */
static u64 (*bpf_skb_ancestor_cgroup_id)(void *skb, int level) = (void *)83; /* netfilter */
static long (*bpf_map_push_elem)(void *map, const void *value, u64 flags) = (void *)87;
static long (*bpf_map_pop_elem)(void *map, void *value) = (void *)88;
static long (*bpf_map_peek_elem)(void *map, void *value) = (void *)89;
static void (*bpf_spin_lock)(struct bpf_spin_lock *lock) = (void *)93; /* netfilter */
static void (*bpf_spin_unlock)(struct bpf_spin_lock *lock) = (void *)94; /* netfilter */
static struct bpf_sock *(*bpf_sk_fullsock)(struct bpf_sock *sk) = (void *)95; /* netfilter */
static struct bpf_tcp_sock *(*bpf_tcp_sock)(struct bpf_sock *sk) = (void *)96; /* netfilter */
static long (*bpf_skb_ecn_set_ce)(void *skb) = (void *)97;	/* netfilter */
static struct bpf_sock *(*bpf_get_listener_sock)(struct bpf_sock *sk) = (void *)98; /* netfilter */
static long (*bpf_send_signal)(u32 sig) = (void *)109;		/* kprobe */
static long (*bpf_probe_read_user)(void *dst, u32 size,
				   const void *from) = (void *)112; /* kprobe */
static long (*bpf_probe_read_kernel)(void *dst, u32 size,
				     const void *from) = (void *)113; /* kprobe */
static long (*bpf_probe_read_user_str)(void *dst, u32 size,
				       const void *from) = (void *)114; /* kprobe */
static long (*bpf_probe_read_kernel_str)(void *dst, u32 size,
					 const void *from) = (void *)115; /* kprobe */
static long (*bpf_send_signal_thread)(u32 sig) = (void *)117;	/* kprobe */
static u64 (*bpf_jiffies64)(void) = (void *)118;
static long (*bpf_get_ns_current_pid_tgid)(u64 dev, u64 ino, struct bpf_pidns_info *to,
					   u32 size) = (void *)120; /* kprobe */
static u64 (*bpf_get_current_ancestor_cgroup_id)(int level) = (void *)123; /* kprobe */
static u64 (*bpf_ktime_get_boot_ns)(void) = (void *)125;
static u64 (*bpf_sk_cgroup_id)(void *sk) = (void *)128;		/* netfilter */
static u64 (*bpf_sk_ancestor_cgroup_id)(void *sk, int level) = (void *)129; /* netfilter */
static long (*bpf_ringbuf_output)(void *ringbuf, void *data, u64 size,
				  u64 flags) = (void *)130;
static void *(*bpf_ringbuf_reserve)(void *ringbuf, u64 size,
				    u64 flags) = (void *)131;
static void (*bpf_ringbuf_submit)(void *data, u64 flags) = (void *)132;
static void (*bpf_ringbuf_discard)(void *data, u64 flags) = (void *)133;
static u64 (*bpf_ringbuf_query)(void *ringbuf, u64 flags) = (void *)134;
static struct task_struct *(*bpf_get_current_task_btf)(void) = (void *)158; /* kprobe */
static u64 (*bpf_ktime_get_coarse_ns)(void) = (void *)160;
static long (*bpf_for_each_map_elem)(void *map, void *fn, void *ctx,
				     u64 flags) = (void *)164;
static long (*bpf_snprintf)(char *to, u32 size, const char *fmt, const void *args,
			    u32 args_size) = (void *)165;
static u64 (*bpf_get_func_ip)(void *ctx) = (void *)173;		/* kprobe */
static u64 (*bpf_get_attach_cookie)(void *ctx) = (void *)174;	/* kprobe */
static long (*bpf_trace_vprintk)(const char *fmt, u32 size, const void *args,
				 u32 args_size) = (void *)177;
static long (*bpf_loop)(u32 n, void *fn, void *ctx, u64 flags) = (void *)181;
static long (*bpf_strncmp)(const char *s, u32 size, const char *constant) = (void *)182;
static void *(*bpf_map_lookup_percpu_elem)(void *map, const void *key,
					   u32 cpu) = (void *)195;
static long (*bpf_dynptr_from_mem)(void *data, u32 size, u64 flags,
				   struct bpf_dynptr *ptr) = (void *)197;
static long (*bpf_ringbuf_reserve_dynptr)(void *ringbuf, u32 size, u64 flags,
					  struct bpf_dynptr *ptr) = (void *)198;
static void (*bpf_ringbuf_submit_dynptr)(struct bpf_dynptr *ptr, u64 flags) = (void *)199;
static void (*bpf_ringbuf_discard_dynptr)(struct bpf_dynptr *ptr, u64 flags) = (void *)200;
static long (*bpf_dynptr_read)(void *dst, u32 len, const struct bpf_dynptr *src, u32 off,
			       u64 flags) = (void *)201;
static long (*bpf_dynptr_write)(const struct bpf_dynptr *dst, u32 off, void *src, u32 len,
				u64 flags) = (void *)202;
static void *(*bpf_dynptr_data)(const struct bpf_dynptr *ptr, u32 off,
				u32 len) = (void *)203;
static u64 (*bpf_ktime_get_tai_ns)(void) = (void *)208;
static long (*bpf_user_ringbuf_drain)(void *map, void *fn, void *ctx,
				      u64 flags) = (void *)209;

/* Any numbers and pointers, as the array of words that some helpers take. */
#define KAPSEL_WORDS(name, args...)					\
	_Pragma("GCC diagnostic push")					\
	_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")		\
	unsigned long long name[] = { args };				\
	_Pragma("GCC diagnostic pop")

#define KAPSEL_PRINT_FEW(fmt, args...)					\
	__extension__ ({						\
		static const char ___fmt[] = fmt;			\
		bpf_trace_printk(___fmt, sizeof(___fmt), ##args);	\
	})

#define KAPSEL_PRINT_MANY(fmt, args...)					\
	__extension__ ({						\
		static const char ___fmt[] = fmt;			\
		KAPSEL_WORDS(___args, args)				\
		bpf_trace_vprintk(___fmt, sizeof(___fmt), ___args,	\
				  sizeof(___args));			\
	})

#define KAPSEL_13TH(_0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, x, ...) x
#define KAPSEL_PRINT_BY_COUNT(args...)					\
	KAPSEL_13TH(_, ##args, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, \
		    FEW, FEW, FEW, FEW)
#define KAPSEL_JOIN2(a, b) a##b
#define KAPSEL_JOIN(a, b) KAPSEL_JOIN2(a, b)

/* A line in the program's own log, `kapsel log PROG`: of twelve arguments at most. */
#define bpf_printk(fmt, args...)					\
	KAPSEL_JOIN(KAPSEL_PRINT_, KAPSEL_PRINT_BY_COUNT(args))(fmt, ##args)

/* Print to a buffer: one argument at least; the text's length with NUL, or an error. */
#define BPF_SNPRINTF(to, size, fmt, args...)				\
	__extension__ ({						\
		static const char ___fmt[] = fmt;			\
		KAPSEL_WORDS(___args, args)				\
		bpf_snprintf(to, size, ___fmt, ___args, sizeof(___args)); \
	})

/* ------------------------------------------------------------------------
 * Byte order
 */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define bpf_htons(x) ((__be16)__builtin_bswap16(x))
#define bpf_htonl(x) ((__be32)__builtin_bswap32(x))
#define bpf_ntohs(x) __builtin_bswap16((u16)(x))
#define bpf_ntohl(x) __builtin_bswap32((u32)(x))
#else
#define bpf_htons(x) ((__be16)(x))
#define bpf_htonl(x) ((__be32)(x))
#define bpf_ntohs(x) ((u16)(x))
#define bpf_ntohl(x) ((u32)(x))
#endif

/* ------------------------------------------------------------------------
 * Registers of a probed function, x86-64: arguments on entry, and what it
 * returned on return
 */
#define PT_REGS_PARM1(x) ((x)->rdi)
#define PT_REGS_PARM2(x) ((x)->rsi)
#define PT_REGS_PARM3(x) ((x)->rdx)
#define PT_REGS_PARM4(x) ((x)->rcx)
#define PT_REGS_PARM5(x) ((x)->r8)
#define PT_REGS_PARM6(x) ((x)->r9)
#define PT_REGS_RET(x) ((x)->rsp)
#define PT_REGS_FP(x) ((x)->rbp)
#define PT_REGS_RC(x) ((x)->rax)
#define PT_REGS_SP(x) ((x)->rsp)
#define PT_REGS_IP(x) ((x)->rip)

/* A verdict of a netfilter program. */
#define KAPSEL_DROP 0
#define KAPSEL_ACCEPT 1

/*
 * What a netfilter program's context has behind struct __sk_buff:
 * KAPSEL_SKB(skb)->hook is one of NF_INET_PRE_ROUTING and so on.
 */
struct kapsel_skb {
	struct __sk_buff skb;
	u32 hook;
	u32 in_ifindex;
	u32 out_ifindex;
	u32 __reserved;
} __attribute__((aligned(8)));

#define KAPSEL_SKB(ctx) ((struct kapsel_skb *)(ctx))

#endif
