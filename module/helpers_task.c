// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers for kprobe programs: the current task and where it belongs */

#include <linux/cgroup.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "helpers.h"
#include "maps/cgroup_array.h"

u64 kps_h_get_current_task(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
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
