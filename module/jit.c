// SPDX-License-Identifier: GPL-2.0-only
/*
 * kapsel - the bridge to the kernel's JIT compilers
 *
 * What test_bpf.ko needs is exported: a struct bpf_prog, and the function that
 * compiles it. It falls back on the kernel's interpreter without a word, so what
 * was not compiled is given back at once: that one never runs anything here.
 *
 * Compiled code has no entry in the kernel's tables, so nothing recovers from a
 * fault in it. Every address that a program may dereference was proved good; what
 * reads others is a helper, in C.
 */

#include <linux/filter.h>
#include <linux/kprobes.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "callbacks.h"
#include "helpers.h"
#include "jit.h"
#include "prog.h"
#include "run.h"
#include "core/lower.h"
#include "core/trial.h"
#include "core/verifier.h"

/* Slots for the compiler, which nothing interrupts once it began. */
#define MOST		KAPSEL_MAX_INSNS
/* The same while it blinds constants, in quadratic time. */
#define MOST_BLINDED	4096

/**
 * struct kps_jit - a compiled program
 * @nr: of functions that are compiled
 * @nr_funcs: of functions
 * @funcs: @nr_funcs of them
 * @progs: @nr of them, in the order of compilation: what a function calls stands
 *	before it
 */
struct kps_jit {
	u32 nr;
	u32 nr_funcs;
	struct kps_jit_func *funcs;
	struct bpf_prog *progs[];
};

/* What the compiler of this machine does wrong, once it was tried out. */
static bool wrong[KPS_NR_ROWS];
static bool tried;
static DEFINE_MUTEX(trials);

static notrace u64 counter(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return (unsigned long)&kps_run_current()->run.fuel;
}

NOKPROBE_SYMBOL(counter);

static struct kps_lower_target target_of(const bool *does_wrong, const u64 *entry)
{
	return (struct kps_lower_target){
		.wrong = does_wrong, .call_base = (unsigned long)__bpf_call_base,
		.loop = (unsigned long)kps_run_loop, .each = (unsigned long)kps_run_each,
		.drain = (unsigned long)kps_run_drain,
		.entry = entry,
		.counter = (unsigned long)counter,
		.functions = IS_ENABLED(CONFIG_X86_64),
	};
}

/* Nobody else frees them. */
static void free_notes(struct bpf_prog *prog)
{
	kvfree(prog->aux->jited_linfo);
	kvfree(prog->aux->linfo);
	prog->aux->jited_linfo = NULL;
	prog->aux->linfo = NULL;
	prog->aux->nr_linfo = 0;
}

/*
 * The type must be one of eBPF's. When constants are blinded, what comes back
 * is another program than what went in. @lines are the program's from here on.
 *
 * Return: the program, or ERR_PTR: ENODEV: the JIT is off, EOPNOTSUPP: it
 * refused, ENOMEM.
 */
static struct bpf_prog *compile_noting(const struct bpf_insn *insns, u32 cnt, u32 stack,
				       struct bpf_line_info *lines, u32 nr_lines)
{
	struct bpf_prog *prog;
	int err = 0;

	prog = bpf_prog_alloc(bpf_prog_size(cnt), __GFP_ACCOUNT | __GFP_NOWARN);
	if (!prog) {
		kvfree(lines);
		return ERR_PTR(-ENOMEM);
	}
	if (!prog->jit_requested) {
		kvfree(lines);
		bpf_prog_free(prog);
		return ERR_PTR(-ENODEV);
	}
	prog->type = BPF_PROG_TYPE_SOCKET_FILTER;
	prog->len = cnt;
	prog->aux->stack_depth = stack;
	prog->aux->linfo = lines;
	prog->aux->nr_linfo = nr_lines;
	memcpy(prog->insnsi, insns, cnt * sizeof(*insns));
	prog = bpf_prog_select_runtime(prog, &err);
	if (!err && prog->jited)
		return prog;
	free_notes(prog);
	bpf_prog_free(prog);
	return ERR_PTR(-EOPNOTSUPP);
}

