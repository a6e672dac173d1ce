/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - verdicts: what a load or an attachment answers, rendered; see kapsel.h */
#ifndef KAPSEL_VERDICT_H
#define KAPSEL_VERDICT_H

#include <stdbool.h>
#include "object.h"
#include "value.h"

/**
 * struct kapsel_result - a verdict with its records
 * @err: 0 or negative errno
 * @verdict: the fixed part
 * @recs: records (struct kapsel_rec), freed by kapsel_result_free()
 * @size: of @recs, bytes
 * @ns: time it took
 */
struct kapsel_result {
	int err;
	struct kapsel_verdict verdict;
	void *recs;
	size_t size;
	__u64 ns;
};

/** kapsel_result_free - release what @res holds, not @res */
void kapsel_result_free(struct kapsel_result *res);

/**
 * struct kapsel_budget - limits of a load; 0: the default
 * @metered: loops need no bound: runs are ended at @ceiling
 * @ceiling: most instructions a run may take
 * @insns: most instructions the verifier may visit
 * @bytes: of the verifier's memory
 * @ms: of time
 */
struct kapsel_budget {
	bool metered;
	__u64 ceiling;
	__u64 insns;
	__u64 bytes;
	__u32 ms;
};

/**
 * kapsel_verify_offline - the verdict that the kernel module would give
 * @prog: the program
 * @budget: or NULL
 * @res: filled in any case; free it
 * @err: filled on failure
 *
 * Return: 0 accepted; res->err and err->code say why not.
 */
int kapsel_verify_offline(const struct kapsel_prog *prog,
			  const struct kapsel_budget *budget,
			  struct kapsel_result *res, struct kapsel_error *err);

/** kapsel_verifier_revision - of the verifier in this library */
__u32 kapsel_verifier_revision(void);

/**
 * struct kapsel_render - how to show records
 * @out: stream
 * @prog: the program, for names and source lines; NULL: raw loads
 * @colour: use terminal colours
 * @verbose: 0: errors and warnings; 1: all numbers known; 2: every step
 */
struct kapsel_render {
	FILE *out;
	const struct kapsel_prog *prog;
	bool colour;
	int verbose;
};

/** kapsel_render_text - all records of @res for people */
void kapsel_render_text(const struct kapsel_render *how,
			const struct kapsel_result *res);

/**
 * kapsel_render_json - errors and warnings of @res as an array of objects
 * @js: document
 * @key: of the array, or NULL
 * @prog: or NULL
 * @res: the result
 *
 * Members: v (1), code, severity, title, insn, prog, section, function, disasm,
 * file, line, col, near, text, needs {min, max, missing, access, size, text},
 * helper, arg, detail, has and other {reg, kind, maybe_null, object, map, size,
 * smin, smax, umin, umax, s32_min, ..., bits_value, bits_mask}, path [{insn,
 * event, outcome, file, line, col, near, facts}], hint. What is not known is
 * left out.
 */
void kapsel_render_json(struct kapsel_json *js, const char *key,
			const struct kapsel_prog *prog,
			const struct kapsel_result *res);

/* Codes that tell of the environment rather than of a program. */
#define KAPSEL_CODE_CAPABILITY	1001
#define KAPSEL_CODE_LOCKDOWN	1002

/** kapsel_code_name - "KV021", "KA003"; returns @buf */
const char *kapsel_code_name(__u32 code, char *buf, size_t size);

#endif
