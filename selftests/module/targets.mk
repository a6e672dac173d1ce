# SPDX-License-Identifier: GPL-2.0-only
#
# Tests of the module that go on for as long as they are told to; bounded runs of
# them are a part of `make test`. KERNEL=debug for the debug kernel.

KERNEL     ?=
IN_VM       = scripts/vm $(if $(KERNEL),--kernel $(KERNEL)) --timeout 86400 --
ON_MODULE   = /opt/kapsel/selftests/kapsel

SEED       ?= 1
OPS        ?= 5000

storm: ## A storm of random operations in the VM: SEED=, OPS= in each process
	@$(IN_VM) env KAPSEL_SEED=$(SEED) KAPSEL_OPS=$(OPS) $(ON_MODULE)/storm_test

N          ?= 500

cycles: ## The module goes and comes under fire in the VM: N= times
	@$(IN_VM) env KAPSEL_CYCLES=$(N) $(ON_MODULE)/cycles_test

CALLS      ?= 1000000

fuzz-ioctl: ## Random ioctls in the VM, guided by KCOV on the debug kernel: CALLS=, SEED=
	@$(IN_VM) env KAPSEL_CALLS=$(CALLS) KAPSEL_SEED=$(SEED) $(ON_MODULE)/ioctl_fuzz_test

MINUTES    ?= 5

soak: ## The module used, idle and gone in the VM, and memory as before: MINUTES=
	@$(IN_VM) env KAPSEL_MINUTES=$(MINUTES) $(ON_MODULE)/soak_test

.PHONY: storm cycles fuzz-ioctl soak
