/* SPDX-License-Identifier: GPL-2.0-only */
/* Damage that a parser may meet: in the numbers of a structure, not in any byte */
#ifndef FZ_MUTATE_H
#define FZ_MUTATE_H

#include <stddef.h>

#include <linux/types.h>

#include "rng.h"

/** fz_damage_words - a few aligned numbers of @size bytes become others */
void fz_damage_words(struct fz_rng *r, u8 *data, size_t size);

/** fz_damage_elf - an ELF object: its tables, its sections, its types, its end */
size_t fz_damage_elf(struct fz_rng *r, u8 *data, size_t size);

#endif