static struct bpf_prog *compile(const struct bpf_insn *insns, u32 cnt, u32 stack)
{
	return compile_noting(insns, cnt, stack, NULL, 0);
}

/* ------------------------------------------------------------------------
 * Trying the compiler out
 */

/* The least there is, with a constant to blind. */
static struct bpf_prog *compile_least(void)
{
	static const struct bpf_insn least[] = {
		BPF_MOV64_IMM(BPF_REG_0, 0x12345678),
		BPF_EXIT_INSN(),
	};

	return compile(least, ARRAY_SIZE(least), 0);
}

static bool blinds(void)
{
	struct bpf_prog *prog = compile_least();
	bool does = !IS_ERR(prog) && prog->blinded;

	if (!IS_ERR(prog))
		bpf_prog_free(prog);
	return does;
}

/**
 * struct trial - an instruction being tried
 * @code: the trial's program
 * @run: the interpreter's, which knows the answer
 * @expected: its memory
 * @mem: the compiled program's memory
 */
struct trial {
	struct kps_code *code;
	struct kps_run run;
	struct kps_trial_mem expected;
	struct kps_trial_mem mem;
};

static u64 add_up(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return r1 + 2 * r2 + 3 * r3 + 4 * r4 + 5 * r5;
}

static __nocfi bool agree_on(struct trial *trial, kps_jit_fn fn, u64 a, u64 b)
{
	u64 expected;

	memset(&trial->mem, 0, sizeof(trial->mem));
	trial->mem.in[0] = a;
	trial->mem.in[1] = b;
	trial->expected = trial->mem;
	trial->run.fuel = U64_MAX;
	expected = kps_interp_run(trial->code, &trial->run,
				  (unsigned long)&trial->expected, 0);
	return fn(&trial->mem, NULL) == expected &&
	       !memcmp(&trial->mem, &trial->expected, sizeof(trial->mem));
}

static bool agree(struct trial *trial, kps_jit_fn fn)
{
	u32 a, b;

	for (a = 0; a < KPS_TRIAL_VALUES; a++)
		for (b = 0; b < KPS_TRIAL_VALUES; b++)
			if (!agree_on(trial, fn, kps_trial_values[a],
				      kps_trial_values[b]))
				return false;
	return true;
}

/* The code as it would be lowered for a compiler that does everything right. */
static struct bpf_prog *compile_trial(const struct trial *trial, bool far)
{
	static const bool nothing[KPS_NR_ROWS];
	struct kps_lower_func whole = { .end = trial->code->cnt, .seen = true };
	struct kps_lower_target target = target_of(nothing, NULL);
	struct kps_lowered lowered;
	struct bpf_prog *prog;
	int err;

	target.far = far;
	err = kps_lower(trial->code, &whole, 1, 0, &target, &kps_memory_host, &lowered);
	if (err)
		return ERR_PTR(err);
	prog = compile(lowered.insns, lowered.cnt, lowered.stack);
	kps_lowered_free(&lowered, &kps_memory_host);
	return prog;
}

/* The compiler does not say whether it lacks memory: what it refuses twice, it refuses. */
static struct bpf_prog *compile_trial_anew(const struct trial *trial, bool far)
{
	struct bpf_prog *prog = compile_trial(trial, far);

	return PTR_ERR_OR_ZERO(prog) == -EOPNOTSUPP ? compile_trial(trial, far) : prog;
}

static int try_row(struct trial *trial, u32 row)
{
	struct bpf_prog *prog;

	if (kps_trial_build(row, add_up, trial->code))
		return 0;
	prog = compile_trial_anew(trial, row == KPS_ROW_ja32);
	if (PTR_ERR_OR_ZERO(prog) == -ENOMEM)
		return -ENOMEM;
	wrong[row] = IS_ERR(prog) ||
		     !agree(trial, (kps_jit_fn)(unsigned long)prog->bpf_func);
	if (!IS_ERR(prog))
		bpf_prog_free(prog);
	return 0;
}

