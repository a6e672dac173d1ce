// SPDX-License-Identifier: GPL-2.0-only
/*
 * kapsel - stubs around functions
 *
 * ftrace lets a function begin with a call of a stub, which calls the rest of the
 * function, hands what it returned to a program, and returns in its place. There is
 * a stub for each function that can be wrapped at a time: a module can't make code,
 * but it may have calls in its own patched, so each has one of its own.
 */

#include <linux/build_bug.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/static_call.h>
#include <linux/stringify.h>

#include "compat.h"
#include "event.h"
#include "hooks/stub.h"

#if KPS_HAS_STUBS

#include <asm/ibt.h>
#include <asm/linkage.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

/* In octal, as the assembler counts. */
#define EIGHT(ROW, n)							\
	ROW(n##0) ROW(n##1) ROW(n##2) ROW(n##3)				\
	ROW(n##4) ROW(n##5) ROW(n##6) ROW(n##7)
#define EACH(ROW)							\
	EIGHT(ROW, 0) EIGHT(ROW, 1) EIGHT(ROW, 2) EIGHT(ROW, 3)		\
	EIGHT(ROW, 4) EIGHT(ROW, 5) EIGHT(ROW, 6) EIGHT(ROW, 7)

struct kps_stub kps_stubs[KPS_NR_STUBS];

#define STUB_SIZE	64
#define STUB_BODY	0
#define STUB_INSIDE	8

static_assert(sizeof(struct kps_stub) == STUB_SIZE);
static_assert(offsetof(struct kps_stub, body) == STUB_BODY);
static_assert(offsetof(struct kps_stub, inside) == STUB_INSIDE);

/* What the stub's frame holds: registers, and the second word of a result. */
#define IN_R15		0
#define IN_R14		8
#define IN_R13		16
#define IN_R12		24
#define IN_BP		32
#define IN_BX		40
#define IN_R11		48
#define IN_R10		56
#define IN_R9		64
#define IN_R8		72
#define IN_AX		80
#define IN_CX		88
#define IN_DX		96
#define IN_SI		104
#define IN_DI		112
#define IN_ORIG_AX	120
#define IN_IP		128
#define IN_CS		136
#define IN_FLAGS	144
#define IN_SP		152
#define IN_SS		160
#define IN_SECOND	168
#define STUB_FRAME	176

#define CHECK_IN(REG, reg)						\
	static_assert(offsetof(struct pt_regs, reg) == IN_##REG)

CHECK_IN(R15, r15);
CHECK_IN(BX, bx);
CHECK_IN(R8, r8);
CHECK_IN(AX, ax);
CHECK_IN(DI, di);
CHECK_IN(ORIG_AX, orig_ax);
CHECK_IN(IP, ip);
CHECK_IN(SP, sp);
CHECK_IN(SS, ss);
static_assert(sizeof(struct pt_regs) == IN_SECOND);

/*
 * Where the returning function's frame was: below the stub's own saved frame
 * pointer and return address, which is the function's body, lies where the function
 * returns to.
 */
#define CALLER_IP	"16(%rbp)"
#define CALLER_SP	"24(%rbp)"

#define FIELD(nr, field)						\
	"kps_stubs+0" #nr "*" __stringify(STUB_SIZE) "+" __stringify(field) "(%rip)"
#define STORE(reg, at)	"	movq	%" reg ", " __stringify(at) "(%rsp)\n"
#define STORE_IMM(value, at)						\
	"	movq	$" __stringify(value) ", " __stringify(at) "(%rsp)\n"

/*
 * What is counted on one CPU may be uncounted on another: only the sum says
 * whether a call is inside. Behind the count nothing of the slot is used.
 *
 * Whoever redirects functions while they are entered, as livepatch does, changes
 * the stub's return address, and the long way goes there; else it is the body.
 *
 * Registers that calls preserve are the caller's, as they are when the function has
 * returned. Those that pass arguments are shown as they came.
 */
#define STUB(nr)							\
"	.p2align 4\n"							\
"	.globl	kps_stub_" #nr "\n"					\
"	.type	kps_stub_" #nr ", @function\n"				\
"kps_stub_" #nr ":\n"							\
	ASM_ENDBR							\
"	pushq	%rbp\n"							\
"	movq	%rsp, %rbp\n"						\
	KPS_CALL_DEPTH							\
"	subq	$" __stringify(STUB_FRAME) ", %rsp\n"			\
"	movq	" FIELD(nr, STUB_INSIDE) ", %rax\n"			\
"	incq	%gs:(%rax)\n"						\
	STORE("rdi", IN_DI)						\
	STORE("rsi", IN_SI)						\
	STORE("rdx", IN_DX)						\
	STORE("rcx", IN_CX)						\
	STORE("r8", IN_R8)						\
	STORE("r9", IN_R9)						\
"	movq	8(%rbp), %rax\n"					\
"	cmpq	%rax, " FIELD(nr, STUB_BODY) "\n"			\
"	jne	1f\n"							\
"	call	" STATIC_CALL_TRAMP_STR(kps_body_##nr) "\n"		\
"	jmp	2f\n"							\
"1:	call	kps_stub_detour\n"					\
"2:\n"									\
	STORE("rax", IN_AX)						\
	STORE("rdx", IN_SECOND)						\
	STORE("rbx", IN_BX)						\
	STORE("r12", IN_R12)						\
	STORE("r13", IN_R13)						\
	STORE("r14", IN_R14)						\
	STORE("r15", IN_R15)						\
"	movq	(%rbp), %rax\n"						\
	STORE("rax", IN_BP)						\
"	movq	" CALLER_IP ", %rax\n"					\
	STORE("rax", IN_IP)						\
"	leaq	" CALLER_SP ", %rax\n"					\
	STORE("rax", IN_SP)						\
	STORE_IMM(0, IN_R10)						\
	STORE_IMM(0, IN_R11)						\
	STORE_IMM(0, IN_FLAGS)						\
	STORE_IMM(-1, IN_ORIG_AX)					\
	STORE_IMM(__KERNEL_CS, IN_CS)					\
	STORE_IMM(__KERNEL_DS, IN_SS)					\
"	leaq	" FIELD(nr, 0) ", %rdi\n"				\
"	movq	%rsp, %rsi\n"						\
"	call	kps_stub_returned\n"					\
"	movq	" __stringify(IN_AX) "(%rsp), %rax\n"			\
"	movq	" __stringify(IN_SECOND) "(%rsp), %rdx\n"		\
"	movq	" FIELD(nr, STUB_INSIDE) ", %rcx\n"			\
"	decq	%gs:(%rcx)\n"						\
"	leave\n"							\
"	addq	$8, %rsp\n"						\
	UNWIND_HINT_FUNC						\
	ASM_RET								\
"	.size	kps_stub_" #nr ", . - kps_stub_" #nr "\n"

notrace void kps_stub_nowhere(void)
{
}

/*
 * The return address of the stub that calls this is where its function really goes
 * on, and there it goes, with the stub to return to.
 */
asm(".pushsection .text\n"
"	.p2align 4\n"
"	.type	kps_stub_detour, @function\n"
"kps_stub_detour:\n"
	ASM_ENDBR
"	pushq	8(%rbp)\n"
	UNWIND_HINT_FUNC
	ASM_RET
"	.size	kps_stub_detour, . - kps_stub_detour\n"
".popsection\n");

#define BODY(nr)	DEFINE_STATIC_CALL(kps_body_##nr, kps_stub_nowhere)
BODY(00); BODY(01); BODY(02); BODY(03);
BODY(04); BODY(05); BODY(06); BODY(07);
BODY(10); BODY(11); BODY(12); BODY(13);
BODY(14); BODY(15); BODY(16); BODY(17);
BODY(20); BODY(21); BODY(22); BODY(23);
BODY(24); BODY(25); BODY(26); BODY(27);
BODY(30); BODY(31); BODY(32); BODY(33);
BODY(34); BODY(35); BODY(36); BODY(37);
BODY(40); BODY(41); BODY(42); BODY(43);
BODY(44); BODY(45); BODY(46); BODY(47);
BODY(50); BODY(51); BODY(52); BODY(53);
BODY(54); BODY(55); BODY(56); BODY(57);
BODY(60); BODY(61); BODY(62); BODY(63);
BODY(64); BODY(65); BODY(66); BODY(67);
BODY(70); BODY(71); BODY(72); BODY(73);
BODY(74); BODY(75); BODY(76); BODY(77);

#define TEXT(nr)	asm(".pushsection .text\n" STUB(nr) ".popsection\n")
TEXT(00); TEXT(01); TEXT(02); TEXT(03);
TEXT(04); TEXT(05); TEXT(06); TEXT(07);
TEXT(10); TEXT(11); TEXT(12); TEXT(13);
TEXT(14); TEXT(15); TEXT(16); TEXT(17);
TEXT(20); TEXT(21); TEXT(22); TEXT(23);
TEXT(24); TEXT(25); TEXT(26); TEXT(27);
TEXT(30); TEXT(31); TEXT(32); TEXT(33);
TEXT(34); TEXT(35); TEXT(36); TEXT(37);
TEXT(40); TEXT(41); TEXT(42); TEXT(43);
TEXT(44); TEXT(45); TEXT(46); TEXT(47);
TEXT(50); TEXT(51); TEXT(52); TEXT(53);
TEXT(54); TEXT(55); TEXT(56); TEXT(57);
TEXT(60); TEXT(61); TEXT(62); TEXT(63);
TEXT(64); TEXT(65); TEXT(66); TEXT(67);
TEXT(70); TEXT(71); TEXT(72); TEXT(73);
TEXT(74); TEXT(75); TEXT(76); TEXT(77);

/* A link is not freed before who found it here has preemption on again. */
notrace __nocfi void kps_stub_returned(struct kps_stub *stub, struct pt_regs *regs)
{
	struct kps_link *link;

	preempt_disable_notrace();
	if (likely(kps_rcu_watching())) {
		link = rcu_dereference_raw_check(stub->link);
		if (likely(link))
			kps_link_event(link, stub->site, regs);
	} else {
		atomic64_inc(&stub->unwatched);
	}
	preempt_enable_notrace();
}

NOKPROBE_SYMBOL(kps_stub_returned);

#define CODE(nr)	"	.quad	kps_stub_" #nr "\n"
asm(".pushsection .rodata\n"
"	.balign	8\n"
"	.globl	kps_stub_codes\n"
"kps_stub_codes:\n"
	EACH(CODE)
".popsection\n");

/**
 * struct call - a stub's call of a body
 * @key: the kernel's
 * @tramp: where it goes before it is patched
 */
struct call {
	struct static_call_key *key;
	void *tramp;
};

#define CALL(nr)							\
	{ &STATIC_CALL_KEY(kps_body_##nr), STATIC_CALL_TRAMP_ADDR(kps_body_##nr) },
static const struct call calls[] = { EACH(CALL) };

static_assert(ARRAY_SIZE(calls) == KPS_NR_STUBS);

void kps_stub_aim(u32 nr, unsigned long body)
{
	__static_call_update(calls[nr].key, calls[nr].tramp, (void *)body);
	WRITE_ONCE(kps_stubs[nr].body, body);
}

#endif
