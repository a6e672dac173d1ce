#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The kapsel command with the module: what it prints where, and its exit status.

# shellcheck source=selftests/lib/ktap.sh
. "$(dirname "$0")/lib/ktap.sh"

objects=$(cd "$(dirname "$0")" && pwd)
export NO_COLOR=1

# Status 4 is how a ktap test is skipped, and kapsel's for the environment.
# status WANTED CMD...: CMD's exit status is WANTED; its output is in out and err.
status()
{
	wanted=$1
	shift
	"$@" >out 2>err
	got=$?
	[ "$got" -eq "$wanted" ] && return 0
	echo "status $got, not $wanted, of: $*"
	cat out err
	return 1
}

says() { grep -q -- "$2" "$1" || { echo "$1 does not say '$2':"; cat "$1"; return 1; }; }
silent() { [ ! -s "$1" ] || { echo "$1 is not empty:"; cat "$1"; return 1; }; }

# A checker of JSON by the grammar, a document a line: strings become s, other
# values v, and what is in brackets folds until one v is left.
is_json()
{
	[ -s "$1" ] || { echo "$1 is empty"; return 1; }
	sed -E -e 's/\\["\\\/bfnrtu]/e/g' -e 's/"[^"\\]*"/s/g' \
		-e 's/-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?|true|false|null/v/g' \
		-e 's/[ \t]//g' "$1" |
		sed -E -e ':again' -e 's/\{(s:[sv](,s:[sv])*)?\}/v/g' \
		-e 's/\[([sv](,[sv])*)?\]/v/g' -e 't again' >folded
	if grep -vxq v folded; then
		echo "$1 is not JSON:"
		cat "$1"
		return 1
	fi
}

# Nothing is left behind: no object of any kind.
nothing_left()
{
	for kind in progs maps links; do
		status 0 kapsel -q -j list $kind || return 1
		if grep -q '"id"' out; then
			echo "left: $(cat out)"
			return 1
		fi
	done
}

# An object, from the examples that are installed, or those of the tests.
object()
{
	for dir in /opt/kapsel/examples "$objects"; do
		[ -e "$dir/$1" ] && echo "$dir/$1" && return
	done
	echo "no $1" >&2
	return 1
}

help_is_data()
{
	status 0 kapsel help && says out usage && silent err
	status 0 kapsel --help && says out usage
}

wrong_usage_names_the_word()
{
	status 2 kapsel lits && says err lits && says err list && silent out &&
		status 2 kapsel && silent out &&
		status 2 kapsel --no-such-option list && says err no-such-option &&
		status 2 kapsel list nonsense && says err nonsense &&
		status 2 kapsel verify
}

verify_accepts()
{
	status 0 kapsel verify "$(object cli.bpf.o)" && says out count_calls
}

verify_rejects()
{
	status 3 kapsel verify "$(object cli_bad.bpf.o)" && says out KV021 ||
		says err KV021
}

missing_file()
{
	status 1 kapsel verify /no/such/file && says err ENOENT && silent out
}

verify_json()
{
	status 0 kapsel -j verify "$(object cli.bpf.o)" && is_json out &&
		says out '"v":1' &&
		status 3 kapsel -j verify "$(object cli_bad.bpf.o)" && is_json out &&
		says out KV021
}

lists_are_tables_and_json()
{
	for what in progs maps links hooks helpers; do
		status 0 kapsel -q list $what && silent err &&
			status 0 kapsel -j list $what && is_json out || return 1
	done
	says out ktime_get_ns
}

run_ends_with_its_command()
{
	status 0 kapsel run "$(object cli.bpf.o)" -p count_calls -- true &&
		nothing_left || return 1
	status 7 kapsel run "$(object cli.bpf.o)" -p count_calls -- sh -c 'exit 7' &&
		nothing_left
}

run_prints_events()
{
	status 0 kapsel -j run "$(object cli.bpf.o)" -p events --count 3 -- \
		sh -c 'for i in 1 2 3 4 5 6 7 8; do cat /proc/self/stat >/dev/null; done'
	is_json out && says out '"number"' && nothing_left
}

