/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for the kernel's header: what must not happen ends the process */
#ifndef KPS_SHIM_BUG_H
#define KPS_SHIM_BUG_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <stdio.h>
#include <stdlib.h>

#define WARN_ON_ONCE(cond) __extension__ ({				\
	if (unlikely(cond)) {						\
		fprintf(stderr, "%s:%d: %s: WARN_ON(%s)\n", __FILE__,	\
			__LINE__, __func__, #cond);			\
		abort();						\
	}								\
	0; })
#define WARN_ON(cond)	WARN_ON_ONCE(cond)

#endif
