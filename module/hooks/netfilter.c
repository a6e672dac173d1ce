// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - hook netfilter: a netfilter hook of one network namespace */

#include <linux/capability.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/nsproxy.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/user_namespace.h>
#include <net/ip.h>
#include <net/net_namespace.h>

#include "answer.h"
#include "compat.h"
#include "event.h"
#include "link.h"
#include "prog.h"
#include "skbctx.h"
#include "core/diag.h"
#include "hooks/defrag.h"
#include "hooks/hook.h"
#include "hooks/netfilter.h"

/**
 * struct kps_nf - a link to a netfilter hook
 * @link: head
 * @ops: the kernel's
 * @list: in links, while it is on
 * @net: no reference: valid while @list is in there, under links_lock
 * @user_ns: of the network namespace, a reference
 * @netns_ino: its number
 * @defrag: fragments are put together for it; empty: they are not
 * @slot: the program's own place to be called from, or NULL; see observer.c
 * @idle: nobody runs it any more
 * @closed: KAPSEL_LINK_FAIL_CLOSED
 * @shadow: KAPSEL_LINK_SHADOW
 * @linear: bytes of each packet that are made linear
 */
struct kps_nf {
	struct kps_link link;
	struct nf_hook_ops ops;
	struct list_head list;
	struct net *net;
	struct user_namespace *user_ns;
	u64 netns_ino;
	struct kps_defrag defrag;
	const struct kps_observer *slot;
	bool idle;
	bool closed;
	bool shadow;
	u32 linear;
};

/* Taken inside of a link's lock. */
static DEFINE_MUTEX(links_lock);
static LIST_HEAD(links);

static struct kps_nf *nf_of(struct kps_link *link)
{
	return container_of(link, struct kps_nf, link);
}

/* A new mark may mean a new route, for what is on its way out. */
static unsigned int reroute(struct sk_buff *skb, const struct nf_hook_state *state)
{
	int err;

	if (state->pf == NFPROTO_IPV4)
		err = ip_route_me_harder(state->net, state->sk, skb, RTN_UNSPEC);
	else
		err = nf_ip6_route_me_harder(state->net, state->sk, skb);
	return err < 0 ? NF_DROP_ERR(err) : NF_ACCEPT;
}

/* A packet for which there is no verdict passes, unless the link says otherwise. */
static unsigned int without_verdict(const struct kps_nf *nf)
{
	return nf->closed && !nf->shadow ? NF_DROP : NF_ACCEPT;
}

/* Before the context is set up, since both may move the packet. */
static bool make_ready(const struct kps_nf *nf, const struct kps_prog *prog,
		       struct sk_buff *skb)
{
	if (nf->linear && !pskb_may_pull(skb, min(skb->len, nf->linear)))
		return false;
	return !prog->writes_packet || kps_skb_own(skb);
}

/* For each packet: the context is larger than what most programs read of it. */
static __always_inline __nocfi unsigned int judge(struct kps_link *link,
						  const struct kps_prog *prog,
						  struct sk_buff *skb,
						  const struct nf_hook_state *state,
						  bool *remarked)
{
	struct kps_skb_ctx ctx KPS_UNINIT;
	u64 verdict;

	if (!make_ready(nf_of(link), prog, skb)) {
		this_cpu_inc(link->stats->unready);
		return without_verdict(nf_of(link));
	}
	kps_skb_fill(&ctx, prog, skb, state);
	if (kps_event_is_quick(prog->quiet))
		verdict = prog->quiet(&ctx);
	else if (kps_link_run(link, prog, &ctx, &verdict) != KPS_RAN)
		return without_verdict(nf_of(link));
	kps_link_verdict(link, verdict);
	if (nf_of(link)->shadow)
		return NF_ACCEPT;
	if (!verdict)
		return NF_DROP;
	if (prog->ctx_written)
		*remarked = kps_skb_write_back(&ctx, prog->ctx_written);
	return NF_ACCEPT;
}

unsigned int kps_nf_judge(struct kps_link *link, struct sk_buff *skb,
			  const struct nf_hook_state *state)
{
	unsigned int verdict;
	bool remarked = false;

	preempt_disable();
	verdict = judge(link, kps_link_prog(link), skb, state, &remarked);
	preempt_enable();
	if (remarked && state->hook == NF_INET_LOCAL_OUT)
		return reroute(skb, state);
	return verdict;
}

