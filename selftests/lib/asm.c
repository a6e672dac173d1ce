// SPDX-License-Identifier: GPL-2.0-only
/* An assembler for tests: reads what kps_disasm() writes, and labels */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "core/proto.h"
#include "lib/asm.h"

#define MAX_LABELS	512
#define MAX_LINE	256

/*
 * A line is matched against the template of each row of opcodes.tbl in turn.
 * The row that fits gives the opcode and the field that selects it, the
 * template's fields the rest: the disassembler, backwards.
 */
#define FIXED_ZERO	0
#define FIXED_GET	0
#define FIXED_SET	0
#define FIXED_MOD	0
#define FIXED_PSEUDO	0
#define FIXED_ANY	0
#define FIXED_SHIFT32	0
#define FIXED_SHIFT64	0
#define FIXED_SEL(value) (value)

static const struct {
	struct bpf_insn insn;
	const char *tmpl;
} rows[] = {
#define KPS_OPCODE(_name, _kind, _code, _dst, _src, _off, _imm, _version, _tmpl) \
	{ { .code = _code, .src_reg = FIXED_##_src, .off = FIXED_##_off,	\
	    .imm = FIXED_##_imm }, _tmpl },
#define KPS_OPCODE_ALSO KPS_OPCODE
#include "core/opcodes.tbl"
#undef KPS_OPCODE_ALSO
#undef KPS_OPCODE
};

struct label {
	const char *name;
	size_t len;
	u32 slot;
};

/**
 * struct assembly - a program being assembled
 * @out: where it goes
 * @max: room
 * @pc: the slot of the line at hand
 * @labels: all, once @resolve is set
 * @resolve: second pass: labels must exist
 * @why: what was wrong with the line
 */
struct assembly {
	struct bpf_insn *out;
	u32 max;
	u32 pc;
	struct label labels[MAX_LABELS];
	u32 nr_labels;
	bool resolve;
	const char *why;
};

/* A line against a template. */
struct match {
	struct assembly *as;
	const char *at;
	struct bpf_insn insn[2];
	u32 slots;
	u32 seen;	/* registers that the template already named: dst 1, src 2 */
	bool narrow;	/* an access of less than 64 bits */
};

static void skip_blanks(struct match *m)
{
	while (*m->at == ' ' || *m->at == '\t')
		m->at++;
}

static bool literal(struct match *m, const char *word)
{
	size_t len = strlen(word);

	skip_blanks(m);
	if (strncmp(m->at, word, len))
		return false;
	m->at += len;
	return true;
}

static bool number(struct match *m, s64 *value)
{
	bool minus = literal(m, "-");
	char *end;
	u64 n;

	skip_blanks(m);
	if (!isdigit(*m->at))
		return false;
	n = strtoull(m->at, &end, 0);
	m->at = end;
	*value = minus ? -n : n;
	return !isalnum(*end) && *end != '_';
}

static bool number_within(struct match *m, s64 min, s64 max, s64 *value)
{
	if (!number(m, value))
		return false;
	if (*value >= min && *value <= max)
		return true;
	m->as->why = "number does not fit";
	return false;
}

static size_t word_len(const char *at)
{
	size_t len = 0;

	if (isdigit(*at))
		return 0;
	while (isalnum(at[len]) || at[len] == '_' || at[len] == '.')
		len++;
	return len;
}

static bool reg(struct match *m, char letter, u32 bit)
{
	char other = letter == 'r' ? 'w' : 'r';
	s64 n;

	skip_blanks(m);
	if (*m->at != letter && !(m->narrow && *m->at == other))
		return false;
	m->at++;
	if (!isdigit(*m->at) || !number(m, &n) || n > 15)
		return false;
	if (m->seen & bit)
		return n == (bit == 1 ? m->insn->dst_reg : m->insn->src_reg);
	m->seen |= bit;
	if (bit == 1)
		m->insn->dst_reg = n;
	else
		m->insn->src_reg = n;
	return true;
}

static bool immediate(struct match *m)
{
	s64 n;

	if (!number_within(m, S32_MIN, U32_MAX, &n))
		return false;
	m->insn->imm = n;
	return true;
}

static bool offset(struct match *m)
{
	bool plus = literal(m, "+");
	s64 n;

	skip_blanks(m);
	if (!plus && *m->at != '-')
		return true;
	if (!number_within(m, S16_MIN, S16_MAX, &n))
		return false;
	m->insn->off = n;
	return true;
}

static const struct label *find_label(const struct assembly *as,
				      const char *name, size_t len)
{
	u32 i;

	for (i = 0; i < as->nr_labels; i++)
		if (as->labels[i].len == len &&
		    !strncmp(as->labels[i].name, name, len))
			return &as->labels[i];
	return NULL;
}

static bool slot_of_label(struct match *m, s64 *slot)
{
	const struct label *found;
	size_t len;

	skip_blanks(m);
	len = word_len(m->at);
	found = find_label(m->as, m->at, len);
	if (!len || (m->as->resolve && !found)) {
		m->as->why = "no such label";
		return false;
	}
	*slot = found ? found->slot : m->as->pc + 1;
	m->at += len;
	return true;
}

/* A slot, a distance or a label, as a distance from the next slot. */
static bool target(struct match *m, s64 *off)
{
	if (literal(m, "+"))
		return number(m, off);
	skip_blanks(m);
	if (*m->at == '-')
		return number(m, off);
	if (!number(m, off) && !slot_of_label(m, off))
		return false;
	*off -= (s64)m->as->pc + 1;
	return true;
}

static bool jump16(struct match *m)
{
	s64 off;

	if (!target(m, &off))
		return false;
	m->insn->off = off;
	if (off == m->insn->off)
		return true;
	m->as->why = "jump is too far";
	return false;
}

static bool jump32(struct match *m)
{
	s64 off;

	if (!target(m, &off))
		return false;
	m->insn->imm = off;
	return true;
}

static bool function(struct match *m)
{
	s64 slot;

	if (!literal(m, "@"))
		return isalpha(*m->at) || *m->at == '_' ? jump32(m) : false;
	if (!number(m, &slot))
		return false;
	m->insn->imm = slot - m->as->pc - 1;
	return true;
}

static bool helper(struct match *m)
{
	size_t len;
	u32 i;

	skip_blanks(m);
	len = word_len(m->at);
	for (i = 0; i < kps_nr_helpers && len > 4; i++) {
		const char *name = kps_helpers[i].name;

		if (strncmp(m->at, "bpf_", 4) || strlen(name) != len - 4 ||
		    strncmp(m->at + 4, name, len - 4))
			continue;
		m->at += len;
		m->insn->imm = kps_helpers[i].id;
		return *m->at != '#' || (m->at++ && immediate(m));
	}
	literal(m, "#");
	return immediate(m);
}

static bool map(struct match *m)
{
	s64 fd, off;

	literal(m, "fd:");
	if (!number_within(m, S32_MIN, S32_MAX, &fd) || !literal(m, "]"))
		return false;
	m->insn->imm = fd;
	m->insn->src_reg = BPF_PSEUDO_MAP_FD;
	if (literal(m, "+")) {
		if (!number_within(m, 0, U32_MAX, &off))
			return false;
		m->insn->src_reg = BPF_PSEUDO_MAP_VALUE;
		m->insn[1].imm = off;
	}
	literal(m, "ll");
	return true;
}

static bool lddw(struct match *m)
{
	s64 n;

	m->slots = 2;
	if (literal(m, "map["))
		return map(m);
	if (literal(m, "func ")) {
		m->insn->src_reg = BPF_PSEUDO_FUNC;
		skip_blanks(m);
		return function(m);
	}
	if (!number(m, &n) || !literal(m, "ll"))
		return false;
	m->insn[0].imm = n;
	m->insn[1].imm = n >> 32;
	return true;
}

static bool field(struct match *m, char which)
{
	switch (which) {
	case 'd':
		return reg(m, 'r', 1);
	case 'w':
		return reg(m, 'w', 1);
	case 's':
		return reg(m, 'r', 2);
	case 'x':
		return reg(m, 'w', 2);
	case 'i':
	case 'X':
		return immediate(m);
	case 'o':
		return offset(m);
	case 'j':
		return jump16(m);
	case 'J':
		return jump32(m);
	case 'h':
		return helper(m);
	case 'p':
		skip_blanks(m);
		return function(m);
	case 'm':
		return lddw(m);
	default:
		return literal(m, "%");
	}
}

static bool match_template(struct match *m, const char *tmpl)
{
	char word[2] = {};

	m->narrow = strstr(tmpl, "(u8 *)") || strstr(tmpl, "(u16 *)") ||
		    strstr(tmpl, "(u32 *)");
	for (; *tmpl; tmpl++) {
		word[0] = *tmpl;
		if (*tmpl == ' ')
			continue;
		if (*tmpl == '%' ? !field(m, *++tmpl) : !literal(m, word))
			return false;
	}
	skip_blanks(m);
	return !*m->at;
}

static bool match_raw(struct match *m)
{
	s64 n, f[5] = {};
	u32 i;

	if (literal(m, ".8byte")) {
		if (!number(m, &n))
			return false;
		memcpy(m->insn, &n, sizeof(n));
		return true;
	}
	if (!literal(m, ".insn"))
		return false;
	for (i = 0; i < 5; i++) {
		if ((i && !literal(m, ",")) || !number(m, &f[i]))
			return false;
	}
	*m->insn = (struct bpf_insn){
		.code = f[0], .dst_reg = f[1], .src_reg = f[2], .off = f[3],
		.imm = f[4],
	};
	return true;
}

static bool match_line(struct match *m, const char *line)
{
	u32 i;

	*m = (struct match){ .as = m->as, .at = line, .slots = 1 };
	if (match_raw(m))
		return true;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		*m = (struct match){
			.as = m->as, .at = line, .slots = 1,
			.insn = { rows[i].insn },
		};
		if (match_template(m, rows[i].tmpl))
			return true;
	}
	return false;
}

static bool assemble_insn(struct assembly *as, const char *line)
{
	struct match m = { .as = as };

	as->why = "not an instruction";
	if (!match_line(&m, line))
		return false;
	as->why = "program is too long";
	if (as->max - as->pc < m.slots)
		return false;
	memcpy(&as->out[as->pc], m.insn, m.slots * sizeof(m.insn[0]));
	as->pc += m.slots;
	return true;
}

static const char *take_label(struct assembly *as, const char *line,
			      const char *source)
{
	size_t len = word_len(line);

	if (!len || line[len] != ':')
		return line;
	if (!as->resolve && as->nr_labels < MAX_LABELS)
		as->labels[as->nr_labels++] = (struct label){
			.name = source, .len = len, .slot = as->pc,
		};
	return line + len + 1;
}

static void cut_comment(char *line)
{
	char *at;

	for (at = line; *at; at++) {
		if (*at == ';' || (at[0] == '/' && at[1] == '/') ||
		    (*at == '#' && !isdigit(at[1]))) {
			*at = 0;
			return;
		}
	}
}

static bool assemble_line(struct assembly *as, const char *source, size_t len)
{
	char copy[MAX_LINE];
	const char *line;

	while (len && isblank(*source))
		source++, len--;
	as->why = "line is too long";
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, source, len);
	copy[len] = 0;
	cut_comment(copy);
	for (len = strlen(copy); len && isspace(copy[len - 1]); len--)
		copy[len - 1] = 0;
	line = take_label(as, copy, source);
	while (isblank(*line))
		line++;
	return !*line || assemble_insn(as, line);
}

/* Number of the first line that is wrong, or 0. */
static u32 pass(struct assembly *as, const char *text)
{
	u32 line;

	as->pc = 0;
	for (line = 1; *text; line++) {
		size_t len = strcspn(text, "\n");

		if (!assemble_line(as, text, len))
			return line;
		text += len + !!text[len];
	}
	return 0;
}

int kt_asm(const char *text, struct bpf_insn *out, u32 max, char *err,
	   size_t errlen)
{
	struct assembly *as = calloc(1, sizeof(*as));
	u32 line;
	int n;

	if (!as)
		return -1;
	as->out = out;
	as->max = max;
	line = pass(as, text);
	as->resolve = true;
	if (!line)
		line = pass(as, text);
	if (line)
		snprintf(err, errlen, "line %u: %s", line, as->why);
	n = line ? -1 : (int)as->pc;
	free(as);
	return n;
}
