// SPDX-License-Identifier: GPL-2.0-only
/* Helpers that print and compare: they do what the kernel's own do, bit by bit */

#include <limits.h>

#include <linux/kernel.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_bpf.h"

#define FORMAT_SIZE	512
#define OUT_SIZE	1024
#define MAX_ARGS	12

/* A program in either world: maps by number, and how it is run. */
struct world {
	int dev;		/* of kapsel's, or -1 */
	__u32 engine;
	int format;		/* read-only, frozen */
	int args;
	int out;
};

struct outcome {
	int load;		/* 0 or -errno */
	int ret;		/* what the helper returned */
	char out[OUT_SIZE];
};

FIXTURE(text) {
	int dev;
};

FIXTURE_VARIANT(text) {
	__u32 engine;
};

FIXTURE_VARIANT_ADD(text, interp) {
	.engine = KAPSEL_ENGINE_INTERP,
};

FIXTURE_VARIANT_ADD(text, jit) {
	.engine = KAPSEL_ENGINE_JIT,
};

FIXTURE_SETUP(text)
{
	struct kapsel_abi abi;

	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	if (!(abi.engines & 1 << variant->engine))
		SKIP(return KM_NO_TEST, "no such engine");
}

FIXTURE_TEARDOWN(text)
{
	close(self->dev);
}

static int new_map(const struct world *w, __u32 size, __u32 flags)
{
	return w->dev < 0 ? km_bpf_map(BPF_MAP_TYPE_ARRAY, 4, size, 1, flags) :
			    km_map(w->dev, BPF_MAP_TYPE_ARRAY, 4, size, 1, flags);
}

static int put(const struct world *w, int map, void *value, __u32 size)
{
	__u32 key = 0;

	return w->dev < 0 ? km_bpf_elem(BPF_MAP_UPDATE_ELEM, map, &key, value, 0) :
			    km_elem(map, KAPSEL_MAP_UPDATE, &key, 4, value, size, 0);
}

static int get(const struct world *w, int map, void *value, __u32 size)
{
	__u32 key = 0;

	return w->dev < 0 ? km_bpf_elem(BPF_MAP_LOOKUP_ELEM, map, &key, value, 0) :
			    km_elem(map, KAPSEL_MAP_LOOKUP, &key, 4, value, size, 0);
}

static int freeze(const struct world *w, int map)
{
	union bpf_attr attr = { .map_fd = map };

	return w->dev < 0 ? km_bpf(BPF_MAP_FREEZE, &attr) : km_flags(map, KAPSEL_MAP_FREEZE);
}

static int load(const struct world *w, const char *text)
{
	struct kapsel_prog_load arg = { .engine = w->engine };
	struct bpf_insn insns[64];
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SCHED_CLS, .insns = (unsigned long)insns,
		.license = (unsigned long)"GPL",
	};
	char why[80];

	if (w->dev >= 0)
		return km_load_arg(w->dev, &arg, KAPSEL_PROG_KPROBE, text);
	attr.insn_cnt = kt_asm(text, insns, ARRAY_SIZE(insns), why, sizeof(why));
	return km_bpf(BPF_PROG_LOAD, &attr);
}

static int run(const struct world *w, int prog)
{
	char packet[64] = {};
	union bpf_attr attr = {
		.test.prog_fd = prog, .test.data_in = (unsigned long)packet,
		.test.data_size_in = sizeof(packet),
	};
	int err;

	if (w->dev >= 0 && (long)km_call(prog) != (int)km_call(prog))
		return INT_MIN;
	if (w->dev >= 0)
		return km_call(prog);
	err = km_bpf(BPF_PROG_TEST_RUN, &attr);
	return err ?: (int)attr.test.retval;
}

/* The maps of one run, filled; what is not said of the format is NUL. */
static int open_world(struct world *w, const char *format, const __u64 *args)
{
	char bytes[FORMAT_SIZE] = "", out[OUT_SIZE];
	__u64 words[MAX_ARGS] = {};

	strncpy(bytes, format, sizeof(bytes) - 1);
	memset(out, 0xaa, sizeof(out));
	if (args)
		memcpy(words, args, sizeof(words));
	w->format = new_map(w, sizeof(bytes), BPF_F_RDONLY_PROG);
	w->args = new_map(w, sizeof(words), 0);
	w->out = new_map(w, sizeof(out), 0);
	if (w->format < 0 || w->args < 0 || w->out < 0)
		return -EIO;
	return put(w, w->format, bytes, sizeof(bytes)) ?: freeze(w, w->format) ?:
	       put(w, w->args, words, sizeof(words)) ?: put(w, w->out, out, sizeof(out));
}

static void close_world(struct world *w)
{
	close(w->format);
	close(w->args);
	close(w->out);
}

