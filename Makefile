# SPDX-License-Identifier: GPL-2.0-only
#
# kapsel: sandboxed eBPF programs by ioctl, without bpf(2).
#
#   make && sudo insmod kapsel.ko
#
# The module is built by the kernel's own build system (see Kbuild), all that
# runs in userspace by scripts/user.mk, into build/.

VERSION := 0.1.0

# The running kernel's headers, or else the newest that are installed.
KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
		    $(shell ls -d /lib/modules/*/build 2>/dev/null | sort -rV))

# What `make matrix` tests on: Debian's, the newest of each series.
KERNELS ?= 6.1 6.12 7.3

PREFIX ?= /usr/local
BUILD  := build

.DEFAULT_GOAL := all

all: module tools examples ## Everything (the default)

# Two builds in one tree at a time would trip over each other's objects.
KBUILD = mkdir -p $(BUILD) && flock $(BUILD)/.kbuild.lock \
	 $(MAKE) --no-print-directory -C $(KDIR) M=$(CURDIR)

module: ## kapsel.ko, for the kernel of KDIR=
	$(if $(KDIR),,$(error no kernel headers found: run scripts/setup, or give KDIR=))
	+@$(KBUILD) modules

-include scripts/user.mk

# Targets of a folder's own, such as fuzzing and benchmarks.
-include $(wildcard tools/*/targets.mk selftests/*/targets.mk)

# Laid out as the kernel's own install would: run_kselftest.sh runs it. Put in
# place in one step, since a VM may be about to copy it.
INSTALLED := $(CURDIR)/$(BUILD)/kselftest_install
KSELFTEST  = $(MAKE) -s --no-print-directory -C selftests
selftests: ## The test programs, into build/kselftest_install
	@scripts/get-kselftest
	+@$(KSELFTEST) all
	@rm -rf $(INSTALLED).new && mkdir -p $(INSTALLED).new/kapsel
	@cp -r $(BUILD)/kselftest/kselftest $(BUILD)/kselftest/run_kselftest.sh \
		$(INSTALLED).new
	+@$(KSELFTEST) install INSTALL_PATH=$(INSTALLED).new/kapsel
	+@$(KSELFTEST) emit_tests COLLECTION=kapsel \
		>$(INSTALLED).new/kselftest-list.txt
	@rm -rf $(INSTALLED) && mv $(INSTALLED).new $(INSTALLED)

sanitized: ## The tests that run in userspace, into build/asan/selftests
	@scripts/get-kselftest
	+@$(KSELFTEST) sanitized

test: ## All tests: style, unit, verdicts, compiled, and in a VM
	@scripts/test

matrix: ## The VM tests on each kernel of KERNELS=
	@for kernel in $(KERNELS); do \
		echo "== Linux $$kernel"; scripts/test --kernel $$kernel vm || exit; \
	done

test-debug: ## The VM tests under KASAN, lockdep, kmemleak and the like
	@scripts/test --kernel debug vm

test-kcsan: ## The VM tests under KCSAN: no data race in which kapsel has a part
	@scripts/test --kernel kcsan vm

debug-kernel: ## The kernel of test-debug: half an hour of one processor's time, once
	@scripts/get-debug-kernel debug

kcsan-kernel: ## The kernel of test-kcsan, likewise
	@scripts/get-debug-kernel kcsan

check: ## The style checks alone: checkpatch, sparse, layering, SPDX
	@scripts/test style

ifneq ($(wildcard scripts/demo),)
demo: all ## A short show, in a VM
	@scripts/demo
endif

# Distributions' headers hold no key to sign the module with.
install: module tools ## Module, CLI, library, headers (DESTDIR=, PREFIX=)
	+@$(KBUILD) CONFIG_MODULE_SIG_ALL= \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) modules_install
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,sbin lib include/linux include/kapsel)
	install -m 0755 $(BUILD)/kapsel $(DESTDIR)$(PREFIX)/sbin
	install -m 0644 $(BUILD)/libkapsel.a $(DESTDIR)$(PREFIX)/lib
	install -m 0644 uapi/linux/kapsel.h $(DESTDIR)$(PREFIX)/include/linux
	install -m 0644 tools/lib/kapsel.h tools/bpf/kapsel.bpf.h \
		$(DESTDIR)$(PREFIX)/include
	install -m 0644 tools/lib/kapsel/*.h $(DESTDIR)$(PREFIX)/include/kapsel
	install -Dm 0644 tools/completion/kapsel.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/kapsel
	install -Dm 0644 -t $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
		tools/completion/_kapsel
	install -Dm 0644 -t $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d \
		tools/completion/kapsel.fish
	for page in $(wildcard tools/man/*.[1-8]); do \
		install -Dm 0644 -t $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} \
			$$page || exit; \
	done

clean: ## What was built (fetched packages stay)
ifneq ($(KDIR),)
	+@$(KBUILD) clean
endif
	rm -rf $(USER_OUTPUT) $(BUILD)/selftests $(INSTALLED) $(BUILD)/logs

distclean: clean ## What was fetched, too
	rm -rf $(BUILD)

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | \
		expand -t 14

print-kdir:
	@echo $(KDIR)

.PHONY: all module tools examples selftests sanitized install clean distclean
.PHONY: test test-debug test-kcsan debug-kernel kcsan-kernel
.PHONY: matrix check demo help print-kdir
