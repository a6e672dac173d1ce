// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - running a program on given input */

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/nsproxy.h>
#include <linux/sched/signal.h>
#include <linux/skbuff.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>
#include <uapi/linux/bpf.h>

#include "device.h"
#include "prog.h"
#include "run.h"
#include "skbctx.h"
#include "testrun.h"

#define MIN_PACKET	20
#define MAX_PACKET	65535
#define RUNS_AT_A_TIME	64	/* between looks at the clock and for signals */

/**
 * struct input - what a program is run on
 * @prog: the program
 * @ctx: for each run, what it is to find as context
 * @skb: netfilter: the packet
 * @state: netfilter: where it is
 * @given: netfilter: what the caller asks for
 */
struct input {
	const struct kps_prog *prog;
	void *ctx;
	struct sk_buff *skb;
	struct nf_hook_state state;
	const struct __sk_buff *given;
};

static int run_on_regs(const struct input *in, u64 *ret)
{
	return kps_prog_run(in->prog, NULL, in->ctx, ret);
}

static int run_on_skb(const struct input *in, u64 *ret)
{
	struct kps_skb_ctx ctx;
	int outcome;

	if (in->prog->writes_packet && !kps_skb_own(in->skb))
		return KPS_ABORTED;
	kps_skb_fill(&ctx, in->prog, in->skb, &in->state);
	memcpy(ctx.cb, in->given->cb, sizeof(ctx.cb));
	outcome = kps_prog_run(in->prog, &ctx, &ctx, ret);
	if (outcome == KPS_RAN)
		kps_skb_write_back(&ctx, in->prog->ctx_written);
	return outcome;
}

static int run_some(const struct input *in, u32 n, u64 *ret)
{
	while (n--) {
		int outcome = in->skb ? run_on_skb(in, ret) : run_on_regs(in, ret);

		/* Nothing recurses into a run from here. */
		if (outcome == KPS_RECURSED)
			return -EBUSY;
		if (outcome != KPS_RAN)
			return in->prog->metered ? -ETIME : -EIO;
	}
	return 0;
}

