// SPDX-License-Identifier: GPL-2.0-only
/* An event at each kind of hook: what it adds to calling the function, or to a packet */

#include <stdlib.h>
#include <time.h>

#include <linux/kernel.h>
#include <uapi/linux/bpf.h>

#include "module/lib/km.h"

#include "events.h"
#include "figures.h"
#include "intree.h"
#include "looks.h"

#define CALLS		1000
#define PACKETS		50
#define SETTLE_US	300000	/* until a kprobe became a jump */
#define MAX_SLOTS	64
#define STACK_SIZE	(127 * 8)
#define STACKS		1024

/* Counts in a global variable, as clang does it. */
#define COUNT_IT							\
	"r1 = map[fd:%d]+0 ll\n"					\
	"r2 = 1\n"							\
	"lock *(u64 *)(r1 + 0) += r2\n"
#define COUNT_END							\
	"r0 = %d\n"							\
	"exit\n"
#define COUNT		COUNT_IT COUNT_END

/* The same, of any process but the idle ones; and whenever the clock runs. */
#define COUNT_CALLER							\
	"call bpf_get_current_pid_tgid\n"				\
	"if r0 == 0 goto out\n"						\
	COUNT_IT							\
	"out:\n"							\
	COUNT_END
#define COUNT_TIMED							\
	"call bpf_ktime_get_ns\n"					\
	"if r0 == 0 goto out\n"						\
	COUNT_IT							\
	"out:\n"							\
	COUNT_END

/* Nothing, and where it was called from; maps are counters, or of stacks. */
#define NOTHING								\
	"r1 = map[fd:%d]+0 ll\n"					\
	COUNT_END
#define STACK								\
	"r2 = map[fd:%d] ll\n"						\
	"r3 = 0\n"							\
	"call bpf_get_stackid\n"					\
	COUNT_END

#define JIT	KAPSEL_ENGINE_JIT
#define INTERP	KAPSEL_ENGINE_INTERP
#define ENTRY	KAPSEL_HOOK_KPROBE
#define RETURN	KAPSEL_HOOK_KRETPROBE
#define KAPSEL	FIGURE_KAPSEL
#define LINUX	FIGURE_LINUX

static int sender, receiver;
static __u64 inside;	/* an offset in the target */
static double nothing;
static const char *source = COUNT;
static bool of_stacks;	/* what the map is */

/* ------------------------------------------------------------------------
 * Measuring
 */
static double call(void)
{
	struct floor_arg arg = { .rounds = CALLS };

	if (ioctl(bench_floor, FLOOR_CALL, &arg))
		return 0;
	return (double)arg.ns / CALLS;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static double packet(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	double start = now();
	char bytes[32] = {};

	for (int i = 0; i < PACKETS; i++) {
		if (sendto(sender, bytes, sizeof(bytes), 0, (void *)&to, sizeof(to)) < 0 ||
		    recv(receiver, bytes, sizeof(bytes), 0) < 0)
			return 0;
	}
	return (now() - start) / PACKETS;
}

static void open_sockets(void)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	sender = socket(AF_INET, SOCK_DGRAM, 0);
	receiver = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(receiver, (void *)&at, sizeof(at)))
		perror("bind");
}

static int floor_attach(enum floor_hook hook, __u64 offset)
{
	struct floor_arg arg = { .what = hook, .offset = offset };

	return km_ioctl(bench_floor, FLOOR_ATTACH, &arg);
}

/* ------------------------------------------------------------------------
 * Who can be attached where. Each returns fds, or -errno in the first
 */
struct fds {
	int fd[4];
};

static struct fds failed(int err)
{
	return (struct fds){ { err, -1, -1, -1 } };
}

