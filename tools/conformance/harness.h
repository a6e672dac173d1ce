/* SPDX-License-Identifier: GPL-2.0-only */
/* A program that finds bare memory in r1, as one that kapsel loads */
#ifndef CF_HARNESS_H
#define CF_HARNESS_H

#include "hex.h"
#include "kapsel.h"

/**
 * struct cf_program - what the plugin is given
 * @code: bytes of instructions
 * @memory: what r1 points to; of size 0: there is none
 * @version: of the instruction set, 1 to 4
 */
struct cf_program {
	struct cf_bytes code;
	struct cf_bytes memory;
	unsigned int version;
};

/**
 * cf_harness_open - an object whose one program does what was given
 * @given: the program
 * @err: filled on failure
 *
 * kapsel's program types know no bare memory, so it becomes the value of an
 * array, and a prologue loads its address and size before the program begins. To
 * the verifier that is memory of known bounds, and nothing is run unverified.
 * The prologue takes CF_PROLOGUE slots; records count from there. What it would
 * hide is looked for here: a jump to before the beginning, and references to a
 * map.
 *
 * Return: the object, to be closed by kapsel_close(), or NULL.
 */
struct kapsel_object *cf_harness_open(const struct cf_program *given, struct kapsel_error *err);

#define CF_PROLOGUE 3

#endif
