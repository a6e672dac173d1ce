/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - rendering of records: what its files share */
#ifndef KL_RENDER_H
#define KL_RENDER_H

#include "internal.h"

/**
 * struct kl_case - a problem with the steps that led to it
 * @how: stream, program, detail
 * @problem: the record
 * @steps: records STEP behind it, oldest first; each is whole
 * @nr_steps: how many
 */
struct kl_case {
	const struct kapsel_render *how;
	const struct kapsel_rec_problem *problem;
	const struct kapsel_rec_step **steps;
	u32 nr_steps;
};

/**
 * kl_each_case - hand out problems with their steps
 * @how: passed on in the case
 * @res: records, looked at with suspicion
 * @fn: called for each problem
 * @ctx: handed to it
 */
void kl_each_case(const struct kapsel_render *how, const struct kapsel_result *res,
		  void (*fn)(const struct kl_case *it, void *ctx), void *ctx);

/** kl_missing_of - what the refused instruction misses in the kernel's types, or NULL */
const char *kl_missing_of(const struct kl_case *it);

/** kl_facts_text - what is known of a register, in words */
void kl_facts_text(const struct kapsel_prog *prog, const struct kapsel_facts *facts,
		   char *buf, size_t size);

/** kl_facts_kind - one word for JSON: "scalar", "map_value" */
const char *kl_facts_kind(const struct kapsel_facts *facts);

/** kl_facts_map - name of the map that a pointer points to, or NULL */
const char *kl_facts_map(const struct kapsel_prog *prog,
			 const struct kapsel_facts *facts);

/** kl_number - decimal, or hexadecimal where that is shorter; returns @buf */
const char *kl_number(s64 value, char *buf, size_t size);

/** kl_step_text - one step in words, for a label or the path; empty: not worth it */
void kl_step_text(const struct kapsel_prog *prog, const struct kapsel_rec_step *step,
		  char *buf, size_t size);

/** kl_step_name - one word for JSON */
const char *kl_step_name(u32 event);

/** kl_helper_name - "bpf_map_lookup_elem", or "helper 99" in @buf */
const char *kl_helper_name(u32 id, char *buf, size_t size);

/** kl_problem_text - what the instruction tried, for the label under the carets */
void kl_problem_text(const struct kl_case *it, char *buf, size_t size);

/** kl_needs_text - what was needed; empty: the title says it */
void kl_needs_text(const struct kl_case *it, char *buf, size_t size);

/** kl_source - the source lines of a case with carets and labels */
void kl_source(const struct kl_case *it);

/** enum kl_style - what colour is for */
enum kl_style { KL_PLAIN, KL_ERROR, KL_WARNING, KL_MARK, KL_GUTTER };

/** kl_style - switch the terminal's colour, if colours are wanted */
void kl_style(const struct kapsel_render *how, enum kl_style style);

#endif