# Each of the less common map types, filled by a program and shown at the end.
run_shows_maps()
{
	status 0 kapsel run "$(object maps.bpf.o)" -p who_calls -- \
		sh -c 'for i in 1 2 3; do cat /proc/self/stat >/dev/null; done' &&
		says out 'map stacks   (stack_trace, ' &&
		says out 'vfs_read+0x[0-9a-f]* <- .*do_syscall_64+0x' &&
		nothing_left || return 1
	status 0 kapsel run "$(object maps.bpf.o)" -p fills -- cat /proc/self/stat &&
		says out '^  10.0.0.0/8  4711$' && says out '^  7  4711$' &&
		says out '^  8  4711$' && says out '^  4711$' &&
		says out 'map waiting   (queue, ' && nothing_left || return 1
	status 0 kapsel exec "$(object maps.bpf.o)" -p fills && nothing_left
}

# What libbpf's users write: another hook's program beside, externs, a perf event
# array, a cgroup array that is not used, a program to be asked for by name.
run_as_libbpf_would()
{
	printf '# Linux/x86 6.1.99 Kernel Configuration\nCONFIG_HZ=250\n' >config
	status 0 kapsel run --kconfig config "$(object libbpf.bpf.o)" --count 1 -- \
		sh -c 'for i in 1 2 3 4 5 6 7 8; do cat /proc/self/stat >/dev/null; done' &&
		says err 'left out  fast' && says out VERSION && says out '393571' &&
		says out ' 250' && ! grep -q asked err && nothing_left &&
		status 0 kapsel -j run --kconfig config "$(object libbpf.bpf.o)" --count 1 -- \
			sh -c 'for i in 1 2 3 4; do cat /proc/self/stat >/dev/null; done' &&
		is_json out && says out '"hz":250' && nothing_left || return 1
	printf 'CONFIG_NET=y\n' >config
	status 1 kapsel run --kconfig config "$(object libbpf.bpf.o)" -- true &&
		says err CONFIG_HZ && silent out &&
		status 1 kapsel run --kconfig /nowhere "$(object libbpf.bpf.o)" -- true &&
		says err /nowhere
}

run_rejected()
{
	status 3 kapsel run "$(object cli_bad.bpf.o)" -- true && silent out &&
		says err KV021 && nothing_left
}

run_killed_leaves_nothing()
{
	kapsel run "$(object cli.bpf.o)" -p count_calls >out 2>err &
	pid=$!
	until kapsel -q list links 2>/dev/null | grep -q count_calls; do
		kill -0 $pid || { cat err; return 1; }
	done
	kill -KILL $pid
	wait $pid
	nothing_left_soon
}

nothing_left_soon()
{
	i=0
	until nothing_left >/dev/null; do
		i=$((i + 1))
		[ $i -lt 100 ] || { nothing_left; return; }
	done
}

interrupted_is_success()
{
	kapsel run "$(object cli.bpf.o)" -p count_calls >out 2>err &
	pid=$!
	until kapsel -q list links 2>/dev/null | grep -q count_calls; do
		kill -0 $pid || { cat err; return 1; }
	done
	# A job's SIGINT is ignored by the shell's rules; TERM is the same to it.
	kill -TERM $pid
	wait $pid
	got=$?
	[ $got -eq 0 ] || { echo "status $got"; cat err; return 1; }
	nothing_left_soon
}

# Offline and in the kernel, which agree.
exec_gives_the_verdict()
{
	status 0 kapsel -j exec "$(object cli.bpf.o)" -p always_drops --data "$1" &&
		is_json out && says out ':0[,}]' &&
		status 0 kapsel -j exec --on-device "$(object cli.bpf.o)" \
			-p always_drops --data "$1" && is_json out && says out ':0[,}]'
}

returned() { sed -n 's/.*"retval":\([0-9]*\).*/\1/p' out; }

# What helpers write, and what they call, is the same in both worlds.
exec_is_the_same_on_the_device()
{
	for prog in texts elements; do
		status 0 kapsel -j exec "$(object same.bpf.o)" -p $prog || return 1
		offline=$(returned)
		status 0 kapsel -j exec --on-device "$(object same.bpf.o)" -p $prog || return 1
		[ -n "$offline" ] && [ "$offline" = "$(returned)" ] && continue
		echo "$prog: '$offline' offline, '$(returned)' on the device"
		return 1
	done
}

