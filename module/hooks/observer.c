// SPDX-License-Identifier: GPL-2.0-only
/*
 * kapsel - hook netfilter: programs that let everything pass without looking at it
 *
 * They only count, say. Their verdict is known before they run, and of what they are
 * called with they look at nothing: so such a program is the rest of a hook that has
 * counted its verdict, and is jumped to. Each has a hook of its own, whose jump is
 * patched; there are some of them, and who comes late goes the common way.
 */

#include <linux/bits.h>
#include <linux/jump_label.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/static_call.h>

#include "link.h"
#include "prog.h"
#include "run.h"
#include "hooks/netfilter.h"

static_assert(NF_ACCEPT == 1);

static struct kps_link_stats __percpu *stats_of(void *priv)
{
	return (struct kps_link_stats __percpu __force *)(unsigned long)priv;
}

/* The link got another program, whose verdict is known when it was asked. */
static unsigned int judge_after_all(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	struct kps_link_stats __percpu *stats = stats_of(priv);

	this_cpu_dec(stats->accepted);
	return kps_nf_judge(raw_cpu_read(stats->link), skb, state);
}

/**
 * struct kps_observer - a hook of its own for one program
 * @hook: for the kernel
 * @set: where it jumps to
 */
struct kps_observer {
	nf_hookfn *hook;
	void (*set)(nf_hookfn *next);
};

/* Their time, if wanted, is measured the long way. */
#define OBSERVER(n)								\
DEFINE_STATIC_CALL(next_##n, judge_after_all);					\
										\
static notrace __nocfi unsigned int observe_##n(void *priv, struct sk_buff *skb,	\
						const struct nf_hook_state *state) \
{										\
	struct kps_link_stats __percpu *stats = stats_of(priv);			\
										\
	if (static_branch_unlikely(&kps_stats_time))				\
		return kps_nf_judge(raw_cpu_read(stats->link), skb, state);	\
	this_cpu_inc(stats->accepted);						\
	return static_call(next_##n)(priv, skb, state);				\
}										\
										\
static void set_##n(nf_hookfn *next)						\
{										\
	static_call_update(next_##n, next);					\
}

#define ROW(n) { .hook = observe_##n, .set = set_##n },

#define EACH(what) what(0) what(1) what(2) what(3) what(4) what(5) what(6) what(7)

EACH(OBSERVER)

static const struct kps_observer slots[] = { EACH(ROW) };

static DEFINE_MUTEX(slots_lock);
/* One bit each, under slots_lock. */
static unsigned long used;

static_assert(ARRAY_SIZE(slots) < BITS_PER_LONG);

static const struct kps_observer *take_slot(void)
{
	unsigned int n;

	mutex_lock(&slots_lock);
	n = ffz(used);
	if (n < ARRAY_SIZE(slots))
		used |= BIT(n);
	mutex_unlock(&slots_lock);
	return n < ARRAY_SIZE(slots) ? &slots[n] : NULL;
}

void kps_observer_give_back(const struct kps_observer *slot)
{
	if (!slot)
		return;
	slot->set(judge_after_all);
	mutex_lock(&slots_lock);
	used &= ~BIT(slot - slots);
	mutex_unlock(&slots_lock);
}

void kps_observer_set(const struct kps_observer *slot, const struct kps_prog *prog)
{
	if (slot)
		slot->set(prog->observer ? (nf_hookfn *)(unsigned long)prog->observer :
					   judge_after_all);
}

const struct kps_observer *kps_observer_take(struct kps_link *link, struct nf_hook_ops *ops)
{
	const struct kps_prog *prog = rcu_access_pointer(link->prog);
	const struct kps_observer *slot = prog->observer ? take_slot() : NULL;

	if (!slot)
		return NULL;
	kps_observer_set(slot, prog);
	ops->hook = slot->hook;
	ops->priv = (void *)(__force unsigned long)link->stats;
	return slot;
}
