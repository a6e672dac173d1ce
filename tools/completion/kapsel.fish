# SPDX-License-Identifier: GPL-2.0-only
#
# Completion of kapsel for fish: the command itself knows the words.

function __kapsel_words
    set -l words (commandline -opc)
    set -l current (commandline -ct)

    $words[1] __complete $words[2..-1] "$current" 2>/dev/null
end

function __kapsel_wants_files
    test (count (__kapsel_words)) -eq 0
end

complete -c kapsel -f -a '(__kapsel_words)'
complete -c kapsel -n __kapsel_wants_files -F