static int try_rows(struct trial *trial)
{
	int err = 0;
	u32 row;

	for (row = 0; row < KPS_NR_ROWS && !err; row++)
		err = try_row(trial, row);
	return err;
}

static int try_all(void)
{
	struct trial *trial = kzalloc(sizeof(*trial), GFP_KERNEL);
	int err = -ENOMEM;

	if (!trial)
		return err;
	trial->code = kzalloc(struct_size(trial->code, insns, KPS_TRIAL_SLOTS),
			      GFP_KERNEL);
	if (trial->code)
		err = try_rows(trial);
	kfree(trial->code);
	kfree(trial);
	return err;
}

/* Not before something is compiled at all: it may be switched on later. */
static int try_once(void)
{
	int err = 0;

	/* With what was found wrong. */
	if (smp_load_acquire(&tried))
		return 0;
	mutex_lock(&trials);
	if (!tried)
		err = try_all();
	if (!err) {
		/* After what was found wrong. */
		smp_store_release(&tried, true);
	}
	mutex_unlock(&trials);
	return err;
}

static u32 why_of(long err)
{
	return err == -ENODEV ? KAPSEL_WHY_JIT_OFF : KAPSEL_WHY_REFUSED;
}

u32 kps_jit_why(void)
{
	struct bpf_prog *prog;

	if (!IS_ENABLED(CONFIG_BPF_JIT) || !IS_ENABLED(CONFIG_HAVE_EBPF_JIT))
		return KAPSEL_WHY_NO_JIT;
	prog = compile_least();
	if (IS_ERR(prog))
		return why_of(PTR_ERR(prog));
	bpf_prog_free(prog);
	return try_once() ? KAPSEL_WHY_REFUSED : KAPSEL_WHY_NOTHING;
}

/* ------------------------------------------------------------------------
 * Programs
 */

/**
 * struct job - a program being compiled
 * @in: as verified
 * @code: its code
 * @metered: it is to be ended at its ceiling
 * @nr: of functions
 * @funcs: @nr of them
 * @entry: of those that are compiled
 * @res: what it came to
 */
struct job {
	const struct kps_prog_in *in;
	const struct kps_code *code;
	bool metered;
	u32 nr;
	struct kps_lower_func *funcs;
	u64 *entry;
	struct kps_jit_result *res;
};

static int give_up(struct job *job, u32 why, u32 at)
{
	job->res->why = why;
	job->res->insn = kps_lower_slot(job->in, at);
	return -EOPNOTSUPP;
}

static bool callees_are_compiled(const struct job *job, u32 func)
{
	u32 at;

	for (at = job->funcs[func].first; at < job->funcs[func].end; at++) {
		int callee = kps_lower_callee(job->code, at, job->funcs, job->nr);

		if (callee >= 0 && !job->entry[callee])
			return false;
	}
	return true;
}

static int check_length(struct job *job, u32 func, u32 more)
{
	u64 slots = (u64)job->res->slots + more;

	if (slots > MOST || (slots > MOST_BLINDED && blinds()))
		return give_up(job, KAPSEL_WHY_LENGTH, job->funcs[func].first);
	job->res->slots = slots;
	return 0;
}

/* What reads a word that is at hand: nothing in there is ever traced. */
static bool calls_at_hand(const struct bpf_insn *call)
{
	static const kps_helper_fn at_hand[] = {
		kps_h_get_current_pid_tgid, kps_h_get_smp_processor_id,
		kps_h_get_numa_node_id, kps_h_jiffies64,
	};
	unsigned long target = (unsigned long)__bpf_call_base + call->imm;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(at_hand); i++)
		if ((unsigned long)at_hand[i] == target)
			return true;
	return false;
}

