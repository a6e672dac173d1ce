// SPDX-License-Identifier: GPL-2.0-only
/* kapsel doctor - what works here, and what to do about the rest */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "commands.h"
#include "out.h"

static const struct out_column columns[] = {
	{ "check", "CHECK", false },
	{ "ok", "", false },
	{ "found", "FOUND", false },
	{ "todo", "WHAT TO DO", false },
};

enum { CAP_NET_ADMIN_BIT = 12, CAP_SYS_ADMIN_BIT = 21, CAP_PERFMON_BIT = 38, CAP_BPF_BIT = 39 };

/** struct patient - what is known so far */
struct patient {
	struct out_table table;
	struct kapsel_dev dev;
	bool has_dev;
	__u32 bad;
};

static void report(struct patient *p, const char *check, bool ok, const char *todo,
		   const char *found)
{
	out_str(&p->table, check);
	out_str(&p->table, ok ? "ok" : "NO");
	out_str(&p->table, found);
	out_str(&p->table, ok ? NULL : todo);
	p->bad += !ok;
}

/* First line of a file that holds @word (any line if NULL); false: none. */
static bool line_with(const char *path, const char *word, char *line, int size)
{
	FILE *file = fopen(path, "re");
	bool found = false;

	while (file && !found && fgets(line, size, file))
		found = !word || strstr(line, word);
	if (file)
		fclose(file);
	line[found ? strcspn(line, "\n") : 0] = '\0';
	return found;
}

static void release(char *buf, size_t size)
{
	struct utsname uts;

	snprintf(buf, size, "%s", uname(&uts) ? "?" : uts.release);
}

/* What to type, from what there is: loaded, installed, built or none of these. */
static void how_to_load(char *buf, size_t size)
{
	char line[400], path[120], name[80];

	release(name, sizeof(name));
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", name);
	if (line_with("/proc/modules", "kapsel ", line, sizeof(line)))
		snprintf(buf, size, "the module is loaded, see the rights of %s and `dmesg`",
			 cli.device);
	else if (line_with(path, "/kapsel.ko", line, sizeof(line)))
		snprintf(buf, size, "modprobe kapsel");
	else if (!access("kapsel.ko", R_OK))
		snprintf(buf, size, "insmod ./kapsel.ko");
	else
		snprintf(buf, size, "in kapsel's tree: make && insmod ./kapsel.ko, or make install && depmod && modprobe kapsel");
}

static void check_device(struct patient *p)
{
	struct kapsel_error err = {};
	char found[160], todo[200];

	p->has_dev = !kapsel_dev_open(&p->dev, cli.device, &err);
	if (p->has_dev) {
		snprintf(found, sizeof(found), "kapsel %.31s, abi %u, verifier %u",
			 p->dev.abi.version, p->dev.abi.abi, p->dev.abi.verifier);
		report(p, "module", true, NULL, found);
		if (p->dev.abi.verifier != kapsel_verifier_revision())
			report(p, "verifier", false, "take module and command from the same build",
			       "offline verdicts may differ from the module's");
		return;
	}
	how_to_load(todo, sizeof(todo));
	if (err.err == -EPROTO || err.err == -EACCES)
		snprintf(todo, sizeof(todo), "%.190s", err.hint);
	report(p, "module", false, todo, err.text);
}

static __u64 capabilities(void)
{
	char line[200];

	if (!line_with("/proc/self/status", "CapEff:", line, sizeof(line)))
		return 0;
	return strtoull(line + strlen("CapEff:"), NULL, 16);
}

static void check_rights(struct patient *p)
{
	__u64 caps = capabilities();
	bool all = caps & (1ULL << CAP_SYS_ADMIN_BIT);
	bool bpf = all || (caps & (1ULL << CAP_BPF_BIT));
	bool perfmon = all || (caps & (1ULL << CAP_PERFMON_BIT));
	bool net = caps & (1ULL << CAP_NET_ADMIN_BIT);

	report(p, "load", bpf, "run as root, or with CAP_BPF",
	       bpf ? "CAP_BPF or CAP_SYS_ADMIN" : "CAP_BPF is missing");
	report(p, "kprobe", perfmon, "run as root, or with CAP_PERFMON",
	       perfmon ? "CAP_PERFMON or CAP_SYS_ADMIN" : "CAP_PERFMON is missing");
	report(p, "netfilter", net, "run as root, or with CAP_NET_ADMIN",
	       net ? "CAP_NET_ADMIN" : "CAP_NET_ADMIN is missing");
}

