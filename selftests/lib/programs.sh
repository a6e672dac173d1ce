# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Programs run by the kapsel command, and what it prints. Sourced, behind ktap.sh.

export NO_COLOR=1

# says FILE PATTERN: some line of it, by an extended regular expression.
says() { grep -qE -- "$2" "$1" || { echo "$1 does not say '$2':"; cat "$1"; return 1; }; }

# run_object FILE OPTION... -- CMD: what it prints is in out.
run_object() { kapsel run "$@" >out 2>err || { cat out err; return 1; }; }