# Of a file in the other byte order and in nanoseconds: two packets, and one cut off.
exec_reads_captures()
{
	local packet='\0\0\0\0\0\0\0\0\0\0\0\24\0\0\0\24' where
	local head='\241\262\74\115\0\2\0\4\0\0\0\0\0\0\0\0\0\0\377\377\0\0\0\145'
	local ip='\105\0\0\24\0\0\0\0\100\21\0\0\177\0\0\1\177\0\0\1'

	printf "$head$packet$ip$packet$ip" >capture
	for where in "" --on-device; do
		status 0 kapsel exec $where "$(object cli.bpf.o)" -p always_drops \
			--data capture && says out drop && says err '2 dropped' &&
			status 0 kapsel -j exec $where "$(object cli.bpf.o)" -p always_drops \
				--data capture && is_json out &&
			says out '"packet":2,"bytes":20,"verdict":"drop"' || return
	done
	head -c 90 capture >short
	status 1 kapsel exec "$(object cli.bpf.o)" -p always_drops --data short &&
		says out drop && says err 'damaged at byte 60, after 1 packets'
}

# Of links at one hook, each says at which position it runs.
links_have_an_order()
{
	status 0 kapsel load "$(object cli.bpf.o)" -p always_drops --pin middle &&
		status 0 kapsel attach always_drops nf:inet:input --defrag --before middle --pin first &&
		status 0 kapsel attach always_drops nf:inet:input --after middle --pin last &&
		status 0 kapsel -j show middle && says out '"position":2' &&
		status 0 kapsel -j show first && says out '"position":1' && says out '"defrag":1' &&
		status 0 kapsel -j show last && says out '"position":3' &&
		status 0 kapsel list links && says out nf:inet:input:1 &&
		status 1 kapsel attach always_drops nf:inet:output --after last && says err KA037 &&
		status 2 kapsel attach always_drops nf:inet:input --after last --before last &&
		status 1 kapsel attach always_drops nf:inet:input --after nowhere
	result=$?
	kapsel unload --all >/dev/null 2>&1
	[ $result -eq 0 ] && nothing_left_soon
}

# A program of the file goes nowhere: those before it do not stay either.
load_is_all_or_nothing()
{
	status 1 kapsel load "$(object cli.bpf.o)" --pin clinone &&
		says err no_such_function_here && nothing_left_soon
}

# 40 bytes of IPv4.
make_packet()
{
	printf '\105\000\000\050\000\000\000\000\100\021\000\000' >packet
	printf '\012\000\000\001\012\000\000\002' >>packet
	printf '\000\000\000\000\000\000\000\000\000\000' >>packet
	printf '\000\000\000\000\000\000\000\000\000\000' >>packet
}

load_list_map_unload()
{
	status 0 kapsel load "$(object cli.bpf.o)" -p count_calls --pin clitest &&
		status 0 kapsel list links && says out count_calls &&
		status 0 kapsel list maps && says out counts &&
		status 0 kapsel map set counts 5 77 &&
		status 0 kapsel map get counts 5 && says out 77 &&
		status 0 kapsel map dump counts && says out 77 &&
		status 0 kapsel -j map dump counts && is_json out && says out 77 &&
		status 0 kapsel map del counts 5 &&
		status 1 kapsel map get counts 5 && says err "no such key" &&
		status 0 kapsel unload --all && nothing_left_soon
}

# Values without keys. Not attached: the program would push as well, whenever anyone reads.
map_push_pop_peek()
{
	status 0 kapsel load --no-attach "$(object maps.bpf.o)" -p fills --pin cliqueue &&
		status 1 kapsel map pop waiting && says err "is empty" &&
		status 0 kapsel map push waiting 11 && status 0 kapsel map push waiting 12 &&
		status 0 kapsel map peek waiting && says out '^11$' &&
		status 0 kapsel map pop waiting && says out '^11$' &&
		status 0 kapsel -j map pop waiting && is_json out && says out 12 &&
		status 1 kapsel map peek waiting && says err "is empty" || return 1
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		status 0 kapsel map push waiting "$i" || return 1
	done
	status 1 kapsel map push waiting 17 && says err "is full" &&
		status 0 kapsel map push --existing waiting 17 &&
		status 0 kapsel map peek waiting && says out '^2$' &&
		status 0 kapsel map push met 5 && status 2 kapsel map pop met &&
		status 2 kapsel map pop recent && says err "without keys" &&
		status 2 kapsel map push waiting && status 1 kapsel map push waiting nonsense &&
		status 0 kapsel unload --all && nothing_left_soon
}

