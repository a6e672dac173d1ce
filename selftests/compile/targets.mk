# SPDX-License-Identifier: GPL-2.0-only

compiled: tools ## Programs built by clang at each -O and -mcpu verify
	@selftests/compile/compile_test.sh

.PHONY: compiled
