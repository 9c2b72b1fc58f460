# bellbook.fish - completion for fish; what there is to complete is asked of bellbook itself.
# SPDX-License-Identifier: GPL-3.0-or-later

function __bellbook_lines
    bellbook help --format lines 2>/dev/null
end

# The command on the line, if there is one yet.
function __bellbook_command
    set -l tokens (commandline -opc)
    set -e tokens[1]
    set -l skip 0
    for token in $tokens
        if test $skip = 1
            set skip 0
        else if test $token = --journal
            set skip 1
        else if not string match -q -- '-*' $token
            echo $token
            return 0
        end
    end
    return 1
end

function __bellbook_fields
    set -l name (__bellbook_command)
    or return 1
    for line in (__bellbook_lines)
        set -l fields (string split \t -- $line)
        if test "$fields[1]" = "$name"
            printf '%s\n' $fields
            return 0
        end
    end
    return 1
end

function __bellbook_values
    switch $argv[1]
        case 'RUNBOOK*' R
            bellbook list 2>/dev/null | string match -r '^\s+[a-z0-9_-]+(?=\s)' | string trim
            __fish_complete_suffix .lua
        case '*SESSION*' N
            bellbook sessions 2>/dev/null | string match -r '^[0-9]+'
        case 'ACTION*'
            bellbook actions 2>/dev/null | string match -r '^\S+'
        case 'COMMAND*'
            __bellbook_lines | string replace -r '\t([^\t]*)\t.*' '\t$1'
        case 'FILE*' F PATH 'JOURNAL*'
            __fish_complete_path (commandline -ct)
        case '*[a-z]*|*' 'driver|*' 'text|*'
            string split '|' -- $argv[1]
    end
end

function __bellbook_complete
    set -l current (commandline -ct)
    set -l tokens (commandline -opc)
    set -l before $tokens[-1]
    set -l fields (__bellbook_fields)
    or begin
        if test "$before" = --journal
            __fish_complete_path $current
        else
            __bellbook_lines | string replace -r '\t([^\t]*)\t.*' '\t$1'
            printf '%s\n' --journal --help --version
        end
        return
    end
    contains -- -- $tokens
    and return
    set -l options (string split ' ' -- $fields[4])
    for option in $options
        if string match -q -- "$before=*" $option
            __bellbook_values (string split -m 1 = -- $option)[2]
            return
        end
    end
    if string match -q -- '-*' $current
        string replace -r '=.*' '' -- $options
        return
    end
    # How many words stand behind the command already.
    set -l n -1
    set -l skip 0
    for token in $tokens[2..-1]
        if test $skip = 1
            set skip 0
        else if string match -q -- '--*' $token
            string match -q -- "* $token=*" " $fields[4]"
            and set skip 1
        else
            set n (math $n + 1)
        end
    end
    set -l list (string split -n ' ' -- $fields[3])
    if test $n -lt (count $list)
        __bellbook_values (string replace '…' '' -- $list[(math $n + 1)])
    else if test (count $list) -gt 0
        and string match -q '*…' -- $list[-1]
        __bellbook_values (string replace '…' '' -- $list[-1])
    end
end

complete -c bellbook -f -a '(__bellbook_complete)'
