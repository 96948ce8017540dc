# SPDX-License-Identifier: MIT
# What zsh's completion offers at the end of a line: ask_zsh.zsh FOLDER LINE. zsh completes only for a terminal, so that a second
# zsh runs in a pseudo-terminal; a compadd of its own writes down what it is given.
zmodload zsh/zpty
offered=$(mktemp)
# The number of columns keeps the line editor from breaking lines.
zpty inner "COLUMNS=2000 PS1= zsh -f -i"
zpty -w inner "fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u -D; cd ${(q)PWD}
compadd() {
	local -a hits
	case \" \$* \" in
	(*' -'[OAD]' '*) builtin compadd \"\$@\"; return ;;
	esac
	builtin compadd -A hits \"\$@\"
	print -rl -- \$hits >>${(q)offered}
	builtin compadd \"\$@\"
}
compdef _onceproof ${${(z)2}[1]:t}
at_end() { zle complete-word; exit }
zle -N at_end; bindkey '^I' at_end; setopt no_beep"
zpty -w -n inner "${2}"$'\t'
# The inner shell ends when it is done.
while zpty -r inner line; do :; done
zpty -d inner
grep -v '^$' $offered
rm -f $offered
