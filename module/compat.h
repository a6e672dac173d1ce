/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - what differs between kernels; nobody else asks for the version */
#ifndef KPS_COMPAT_H
#define KPS_COMPAT_H

#include <linux/context_tracking.h>
#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/version.h>

#ifdef CONFIG_X86_64
#include <asm/nospec-branch.h>
#endif

#if KERNEL_VERSION(6, 3, 0) > LINUX_VERSION_CODE
/** kps_vm_forbid - take flags from a mapping that is being set up */
static inline void kps_vm_forbid(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags &= ~flags;
}
#else
static inline void kps_vm_forbid(struct vm_area_struct *vma, unsigned long flags)
{
	vm_flags_clear(vma, flags);
}
#endif

/** KPS_UNINIT - a variable that is not zeroed, whatever the kernel does to the others */
#if __has_attribute(__uninitialized__)
#define KPS_UNINIT __attribute__((__uninitialized__))
#else
#define KPS_UNINIT
#endif

/** kps_rcu_watching - rcu_is_watching(), inlined; preemption is off */
static __always_inline bool kps_rcu_watching(void)
{
#ifndef CONFIG_CONTEXT_TRACKING_IDLE
	return rcu_is_watching();
#elif KERNEL_VERSION(6, 11, 0) > LINUX_VERSION_CODE
	return raw_cpu_read(context_tracking.state.counter) & RCU_DYNTICKS_IDX;
#else
	return raw_cpu_read(context_tracking.state.counter) & CT_RCU_WATCHING;
#endif
}

#ifdef CONFIG_DYNAMIC_FTRACE
/** kps_ftrace_filter - have an ftrace_ops watch @count places, and no other */
static inline int kps_ftrace_filter(struct ftrace_ops *ops, unsigned long *ips, u32 count)
{
#if KERNEL_VERSION(5, 18, 0) > LINUX_VERSION_CODE
	int err = 0;
	u32 i;

	for (i = 0; i < count && !err; i++)
		err = ftrace_set_filter_ip(ops, ips[i], 0, !i);
	return err;
#else
	return ftrace_set_filter_ips(ops, ips, count, 0, 1);
#endif
}
#endif

#ifdef CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS
/** KPS_CALL_DEPTH - what a function of assembly does where the kernel counts calls */
#ifdef CALL_DEPTH_ACCOUNT
#define KPS_CALL_DEPTH	CALL_DEPTH_ACCOUNT
#else
#define KPS_CALL_DEPTH	""
#endif

/* Stubs go where their return address says, so that both may have the function. */
static inline int kps_ftrace_shares(struct ftrace_ops *ops, enum ftrace_ops_cmd cmd)
{
	return 0;
}

static inline int kps_ftrace_shares_at(struct ftrace_ops *ops, unsigned long ip,
				       enum ftrace_ops_cmd cmd)
{
	return 0;
}

typedef int (*kps_shares_fn)(struct ftrace_ops *ops, enum ftrace_ops_cmd cmd);

/** kps_ftrace_share - let what redirects functions, such as livepatch, have them, too */
#define kps_ftrace_share(ops)							\
	((ops)->ops_func = __builtin_choose_expr(				\
		__builtin_types_compatible_p(typeof((ops)->ops_func), kps_shares_fn), \
		kps_ftrace_shares, kps_ftrace_shares_at))

/** kps_ftrace_wrap - have functions that an ftrace_ops watches call @code first */
static inline int kps_ftrace_wrap(struct ftrace_ops *ops, unsigned long code)
{
#if KERNEL_VERSION(6, 5, 0) > LINUX_VERSION_CODE
	return register_ftrace_direct_multi(ops, code);
#else
	return register_ftrace_direct(ops, code);
#endif
}

/** kps_ftrace_unwrap - the reverse; returns when nobody is about to call it */
static inline int kps_ftrace_unwrap(struct ftrace_ops *ops, unsigned long code)
{
#if KERNEL_VERSION(6, 5, 0) > LINUX_VERSION_CODE
	return unregister_ftrace_direct_multi(ops, code);
#else
	return unregister_ftrace_direct(ops, code, false);
#endif
}
#endif

#ifdef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
/** kps_ftrace_regs - what ftrace passes, whether or not it is complete; x86-64 */
static __always_inline struct pt_regs *kps_ftrace_regs(struct ftrace_regs *fregs)
{
#ifdef arch_ftrace_regs
	return &arch_ftrace_regs(fregs)->regs;
#else
	return &fregs->regs;
#endif
}
#endif

#endif
