# SPDX-License-Identifier: GPL-2.0-only
#
# What runs in userspace: libkapsel (the portable core of the module, compiled
# unchanged against the shims of tools/include, plus the loader), the CLI, and
# the example programs. Each C file is built twice: plain, and with sanitizers
# under build/asan for the tests.

CORE_SRCS    := $(wildcard module/core/*.c)
LIB_SRCS     := $(wildcard tools/lib/*.c)
CLI_SRCS     := $(wildcard tools/kapsel/*.c)
EXAMPLE_SRCS := $(wildcard tools/examples/*.bpf.c tools/examples/reject/*.bpf.c)

include module/core/hot.mk

CC    ?= cc
CLANG ?= clang

USER_CPPFLAGS := -Itools/include -Iuapi -Imodule -Itools/lib \
		 -D_GNU_SOURCE -DKAPSEL_VERSION='"$(VERSION)"'
USER_CFLAGS   := -std=gnu11 -O2 -g -Wall -Wextra -Werror
USER_LIBS     := -lbpf -lelf -lz
SANITIZE      := -fsanitize=address,undefined -fno-sanitize-recover=all \
		 -fno-omit-frame-pointer

BPF_CFLAGS    := -O2 -g -fdebug-compilation-dir=. -target bpf -Wall -Werror -Itools/bpf -Iuapi \
		 -idirafter /usr/include/$(shell $(CC) -print-multiarch)

USER_OUTPUT   := $(BUILD)/obj $(BUILD)/asan $(BUILD)/examples \
		 $(BUILD)/libkapsel.a $(BUILD)/kapsel

say = @printf '  %-7s %s\n' $(1) $@

tools: $(BUILD)/libkapsel.a $(BUILD)/kapsel ## libkapsel.a and the kapsel command, into build

asan: $(BUILD)/asan/libkapsel.a $(BUILD)/asan/kapsel ## The same with ASan and UBSan, into build/asan

# variant(folder, object folder, more flags)
define variant
$(2)/%.o: %.c Makefile scripts/user.mk module/core/hot.mk
	$$(call say,CC)
	@mkdir -p $$(@D)
	@$$(CC) $$(USER_CPPFLAGS) $$(USER_CFLAGS) $$(OPTIMISE) $(3) -MMD -MP -c $$< -o $$@

$(1)/libkapsel.a: $$(patsubst %.c,$(2)/%.o,$$(CORE_SRCS) $$(LIB_SRCS))
	$$(call say,AR)
	@rm -f $$@.new && $$(AR) rcs $$@.new $$^ && mv $$@.new $$@

$(1)/kapsel: $$(patsubst %.c,$(2)/%.o,$$(CLI_SRCS)) $(1)/libkapsel.a
	$$(call say,LD)
	@$$(CC) $(3) $$(LDFLAGS) $$^ $$(USER_LIBS) -o $$@

-include $$(patsubst %.c,$(2)/%.d,$$(CORE_SRCS) $$(LIB_SRCS) $$(CLI_SRCS))
endef

$(HOT:%=$(BUILD)/obj/module/core/%.o): private OPTIMISE := $(HOT_CFLAGS)

$(eval $(call variant,$(BUILD),$(BUILD)/obj,))
$(eval $(call variant,$(BUILD)/asan,$(BUILD)/asan/obj,$(SANITIZE)))

EXAMPLES := $(patsubst tools/examples/%.c,$(BUILD)/examples/%.o,$(EXAMPLE_SRCS))

examples: $(if $(shell command -v $(CLANG)),$(EXAMPLES),no-clang) ## The example programs, into build/examples

no-clang:
	@echo "  no clang: the example programs are left out"

$(BUILD)/examples/%.o: tools/examples/%.c Makefile scripts/user.mk
	$(call say,BPF)
	@mkdir -p $(@D)
	@$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

-include $(EXAMPLES:.o=.d)

.PHONY: asan no-clang
