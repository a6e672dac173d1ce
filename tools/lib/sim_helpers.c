// SPDX-License-Identifier: GPL-2.0-only
/*
 * libkapsel - models of the helpers for offline runs: maps are simulated,
 * kernel memory can't be read, the task is always the same
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/kernel.h>

#include "core/dynptr.h"
#include "sim.h"

__thread struct kl_sim *kl_sim_now;

kl_helper_fn kl_sim_helper(u32 id)
{
	static const struct {
		u32 id;
		kl_helper_fn fn;
	} models[] = {
#define KPS_HELPER(_id, _name, ...) { _id, kl_h_##_name },
#include "core/helpers.tbl"
#undef KPS_HELPER
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(models); i++)
		if (models[i].id == id)
			return models[i].fn;
	return NULL;
}

MODEL(map_lookup_elem)
{
	UNUSED5;
	return (uintptr_t)kl_sim_lookup(PTR(r1), PTR(r2));
}

MODEL(map_update_elem)
{
	UNUSED5;
	return (s64)kl_sim_update(PTR(r1), PTR(r2), PTR(r3), r4);
}

MODEL(map_delete_elem)
{
	UNUSED5;
	return (s64)kl_sim_delete(PTR(r1), PTR(r2));
}

/* What the lock says is seen by nobody, but in a dump of memory. */
MODEL(spin_lock)
{
	UNUSED5;
	((struct bpf_spin_lock *)PTR(r1))->val = 1;
	return 0;
}

MODEL(spin_unlock)
{
	UNUSED5;
	((struct bpf_spin_lock *)PTR(r1))->val = 0;
	return 0;
}

MODEL(map_lookup_percpu_elem)
{
	UNUSED5;
	return r3 ? 0 : (uintptr_t)kl_sim_lookup(PTR(r1), PTR(r2));
}

MODEL(get_local_storage)
{
	UNUSED5;
	return (uintptr_t)kl_sim_local(PTR(r1));
}

/* What is in the array is what the object puts there. */
MODEL(tail_call)
{
	const struct kapsel_map *map = ((struct kl_sim_map *)PTR(r2))->map;
	struct kl_sim *sim = kl_sim_now;
	u32 i, index = r3;

	UNUSED5;
	for (i = map->nr_initial; i--;)
		if (map->initial[i].index == index)
			break;
	if (i == U32_MAX || sim->tail_calls == KAPSEL_MAX_TAIL_CALLS)
		return 0;
	sim->tail_calls++;
	sim->next = map->initial[i].target;
	sim->tail_called = true;
	return 1;
}

MODEL(map_push_elem)
{
	UNUSED5;
	return (s64)kl_sim_push(PTR(r1), PTR(r2), r3);
}

MODEL(map_pop_elem)
{
	UNUSED5;
	return (s64)kl_sim_take(PTR(r1), PTR(r2), true);
}

MODEL(map_peek_elem)
{
	UNUSED5;
	return (s64)kl_sim_peek(PTR(r1), PTR(r2));
}

/* There is no kernel to read: the buffer is zeroed, as in a fault. */
static u64 cannot_read(u64 to, u64 size)
{
	memset(PTR(to), 0, (u32)size);
	return (s64)-EFAULT;
}

MODEL(probe_read) { UNUSED5; return cannot_read(r1, r2); }
MODEL(probe_read_str) { UNUSED5; return cannot_read(r1, r2); }
MODEL(probe_read_user) { UNUSED5; return cannot_read(r1, r2); }
MODEL(probe_read_kernel) { UNUSED5; return cannot_read(r1, r2); }
MODEL(probe_read_user_str) { UNUSED5; return cannot_read(r1, r2); }
MODEL(probe_read_kernel_str) { UNUSED5; return cannot_read(r1, r2); }

static u64 clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

MODEL(ktime_get_ns) { UNUSED5; return clock_ns(CLOCK_MONOTONIC); }
MODEL(ktime_get_boot_ns) { UNUSED5; return clock_ns(CLOCK_BOOTTIME); }
MODEL(ktime_get_coarse_ns) { UNUSED5; return clock_ns(CLOCK_MONOTONIC_COARSE); }
MODEL(ktime_get_tai_ns) { UNUSED5; return clock_ns(CLOCK_TAI); }
MODEL(jiffies64) { UNUSED5; return clock_ns(CLOCK_MONOTONIC) / 4000000; }
MODEL(get_smp_processor_id) { UNUSED5; return 0; }
MODEL(get_numa_node_id) { UNUSED5; return 0; }
MODEL(get_current_pid_tgid) { UNUSED5; return 1ULL << 32 | 1; }
MODEL(get_current_uid_gid) { UNUSED5; return 0; }
MODEL(get_current_task) { UNUSED5; return 0; }
MODEL(get_current_task_btf) { UNUSED5; return 0; }
MODEL(get_current_cgroup_id) { UNUSED5; return 1; }
MODEL(get_current_ancestor_cgroup_id) { UNUSED5; return !r1; }
MODEL(send_signal) { UNUSED5; return (s64)-EPERM; }
MODEL(send_signal_thread) { UNUSED5; return (s64)-EPERM; }
MODEL(get_ns_current_pid_tgid)
{
	UNUSED5;
	memset(PTR(r3), 0, r4);
	return (s64)-EINVAL;
}

MODEL(current_task_under_cgroup) { UNUSED5; return (s64)-EAGAIN; }

/* The only address there is to know is where the probe hit, if in the kernel. */
static u32 walk_stack(u64 ctx, u64 flags, u64 *ip)
{
	const u64 *regs = PTR(ctx);
	bool user = regs[17] & 3;

	*ip = regs[16];
	return user == !!(flags & BPF_F_USER_STACK);
}

