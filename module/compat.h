/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - what differs between kernels; nobody else asks for the version */
#ifndef KPS_COMPAT_H
#define KPS_COMPAT_H

#include <linux/context_tracking.h>
#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/version.h>

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
