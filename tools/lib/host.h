/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - the core's host outside the kernel: maps are those of an object */
#ifndef KL_HOST_H
#define KL_HOST_H

#include "core/host.h"
#include "core/verifier.h"
#include "internal.h"

/**
 * struct kl_host - what the core's callbacks work on
 * @ops: the callbacks; priv points here
 * @prog: program being verified
 * @res: gets the records
 * @maps: index in the program -> index in the object
 * @nr_maps: how many
 * @deadline: nanoseconds, CLOCK_MONOTONIC
 * @lost: no memory for records, later ones are dropped
 */
struct kl_host {
	struct kps_host ops;
	const struct kapsel_prog *prog;
	struct kapsel_result *res;
	u32 maps[KAPSEL_MAX_MAPS];
	u32 nr_maps;
	u64 deadline;
	bool lost;
};

/** kl_host_init - fill @host; @ms is the budget of time, 0: default */
void kl_host_init(struct kl_host *host, const struct kapsel_prog *prog, u32 ms,
		  struct kapsel_result *res);

/** kl_prog_in - a program as the core takes it */
void kl_prog_in(const struct kapsel_prog *prog, const struct kapsel_budget *budget,
		struct kps_prog_in *in);

/** kl_verify - verify; @proof is the caller's to free if 0 is returned */
int kl_verify(struct kl_host *host, const struct kps_prog_in *in,
	      struct kps_proof *proof, struct kapsel_error *err);

/** kl_verdict_error - fill @err from a refusal in @res; returns res->err */
int kl_verdict_error(const struct kapsel_prog *prog, const struct kapsel_result *res,
		     struct kapsel_error *err);

#endif