static noinline __nocfi unsigned int look(struct kps_link *link, const struct kps_prog *prog,
					  struct sk_buff *skb)
{
	struct kps_skb_ctx ctx KPS_UNINIT;
	bool accepted;

	kps_skb_point(&ctx, skb);
	accepted = prog->look(&ctx);
	kps_link_verdict(link, accepted);
	return accepted || nf_of(link)->shadow ? NF_ACCEPT : NF_DROP;
}

/*
 * Many programs look at the packet and no further. RCU keeps the program, and they
 * don't mind being preempted. The frame that it takes is for those alone.
 */
static unsigned int hook(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct kps_link *link = priv;
	const struct kps_prog *prog = kps_link_prog(link);

	if (kps_event_is_quick(prog->look))
		return look(link, prog, skb);
	return kps_nf_judge(link, skb, state);
}

/* With much else to do for each packet. */
static unsigned int linear_hook(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	return kps_nf_judge(priv, skb, state);
}

static bool known_place(const struct kapsel_link_netfilter *arg)
{
	return arg->hooknum <= NF_INET_POST_ROUTING &&
	       (arg->family == NFPROTO_IPV4 || arg->family == NFPROTO_INET ||
		(arg->family == NFPROTO_IPV6 && IS_ENABLED(CONFIG_IPV6)));
}

#define BESIDE (KAPSEL_LINK_BEFORE | KAPSEL_LINK_AFTER)

/* Who goes beside another link has its priority from there. */
static bool known_order(const struct kapsel_link_create *arg)
{
	u32 beside = arg->flags & BESIDE;

	return beside ? beside != BESIDE && !arg->netfilter.priority :
			!arg->netfilter.link_fd;
}

static int check(const struct kapsel_link_create *arg, const struct kps_prog *prog,
		 struct kps_answer *answer)
{
	const struct kapsel_link_netfilter *nf = &arg->netfilter;

	if (nf->netns_fd && !(arg->flags & KAPSEL_LINK_NETNS))
		return -EINVAL;
	if (!known_place(nf))
		return kps_answer_refuse(answer, KPS_D_FAMILY, nf->family, -EINVAL);
	if (nf->linear > KPS_MAX_PACKET || !known_order(arg))
		return -EINVAL;
	if (arg->flags & KAPSEL_LINK_SHADOW && prog->changes_packet)
		return kps_answer_refuse(answer, KPS_D_SHADOW, 0, -EINVAL);
	return 0;
}

static int check_priority(const struct kapsel_link_create *arg, s32 priority,
			  struct kps_answer *answer)
{
	u32 code = 0;

	/* Connection tracking confirms last, and wants to. */
	if (priority == INT_MIN || priority == INT_MAX)
		code = KPS_D_PRIORITY;
	else if (arg->flags & KAPSEL_LINK_DEFRAG && priority <= NF_IP_PRI_CONNTRACK_DEFRAG)
		code = KPS_D_DEFRAG_FIRST;
	return code ? kps_answer_refuse(answer, code, (u64)(s64)priority, -EINVAL) : 0;
}

static bool sees(const struct kps_nf *nf, u8 family)
{
	return nf->ops.pf == NFPROTO_INET || nf->ops.pf == family;
}

/* The hook's own order is that of priorities; of equal ones the last to come is first. */
static int go_beside(struct kps_nf *nf, struct kps_link *beside, struct net *net, u32 flags,
		     struct kps_answer *answer)
{
	const struct kps_nf *other = nf_of(beside);

	lockdep_assert_held(&links_lock);
	if (beside->hook != nf->link.hook || other->net != net ||
	    other->ops.hooknum != nf->ops.hooknum ||
	    !(sees(other, nf->ops.pf) || sees(nf, other->ops.pf)))
		return kps_answer_refuse(answer, KPS_D_ANCHOR, beside->obj.id, -EINVAL);
	nf->ops.priority = other->ops.priority + (flags & KAPSEL_LINK_AFTER ? 1 : 0);
	return 0;
}

/* A reference, for as long as it takes to attach. */
static struct net *find_net(const struct kapsel_link_create *arg)
{
	if (arg->flags & KAPSEL_LINK_NETNS)
		return get_net_ns_by_fd(arg->netfilter.netns_fd);
	return get_net(current->nsproxy->net_ns);
}