# The root cgroup's values, by direction: there from the beginning, and never gone.
map_of_a_storage()
{
	local in='{cgroup_inode_id=1,attach_type=0}' out='{cgroup_inode_id=1,attach_type=1}'

	status 0 kapsel load --no-attach "$(object storage.bpf.o)" --pin clistorage &&
		status 0 kapsel list maps && says out 'struct bpf_cgroup_storage_key -> struct count, 2' &&
		says out 'u64 -> u64, 1' &&
		status 0 kapsel map get each "$in" && says out 'packets *=* *0' &&
		status 0 kapsel map set each "$out" '{packets=5,bytes=77}' &&
		status 0 kapsel map get each "$out" && says out 77 &&
		status 0 kapsel map dump each && says out 77 && says out 'attach_type=1' &&
		status 0 kapsel -j map dump each_cpu && is_json out &&
		status 0 kapsel map set both 1 12 && status 0 kapsel map dump both && says out '1  12' &&
		status 1 kapsel map set both 2 12 && says err "no such key" &&
		status 1 kapsel map set --new both 1 12 && status 1 kapsel map del both 1 &&
		status 0 kapsel map clear both && status 0 kapsel map get both 1 && says out '^0$' &&
		status 0 kapsel unload --all && nothing_left_soon
}

# Samples for programs, by one who writes them.
map_push_of_samples()
{
	status 0 kapsel load --no-attach "$(object samples.bpf.o)" -p plain --pin clisamples &&
		status 0 kapsel list maps && says out '4 KiB of struct sample' &&
		status 0 kapsel map push samples '{number=7,text="seven"}' &&
		status 1 kapsel map push samples nonsense &&
		status 2 kapsel map pop samples && status 2 kapsel map peek samples &&
		status 2 kapsel map dump samples && says err "samples for programs" || return 1
	i=1
	while [ $i -lt 128 ]; do
		status 0 kapsel map push samples "{number=$i}" || return 1
		i=$((i + 1))
	done
	status 1 kapsel map push samples '{number=0}' && says err "is full" &&
		status 0 kapsel unload --all && nothing_left_soon
}

# A cgroup array has cgroups by their directories, and nothing else.
map_set_of_cgroups()
{
	mkdir -p cgroups && mount -t cgroup2 cgroup2 cgroups || return 4
	echo CONFIG_HZ=250 >config
	status 0 kapsel load --kconfig config "$(object libbpf.bpf.o)" -p slow \
		--pin clicgroup &&
		status 0 kapsel map set cgroups 0 cgroups &&
		status 1 kapsel map set cgroups 0 /no/such/cgroup && says err "cannot open" &&
		status 1 kapsel map set cgroups 0 / && status 1 kapsel map set cgroups 9 cgroups &&
		status 0 kapsel map del cgroups 0 &&
		status 0 kapsel unload --all && nothing_left_soon
	got=$?
	umount cgroups
	return $got
}

# Which functions a link to many watches, and with what cookie.
show_lists_functions()
{
	status 0 kapsel load "$(object cli.bpf.o)" -p count_calls --pin climany \
		--hook 'count_calls=kprobe:vfs_unlink,vfs_rename' --cookie 5,6 &&
		status 0 kapsel show link:count_calls && says out '^  vfs_unlink  cookie [56]$' &&
		says out '^  vfs_rename  cookie [56]$' &&
		status 0 kapsel -j show link:count_calls && is_json out &&
		says out '"functions":\[{"name":"vfs_' &&
		status 0 kapsel unload --all && nothing_left_soon
}

log_shows_lines()
{
	status 0 kapsel load "$(object cli.bpf.o)" -p speaks --pin clilog &&
		cat /proc/self/stat >/dev/null &&
		kapsel log speaks >out 2>err &
	pid=$!
	i=0
	until grep -qs 'spoken' out; do
		cat /proc/self/stat >/dev/null
		i=$((i + 1))
		[ $i -lt 2000 ] || break
	done
	kill $pid
	wait $pid
	says out spoken
	result=$?
	status 0 kapsel unload --all && nothing_left_soon && return $result
}

