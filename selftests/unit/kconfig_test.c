// SPDX-License-Identifier: GPL-2.0-only
/*
 * Externs of .kconfig: what a configuration's line becomes in a variable of each
 * type, beside what libbpf makes of the same object and line
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/kernel.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "lib/elf_build.h"

#define ROOM 16

enum type { BOOL, TRISTATE, CHAR, S8, U16, INT, U64, STRING, FLOAT, NR_TYPES };

static const u32 type_sizes[] = { 1, 4, 1, 1, 2, 4, 8, 6, 4 };

static int add_type(struct btf *btf, enum type type)
{
	int chr = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	int u32_type = btf__add_int(btf, "unsigned int", 4, 0), id;

	switch (type) {
	case BOOL:
		return btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	case TRISTATE:
		id = btf__add_enum(btf, "libbpf_tristate", 4);
		btf__add_enum_value(btf, "TRI_NO", 0);
		return id;
	case CHAR:
		return btf__add_const(btf, chr);
	case S8:
		return btf__add_typedef(btf, "s8", chr);
	case U16:
		return btf__add_int(btf, "unsigned short", 2, 0);
	case INT:
		return btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	case U64:
		return btf__add_int(btf, "unsigned long", 8, 0);
	case STRING:
		return btf__add_array(btf, u32_type, chr, type_sizes[STRING]);
	default:
		return btf__add_float(btf, "float", 4);
	}
}

static void add_btf(struct elf_build *eb, const char *name, enum type type)
{
	struct btf *btf = btf__new_empty();
	int var = btf__add_var(btf, name, BTF_VAR_GLOBAL_EXTERN, add_type(btf, type));
	const void *data;
	u32 size;

	btf__add_datasec(btf, ".kconfig", 0);
	btf__add_datasec_var_info(btf, var, 0, type_sizes[type]);
	data = btf__raw_data(btf, &size);
	elf_build_section(eb, ".BTF", SHT_PROGBITS, 0, data, size);
	btf__free(btf);
}

/* A program that takes the address of its one extern. */
static void build(struct elf_build *eb, const char *name, enum type type, u8 bind)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 1 }, {},
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	Elf64_Rel rel = {};
	u32 code, sym;

	elf_build_init(eb);
	code = elf_build_section(eb, "kprobe/vfs_read", SHT_PROGBITS,
				 SHF_ALLOC | SHF_EXECINSTR, insns, sizeof(insns));
	elf_build_symbol(eb, "prog", code, 0, sizeof(insns), STT_FUNC, STB_GLOBAL);
	sym = elf_build_symbol(eb, name, 0, 0, 0, STT_NOTYPE, bind);
	rel.r_info = ELF64_R_INFO(sym, 1);
	elf_build_relocs(eb, code, &rel, 1);
	elf_build_section(eb, "license", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, "GPL", 4);
	add_btf(eb, name, type);
	elf_build_finish(eb);
}

FIXTURE(kconfig)
{
	struct elf_build eb;
	struct kapsel_error err;
	char path[40];
	char ours[ROOM];
	char theirs[ROOM];
};

FIXTURE_SETUP(kconfig)
{
	memset(self, 0, sizeof(*self));
	strcpy(self->path, "/tmp/kapsel-config-XXXXXX");
	close(mkstemp(self->path));
	setenv("KAPSEL_KCONFIG", self->path, 1);
}

FIXTURE_TEARDOWN(kconfig)
{
	unlink(self->path);
	elf_build_free(&self->eb);
}

static void write_config(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
}

/* The value by our loader, or -errno. */
static int open_ours(FIXTURE_DATA(kconfig) * self, const char *config)
{
	struct kapsel_object *obj;
	struct kapsel_map *map;

	write_config(self->path, config);
	memset(self->ours, 0, ROOM);
	obj = kapsel_open_mem(self->eb.image.data, self->eb.image.size, "k.o", &self->err);
	if (!obj)
		return self->err.err;
	map = kapsel_map_find(obj, ".kconfig");
	if (map)
		memcpy(self->ours, map->data, map->value_size);
	kapsel_close(obj);
	return map ? 0 : -ENOENT;
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

/* The same by libbpf, which looks for the values when it loads the object. */
static int open_theirs(FIXTURE_DATA(kconfig) * self, const char *config)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kconfig = config, .object_name = "k");
	struct bpf_object *obj;
	const void *value;
	struct bpf_map *map;
	size_t size = 0;
	int ret;

	libbpf_set_print(quiet);
	memset(self->theirs, 0, ROOM);
	obj = bpf_object__open_mem(self->eb.image.data, self->eb.image.size, &opts);
	if (!obj)
		return -errno;
	ret = bpf_object__load(obj);
	map = bpf_object__find_map_by_name(obj, ".kconfig");
	value = map ? bpf_map__initial_value(map, &size) : NULL;
	if (value)
		memcpy(self->theirs, value, size);
	bpf_object__close(obj);
	return ret;
}