MODEL(get_stackid)
{
	u64 ip;

	UNUSED5;
	if (r3 >> 11)
		return (s64)-EINVAL;
	if (walk_stack(r1, r3, &ip) <= (r3 & BPF_F_SKIP_FIELD_MASK))
		return (s64)-EFAULT;
	return (s64)kl_sim_stack(PTR(r2), ip);
}

MODEL(get_stack)
{
	u32 size = r3, nr, skip = r4 & BPF_F_SKIP_FIELD_MASK;
	u64 ip;

	UNUSED5;
	memset(PTR(r2), 0, size);
	if (r4 >> 9 || size % sizeof(ip))
		return (s64)-EINVAL;
	nr = min_t(u32, walk_stack(r1, r4, &ip), size / sizeof(ip) + skip);
	if (nr < skip)
		return (s64)-EFAULT;
	if (nr > skip)
		memcpy(PTR(r2), &ip, sizeof(ip));
	return (u64)(nr - skip) * sizeof(ip);
}

MODEL(get_prandom_u32)
{
	UNUSED5;
	kl_sim_now->random = kl_sim_now->random * 1664525 + 1013904223;
	return kl_sim_now->random;
}

MODEL(get_current_comm)
{
	UNUSED5;
	if (r2)
		snprintf(PTR(r1), (u32)r2, "kapsel");
	return 0;
}

/* Offline a program is attached to nothing. */
MODEL(get_func_ip)
{
	UNUSED5;
	return 0;
}

MODEL(get_attach_cookie)
{
	UNUSED5;
	return 0;
}

/* For the interpreter, which runs the callback: the next element. */
MODEL(for_each_map_elem)
{
	UNUSED5;
	return kl_sim_each(PTR(r1), PTR(r2));
}

/* Offline there is nobody to write samples. */
MODEL(user_ringbuf_drain)
{
	struct kps_drain *drain = PTR(r2);

	UNUSED5;
	if (drain->flags & ~(u64)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
		drain->result = -EINVAL;
	return false;
}

/* The interpreter runs the callback itself and never gets here. */
MODEL(loop) { UNUSED5; return (s64)-EINVAL; }

MODEL(dynptr_from_mem)
{
	UNUSED5;
	return (s64)kps_dynptr_make(PTR(r4), r1, r2, r3);
}

MODEL(dynptr_read)
{
	UNUSED5;
	return (s64)kps_dynptr_read(PTR(r1), r2, PTR(r3), r4, r5);
}

MODEL(dynptr_write)
{
	UNUSED5;
	return (s64)kps_dynptr_write(PTR(r1), r2, PTR(r3), r4, r5);
}

MODEL(dynptr_data)
{
	UNUSED5;
	return kps_dynptr_data(PTR(r1), r2, r3);
}

/** struct record - a ring buffer record, with what submit must know before it */
struct record {
	struct kl_sim_map *sim;
	u64 size;
	char data[];
};

static void print_record(struct kl_sim_map *sim, const void *data, size_t size)
{
	FILE *out = kl_sim_now->trace;

	if (!out)
		return;
	fprintf(out, "%s: ", sim->map->name);
	kapsel_btf_print(out, kapsel_btf(kl_sim_now->prog->obj), sim->map->value_type, data,
			 size);
	fputc('\n', out);
}

MODEL(ringbuf_output)
{
	UNUSED5;
	print_record(PTR(r1), PTR(r2), r3);
	return 0;
}

MODEL(perf_event_output)
{
	UNUSED5;
	print_record(PTR(r2), PTR(r4), r5);
	return 0;
}

static u64 reserve(struct kl_sim_map *sim, u64 size)
{
	struct record *record;

	if (size > sim->map->max_entries)
		return 0;
	record = calloc(1, sizeof(*record) + size);
	if (!record)
		return 0;
	record->sim = sim;
	record->size = size;
	return (uintptr_t)record->data;
}

static struct record *record_of(u64 data)
{
	return container_of((char (*)[])PTR(data), struct record, data);
}

static u64 submit(u64 data)
{
	struct record *record = record_of(data);

	print_record(record->sim, record->data, record->size);
	free(record);
	return 0;
}

static u64 discard(u64 data)
{
	free(record_of(data));
	return 0;
}

MODEL(ringbuf_reserve) { UNUSED5; return reserve(PTR(r1), r2); }
MODEL(ringbuf_submit) { UNUSED5; return submit(r1); }
MODEL(ringbuf_discard) { UNUSED5; return discard(r1); }

MODEL(ringbuf_reserve_dynptr)
{
	int err = kps_dynptr_refused(r2, r3);
	u64 data = err ? 0 : reserve(PTR(r1), (u32)r2);

	UNUSED5;
	kps_dynptr_set(PTR(r4), data, r2);
	return (s64)(err ?: data ? 0 : -EINVAL);
}

static u64 end_dynptr(struct kps_dynptr *ptr, u64 (*how)(u64 data))
{
	if (ptr->data)
		how(ptr->data);
	kps_dynptr_set(ptr, 0, 0);
	return 0;
}

MODEL(ringbuf_submit_dynptr) { UNUSED5; return end_dynptr(PTR(r1), submit); }
MODEL(ringbuf_discard_dynptr) { UNUSED5; return end_dynptr(PTR(r1), discard); }

MODEL(ringbuf_query)
{
	struct kl_sim_map *sim = PTR(r1);

	UNUSED5;
	return r2 == BPF_RB_RING_SIZE ? sim->map->max_entries : 0;
}
