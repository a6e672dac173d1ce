/* SPDX-License-Identifier: GPL-2.0-only */
/* What unit tests of the core share: instructions by macro, memory from malloc */
#ifndef KPS_TEST_INSN_BUILD_H
#define KPS_TEST_INSN_BUILD_H

#include <stdlib.h>

#include <linux/types.h>
#include <uapi/linux/bpf.h>

#include "core/host.h"

#define INSN(_code, _dst, _src, _off, _imm)				\
	((struct bpf_insn){ .code = (_code), .dst_reg = (_dst),		\
			    .src_reg = (_src), .off = (_off), .imm = (_imm) })
#define MOV(dst, imm)		INSN(0xb7, dst, 0, 0, imm)
#define ADD(dst, imm)		INSN(0x07, dst, 0, 0, imm)
#define EXIT			INSN(0x95, 0, 0, 0, 0)
#define JA(off)			INSN(0x05, 0, 0, off, 0)
#define JA32(imm)		INSN(0x06, 0, 0, 0, imm)
#define JEQ(reg, imm, off)	INSN(0x15, reg, 0, off, imm)
#define CALL(id)		INSN(0x85, 0, 0, 0, id)
#define CALL_LOCAL(imm)		INSN(0x85, 0, 1, 0, imm)
#define LDDW(dst, src, lo, hi)	INSN(0x18, dst, src, 0, lo), INSN(0, 0, 0, 0, hi)

static inline void *test_alloc(void *priv, size_t size)
{
	size_t *left = priv;

	if (left && (*left)-- == 0) {
		*left = 0;
		return NULL;
	}
	return calloc(1, size);
}

static inline void test_free(void *priv, void *mem, size_t size)
{
	(void)priv;
	(void)size;
	free(mem);
}

/* With @priv: a size_t, how many allocations succeed. */
static inline struct kps_host test_host(size_t *allocs)
{
	return (struct kps_host){
		.alloc = test_alloc, .free = test_free, .priv = allocs,
	};
}

#endif