static bool has_bpf(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "k");
	struct bpf_object *obj;
	struct elf_build eb;
	int ret;

	libbpf_set_print(quiet);
	build(&eb, "LINUX_KERNEL_VERSION", INT, STB_GLOBAL);
	obj = bpf_object__open_mem(eb.image.data, eb.image.size, &opts);
	ret = obj ? bpf_object__load(obj) : -errno;
	bpf_object__close(obj);
	elf_build_free(&eb);
	return !ret;
}

/* Not "yes" and the like, in no configuration, where libbpf looks at one letter. */
static const char *const values[] = {
	"y", "n", "m", "0", "1", "2", "100", "127", "128", "255", "256", "65535", "65536",
	"-1", "-128", "-129", "2147483647", "2147483648", "-2147483648", "4294967296",
	"0x10", "010", "0xffffffffffffffff", "18446744073709551616", "\"\"", "\"abc\"",
	"\"12345\"", "\"123456\"", "\"1234567\"", "\"open", "1x", "x",
};

TEST_F(kconfig, each_value_in_each_type_as_libbpf_has_it)
{
	char config[80];
	u32 type, i;

	if (!has_bpf())
		SKIP(return, "no bpf(2) here");
	for (type = 0; type < NR_TYPES; type++) {
		elf_build_free(&self->eb);
		build(&self->eb, "CONFIG_X", type, STB_GLOBAL);
		for (i = 0; i < ARRAY_SIZE(values); i++) {
			int ours, theirs;

			snprintf(config, sizeof(config), "CONFIG_X=%s\n", values[i]);
			ours = open_ours(self, config);
			theirs = open_theirs(self, config);
			EXPECT_EQ(!theirs, !ours) {
				TH_LOG("type %u, %s: ours %d, theirs %d", type, values[i], ours,
				       theirs);
			}
			if (!ours && !theirs)
				EXPECT_EQ(0, memcmp(self->ours, self->theirs, ROOM)) {
					TH_LOG("type %u, %s", type, values[i]);
				}
		}
	}
}

/* The same without bpf(2): a few of them, as the documents have it. */
TEST_F(kconfig, values)
{
	static const struct { u8 type; const char *value; int ret; u64 number; } cases[] = {
		{ BOOL, "y", 0, 1 }, { BOOL, "n", 0, 0 }, { BOOL, "m", -EINVAL },
		{ BOOL, "1", -EINVAL }, { TRISTATE, "m", 0, 2 }, { TRISTATE, "y", 0, 1 },
		{ TRISTATE, "1", -EINVAL }, { CHAR, "m", 0, 'm' }, { S8, "-128", 0, 0x80 },
		{ S8, "-129", -ERANGE }, { U16, "65535", 0, 65535 }, { U16, "65536", -ERANGE },
		{ INT, "0x10", 0, 16 }, { INT, "y", -EINVAL }, { INT, "1x", -EINVAL },
		{ STRING, "\"abc\"", 0, 0x636261 }, { STRING, "\"1234567\"", 0, 0x3534333231 },
		{ STRING, "\"open", -EINVAL }, { STRING, "5", -EINVAL },
		{ FLOAT, "1", -EOPNOTSUPP },
	};
	u64 seen;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char config[60];

		elf_build_free(&self->eb);
		build(&self->eb, "CONFIG_X", cases[i].type, STB_GLOBAL);
		snprintf(config, sizeof(config), "CONFIG_XY=3\nCONFIG_X=%s", cases[i].value);
		EXPECT_EQ(cases[i].ret, open_ours(self, config)) {
			TH_LOG("case %u: %s", i, self->err.text);
		}
		memcpy(&seen, self->ours, sizeof(seen));
		EXPECT_EQ(cases[i].number, seen) {
			TH_LOG("case %u", i);
		}
	}
}

