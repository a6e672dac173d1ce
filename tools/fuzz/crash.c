// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as a program: the verifier says yes or no and gives its memory back */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/verifier.h"
#include "world.h"

#define MAX_CRASH_INSNS 256

/* The first byte says of what type; registers are kept in range, mostly. */
static u32 read_program(struct bpf_insn *insns, const u8 *data, size_t size)
{
	u32 i, cnt = size / sizeof(*insns);

	if (cnt > MAX_CRASH_INSNS)
		cnt = MAX_CRASH_INSNS;
	memcpy(insns, data, cnt * sizeof(*insns));
	for (i = 0; i < cnt; i++) {
		if (insns[i].dst_reg > 10)
			insns[i].dst_reg -= 6;
		if (insns[i].src_reg > 10)
			insns[i].src_reg -= 6;
		if (insns[i].code == 0x18 && insns[i].src_reg)
			insns[i].imm &= 31;
		else if (insns[i].code == 0x85 && !insns[i].src_reg)
			insns[i].imm &= 0xff;
	}
	return cnt;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct bpf_insn insns[MAX_CRASH_INSNS];
	struct kps_prog_in in = {
		.insns = insns, .gpl = true, .budget_insns = 4000, .budget_bytes = 8 << 20,
	};
	struct kapsel_verdict v;
	struct kps_proof proof;
	size_t held = 0;
	struct kps_host host = fz_host(&held);
	int err;

	if (!size)
		return -1;
	in.prog_type = data[0] & 1 ? KAPSEL_PROG_KPROBE : KAPSEL_PROG_NETFILTER;
	in.insn_cnt = read_program(insns, data + 1, size - 1);
	err = kps_verify(&in, &host, &v, &proof);
	if (err && err != -EACCES && err != -EINVAL && err != -E2BIG)
		abort();
	if (!err != !v.code)
		abort();
	kps_proof_free(&proof, &host);
	if (held)
		abort();
	return 0;
}