static void set_ops(struct kps_nf *nf, const struct kapsel_link_netfilter *arg)
{
	nf->ops.hook = arg->linear ? linear_hook : hook;
	nf->ops.priv = &nf->link;
	nf->ops.pf = arg->family;
	nf->ops.hooknum = arg->hooknum;
	nf->ops.priority = arg->priority;
}

static void set_options(struct kps_nf *nf, const struct kapsel_link_create *arg)
{
	nf->closed = arg->flags & KAPSEL_LINK_FAIL_CLOSED;
	nf->shadow = arg->flags & KAPSEL_LINK_SHADOW;
	nf->linear = arg->netfilter.linear;
}

/* NFPROTO_INET makes the kernel register both families. */
static int switch_on(struct kps_nf *nf, struct net *net)
{
	int err = kps_defrag_on(&nf->defrag, net);

	lockdep_assert_held(&links_lock);
	if (err)
		return err;
	nf->slot = kps_observer_take(&nf->link, &nf->ops);
	err = nf_register_net_hook(net, &nf->ops);
	if (err) {
		kps_defrag_off(&nf->defrag, net);
		return err;
	}
	nf->link.state = KAPSEL_LINK_ATTACHED;
	nf->net = net;
	nf->netns_ino = net->ns.inum;
	nf->user_ns = get_user_ns(net->user_ns);
	list_add_tail(&nf->list, &links);
	return 0;
}

/* The place of @beside, if there is one, does not change before @nf has its own. */
static int attach_to(struct kps_nf *nf, const struct kapsel_link_create *arg,
		     struct kps_link *beside, struct net *net, struct kps_answer *answer)
{
	int err = 0;

	mutex_lock(&links_lock);
	if (beside)
		err = go_beside(nf, beside, net, arg->flags, answer);
	err = err ?: check_priority(arg, nf->ops.priority, answer);
	err = err ?: switch_on(nf, net);
	mutex_unlock(&links_lock);
	return err;
}

/* NULL: it goes where its priority says. */
static struct kps_link *find_beside(const struct kapsel_link_create *arg,
				    struct kps_answer *answer)
{
	struct kps_link *beside;
	u32 fd = arg->netfilter.link_fd;

	if (!(arg->flags & BESIDE))
		return NULL;
	beside = kps_link_by_fd(fd);
	if (IS_ERR(beside))
		kps_answer_refuse(answer, KPS_D_ANCHOR, fd, PTR_ERR(beside));
	return beside;
}

static int attach_beside(struct kps_nf *nf, const struct kapsel_link_create *arg,
			 struct net *net, struct kps_answer *answer)
{
	struct kps_link *beside = find_beside(arg, answer);
	int err;

	if (IS_ERR(beside))
		return PTR_ERR(beside);
	err = attach_to(nf, arg, beside, net, answer);
	/* Not under the lock: it may have been the last reference. */
	if (beside)
		kps_object_put(&beside->obj);
	return err;
}

static int attach_in(struct kps_nf *nf, const struct kapsel_link_create *arg, struct net *net,
		     struct kps_answer *answer)
{
	u32 family = arg->netfilter.family;

	if (!ns_capable(net->user_ns, CAP_NET_ADMIN))
		return kps_answer_missing(answer, CAP_NET_ADMIN);
	if (arg->flags & KAPSEL_LINK_DEFRAG && kps_defrag_get(&nf->defrag, family))
		return kps_answer_refuse(answer, KPS_D_NO_DEFRAG, family, -EOPNOTSUPP);
	set_ops(nf, &arg->netfilter);
	set_options(nf, arg);
	return attach_beside(nf, arg, net, answer);
}

static int netfilter_attach(struct kps_link *link,
			    const struct kapsel_link_create *arg,
			    struct kps_answer *answer)
{
	struct net *net;
	int err;

	err = check(arg, rcu_access_pointer(link->prog), answer);
	if (err)
		return err;
	net = find_net(arg);
	if (IS_ERR(net))
		return kps_answer_refuse(answer, KPS_D_NETNS,
					 arg->netfilter.netns_fd, PTR_ERR(net));
	err = attach_in(nf_of(link), arg, net, answer);
	put_net(net);
	return err;
}