/* Letters of a program's text stand for numbers: maps F, A and O, and X and Y. */
static void fill_in(char *to, const char *text, const struct world *w, int x, int y)
{
	for (; *text; text++) {
		int n = *text == 'F' ? w->format : *text == 'A' ? w->args :
			*text == 'O' ? w->out : *text == 'X' ? x : y;

		if (strchr("FAOXY", *text))
			to += sprintf(to, "%d", n);
		else
			*to++ = *text;
	}
	*to = '\0';
}

static struct outcome outcome_of(struct world w, const char *text, const char *format,
				 const __u64 *args, int a, int b)
{
	struct outcome o = {};
	char prog[512];
	int fd;

	o.load = open_world(&w, format, args);
	if (o.load)
		return o;
	fill_in(prog, text, &w, a, b);
	fd = load(&w, prog);
	o.load = fd < 0 ? fd : 0;
	if (fd >= 0) {
		o.ret = run(&w, fd);
		close(fd);
	}
	if (get(&w, w.out, o.out, sizeof(o.out)))
		o.load = -EIO;
	close_world(&w);
	return o;
}

#define SNPRINTF							\
	"r1 = map[fd:O] + 0 ll\nr2 = X\nr3 = map[fd:F] + 0 ll\n"	\
	"r4 = map[fd:A] + 0 ll\nr5 = Y\ncall 165\nexit\n"

#define VPRINTK								\
	"r1 = map[fd:F] + 0 ll\nr2 = X\nr3 = map[fd:A] + 0 ll\nr4 = Y\n" \
	"call 177\nexit\n"

#define STRNCMP								\
	"r1 = map[fd:O] + 0 ll\nr2 = X\nr3 = map[fd:F] + Y ll\ncall 182\nexit\n"

static __u64 symbol(const char *name)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[256], found[128];
	__u64 at = 0, addr;

	while (f && !at && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %*c %127s", &addr, found) == 2 && !strcmp(found, name))
			at = addr;
	if (f)
		fclose(f);
	return at;
}

/* The same outcome as the kernel's own; 1 if it is another. */
static int differs(int dev, __u32 engine, const char *text, const char *format,
		   const __u64 *args, int a, int b)
{
	const struct world linux_ = { .dev = -1 }, ours = { .dev = dev, .engine = engine };
	struct outcome x = outcome_of(linux_, text, format, args, a, b);
	struct outcome y = outcome_of(ours, text, format, args, a, b);

	if (!!x.load == !!y.load && x.ret == y.ret && !memcmp(x.out, y.out, OUT_SIZE))
		return 0;
	fprintf(stderr, "# '%s' %d %d: Linux loads %d, returns %d, '%.*s', kapsel %d %d '%.*s'\n",
		format, a, b, x.load, x.ret, OUT_SIZE, x.out, y.load, y.ret, OUT_SIZE, y.out);
	return 1;
}

static const char *const formats[] = {
	"", "text", "a text that is longer than the room which there is for it, by quite a bit",
	"%d", "%i|%u|%x|%X", "%ld %lu %lx", "%lld %llu %llX %lli", "%5d|%-5d|%05d|%+d|% d",
	"%-+5d|", "%0-5d|", "%100d", "%c%c%c", "%5c|%-5c|", "%%", "100%% of %d%%", "%d%%%d",
	"%p", "%px", "%pK", "%20px|%-20px|", "%p %px", "%px.", "%pxx%d", "%pKbc9.%d",
	"\xc3\xa4 \xe2\x82\xac %d",
	/* refused */
	"%", "%d%", "%f", "%n", "%s%", "%lls", "%lc", "%hd", "%hhx", "%zu", "%#x", "%.3d", "%*d",
	"%5", "%ll", "%q", "%pZ", "%pI5", "%pI", "%pi", "%pk", "%pu", "%sx", "%p1", "%ps%",
	"%d\x01", "%d%d%d%d%d%d%d%d%d%d%d%d%d", "%o", "%e", "%pV", "%pUb", "%5%",
};

TEST_F(text, numbers)
{
	static const __u64 args[MAX_ARGS] = {
		0xffffffff, 7, 0x123456789abcdef0, 'x', -1, 0, 1ULL << 63, 42, 'y', 10, 11, 12,
	};
	static const int sizes[] = { 0, 1, 2, 8, 63, 64 };
	int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++)
			bad += differs(self->dev, variant->engine, SNPRINTF, formats[i], args,
				       sizes[j], 96);
		bad += differs(self->dev, variant->engine, SNPRINTF, formats[i], args, 64, 16);
		bad += differs(self->dev, variant->engine, SNPRINTF, formats[i], args, 64, 0);
		bad += differs(self->dev, variant->engine, VPRINTK, formats[i], args, 128, 96);
		bad += differs(self->dev, variant->engine, VPRINTK, formats[i], args, 128, 8);
		bad += differs(self->dev, variant->engine, VPRINTK, formats[i], args, 3, 96);
	}
	EXPECT_EQ(0, bad);
}

