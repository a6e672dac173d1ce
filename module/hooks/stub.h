/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - stubs around functions: the code, one for each slot */
#ifndef KPS_STUB_H
#define KPS_STUB_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "link.h"

/*
 * What the stubs need: functions that let themselves be redirected to them, calls
 * that can be pointed at their bodies, and an unwinder that knows its way by tables.
 */
#if defined(CONFIG_X86_64) && defined(CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS) && \
	defined(CONFIG_HAVE_STATIC_CALL_INLINE) && defined(CONFIG_UNWINDER_ORC) && \
	defined(CONFIG_DEBUG_INFO_BTF) && defined(CONFIG_TASKS_RCU) && \
	!defined(CONFIG_CFI_CLANG) && !defined(CONFIG_CFI)
#define KPS_HAS_STUBS	1
#else
#define KPS_HAS_STUBS	0
#endif

#define KPS_NR_STUBS	64

/**
 * struct kps_stub - what a stub knows of the function around which it is
 * @body: where the function goes on behind its call of the stub
 * @inside: of each CPU: calls that entered there, less those that left
 * @link: whose program runs; NULL: nobody's
 * @site: what its programs may ask of the place; before @link
 * @unwatched: returns that came where RCU was not watching
 *
 * The stubs are assembly, and know the size and the first two fields by offset.
 */
struct kps_stub {
	unsigned long body;
	u64 __percpu *inside;
	struct kps_link __rcu *link;
	const struct kps_site *site;
	atomic64_t unwatched;
} __aligned(64);

#if KPS_HAS_STUBS
extern struct kps_stub kps_stubs[KPS_NR_STUBS];

/* Addresses of the code, for ftrace to call. */
extern const unsigned long kps_stub_codes[KPS_NR_STUBS];

/**
 * kps_stub_aim - point a stub at a function, of which nobody is inside
 * @nr: the stub
 * @body: where the function goes on
 */
void kps_stub_aim(u32 nr, unsigned long body);

/* What the stubs call: after the body, and in place of one as long as there is none. */
void kps_stub_returned(struct kps_stub *stub, struct pt_regs *regs);
void kps_stub_nowhere(void);
#endif

#endif
