/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - what tests see of an exploration; never compiled into the module */
#ifndef KPS_ORACLE_H
#define KPS_ORACLE_H

#include <linux/types.h>

struct kps_env;
struct kps_state;

#ifdef KPS_ORACLE

/**
 * struct kps_oracle - a test that watches verifications
 * @begin: a rung begins: what was claimed before is forgotten
 * @claim: in a judged pass: each run that is at @pc may be in this state
 * @plain: only the last rung, and no state is dropped for another
 */
struct kps_oracle {
	void (*begin)(void);
	void (*claim)(const struct kps_env *env, const struct kps_state *s, u32 pc);
	bool plain;
};

extern struct kps_oracle kps_oracle;

static inline bool kps_oracle_plain(void)
{
	return kps_oracle.plain;
}

static inline void kps_oracle_begin(void)
{
	if (kps_oracle.begin)
		kps_oracle.begin();
}

static inline void kps_oracle_claim(const struct kps_env *env, const struct kps_state *s, u32 pc)
{
	if (kps_oracle.claim)
		kps_oracle.claim(env, s, pc);
}

#else

static inline bool kps_oracle_plain(void)
{
	return false;
}

static inline void kps_oracle_begin(void)
{
}

static inline void kps_oracle_claim(const struct kps_env *env, const struct kps_state *s, u32 pc)
{
	(void)env;
	(void)s;
	(void)pc;
}

#endif

#endif
