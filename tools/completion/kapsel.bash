# SPDX-License-Identifier: GPL-2.0-only
#
# Completion of kapsel for bash: the command itself knows the words.

_kapsel()
{
	local line=${COMP_LINE:0:COMP_POINT} prefix words

	# Only what stands before the cursor counts, and a hook's colons belong to
	# its word, where bash would split it.
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=('')
	mapfile -t COMPREPLY < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
	if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
		compopt -o default 2>/dev/null
		return
	fi
	if [[ ${words[-1]} == *:* && $COMP_WORDBREAKS == *:* ]]; then
		prefix=${words[-1]%:*}:
		COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
	fi
	if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[:=] ]]; then
		compopt -o nospace
	fi
}

complete -F _kapsel kapsel
