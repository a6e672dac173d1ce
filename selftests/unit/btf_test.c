// SPDX-License-Identifier: GPL-2.0-only
/* Values by their BTF type: printed, parsed, and both ways round */

#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "kapsel.h"
#include "kselftest_harness.h"

enum colour { RED, GREEN = 5 };

struct inner {
	u32 addr;
	s16 port;
};

struct outer {
	char name[8];
	u64 count;
	s32 delta;
	u32 colour;
	struct inner inner;
	u16 list[3];
	u8 flag;
	void *ptr;
};

FIXTURE(btf)
{
	struct btf *btf;
	int outer;
	int u32_type;
	int s8_type;
	struct kapsel_error err;
};

static int add_inner(struct btf *btf, int u32_type, int s16_type)
{
	int id = btf__add_struct(btf, "inner", sizeof(struct inner));

	btf__add_field(btf, "addr", u32_type, offsetof(struct inner, addr) * 8, 0);
	btf__add_field(btf, "port", s16_type, offsetof(struct inner, port) * 8, 0);
	return id;
}

static void add_fields(struct btf *btf, const int *types)
{
	static const struct { const char *name; u32 off; } fields[] = {
		{ "name", offsetof(struct outer, name) },
		{ "count", offsetof(struct outer, count) },
		{ "delta", offsetof(struct outer, delta) },
		{ "colour", offsetof(struct outer, colour) },
		{ "inner", offsetof(struct outer, inner) },
		{ "list", offsetof(struct outer, list) },
		{ "flag", offsetof(struct outer, flag) },
		{ "ptr", offsetof(struct outer, ptr) },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		btf__add_field(btf, fields[i].name, types[i], fields[i].off * 8, 0);
}

FIXTURE_SETUP(btf)
{
	struct btf *btf = btf__new_empty();
	int u64_type, s32_type, s16_type, u16_type, chr, boolean, types[8];

	memset(&self->err, 0, sizeof(self->err));
	self->btf = btf;
	self->u32_type = btf__add_int(btf, "unsigned int", 4, 0);
	u64_type = btf__add_int(btf, "unsigned long long", 8, 0);
	s32_type = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	s16_type = btf__add_int(btf, "short", 2, BTF_INT_SIGNED);
	u16_type = btf__add_int(btf, "unsigned short", 2, 0);

	self->s8_type = btf__add_int(btf, "signed char", 1, BTF_INT_SIGNED);
	chr = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	boolean = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	types[0] = btf__add_array(btf, self->u32_type, chr, 8);
	types[1] = u64_type;
	types[2] = s32_type;
	types[3] = btf__add_enum(btf, "colour", 4);
	btf__add_enum_value(btf, "RED", RED);
	btf__add_enum_value(btf, "GREEN", GREEN);
	types[4] = add_inner(btf, self->u32_type, s16_type);
	types[5] = btf__add_array(btf, self->u32_type, u16_type, 3);
	types[6] = boolean;
	types[7] = btf__add_ptr(btf, 0);
	self->outer = btf__add_struct(btf, "outer", sizeof(struct outer));
	add_fields(btf, types);
}

FIXTURE_TEARDOWN(btf)
{
	btf__free(self->btf);
}

static char *text_of(const struct btf *btf, int type, const void *data, size_t size)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	kapsel_btf_print(out, btf, type, data, size);
	fclose(out);
	return text;
}

static const struct outer sample = {
	.name = "a\"b", .count = 18446744073709551615ull, .delta = -7, .colour = GREEN,
	.inner = { .addr = 10, .port = -1 }, .list = { 1, 2, 3 }, .flag = 1,
	.ptr = (void *)0x1234,
};

#define SAMPLE_TEXT "{name=\"a\\\"b\", count=18446744073709551615, delta=-7, colour=GREEN, " \
	"inner={addr=10, port=-1}, list=[1, 2, 3], flag=true, ptr=0x1234}"

TEST_F(btf, print)
{
	char *text = text_of(self->btf, self->outer, &sample, sizeof(sample));

	EXPECT_STREQ(SAMPLE_TEXT, text);
	free(text);
}

TEST_F(btf, print_cut_off)
{
	char *text = text_of(self->btf, self->outer, &sample, 16);

	EXPECT_STREQ("hex:6122620000000000ffffffffffffffff", text) {
		TH_LOG("says: %s", text);
	}
	free(text);
}

/* Damaged: a bit field of a type so wide that its bits are no 32-bit number. */
TEST_F(btf, print_wide_bit_field)
{
	int wide = btf__add_array(self->btf, self->u32_type, self->u32_type, 1 << 27);
	int odd = btf__add_struct(self->btf, "odd", 4);
	char *text;

	ASSERT_EQ(0, btf__add_field(self->btf, "bits", self->u32_type, 0, 3));
	/* libbpf itself would not add it. */
	((struct btf_member *)btf_members(btf__type_by_id(self->btf, odd)))->type = wide;
	text = text_of(self->btf, odd, "\x01\x02\x03\x04", 4);
	EXPECT_STREQ("{bits=hex:01020304}", text) {
		TH_LOG("says: %s", text);
	}
	free(text);
}