TEST_F(kconfig, missing)
{
	static const char *const without[] = {
		"", "# CONFIG_X is not set\n", "CONFIG_XX=y\n", "CONFIG_=y\n", "CONFIG_X\n",
	};
	u32 i;

	build(&self->eb, "CONFIG_X", INT, STB_WEAK);
	for (i = 0; i < ARRAY_SIZE(without); i++)
		EXPECT_EQ(0, open_ours(self, without[i]));
	elf_build_free(&self->eb);
	build(&self->eb, "CONFIG_X", INT, STB_GLOBAL);
	for (i = 0; i < ARRAY_SIZE(without); i++) {
		EXPECT_EQ(-ENOENT, open_ours(self, without[i]));
		EXPECT_NE(NULL, strstr(self->err.text, "'CONFIG_X' is not set"));
		EXPECT_NE(NULL, strstr(self->err.hint, "__weak"));
	}
}

/* A configuration that nobody could read is not one without the option. */
TEST_F(kconfig, no_configuration)
{
	build(&self->eb, "CONFIG_X", INT, STB_WEAK);
	write_config(self->path, "");
	setenv("KAPSEL_KCONFIG", "/nonexistent/config", 1);
	EXPECT_EQ(-ENOENT, open_ours(self, ""));
	EXPECT_NE(NULL, strstr(self->err.text, "/nonexistent/config"));
	EXPECT_NE(NULL, strstr(self->err.hint, "--kconfig"));
}

TEST_F(kconfig, virtual_ones)
{
	u32 version;

	build(&self->eb, "LINUX_KERNEL_VERSION", INT, STB_GLOBAL);
	ASSERT_EQ(0, open_ours(self, "#\n# Linux/x86 6.12.300 Kernel Configuration\n#\n"));
	memcpy(&version, self->ours, sizeof(version));
	EXPECT_EQ(6 << 16 | 12 << 8 | 255, version);
	unsetenv("KAPSEL_KCONFIG");
	ASSERT_EQ(0, open_ours(self, ""));
	memcpy(&version, self->ours, sizeof(version));
	EXPECT_LT(5 << 16, version);
	elf_build_free(&self->eb);
	build(&self->eb, "LINUX_HAS_SYSCALL_WRAPPER", BOOL, STB_GLOBAL);
	ASSERT_EQ(0, open_ours(self, ""));
	EXPECT_EQ(1, self->ours[0]);
	elf_build_free(&self->eb);
	build(&self->eb, "LINUX_HAS_BPF_COOKIE", BOOL, STB_GLOBAL);
	ASSERT_EQ(0, open_ours(self, ""));
	EXPECT_EQ(1, self->ours[0]);
	elf_build_free(&self->eb);
	build(&self->eb, "LINUX_HAS_BPF_COOKIE", INT, STB_GLOBAL);
	ASSERT_EQ(0, open_ours(self, ""));
	EXPECT_EQ(0, memcmp(self->ours, "\1\0\0\0", 4));
	elf_build_free(&self->eb);
	build(&self->eb, "LINUX_UNHEARD_OF", INT, STB_WEAK);
	EXPECT_EQ(0, open_ours(self, ""));
	elf_build_free(&self->eb);
	build(&self->eb, "LINUX_UNHEARD_OF", INT, STB_GLOBAL);
	EXPECT_EQ(-ENOENT, open_ours(self, ""));
	EXPECT_NE(NULL, strstr(self->err.text, "LINUX_UNHEARD_OF"));
}

/* As /proc/config.gz is. */
TEST_F(kconfig, compressed)
{
	char command[120];

	build(&self->eb, "CONFIG_X", U64, STB_GLOBAL);
	write_config(self->path, "CONFIG_X=81985529216486895\n");
	snprintf(command, sizeof(command), "gzip -f %s", self->path);
	ASSERT_EQ(0, system(command));
	snprintf(command, sizeof(command), "%s.gz", self->path);
	setenv("KAPSEL_KCONFIG", command, 1);
	write_config(self->path, "");
	ASSERT_EQ(0, open_ours(self, ""));
	EXPECT_EQ(0, memcmp(self->ours, "\xef\xcd\xab\x89\x67\x45\x23\x01", 8));
	unlink(command);
}

TEST_HARNESS_MAIN
