// SPDX-License-Identifier: GPL-2.0-only
/* The verifier's verdict on a program, given the maps that it may use */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/verifier.h"
#include "lib/judge.h"

struct judge {
	const struct kps_map_facts *maps;
	u32 nr_maps;
};

static void *judge_alloc(void *priv, size_t size)
{
	(void)priv;
	return calloc(1, size);
}

/* Whatever was there before. */
static void *judge_scratch(void *priv, size_t size)
{
	void *mem = malloc(size);

	(void)priv;
	return mem ? memset(mem, 0xa5, size) : NULL;
}

static void judge_free(void *priv, void *mem, size_t size)
{
	(void)priv;
	(void)size;
	free(mem);
}

/* Each map has its own number from the start. */
static int judge_map(void *priv, s32 fd, struct kps_map_facts *facts)
{
	const struct judge *judge = priv;

	if (fd < 0 || (u32)fd >= judge->nr_maps)
		return -EBADF;
	*facts = judge->maps[fd];
	return fd;
}

static int judge_map_read(void *priv, u32 map, u32 off, u32 size, u64 *val)
{
	(void)priv;
	(void)map;
	(void)off;
	(void)size;
	*val = 0;
	return 0;
}

static void judge_emit(void *priv, const void *rec, u32 size)
{
	(void)priv;
	(void)rec;
	(void)size;
}

static int judge_poll(void *priv)
{
	(void)priv;
	return 0;
}

int kt_judge(u32 type, const struct bpf_insn *insns, u32 cnt,
	     const struct kps_map_facts *maps, u32 nr_maps)
{
	return kt_judge_within(0, type, insns, cnt, maps, nr_maps);
}

static int judge_all(u64 bytes, u32 type, const struct bpf_insn *insns, u32 cnt,
		     const struct kps_map_facts *maps, u32 nr_maps, struct kt_returns *returns)
{
	struct judge judge = { .maps = maps, .nr_maps = nr_maps };
	const struct kps_host host = {
		.alloc = judge_alloc, .free = judge_free,
		.scratch = judge_scratch, .scratch_free = judge_free, .map = judge_map,
		.map_read = judge_map_read, .emit = judge_emit, .poll = judge_poll,
		.priv = &judge,
	};
	const struct kps_prog_in in = {
		.insns = insns, .insn_cnt = cnt, .prog_type = type, .gpl = true,
		.budget_bytes = bytes,
	};
	struct kapsel_verdict verdict;
	struct kps_proof proof;
	int err = kps_verify(&in, &host, &verdict, &proof);

	*returns = (struct kt_returns){ proof.ret_min, proof.ret_max, proof.writes_packet };
	kps_proof_free(&proof, &host);
	return err && verdict.code ? (int)verdict.code : err;
}

int kt_judge_within(u64 bytes, u32 type, const struct bpf_insn *insns, u32 cnt,
		    const struct kps_map_facts *maps, u32 nr_maps)
{
	struct kt_returns unused;

	return judge_all(bytes, type, insns, cnt, maps, nr_maps, &unused);
}

int kt_judge_returns(u32 type, const struct bpf_insn *insns, u32 cnt,
		     const struct kps_map_facts *maps, u32 nr_maps, struct kt_returns *returns)
{
	return judge_all(0, type, insns, cnt, maps, nr_maps, returns);
}