/* What Linux fetches and has no room for, it forgets to count: there is room for all. */
TEST_F(text, memory)
{
	static const char *const reading[] = {
		"%s", "%s|%s|%d", "[%10s]", "[%-40s]", "%pus.", "%pks,", "%pks %pus", "%s %pus %d",
		"%s%%", "%s:%s:%s", "%pI4", "%pi4", "%pI6", "%pi6", "%pI4%pi6", "%20pI4|",
		"%s%s%s%s%s%s%s%s%s%s%s%s",
	};
	static const char name[] = "of this process";
	static char large[400];
	__u64 banner = symbol("linux_banner"), args[MAX_ARGS] = {};
	int bad = 0;

	memset(large, 'l', sizeof(large) - 1);
	ASSERT_NE(0, banner);
	const __u64 tries[][3] = {
		{ banner, banner, 1 }, { km_ptr(name), km_ptr(name), km_ptr(name) },
		{ banner, km_ptr(name), 5 }, { 0, 8, -1 }, { km_ptr(large), km_ptr(large), 3 },
		{ banner + 3, 1ULL << 63, banner },
	};

	for (size_t i = 0; i < ARRAY_SIZE(reading); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(tries); j++) {
			for (int n = 0; n < MAX_ARGS; n++)
				args[n] = tries[j][n % 3];
			bad += differs(self->dev, variant->engine, SNPRINTF, reading[i], args,
				       OUT_SIZE, 96);
			bad += differs(self->dev, variant->engine, VPRINTK, reading[i], args, 128,
				       96);
		}
	}
	EXPECT_EQ(0, bad);
}

TEST_F(text, symbols)
{
	static const char *const named[] = {
		"%ps", "%pS", "%pB", "%ps|%pS|%pB", "%30ps|", "%30pB|",
	};
	__u64 unlink = symbol("vfs_unlink"), args[MAX_ARGS] = { unlink, unlink + 3, unlink + 7 };
	int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(named); i++)
		bad += differs(self->dev, variant->engine, SNPRINTF, named[i], args, 64, 24);
	args[0] = 0;
	args[1] = -1;
	for (size_t i = 0; i < ARRAY_SIZE(named); i++)
		bad += differs(self->dev, variant->engine, SNPRINTF, named[i], args, 64, 24);
	EXPECT_EQ(0, bad);
}

/* The memory compared is bytes of 0xaa; the string lies at the end of its map, too. */
TEST_F(text, comparison)
{
	static const char *const strings[] = {
		"", "a", "\xaa", "\xaa\xaa\xab", "\xaa\xaa\xa9", "\xaa\xaa", "zebra",
	};
	int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		for (int size = 0; size <= 64; size = size ? size * 2 : 1) {
			bad += differs(self->dev, variant->engine, STRNCMP, strings[i], NULL, size,
				       0);
			bad += differs(self->dev, variant->engine, STRNCMP, strings[i], NULL, size,
				       FORMAT_SIZE - 1);
		}
	EXPECT_EQ(0, bad);
}

/* What Linux would print by 8 million blanks is refused. */
TEST_F(text, width_is_limited)
{
	const struct world ours = { .dev = self->dev, .engine = variant->engine };
	static const __u64 args[MAX_ARGS];
	struct outcome o = outcome_of(ours, SNPRINTF, "%1023d", args, 64, 8);

	EXPECT_EQ(0, o.load);
	EXPECT_EQ(1024, o.ret);
	EXPECT_EQ(-EACCES, outcome_of(ours, SNPRINTF, "%1024d", args, 64, 8).load);
	EXPECT_EQ(-EINVAL, outcome_of(ours, VPRINTK, "%1024d", args, 64, 8).ret);
}

/* A line has all that fits in, and the program is told of all there would be. */
TEST_F(text, lines)
{
	struct world ours = { .dev = self->dev, .engine = variant->engine };
	static const __u64 args[MAX_ARGS] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
	char prog[512], line[1024] = "";
	int fd;

	ASSERT_EQ(0, open_world(&ours, "%d %d %d %d %d %d %d %d %d %d %d %d %%", args));
	fill_in(prog, VPRINTK, &ours, 64, 96);
	fd = load(&ours, prog);
	ASSERT_LE(0, fd);
	EXPECT_EQ(28, run(&ours, fd));
	ASSERT_LT(0, read(fd, line, sizeof(line) - 1));
	EXPECT_NE(NULL, strstr(line, ": 1 2 3 4 5 6 7 8 9 10 11 12 %\n"));
	close(fd);
	close_world(&ours);
	ASSERT_EQ(0, open_world(&ours, "%1000d|", args));
	fill_in(prog, VPRINTK, &ours, 64, 96);
	fd = load(&ours, prog);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1001, run(&ours, fd));
	memset(line, 0, sizeof(line));
	ASSERT_LT(0, read(fd, line, sizeof(line) - 1));
	EXPECT_EQ('\n', line[strlen(line) - 1]);
	close(fd);
	close_world(&ours);
}

TEST_HARNESS_MAIN
