// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers for kprobe programs: memory and the current task */

#include <linux/cred.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "helpers.h"
#include "probe.h"

static u64 read_or_zero(u64 to, u64 size, u64 addr, kps_read_fn read)
{
	void *dst = (void *)(unsigned long)to;

	if (!size || !read(dst, addr, size))
		return 0;
	memset(dst, 0, size);
	return -EFAULT;
}

static u64 read_string(u64 to, u64 size, u64 addr, kps_read_fn read)
{
	return kps_read_string((void *)(unsigned long)to, size, addr, read);
}

u64 kps_h_probe_read(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return read_or_zero(r1, (u32)r2, r3, kps_read_any);
}

u64 kps_h_probe_read_user(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return read_or_zero(r1, (u32)r2, r3, kps_read_user);
}

u64 kps_h_probe_read_kernel(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return read_or_zero(r1, (u32)r2, r3, kps_read_kernel);
}

u64 kps_h_probe_read_str(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return read_string(r1, (u32)r2, r3, kps_read_any);
}

u64 kps_h_probe_read_user_str(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return read_string(r1, (u32)r2, r3, kps_read_user);
}

u64 kps_h_probe_read_kernel_str(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return read_string(r1, (u32)r2, r3, kps_read_kernel);
}

u64 kps_h_get_current_pid_tgid(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return (u64)current->tgid << 32 | (u32)current->pid;
}

u64 kps_h_get_current_uid_gid(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	kuid_t uid;
	kgid_t gid;

	current_uid_gid(&uid, &gid);
	return (u64)from_kgid(&init_user_ns, gid) << 32 |
	       from_kuid(&init_user_ns, uid);
}

u64 kps_h_get_current_comm(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	strscpy_pad((char *)(unsigned long)r1, current->comm, (u32)r2);
	return 0;
}