# Numbers that are not given are 0.
log_shows_short_lines()
{
	status 0 kapsel load "$(object printk.bpf.o)" --pin clishort &&
		cat /proc/self/stat >/dev/null &&
		kapsel log speaks_short >out 2>err &
	pid=$!
	i=0
	until grep -qs 'too few' out; do
		cat /proc/self/stat >/dev/null
		i=$((i + 1))
		[ $i -lt 2000 ] || break
	done
	kill $pid
	wait $pid
	says out 'none$' && says out 'one 1$' && says out 'two 1 2$' &&
		says out 'too few 1 0 0$'
	result=$?
	status 0 kapsel unload --all && nothing_left_soon && return $result
}

# Offline and in the kernel, which agree.
metered_exec_runs_out()
{
	spins=$(object spins.bpf.o)
	status 3 kapsel exec "$spins" -p spins && says err KV07 &&
		status 1 kapsel exec --metered --ceiling 1000 "$spins" -p spins &&
		says out 'ran out of instructions: stopped after 1000' &&
		status 1 kapsel -j exec --metered --ceiling 1000 "$spins" -p spins &&
		is_json out && says out '"finished":false' &&
		status 3 kapsel exec --on-device "$spins" -p spins && says err KV07 &&
		status 1 kapsel exec --on-device --metered --ceiling 1000 "$spins" \
			-p spins && silent out && says err 'ran out of instructions' &&
		status 1 kapsel exec --on-device --metered --ceiling 1000 "$spins" \
			-p spins_on_packets --data "$1" &&
		says err 'ran out of instructions' && nothing_left_soon
}

metered_runs_are_aborted()
{
	spins=$(object spins.bpf.o)
	status 3 kapsel run "$spins" -p spins -- true && says err KV07 &&
		status 0 kapsel run --metered --ceiling 1000 "$spins" -p spins -- \
			cat /proc/self/stat && says err KV071 &&
		says out ' aborted' && nothing_left
}

# Its own packets, so that nobody else misses some.
metered_links_fail_closed()
{
	ip netns add clitest && ip -n clitest link set lo up || return 1
	metered_ping 0 && metered_ping 1 --fail-closed && nothing_left
	result=$?
	ip netns del clitest
	return $result
}

# metered_ping WANTED [OPTION]: ping's exit status, while no run has a verdict.
metered_ping()
{
	wanted=$1
	shift
	status "$wanted" kapsel run --metered --ceiling 1000 --netns clitest \
		--hook nf:inet:input -p spins_on_packets "$@" "$(object spins.bpf.o)" -- \
		ip netns exec clitest ping -q -c 1 -W 1 127.0.0.1 && says out ' aborted'
}

# Which runs a program, and why not the other.
engines_are_named()
{
	calls=$(object cli.bpf.o)
	spins=$(object spins.bpf.o)
	if ! kapsel doctor | grep -q 'JIT and interpreter'; then
		return 0
	fi
	status 0 kapsel run "$calls" -p count_calls --engine jit -- \
		kapsel show prog:count_calls && says out '^jit' &&
		status 0 kapsel run "$calls" -p count_calls --engine interp -- \
			kapsel show prog:count_calls && says out 'it was asked for' &&
		status 0 kapsel run "$spins" -p spins --metered --ceiling 1000 -- \
			kapsel list progs && says out ' jit' || return 1
	echo 0 >/proc/sys/net/core/bpf_jit_enable
	kapsel run "$calls" -p count_calls --engine jit -- true >out 2>err
	got=$?
	echo 1 >/proc/sys/net/core/bpf_jit_enable
	[ "$got" -ne 0 ] && says err KA015 && says err bpf_jit_enable && nothing_left_soon
}

# Beside the instructions: of a file, with its lines, and of a program in the kernel.
machine_code_is_shown()
{
	calls=$(object cli.bpf.o)
	if ! kapsel doctor | grep -q 'JIT and interpreter'; then
		return 0
	fi
	status 0 kapsel disasm --jit --source "$calls" -p count_calls &&
		says out '^ *[0-9a-f]*:  ret' && says out 'cli.bpf.c:' && silent err &&
		status 0 kapsel -j disasm --jit "$calls" && is_json out &&
		says out '"native":\[{"off":0,' &&
		status 0 kapsel run "$calls" -p count_calls --engine jit -- \
			kapsel disasm --jit prog:count_calls &&
		says out '^ *0:  ' && nothing_left_soon
}

