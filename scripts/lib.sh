# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What several of the scripts here need. Sourced, in the tree's root.

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# Packages of other Debian releases come through a private apt root, so that
# the machine's own apt never hears of them. Its sources are the machine's own
# mirror, with other suites.

other_suites='bookworm-backports trixie trixie-backports'
apt_root=$PWD/build/apt

debian_mirror()
{
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(LABEL) $(REPO_URI)' \
		'Created-By: Packages' | sed -n 's/^Debian //p' | head -n 1
}

# other_apt COMMAND ARG...: apt-get or apt-cache on the private root.
other_apt()
{
	"$1" -o Dir::State="$apt_root" -o Dir::State::status="$apt_root/status" \
		-o Dir::State::lists="$apt_root/lists" -o Dir::Cache="$apt_root" \
		-o Dir::Etc::sourcelist="$apt_root/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null \
		-o Dir::Etc::preferencesparts=/dev/null -o APT::Sandbox::User=root "${@:2}"
}

# other_update: reads the lists of the other releases, once a day. What could not be
# read is asked for again the next time.
other_update()
{
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg suite

	[ -z "$(find "$apt_root/updated" -mmin -1440 2>/dev/null)" ] || return 0
	echo "apt: reading the package lists of $other_suites" >&2
	mkdir -p "$apt_root"/{lists,archives}/partial
	for suite in $other_suites; do
		echo "deb [signed-by=$keyring] $(debian_mirror) $suite main"
	done >"$apt_root/sources.list"
	: >"$apt_root/status"
	if other_apt apt-get update -qq -o APT::Update::Error-Mode=any; then
		touch "$apt_root/updated"
	fi
}

# fetch FOLDER PACKAGE...: downloads packages, without installing them, from
# this machine's release or from another one. The machine's package lists may
# be older than the mirror: refreshes them if need be.
fetch()
{
	local folder=$1

	shift
	mkdir -p "$folder"
	(cd "$folder" && apt-get download -qq "$@" 2>/dev/null) && return
	if apt-cache show "$@" >/dev/null 2>&1; then
		as_root apt-get update -qq >/dev/null
		(cd "$folder" && apt-get download -qq "$@") && return
	fi
	other_update
	(cd "$folder" && other_apt apt-get download -qq "$@")
}
