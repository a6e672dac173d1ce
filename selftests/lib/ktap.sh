# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Test results in KTAP for shell tests. Sourced:
#
#   . "$(dirname "$0")/lib/ktap.sh"
#
#   lists_nothing() { [ -z "$(kapsel list progs)" ]; }
#
#   ktap_plan 1
#   ktap_test "an empty module lists no program" lists_nothing
#   ktap_finish

ktap_passed=0 ktap_failed=0 ktap_skipped=0

ktap_plan()
{
	echo "TAP version 13"
	echo "1..$1"
	ktap_planned=$1
}

# ktap_result PASSED|FAILED|SKIPPED NAME [WHY]
ktap_result()
{
	eval "ktap_$1=\$((ktap_$1 + 1))"
	ktap_number=$((ktap_passed + ktap_failed + ktap_skipped))
	case $1 in
	passed) echo "ok $ktap_number $2" ;;
	failed) echo "not ok $ktap_number $2" ;;
	skipped) echo "ok $ktap_number $2 # SKIP $3" ;;
	esac
}

# ktap_test NAME CMD [ARG...]: passes if CMD's status is 0, is skipped if it
# is 4. What CMD says is shown if it fails. CMD runs in a subshell.
ktap_test()
{
	ktap_name=$1
	shift
	ktap_output=$("$@" 2>&1)
	case $? in
	0) ktap_result passed "$ktap_name" ;;
	4) ktap_result skipped "$ktap_name" "$(echo "$ktap_output" | tail -n 1)" ;;
	*)
		echo "$ktap_output" | sed 's/^/# /'
		ktap_result failed "$ktap_name"
		;;
	esac
}

ktap_skip_all()
{
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit 4
}

ktap_finish()
{
	echo "# Totals: pass:$ktap_passed fail:$ktap_failed skip:$ktap_skipped"
	[ "$ktap_failed" -eq 0 ] &&
		[ "$((ktap_passed + ktap_skipped))" -eq "$ktap_planned" ]
	exit
}
