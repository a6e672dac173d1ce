// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers for kprobe programs: the current task and where it belongs */

#include <linux/cgroup.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <uapi/linux/bpf.h>

#include "helpers.h"
#include "sendsig.h"
#include "maps/cgroup_array.h"

u64 kps_h_get_current_task(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return (unsigned long)current;
}

/* Programs are not told what is in there: to them it is a number as well. */
u64 kps_h_get_current_task_btf(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return (unsigned long)current;
}

u64 kps_h_current_task_under_cgroup(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return kps_cgroup_holds_current((void *)(unsigned long)r1, r2);
}

u64 kps_h_get_current_cgroup_id(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	u64 id;

	rcu_read_lock();
	id = cgroup_id(task_dfl_cgroup(current));
	rcu_read_unlock();
	return id;
}

u64 kps_h_get_current_ancestor_cgroup_id(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct cgroup *ancestor;
	u64 id;

	rcu_read_lock();
	ancestor = cgroup_ancestor(task_dfl_cgroup(current), (int)r1);
	id = ancestor ? cgroup_id(ancestor) : 0;
	rcu_read_unlock();
	return id;
}

u64 kps_h_send_signal(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return kps_signal_send(r1, false);
}

u64 kps_h_send_signal_thread(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return kps_signal_send(r1, true);
}

/* The inode's number is enough: all namespaces are in one file system. */
u64 kps_h_get_ns_current_pid_tgid(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct bpf_pidns_info *to = (void *)(unsigned long)r3;
	struct pid_namespace *ns = task_active_pid_ns(current);

	if (r4 != sizeof(*to) || !ns || ns->ns.inum != r2) {
		memset(to, 0, r4);
		return -EINVAL;
	}
	to->pid = task_pid_nr_ns(current, ns);
	to->tgid = task_tgid_nr_ns(current, ns);
	return 0;
}
