# SPDX-License-Identifier: GPL-2.0-only
#
# Included by Kbuild and by scripts/user.mk: the core is compiled alike in both.

# The verifier is many small functions that call each other for every instruction: so
# compiled, it executes 6 % fewer instructions (make bench-verifier-vm).
HOT := arena block cfg check_alu check_call check_jmp check_mem explore insn lattice list \
	live loop measure paths range scalar scalar_alu scalar_jmp scalar_plain stack state tnum \
	verifier widen

HOT_CFLAGS := -O3