static int kapsel_map(void)
{
	if (of_stacks)
		return km_map(bench_dev, BPF_MAP_TYPE_STACK_TRACE, 4, STACK_SIZE, STACKS, 0);
	return km_map(bench_dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
}

static int kapsel_prog(int map, __u32 type, __u32 engine)
{
	struct kapsel_prog_load arg = { .engine = engine };
	char text[512];

	snprintf(text, sizeof(text), source, map, 1);
	return km_load_arg(bench_dev, &arg, type, text);
}

static struct fds kapsel_probe_by(__u32 hook, __u64 offset, __u32 engine, __u32 flags)
{
	int map = kapsel_map();
	int prog = kapsel_prog(map, KAPSEL_PROG_KPROBE, engine);
	struct kapsel_link_create arg;

	km_link_probe(&arg, prog, hook, FLOOR_TARGET, offset);
	arg.flags = flags;
	return (struct fds){ { km_ioctl(bench_dev, KAPSEL_LINK_CREATE, &arg), prog, map, -1 } };
}

static struct fds kapsel_probe(__u32 hook, __u64 offset, __u32 engine)
{
	return kapsel_probe_by(hook, offset, engine, 0);
}

/* A kretprobe in its place would be another thing. */
static struct fds kapsel_wrap(__u32 engine)
{
	struct fds fds = kapsel_probe_by(RETURN, 0, engine, KAPSEL_LINK_WRAP);

	if (fds.fd[0] >= 0 && km_info(fds.fd[0]).link.via != KAPSEL_VIA_WRAP) {
		close(fds.fd[0]);
		fds.fd[0] = -EOPNOTSUPP;
	}
	return fds;
}

static struct fds kapsel_hooks(int prog, int map)
{
	return (struct fds){ {
		km_hook(bench_dev, prog, NFPROTO_IPV4, NF_INET_LOCAL_OUT, -10),
		km_hook(bench_dev, prog, NFPROTO_IPV4, NF_INET_LOCAL_IN, -10), prog, map,
	} };
}

static struct fds kapsel_packets(__u32 engine)
{
	int map = km_map(bench_dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);

	return kapsel_hooks(kapsel_prog(map, KAPSEL_PROG_NETFILTER, engine), map);
}

static struct fds kapsel_looking(__u32 engine)
{
	int prog = looking_kapsel(engine);

	return prog < 0 ? failed(prog) : kapsel_hooks(prog, -1);
}

static struct fds linux_hooks(int prog, int map)
{
	int link = intree_packets(prog, NF_INET_LOCAL_OUT);

	return (struct fds){ {
		link, prog, map, link < 0 ? -1 : intree_packets(prog, NF_INET_LOCAL_IN),
	} };
}

static struct fds linux_looking(void)
{
	int prog = looking_linux();

	return prog < 0 ? failed(prog) : linux_hooks(prog, -1);
}

static int linux_prog(const struct intree_load *how, int map, int ret)
{
	struct bpf_insn insns[MAX_SLOTS];
	char text[512], why[80];
	int cnt;

	snprintf(text, sizeof(text), source, map, ret);
	cnt = kt_asm(text, insns, MAX_SLOTS, why, sizeof(why));
	return cnt < 0 ? cnt : intree_load(how, insns, cnt);
}

/* How a program of Linux's is attached. */
enum how { PERF, MULTI, TRACE, PACKET };

static struct fds linux_hook(enum how how, __u64 offset, bool at_return)
{
	struct intree_load load = { .type = BPF_PROG_TYPE_KPROBE };
	int map = of_stacks ? intree_stacks(STACK_SIZE, STACKS) : intree_array();
	int prog, link = -EINVAL;

	if (how == MULTI)
		load.attach_type = BPF_TRACE_KPROBE_MULTI;
	if (how == TRACE)
		load = (struct intree_load){
			BPF_PROG_TYPE_TRACING, at_return ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY,
			FLOOR_TARGET,
		};
	if (how == PACKET)
		load = (struct intree_load){
			INTREE_NETFILTER, INTREE_ATTACH_NETFILTER, NULL,
		};
	prog = linux_prog(&load, map, how == PACKET);
	if (prog < 0)
		return failed(prog);
	switch (how) {
	case PERF:
		link = intree_perf(prog, FLOOR_TARGET, offset, at_return);
		break;
	case MULTI:
		link = intree_multi(prog, FLOOR_TARGET, at_return);
		break;
	case TRACE:
		link = intree_trace(prog);
		break;
	case PACKET:
		return linux_hooks(prog, map);
	}
	return (struct fds){ { link, prog, map, -1 } };
}

/* ------------------------------------------------------------------------
 * Rows
 */
static void row(const char *group, const char *name, enum figure_who who, struct fds fds,
		double (*measure)(void))
{
	usleep(SETTLE_US);
	if (fds.fd[0] < 0)
		figure_missing(group, name, strerror(-fds.fd[0]));
	else
		figure_add(group, name, who, bench_least(measure) - nothing);
	for (int i = 0; i < 4; i++)
		if (fds.fd[i] > 0)
			close(fds.fd[i]);
	usleep(SETTLE_US);
}

static void row_in_c(const char *group, const char *name, enum floor_hook hook, __u64 offset,
		     double (*measure)(void))
{
	row(group, name, FIGURE_FLOOR, failed(floor_attach(hook, offset)), measure);
	floor_attach(FLOOR_NOTHING, 0);
}

static void calling(const char *group, const char *program)
{
	source = program;
	row(group, "kapsel, JIT", KAPSEL, kapsel_probe(ENTRY, 0, JIT), call);
	row(group, "kapsel, interpreter", KAPSEL, kapsel_probe(ENTRY, 0, INTERP), call);
	row(group, "Linux, fentry", LINUX, linux_hook(TRACE, 0, false), call);
	row(group, "Linux, kprobe.multi", LINUX, linux_hook(MULTI, 0, false), call);
	row(group, "Linux, kprobe", LINUX, linux_hook(PERF, 0, false), call);
	source = COUNT;
}

static void entries(void)
{
	const char *group = "a function's entry";

	row_in_c(group, "empty ftrace_ops", FLOOR_FTRACE, 0, call);
	row_in_c(group, "empty kprobe", FLOOR_ENTRY, 0, call);
	calling(group, COUNT);
}

static void offsets(void)
{
	const char *group = "inside a function";

	row_in_c(group, "empty kprobe", FLOOR_OFFSET, inside, call);
	row(group, "kapsel, JIT", KAPSEL, kapsel_probe(ENTRY, inside, JIT), call);
	row(group, "kapsel, interpreter", KAPSEL, kapsel_probe(ENTRY, inside, INTERP), call);
	row(group, "Linux, kprobe", LINUX, linux_hook(PERF, inside, false), call);
}

static void returns(void)
{
	const char *group = "a function's return";

	row_in_c(group, "empty kretprobe", FLOOR_RETURN, 0, call);
	row(group, "kapsel, wrapped, JIT", KAPSEL, kapsel_wrap(JIT), call);
	source = COUNT_CALLER;
	row(group, "kapsel, wrapped, JIT, and who calls", KAPSEL, kapsel_wrap(JIT), call);
	source = COUNT;
	row(group, "kapsel, JIT", KAPSEL, kapsel_probe(RETURN, 0, JIT), call);
	row(group, "kapsel, interpreter", KAPSEL, kapsel_probe(RETURN, 0, INTERP), call);
	row(group, "Linux, fexit", LINUX, linux_hook(TRACE, 0, true), call);
	row(group, "Linux, kretprobe.multi", LINUX, linux_hook(MULTI, 0, true), call);
	row(group, "Linux, kretprobe", LINUX, linux_hook(PERF, 0, true), call);
}

static void packets(void)
{
	const char *group = "a packet, at two hooks";

	nothing = bench_least(packet);
	row_in_c(group, "empty hooks", FLOOR_PACKETS, 0, packet);
	row(group, "kapsel, JIT", KAPSEL, kapsel_packets(JIT), packet);
	row(group, "kapsel, interpreter", KAPSEL, kapsel_packets(INTERP), packet);
	row(group, "Linux, netfilter", LINUX, linux_hook(PACKET, 0, false), packet);
}

/* Each must have seen what it is to count. */
static void look(const char *group, const char *name, enum figure_who who, struct fds fds)
{
	bool attached = fds.fd[0] >= 0;

	row(group, name, who, fds, packet);
	if (attached && !looking_seen(who == LINUX))
		figure_missing(group, name, "counted nothing");
}

static void looking(void)
{
	const char *group = "a packet looked at, at two hooks";

	nothing = bench_least(packet);
	row_in_c(group, "hooks in C", FLOOR_LOOKS, 0, packet);
	look(group, "kapsel, JIT", KAPSEL, kapsel_looking(JIT));
	look(group, "kapsel, interpreter", KAPSEL, kapsel_looking(INTERP));
	look(group, "Linux, netfilter", LINUX, linux_looking());
}

static double cost(struct fds fds)
{
	double insns = 0;

	usleep(SETTLE_US);
	if (fds.fd[0] >= 0)
		insns = bench_least(call);
	for (int i = 0; i < 4; i++)
		if (fds.fd[i] > 0)
			close(fds.fd[i]);
	usleep(SETTLE_US);
	return insns;
}

static struct fds hook_kapsel(void)
{
	return kapsel_probe(ENTRY, 0, JIT);
}

static struct fds hook_kprobe(void)
{
	return linux_hook(PERF, 0, false);
}

static struct fds hook_multi(void)
{
	return linux_hook(MULTI, 0, false);
}

/* Over a program there that does nothing. */
static void stack_of(const char *name, enum figure_who who, struct fds (*hook)(void))
{
	double nobody = nothing;

	source = NOTHING;
	nothing = cost(hook());
	source = STACK;
	of_stacks = true;
	row("a stack's id", name, who, hook(), call);
	of_stacks = false;
	source = COUNT;
	nothing = nobody;
}

static void stacks(void)
{
	stack_of("kapsel, JIT", KAPSEL, hook_kapsel);
	stack_of("Linux, kprobe.multi", LINUX, hook_multi);
	stack_of("Linux, kprobe", LINUX, hook_kprobe);
}

/* The first instruction behind what tracing put at the beginning. */
static void find_inside(void)
{
	for (inside = 5; inside < 16; inside++) {
		if (!floor_attach(FLOOR_OFFSET, inside))
			break;
	}
	floor_attach(FLOOR_NOTHING, 0);
	usleep(SETTLE_US);
}

void bench_events(void)
{
	open_sockets();
	find_inside();
	nothing = bench_least(call);
	entries();
	calling("entry, and who calls", COUNT_CALLER);
	calling("entry, and what time it is", COUNT_TIMED);
	offsets();
	returns();
	stacks();
	packets();
	looking();
}