/* Helpers, functions, or what the lowered code calls on its own. */
static bool calls_anything(const struct kps_lowered *lowered)
{
	const struct bpf_insn *insn;

	for (insn = lowered->insns; insn < lowered->insns + lowered->cnt; insn++)
		if (insn->code == (BPF_LD | BPF_IMM | BPF_DW))
			insn++;
		else if (insn->code == (BPF_JMP | BPF_CALL) && !calls_at_hand(insn))
			return true;
	return false;
}

/* ------------------------------------------------------------------------
 * What became of each instruction
 *
 * The compiler notes where the code of each source line begins. Here, a line is an
 * instruction that became anything; the function's first one begins where it does.
 */

static u32 note_lines(const struct kps_lowered *lowered, u32 cnt, struct bpf_line_info *lines)
{
	u32 i, nr = 0;

	for (i = 0; i < cnt; i++) {
		if (lowered->places[i] == lowered->places[i + 1])
			continue;
		lines[nr] = (struct bpf_line_info){
			.insn_off = nr ? lowered->places[i] : 0, .line_off = i,
		};
		nr++;
	}
	return nr;
}

/* From the last instruction to the first: what became nothing is where the next one is. */
static void keep_offsets(struct kps_jit_func *func, const struct bpf_prog *prog)
{
	const struct bpf_prog_aux *aux = prog->aux;
	u32 i, line = aux->nr_linfo, off = prog->jited_len;

	for (i = func->cnt; i--;) {
		if (line && aux->linfo[line - 1].line_off == i)
			off = aux->jited_linfo[--line] - (void *)prog->bpf_func;
		func->offs[i] = off;
	}
}

