// SPDX-License-Identifier: GPL-2.0-only
/*
 * kapsel_floor - what nobody can be cheaper than: handlers that do nothing, and
 * the compute kernels as gcc compiles them
 */

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/ftrace.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/netfilter_ipv4.h>
#include <linux/skbuff.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include "floor.h"
#include "kernels.h"
#include "looks.h"

#define MOST_ROUNDS 10000	/* with interrupts off */

static DEFINE_MUTEX(lock);
/* Under lock. */
static enum floor_hook attached;

/* ------------------------------------------------------------------------
 * Handlers
 */
static notrace void on_function(unsigned long ip, unsigned long parent_ip,
				struct ftrace_ops *ops, struct ftrace_regs *regs)
{
}

static int on_probe(struct kprobe *probe, struct pt_regs *regs)
{
	return 0;
}

static int on_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	return 0;
}

static unsigned int on_packet(void *priv, struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	return NF_ACCEPT;
}

static atomic64_t seen;

static unsigned int on_look(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct looks buffer;
	const struct looks *at = skb_header_pointer(skb, 0, sizeof(buffer), &buffer);

	if (at && looks_ours(at))
		atomic64_inc(&seen);
	return NF_ACCEPT;
}

static struct ftrace_ops function = { .func = on_function };
static struct kprobe probe;
static struct kretprobe back;

static const struct nf_hook_ops packets[] = {
	{ .hook = on_packet, .pf = NFPROTO_IPV4, .hooknum = NF_INET_LOCAL_OUT },
	{ .hook = on_packet, .pf = NFPROTO_IPV4, .hooknum = NF_INET_LOCAL_IN },
};

static const struct nf_hook_ops looks[] = {
	{ .hook = on_look, .pf = NFPROTO_IPV4, .hooknum = NF_INET_LOCAL_OUT },
	{ .hook = on_look, .pf = NFPROTO_IPV4, .hooknum = NF_INET_LOCAL_IN },
};

static int attach_function(void)
{
	int err = ftrace_set_filter(&function, FLOOR_TARGET, strlen(FLOOR_TARGET), 1);

	return err ?: register_ftrace_function(&function);
}

static int attach_probe(unsigned long offset)
{
	probe = (struct kprobe){
		.symbol_name = FLOOR_TARGET, .offset = offset, .pre_handler = on_probe,
	};
	return register_kprobe(&probe);
}

static int attach_return(void)
{
	back = (struct kretprobe){
		.kp.symbol_name = FLOOR_TARGET, .handler = on_return,
	};
	return register_kretprobe(&back);
}

static int attach(enum floor_hook hook, unsigned long offset)
{
	switch (hook) {
	case FLOOR_FTRACE:
		return attach_function();
	case FLOOR_ENTRY:
		return attach_probe(0);
	case FLOOR_OFFSET:
		return attach_probe(offset);
	case FLOOR_RETURN:
		return attach_return();
	case FLOOR_PACKETS:
		return nf_register_net_hooks(&init_net, packets, ARRAY_SIZE(packets));
	case FLOOR_LOOKS:
		return nf_register_net_hooks(&init_net, looks, ARRAY_SIZE(looks));
	default:
		return 0;
	}
}

static void detach(enum floor_hook hook)
{
	switch (hook) {
	case FLOOR_FTRACE:
		unregister_ftrace_function(&function);
		break;
	case FLOOR_ENTRY:
	case FLOOR_OFFSET:
		unregister_kprobe(&probe);
		break;
	case FLOOR_RETURN:
		unregister_kretprobe(&back);
		break;
	case FLOOR_PACKETS:
		nf_unregister_net_hooks(&init_net, packets, ARRAY_SIZE(packets));
		break;
	case FLOOR_LOOKS:
		nf_unregister_net_hooks(&init_net, looks, ARRAY_SIZE(looks));
		break;
	default:
		break;
	}
}

static int exchange(enum floor_hook hook, unsigned long offset)
{
	int err;

	detach(attached);
	attached = FLOOR_NOTHING;
	err = attach(hook, offset);
	if (!err)
		attached = hook;
	return err;
}

/* ------------------------------------------------------------------------
 * Measuring
 */
static u64 call(u32 rounds)
{
	unsigned long flags;
	u64 start, ns;

	local_irq_save(flags);
	start = ktime_get_ns();
	while (rounds--)
		jiffies_to_usecs(rounds);
	ns = ktime_get_ns() - start;
	local_irq_restore(flags);
	return ns;
}

static u8 packet[1536] __aligned(8) = KERNEL_PACKET;

static noinline u64 mix(void)
{
	return kernel_mix(PACKET_SIZE);
}

static noinline u64 parse(void)
{
	return kernel_packet(packet);
}

static noinline u64 fnv(void)
{
	return kernel_fnv(packet);
}

static noinline u64 jenkins(void)
{
	return kernel_jenkins(packet);
}

/* In the order of their names in the bench. */
static u64 (*const kernels[])(void) = { mix, parse, fnv, jenkins };

static u64 compute(u64 (*kernel)(void), u32 rounds, u64 *result)
{
	unsigned long flags;
	u64 start, ns;

	local_irq_save(flags);
	start = ktime_get_ns();
	while (rounds--)
		*result = kernel();
	ns = ktime_get_ns() - start;
	local_irq_restore(flags);
	return ns;
}

static int serve(unsigned int cmd, struct floor_arg *arg)
{
	if (arg->rounds > MOST_ROUNDS)
		return -EINVAL;
	switch (cmd) {
	case FLOOR_ATTACH:
		return exchange(arg->what, arg->offset);
	case FLOOR_CALL:
		arg->ns = call(arg->rounds);
		return 0;
	case FLOOR_COMPUTE:
		if (arg->what >= ARRAY_SIZE(kernels))
			return -EINVAL;
		arg->ns = compute(kernels[arg->what], arg->rounds, &arg->result);
		return 0;
	}
	return -ENOTTY;
}

static long floor_ioctl(struct file *file, unsigned int cmd, unsigned long at)
{
	struct floor_arg arg;
	int err;

	if (copy_from_user(&arg, (void __user *)at, sizeof(arg)))
		return -EFAULT;
	mutex_lock(&lock);
	err = serve(cmd, &arg);
	mutex_unlock(&lock);
	if (err)
		return err;
	return copy_to_user((void __user *)at, &arg, sizeof(arg)) ? -EFAULT : 0;
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = floor_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kapsel_floor",
	.mode = 0600,
	.fops = &fops,
};

static int __init floor_init(void)
{
	return misc_register(&device);
}

static void __exit floor_exit(void)
{
	misc_deregister(&device);
	detach(attached);
}

module_init(floor_init);
module_exit(floor_exit);
MODULE_DESCRIPTION("what kapsel's benchmarks are compared with");
MODULE_LICENSE("GPL");
