/* SPDX-License-Identifier: GPL-2.0-only */
/* State embedding: what the verifier claimed, and what is */
#ifndef FZ_EMBED_H
#define FZ_EMBED_H

#include "machine.h"

/** fz_embed_begin - forget all claims, and record those of the next verification */
void fz_embed_begin(const struct kps_prog_in *in);

/** fz_embed_end - record no more; false: there were too many to keep */
bool fz_embed_end(void);

/** fz_embed_watch - the machine's state lies inside a claimed one: for fz_machine.watch */
bool fz_embed_watch(struct fz_machine *m);

#endif