static void check_engines(struct patient *p)
{
	const struct kapsel_abi *abi = &p->dev.abi;
	bool interp = abi->engines & (1u << KAPSEL_ENGINE_INTERP);
	bool jit = abi->engines & (1u << KAPSEL_ENGINE_JIT);
	char text[120];

	if (jit)
		snprintf(text, sizeof(text), "JIT%s", interp ? " and interpreter" : " only");
	else
		snprintf(text, sizeof(text), "%s, no JIT: %s", interp ? "interpreter" : "none",
			 kapsel_why(abi->jit_why));
	report(p, "engine", jit || interp, "load the module with interpreter=1", text);
}

static void check_kprobes(struct patient *p)
{
	bool on;

	if (!p->has_dev)
		return;
	on = p->dev.abi.features & KAPSEL_FEATURE_KPROBES;
	report(p, "kprobes", on, "a kernel with CONFIG_KPROBES; see /sys/kernel/debug/kprobes/enabled",
	       on ? "compiled in and on" : "compiled out, switched off, or closed by lockdown");
	on = p->dev.abi.features & KAPSEL_FEATURE_KERNEL_READ;
	report(p, "kernel reads", on, "see kernel_lockdown(7)",
	       on ? "allowed" : "closed by lockdown");
	check_engines(p);
}

static void check_lockdown(struct patient *p)
{
	char line[160];
	bool open;

	if (!line_with("/sys/kernel/security/lockdown", NULL, line, sizeof(line)))
		return;
	open = strstr(line, "[none]") || !strchr(line, '[');
	report(p, "lockdown", open, "sign the module with an enrolled key (see kapsel(8), SECURE BOOT), or switch Secure Boot off",
	       line);
}

/* The commands, one behind the other: they can be copied as they stand. */
static void how_to_sign(char *buf, size_t size)
{
	static const char * const steps[] = {
		"openssl req -new -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=kapsel/",
		"-outform DER -keyout MOK.priv -out MOK.der",
		"scripts/sign-file sha256 MOK.priv MOK.der kapsel.ko",
		"mokutil --import MOK.der && reboot   (and choose Enroll MOK on the way up)",
	};
	char name[80];

	release(name, sizeof(name));
	snprintf(buf, size, "%s %s && /lib/modules/%s/build/%s && %s", steps[0], steps[1], name,
		 steps[2], steps[3]);
}

static void check_secure_boot(struct patient *p)
{
	static const char path[] =
		"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
	unsigned char value[5] = {};
	FILE *file = fopen(path, "re");
	char todo[480];
	bool on;

	if (!file)
		return;
	on = fread(value, 1, sizeof(value), file) == sizeof(value) && value[4] == 1;
	fclose(file);
	how_to_sign(todo, sizeof(todo));
	report(p, "secure boot", !on || p->has_dev, todo,
	       on ? "on: unsigned modules are refused" : "off");
}

static void check_symbols(struct patient *p)
{
	char line[200];
	bool readable = line_with("/proc/kallsyms", " T ", line, sizeof(line)) ||
			line_with("/proc/kallsyms", " t ", line, sizeof(line));

	report(p, "symbols", readable, "mount /proc",
	       readable ? "/proc/kallsyms" : "/proc/kallsyms can't be read");
}

static void check_headers(struct patient *p)
{
	char name[80], path[120];
	bool there;

	release(name, sizeof(name));
	snprintf(path, sizeof(path), "/lib/modules/%s/build", name);
	there = !access(path, R_OK);
	report(p, "headers", there || p->has_dev, "install the headers of this kernel to build the module",
	       there ? path : name);
}

static void check_clang(struct patient *p)
{
	bool there = !system("clang --version >/dev/null 2>&1");

	report(p, "clang", there, "install clang 10 or newer, to compile programs",
	       there ? "there" : "not found");
}

static void check_btf(struct patient *p)
{
	bool there = !access("/sys/kernel/btf/vmlinux", R_OK);

	report(p, "kernel BTF", there, "only needed for CO-RE: a kernel with CONFIG_DEBUG_INFO_BTF",
	       there ? "/sys/kernel/btf/vmlinux" : "none");
}

int cmd_doctor(int argc, char **argv)
{
	struct patient p = {};
	struct cli_args args;
	int opt;

	cli_args_init(&args, argc, argv, NULL);
	opt = cli_args_next(&args);
	if (opt == CLI_ARG_ERROR)
		return args.status;
	if (opt != CLI_ARG_END)
		return cli_usage("doctor takes no words");
	out_begin(&p.table, columns, ARRAY_LEN(columns));
	check_device(&p);
	check_rights(&p);
	check_kprobes(&p);
	check_lockdown(&p);
	check_secure_boot(&p);
	check_symbols(&p);
	check_headers(&p);
	check_clang(&p);
	check_btf(&p);
	out_end(&p.table, "checks");
	kapsel_dev_close(&p.dev);
	return p.bad ? CLI_ENVIRONMENT : CLI_OK;
}