static void switch_off(struct kps_nf *nf, u32 state)
{
	lockdep_assert_held(&links_lock);
	nf_unregister_net_hook(nf->net, &nf->ops);
	kps_defrag_off(&nf->defrag, nf->net);
	list_del(&nf->list);
	nf->net = NULL;
	WRITE_ONCE(nf->link.state, state);
}

static int netfilter_detach(struct kps_link *link)
{
	struct kps_nf *nf = nf_of(link);
	int err = -ENOENT;

	mutex_lock(&links_lock);
	if (nf->net) {
		switch_off(nf, KAPSEL_LINK_DETACHED);
		err = 0;
	}
	mutex_unlock(&links_lock);
	if (!err) {
		synchronize_net();
		nf->idle = true;
	}
	return err;
}

/* The namespace dies with our hooks in it; the links learn that it is gone. */
static void net_pre_exit(struct net *net)
{
	struct kps_nf *nf, *next;

	mutex_lock(&links_lock);
	list_for_each_entry_safe(nf, next, &links, list)
		if (nf->net == net)
			switch_off(nf, KAPSEL_LINK_NETNS_GONE);
	mutex_unlock(&links_lock);
}

static struct pernet_operations net_ops = {
	.pre_exit = net_pre_exit,
};

static int netfilter_update(struct kps_link *link, const struct kps_prog *prog)
{
	if (!ns_capable(nf_of(link)->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	return nf_of(link)->shadow && prog->changes_packet ? -EOPNOTSUPP : 0;
}

static void netfilter_updated(struct kps_link *link, const struct kps_prog *prog)
{
	kps_observer_set(nf_of(link)->slot, prog);
}

/* Which of the links there it is, for a packet of its family; see go_beside(). */
static u32 position_of(const struct kps_nf *nf)
{
	u8 family = nf->ops.pf == NFPROTO_INET ? NFPROTO_IPV4 : nf->ops.pf;
	const struct kps_nf *other;
	bool later = false;
	u32 position = 1;

	lockdep_assert_held(&links_lock);
	list_for_each_entry(other, &links, list) {
		if (other->net == nf->net && other->ops.hooknum == nf->ops.hooknum &&
		    sees(other, family) &&
		    (other->ops.priority < nf->ops.priority ||
		     (other->ops.priority == nf->ops.priority && later)))
			position++;
		later |= other == nf;
	}
	return position;
}

static u32 flags_of(const struct kps_nf *nf)
{
	return (nf->closed ? KAPSEL_LINK_FAIL_CLOSED : 0) |
	       (nf->shadow ? KAPSEL_LINK_SHADOW : 0) |
	       (kps_defrag_held(&nf->defrag) ? KAPSEL_LINK_DEFRAG : 0);
}

static int netfilter_info(struct kps_link *link, struct kapsel_link_info *info)
{
	const struct kps_nf *nf = nf_of(link);

	info->target_size = 0;
	info->runs = info->accepted + info->dropped;
	info->family = nf->ops.pf;
	info->hooknum = nf->ops.hooknum;
	info->priority = nf->ops.priority;
	info->netns_ino = nf->netns_ino;
	info->linear = nf->linear;
	info->flags = flags_of(nf);
	mutex_lock(&links_lock);
	info->position = nf->net ? position_of(nf) : 0;
	mutex_unlock(&links_lock);
	return 0;
}

static void netfilter_free(struct kps_link *link)
{
	struct kps_nf *nf = nf_of(link);

	/* When the namespace went first, a packet of its may be in here still. */
	if (nf->user_ns && !nf->idle)
		synchronize_net();
	kps_observer_give_back(nf->slot);
	kps_defrag_put(&nf->defrag);
	if (nf->user_ns)
		put_user_ns(nf->user_ns);
}

static int hook_init(void)
{
	return register_pernet_subsys(&net_ops);
}

static void hook_exit(void)
{
	unregister_pernet_subsys(&net_ops);
}

const struct kps_hook_ops kps_hook_netfilter_ops = {
	.size = sizeof(struct kps_nf),
	.attach = netfilter_attach,
	.detach = netfilter_detach,
	.update = netfilter_update,
	.updated = netfilter_updated,
	.info = netfilter_info,
	.free = netfilter_free,
	.init = hook_init,
	.exit = hook_exit,
};
