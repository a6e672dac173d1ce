/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - machine code as text, by a disassembler of this machine */
#ifndef NATIVE_H
#define NATIVE_H

#include "kapsel.h"

/**
 * struct native_line - an instruction of the processor
 * @off: byte of the image
 * @text: of it
 */
struct native_line {
	__u32 off;
	char *text;
};

/**
 * struct native - machine code as text
 * @image: the code
 * @lines: in the order of the image
 * @count: how many
 */
struct native {
	struct kapsel_image image;
	struct native_line *lines;
	__u32 count;
};

/** native_read - of a loaded program; 0, or the exit status after a message */
int native_read(int prog_fd, struct native *native);

/**
 * native_of - the lines that an instruction became
 * @native: of its program
 * @insn: slot
 * @count: how many there are
 *
 * Return: the first of them; where the compiler did not say what became what, all lines
 * of a function are its first instruction's.
 */
const struct native_line *native_of(const struct native *native, __u32 insn, __u32 *count);

/** native_free - release what native_read() filled */
void native_free(struct native *native);

#endif