static int run_all(const struct input *in, struct kapsel_test_run *arg)
{
	u32 repeat = arg->repeat ?: 1, done, n;
	u64 start, spent = 0;
	int err;

	for (done = 0; done < repeat; done += n) {
		n = min_t(u32, repeat - done, RUNS_AT_A_TIME);
		start = ktime_get_ns();
		err = run_some(in, n, &arg->retval);
		spent += ktime_get_ns() - start;
		if (err)
			return err;
		if (done + n < repeat && signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	arg->duration_ns = div_u64(spent, repeat);
	return 0;
}

static int test_kprobe(const struct kps_prog *prog, struct kapsel_test_run *arg)
{
	struct pt_regs regs = {};
	struct input in = { .prog = prog, .ctx = &regs };
	int err = 0;

	if (arg->data_in || arg->data_out || arg->data_size_in ||
	    arg->data_size_out || arg->hooknum || !arg->ctx_in != !arg->ctx_size)
		return -EINVAL;
	if (arg->ctx_in)
		err = copy_struct_from_user(&regs, sizeof(regs),
					    u64_to_user_ptr(arg->ctx_in),
					    arg->ctx_size);
	return err ?: run_all(&in, arg);
}

static int set_protocol(struct sk_buff *skb)
{
	switch (skb->data[0] >> 4) {
	case 4:
		skb->protocol = htons(ETH_P_IP);
		return 0;
	case 6:
		skb->protocol = htons(ETH_P_IPV6);
		return 0;
	}
	return -EINVAL;
}

static void take_fields(struct sk_buff *skb, const struct __sk_buff *given)
{
	skb->mark = given->mark;
	skb->priority = given->priority;
	skb->tstamp = given->tstamp;
	skb->skb_iif = given->ingress_ifindex;
	skb_shinfo(skb)->gso_segs = given->gso_segs;
	skb_shinfo(skb)->gso_size = given->gso_size;
	skb_shinfo(skb)->hwtstamps.hwtstamp = given->hwtstamp;
}

static struct sk_buff *make_skb(const struct kapsel_test_run *arg,
				const struct __sk_buff *given,
				struct net_device *dev)
{
	struct sk_buff *skb = alloc_skb(NET_SKB_PAD + arg->data_size_in,
					GFP_KERNEL_ACCOUNT);
	int err = -EFAULT;

	if (!skb)
		return ERR_PTR(-ENOMEM);
	skb_reserve(skb, NET_SKB_PAD);
	if (copy_from_user(skb_put(skb, arg->data_size_in),
			   u64_to_user_ptr(arg->data_in), arg->data_size_in))
		goto free_skb;
	err = set_protocol(skb);
	if (err)
		goto free_skb;
	skb_reset_network_header(skb);
	skb->dev = dev;
	take_fields(skb, given);
	return skb;
free_skb:
	kfree_skb(skb);
	return ERR_PTR(err);
}

/* Incoming hooks have a device to come in by, outgoing ones one to leave by. */
static void set_state(struct input *in, u32 hooknum, struct net_device *dev,
		      struct net *net)
{
	bool out = hooknum == NF_INET_LOCAL_OUT || hooknum == NF_INET_POST_ROUTING;
	u8 pf = in->skb->protocol == htons(ETH_P_IP) ? NFPROTO_IPV4 : NFPROTO_IPV6;

	nf_hook_state_init(&in->state, hooknum, pf, out ? NULL : dev,
			   out || hooknum == NF_INET_FORWARD ? dev : NULL,
			   NULL, net, NULL);
}

static int copy_packet_out(const struct sk_buff *skb, struct kapsel_test_run *arg)
{
	u32 room = arg->data_size_out;

	arg->data_size_out = skb->len;
	if (arg->data_out &&
	    copy_to_user(u64_to_user_ptr(arg->data_out), skb->data,
			 min(room, skb->len)))
		return -EFAULT;
	return 0;
}

static int test_with_dev(const struct kps_prog *prog, struct kapsel_test_run *arg,
			 const struct __sk_buff *given, struct net_device *dev,
			 struct net *net)
{
	struct input in = { .prog = prog, .given = given };
	int err;

	in.skb = make_skb(arg, given, dev);
	if (IS_ERR(in.skb))
		return PTR_ERR(in.skb);
	set_state(&in, arg->hooknum, dev, net);
	err = run_all(&in, arg) ?: copy_packet_out(in.skb, arg);
	consume_skb(in.skb);
	return err;
}

static int check_netfilter(const struct kapsel_test_run *arg)
{
	if (arg->hooknum > NF_INET_POST_ROUTING || !arg->ctx_in != !arg->ctx_size)
		return -EINVAL;
	if (arg->data_size_in < MIN_PACKET || arg->data_size_in > MAX_PACKET)
		return -EINVAL;
	return 0;
}

static int test_netfilter(const struct kps_prog *prog, struct kapsel_test_run *arg)
{
	struct net *net = current->nsproxy->net_ns;
	struct net_device *dev;
	struct __sk_buff given = {};
	int err = check_netfilter(arg);

	if (!err && arg->ctx_in)
		err = copy_struct_from_user(&given, sizeof(given),
					    u64_to_user_ptr(arg->ctx_in),
					    arg->ctx_size);
	if (!err && max(given.gso_segs, given.gso_size) > U16_MAX)
		err = -EINVAL;
	if (err)
		return err;
	dev = dev_get_by_index(net, given.ifindex ?: LOOPBACK_IFINDEX);
	if (!dev)
		return -ENODEV;
	err = test_with_dev(prog, arg, &given, dev, net);
	dev_put(dev);
	return err;
}

int kps_prog_test_run(struct kps_call *call)
{
	struct kapsel_test_run *arg = call->arg;
	const struct kps_prog *prog = kps_prog_of(call->obj);
	int missing;

	if (arg->flags || arg->repeat > KAPSEL_MAX_REPEAT)
		return -EINVAL;
	if (kps_prog_may_use(prog->type->type, &missing))
		return -EPERM;
	if (prog->type->type == KAPSEL_PROG_KPROBE)
		return test_kprobe(prog, arg);
	return test_netfilter(prog, arg);
}