/* Damaged: each level names the next ten times; 10^16 names of one byte in all. */
TEST_F(btf, print_unions_without_end)
{
	int inner = self->s8_type, level, i;
	char *text;

	for (level = 0; level < 16; level++) {
		int outer = btf__add_union(self->btf, NULL, 1);

		for (i = 0; i < 10; i++)
			ASSERT_EQ(0, btf__add_field(self->btf, NULL, inner, 0, 0));
		inner = outer;
	}
	text = text_of(self->btf, inner, "\x07", 1);
	EXPECT_LT(strlen(text), 100000);
	EXPECT_EQ('}', text[strlen(text) - 1]);
	free(text);
}

TEST_F(btf, print_unknown_type)
{
	char *text = text_of(NULL, 0, "\x01\xff", 2);

	EXPECT_STREQ("hex:01ff", text);
	free(text);
}

TEST_F(btf, both_ways)
{
	struct outer value;

	ASSERT_EQ(0, kapsel_btf_parse(self->btf, self->outer, SAMPLE_TEXT, &value,
				      sizeof(value), &self->err)) {
		TH_LOG("says: %s", self->err.text);
	}
	EXPECT_EQ(0, memcmp(value.name, sample.name, sizeof(value.name)));
	EXPECT_EQ(sample.count, value.count);
	EXPECT_EQ(sample.delta, value.delta);
	EXPECT_EQ(GREEN, value.colour);
	EXPECT_EQ(10, value.inner.addr);
	EXPECT_EQ(-1, value.inner.port);
	EXPECT_EQ(3, value.list[2]);
	EXPECT_EQ(1, value.flag);
	EXPECT_EQ((void *)0x1234, value.ptr);
}

TEST_F(btf, parse_by_position)
{
	struct outer value;

	ASSERT_EQ(0, kapsel_btf_parse(self->btf, self->outer, "{\"x\", 0x10, inner={1}}",
				      &value, sizeof(value), &self->err));
	EXPECT_STREQ("x", value.name);
	EXPECT_EQ(16, value.count);
	EXPECT_EQ(1, value.inner.addr);
	EXPECT_EQ(0, value.inner.port);
}

TEST_F(btf, parse_address)
{
	u8 value[4];

	ASSERT_EQ(0, kapsel_btf_parse(self->btf, self->u32_type, "192.0.2.1", value, 4,
				      &self->err));
	EXPECT_EQ(192, value[0]);
	EXPECT_EQ(1, value[3]);
}

TEST_F(btf, parse_hex)
{
	u8 value[4];

	ASSERT_EQ(0, kapsel_btf_parse(self->btf, self->u32_type, "hex:01020304", value, 4,
				      &self->err));
	EXPECT_EQ(4, value[3]);
}

TEST_F(btf, parse_refuses)
{
	static const char * const bad[] = {
		"", "{", "}", "{a=1}", "{name=\"123456789\"}", "{name=\"open}", "{count=1",
		"{count=99999999999999999999}", "{colour=BLUE}", "{list=[1,2,3,4]}", "5",
		"{count=1} x", "hex:01", "hex:zz", "{inner={addr=4294967296}}", "{count=-}",
		"{1,2,3,4,5,6,7,8,9}", "{,}",
	};
	struct outer value;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		self->err.text[0] = '\0';
		EXPECT_GT(0, kapsel_btf_parse(self->btf, self->outer, bad[i], &value,
					      sizeof(value), &self->err)) {
			TH_LOG("took '%s'", bad[i]);
		}
		EXPECT_NE('\0', self->err.text[0]);
	}
}

TEST_F(btf, parse_bounds)
{
	s8 value;

	EXPECT_EQ(0, kapsel_btf_parse(self->btf, self->s8_type, "-128", &value, 1, &self->err));
	EXPECT_EQ(-128, value);
	EXPECT_GT(0, kapsel_btf_parse(self->btf, self->s8_type, "-129", &value, 1, &self->err));
	EXPECT_EQ(0, kapsel_btf_parse(self->btf, self->s8_type, "255", &value, 1, &self->err));
	EXPECT_GT(0, kapsel_btf_parse(self->btf, self->s8_type, "256", &value, 1, &self->err));
}

TEST_F(btf, names)
{
	char name[80];

	EXPECT_STREQ("struct outer",
		     kapsel_btf_name(self->btf, self->outer, name, sizeof(name)));
	EXPECT_STREQ("unsigned int",
		     kapsel_btf_name(self->btf, self->u32_type, name, sizeof(name)));
	EXPECT_STREQ("void", kapsel_btf_name(self->btf, 0, name, sizeof(name)));
}

TEST_F(btf, event_by_name)
{
	int event = btf__add_struct(self->btf, "open_event", 4);
	int other;

	EXPECT_EQ(event, kapsel_event_type(self->btf, "opens"));
	EXPECT_EQ(event, kapsel_event_type(self->btf, "unrelated"));
	other = btf__add_struct(self->btf, "close_event", 4);
	EXPECT_EQ(0, kapsel_event_type(self->btf, "unrelated"));
	EXPECT_EQ(other, kapsel_event_type(self->btf, "close"));
	EXPECT_EQ(self->outer, kapsel_event_type(self->btf, "outer"));
}

TEST_HARNESS_MAIN
