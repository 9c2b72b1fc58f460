# bellbook.bash - completion for bash; what there is to complete is asked of bellbook itself.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash

# `bellbook help --format lines`: NAME, ABOUT, WORDS, OPTIONS with tabs between.
_bellbook_line() { # COMMAND FIELD
	"${COMP_WORDS[0]}" help --format lines 2>/dev/null | awk -F '\t' -v name="$1" -v field="$2" '$1 == name { print $field }'
}

_bellbook_runbooks() { "${COMP_WORDS[0]}" list 2>/dev/null | awk 'NF && $1 != "BROKEN:" { print $1 }'; }
_bellbook_sessions() { "${COMP_WORDS[0]}" sessions 2>/dev/null | awk '$1 ~ /^[0-9]+$/ { print $1 }'; }
_bellbook_commands() { "${COMP_WORDS[0]}" help --format lines 2>/dev/null | cut -f 1; }

# What stands for a word or a value of that name.
_bellbook_values() { # NAME CURRENT
	case $1 in
	RUNBOOK* | R) mapfile -t COMPREPLY < <(compgen -W "$(_bellbook_runbooks)" -- "$2"; compgen -f -X '!*.lua' -- "$2"; compgen -d -S / -- "$2") ;;
	*SESSION* | N) mapfile -t COMPREPLY < <(compgen -W "$(_bellbook_sessions)" -- "$2") ;;
	ACTION*) mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" actions 2>/dev/null | awk '{ print $1 }')" -- "$2") ;;
	COMMAND*) mapfile -t COMPREPLY < <(compgen -W "$(_bellbook_commands)" -- "$2") ;;
	FILE* | F | PATH | JOURNAL*) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
	*[a-z]*\|*) mapfile -t COMPREPLY < <(compgen -W "${1//|/ }" -- "$2") ;;
	*) COMPREPLY=() ;;
	esac
}

_bellbook() {
	local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' options option words='' i n=0
	local -a list

	COMPREPLY=()
	# The command is the first word that is no option and no option's value; n counts the words behind it.
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != -- ]] || return 0
		if [[ ${COMP_WORDS[i]} == --* ]]; then
			[[ -z $command || " $(_bellbook_line "$command" 4) " != *" ${COMP_WORDS[i]}="* ]] || ((i++))
			[[ -n $command || ${COMP_WORDS[i]} != --journal ]] || ((i++))
		elif [[ -z $command ]]; then
			command=${COMP_WORDS[i]}
		else
			((n++))
		fi
	done
	if [[ -z $command ]]; then
		if [[ $before == --journal ]]; then
			_bellbook_values PATH "$current"
		else
			mapfile -t COMPREPLY < <(compgen -W "$(_bellbook_commands) --journal --help --version" -- "$current")
		fi
		return 0
	fi
	options=$(_bellbook_line "$command" 4)
	for option in $options; do
		if [[ $option == "$before="* ]]; then
			_bellbook_values "${option#*=}" "$current"
			return 0
		fi
	done
	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(sed 's/=[^ ]*//g' <<<"$options")" -- "$current")
		return 0
	fi
	read -ra list < <(_bellbook_line "$command" 3)
	words=${list[n]-}
	# A last word with an ellipsis may stand again and again.
	[[ -n $words || ${#list[@]} -eq 0 || ${list[-1]} != *… ]] || words=${list[-1]}
	_bellbook_values "${words%…}" "$current"
}

complete -F _bellbook bellbook
