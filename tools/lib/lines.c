// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - which line, which function an instruction belongs to */

#include <linux/kernel.h>

#include "internal.h"

const char *kapsel_missing_at(const struct kapsel_prog *prog, u32 insn)
{
	u32 i;

	for (i = 0; i < prog->nr_missing; i++)
		if (prog->missing[i].insn == insn)
			return prog->missing[i].text;
	return NULL;
}

const struct kapsel_func *kapsel_func_of(const struct kapsel_prog *prog, u32 insn)
{
	u32 i;

	for (i = 0; i < prog->nr_funcs; i++)
		if (insn >= prog->funcs[i].start && insn < prog->funcs[i].end)
			return &prog->funcs[i];
	return NULL;
}

/* Number of lines that begin at or before @insn. */
static u32 lines_until(const struct kapsel_prog *prog, u32 insn)
{
	u32 low = 0, high = prog->nr_lines;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (prog->lines[mid].insn <= insn)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct kapsel_line *kapsel_line_of(const struct kapsel_prog *prog, u32 insn,
					 bool *near)
{
	const struct kapsel_func *func = kapsel_func_of(prog, insn);
	u32 count, i;

	*near = false;
	if (!func)
		return NULL;
	count = lines_until(prog, insn);
	for (i = count; i-- && prog->lines[i].insn >= func->start;) {
		if (prog->lines[i].line)
			return &prog->lines[i];
		*near = true;
	}
	*near = true;
	for (i = count; i < prog->nr_lines && prog->lines[i].insn < func->end; i++)
		if (prog->lines[i].line)
			return &prog->lines[i];
	return NULL;
}
