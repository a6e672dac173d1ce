# SPDX-License-Identifier: GPL-2.0-only
#
# A plugin of the public BPF conformance runner.
#
#   make conformance-plugin

CONFORMANCE_SRCS := $(wildcard tools/conformance/*.c)

conformance-plugin: $(BUILD)/kapsel-conformance ## Plugin of the public conformance runner, into build

# conformance_variant(folder, more flags)
define conformance_variant
$(1)/kapsel-conformance: $$(CONFORMANCE_SRCS:%.c=$(1)/obj/%.o) $(1)/libkapsel.a
	$$(call say,LD)
	@$$(CC) $(2) $$(LDFLAGS) $$^ $$(USER_LIBS) -o $$@

-include $$(CONFORMANCE_SRCS:%.c=$(1)/obj/%.d)
endef

$(eval $(call conformance_variant,$(BUILD),))
$(eval $(call conformance_variant,$(BUILD)/asan,$(SANITIZE)))

USER_OUTPUT += $(BUILD)/kapsel-conformance

# Tests run it.
selftests: conformance-plugin
sanitized: $(BUILD)/asan/kapsel-conformance

.PHONY: conformance-plugin