machine_code_takes_a_disassembler()
{
	calls=$(object cli.bpf.o)
	if ! kapsel doctor | grep -q 'JIT and interpreter'; then
		return 0
	fi
	status 4 env PATH=/nowhere "$(command -v kapsel)" disasm --jit "$calls" &&
		says err 'package binutils' && nothing_left_soon
}

machine_code_is_not_for_all()
{
	calls=$(object cli.bpf.o)
	echo 2 >/proc/sys/kernel/kptr_restrict
	kapsel disasm --jit "$calls" >out 2>err
	got=$?
	echo 0 >/proc/sys/kernel/kptr_restrict
	[ "$got" -ne 0 ] && says err kptr_restrict && nothing_left_soon || return 1
	kapsel run "$calls" -p count_calls --engine interp -- \
		kapsel disasm --jit prog:count_calls >out 2>err && return 1
	says err 'is interpreted' && nothing_left_soon
}

no_module_is_environment()
{
	status 4 kapsel --device /dev/no-such-device list progs && silent out &&
		says err /dev/no-such-device && return 0
	return 1
}

no_rights_is_environment()
{
	status 4 setpriv --reuid=65534 --regid=65534 --clear-groups \
		--bounding-set=-all --inh-caps=-all kapsel list progs &&
		silent out && says err EACCES && return 0
	return 1
}

json_errors_are_json()
{
	status 4 kapsel -j --device /dev/no-such-device list progs &&
		silent out && is_json err && return 0
	return 1
}

unknown_function_has_hints()
{
	status 1 kapsel run "$(object cli.bpf.o)" -p nowhere -- true &&
		silent out && says err no_such_function_here && nothing_left
}

command -v kapsel >/dev/null || ktap_skip_all "no kapsel command"
[ -e /dev/kapsel ] || ktap_skip_all "no /dev/kapsel"
work=$(mktemp -d) && chmod 777 "$work" && cd "$work" || exit 1
make_packet

ktap_plan 39
ktap_test "help goes to stdout" help_is_data
ktap_test "wrong usage names the word" wrong_usage_names_the_word
ktap_test "verify accepts" verify_accepts
ktap_test "verify rejects with status 3" verify_rejects
ktap_test "a missing file is a failure" missing_file
ktap_test "verify in JSON" verify_json
ktap_test "lists in text and JSON" lists_are_tables_and_json
ktap_test "run ends with its command and its status" run_ends_with_its_command
ktap_test "run prints events by type" run_prints_events
ktap_test "run shows maps of all types" run_shows_maps
ktap_test "run of an object as libbpf's users write them" run_as_libbpf_would
ktap_test "run of a rejected program" run_rejected
ktap_test "run that is killed leaves nothing" run_killed_leaves_nothing
ktap_test "run that is told to end succeeds" interrupted_is_success
ktap_test "run on a function that is not there" unknown_function_has_hints
ktap_test "exec on a packet" exec_gives_the_verdict packet
ktap_test "exec is the same on the device" exec_is_the_same_on_the_device
ktap_test "exec on captured packets" exec_reads_captures
ktap_test "load, list, map, unload" load_list_map_unload
ktap_test "links before and after others" links_have_an_order
ktap_test "push, pop and peek" map_push_pop_peek
ktap_test "the storage of a cgroup" map_of_a_storage
ktap_test "samples for programs" map_push_of_samples
ktap_test "cgroups in an array" map_set_of_cgroups
ktap_test "functions of a link" show_lists_functions
ktap_test "load is all or nothing" load_is_all_or_nothing
ktap_test "log shows what programs print" log_shows_lines
ktap_test "log shows lines with fewer numbers" log_shows_short_lines
ktap_test "exec of a metered program that runs out" metered_exec_runs_out packet
ktap_test "runs of a metered program are aborted" metered_runs_are_aborted
ktap_test "links of a metered program fail closed" metered_links_fail_closed
ktap_test "engines are named, with the reason" engines_are_named
ktap_test "machine code is shown" machine_code_is_shown
ktap_test "machine code takes a disassembler" machine_code_takes_a_disassembler
ktap_test "machine code is not for all" machine_code_is_not_for_all
ktap_test "no module is status 4" no_module_is_environment
ktap_test "no rights is status 4" no_rights_is_environment
ktap_test "errors in JSON" json_errors_are_json
ktap_test "nothing is left in the kernel" nothing_left
cd / && rm -rf "$work"
ktap_finish