/* Without memory, or a compiler that notes it, it is not known, and no harm is done. */
static void take_notes(struct job *job, u32 func, struct bpf_prog *prog)
{
	struct kps_jit_func *out = &job->res->jit->funcs[func];

	*out = (struct kps_jit_func){
		.code = prog->bpf_func, .size = prog->jited_len,
		.first = job->funcs[func].first,
		.cnt = job->funcs[func].end - job->funcs[func].first,
	};
	if (prog->aux->jited_linfo)
		out->offs = kvmalloc_array(out->cnt, sizeof(*out->offs),
					   GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (out->offs)
		keep_offsets(out, prog);
	job->res->memory += out->offs ? out->cnt * sizeof(*out->offs) : 0;
	free_notes(prog);
}

static struct bpf_prog *compile_func_noting(const struct kps_lowered *lowered, u32 cnt)
{
	struct bpf_line_info *lines;

	lines = kvmalloc_array(cnt, sizeof(*lines), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	return compile_noting(lowered->insns, lowered->cnt, lowered->stack, lines,
			      lines ? note_lines(lowered, cnt, lines) : 0);
}

static int compile_lowered(struct job *job, u32 func,
			   const struct kps_lowered *lowered)
{
	struct kps_jit *jit = job->res->jit;
	struct bpf_prog *prog;
	int err;

	err = check_length(job, func, lowered->cnt);
	if (err)
		return err;
	prog = compile_func_noting(lowered, job->funcs[func].end - job->funcs[func].first);
	if (PTR_ERR_OR_ZERO(prog) == -ENOMEM)
		return -ENOMEM;
	if (IS_ERR(prog))
		return give_up(job, why_of(PTR_ERR(prog)), job->funcs[func].first);
	jit->progs[jit->nr++] = prog;
	job->entry[func] = (unsigned long)prog->bpf_func;
	job->res->calls |= calls_anything(lowered);
	job->res->memory += prog->pages * PAGE_SIZE + sizeof(*prog->aux) + prog->jited_len;
	take_notes(job, func, prog);
	return 0;
}

static int compile_func(struct job *job, u32 func)
{
	struct kps_lower_target target = target_of(wrong, job->entry);
	struct kps_lowered lowered;
	int err;

	target.metered = job->metered;
	if (job->metered) {
		target.loop = (unsigned long)kps_run_metered_loop;
		target.each = (unsigned long)kps_run_metered_each;
	}
	err = kps_lower(job->code, job->funcs, job->nr, func, &target,
			&kps_memory_host, &lowered);
	if (err == -EOPNOTSUPP)
		return give_up(job, lowered.why, lowered.at);
	if (err)
		return err;
	err = compile_lowered(job, func, &lowered);
	kps_lowered_free(&lowered, &kps_memory_host);
	return err;
}

/* How many became possible by what was compiled before, or -errno. */
static int compile_ready(struct job *job)
{
	u32 func;
	int err, n = 0;

	for (func = 0; func < job->nr; func++) {
		if (job->entry[func] || !job->funcs[func].seen ||
		    !callees_are_compiled(job, func))
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		err = compile_func(job, func);
		if (err)
			return err;
		n++;
	}
	return n;
}

/* Nothing recurses, so each round leaves fewer, and call chains are short. */
static int compile_funcs(struct job *job)
{
	int n;

	do
		n = compile_ready(job);
	while (n > 0 && !job->entry[0]);
	if (!n)
		return give_up(job, KAPSEL_WHY_FUNCTIONS, 0);
	return n < 0 ? n : 0;
}

static struct kps_jit *new_jit(u32 nr)
{
	struct kps_jit *jit;

	jit = kvzalloc(struct_size(jit, progs, nr), GFP_KERNEL_ACCOUNT);
	if (!jit)
		return NULL;
	jit->nr_funcs = nr;
	jit->funcs = kvcalloc(nr, sizeof(*jit->funcs), GFP_KERNEL_ACCOUNT);
	if (jit->funcs)
		return jit;
	kvfree(jit);
	return NULL;
}

const struct kps_jit_func *kps_jit_funcs(const struct kps_jit *jit, u32 *nr)
{
	*nr = jit->nr_funcs;
	return jit->funcs;
}

static int compile_program(struct job *job, const struct kps_proof *proof)
{
	struct kps_jit_result *res = job->res;
	int err = -ENOMEM;

	job->funcs = kvcalloc(job->nr, sizeof(*job->funcs), GFP_KERNEL_ACCOUNT);
	job->entry = kvcalloc(job->nr, sizeof(*job->entry), GFP_KERNEL_ACCOUNT);
	res->jit = new_jit(job->nr);
	if (job->funcs && job->entry && res->jit) {
		kps_lower_funcs(job->in, proof, job->funcs);
		err = compile_funcs(job);
	}
	if (!err) {
		res->entry = (kps_jit_fn)(unsigned long)job->entry[0];
	} else {
		kps_jit_free(res->jit);
		res->jit = NULL;
	}
	kvfree(job->entry);
	kvfree(job->funcs);
	return err;
}

int kps_jit_compile(const struct kps_prog_in *in, const struct kps_proof *proof,
		    const struct kps_code *code, struct kps_jit_result *res)
{
	struct job job = {
		.in = in, .code = code, .metered = proof->metered,
		.nr = proof->nr_subprogs, .res = res,
	};
	u32 why = 0;

	*res = (struct kps_jit_result){};
	/* With what was found wrong. */
	if (!smp_load_acquire(&tried))
		why = kps_jit_why();
	return why ? give_up(&job, why, 0) : compile_program(&job, proof);
}

/* Callers go before what they call. */
void kps_jit_free(struct kps_jit *jit)
{
	u32 i;

	if (!jit)
		return;
	while (jit->nr)
		bpf_prog_free(jit->progs[--jit->nr]);
	for (i = 0; i < jit->nr_funcs; i++)
		kvfree(jit->funcs[i].offs);
	kvfree(jit->funcs);
	kvfree(jit);
}

/* A JIT that is off now, or can't be tried, is tried when it is needed. */
void kps_jit_init(void)
{
	kps_jit_why();
}
