# SPDX-License-Identifier: MIT
# Reads `objdump -tdr --no-show-raw-insn` of one object file. Complains of every measured loop that has no operation, or that leaves
# itself other than to a declared symbol. Variables: loops (names that must be there), calls (declared symbols; a * in one stands for
# anything), subject, and pointers: 1 where calls through pointers are the job, as with a progress that asks the counter and tells the
# front end. A * alone among the calls declares that too: some libraries inline a slow path with a virtual call in it.
#
# "loop>function" among the loops: this loop is to call that function once per operation, and both are read.
#
# A loop leaves itself by a call, or by a jump to another function. Its own cold part (gcc's LOOP.cold) belongs to it.

function complain(what)
{
	what = subject ": " loop ": " what
	if (!(what in said))
		print what
	said[what] = 1
	bad = 1
}

function hex(digits,    value, i)
{
	digits = tolower(digits)
	sub(/^0x/, "", digits)
	for (i = 1; i <= length(digits); i++)
		value = value * 16 + index("0123456789abcdef", substr(digits, i, 1)) - 1
	return value
}

# The function at an address of a section, or the section's own name when there is none.
function function_at(section, address,    i)
{
	for (i = 1; i <= functions; i++)
		if (of_section[i] == section && address >= start[i] && address < start[i] + size[i])
			return name_of[i]
	return section
}

# A symbol is declared by its name, or by one with a * in it: C++ puts types and versions into names.
function is_declared(symbol,    i)
{
	if (symbol in declared)
		return 1
	for (i = 1; i <= patterns; i++)
		if (symbol ~ pattern[i])
			return 1
	return 0
}

# The symbol that a branch goes to: what the relocation names, else the operand's.
function leave(symbol,    plain)
{
	plain = symbol
	sub(/[-+]0x[0-9a-f]+$/, "", plain)
	sub(/@.*$/, "", plain)
	sub(/\.(constprop|isra|part|cold)\..*$/, "", plain)
	sub(/\.(constprop|isra|part|cold)$/, "", plain)
	# A restartable sequence's way out when it was interrupted: a few instructions of the file's own assembly.
	if (plain == loop || is_declared(plain) || plain == "__rseq_cold")
		return
	if (loop in callee && plain == callee[loop]) {
		called[loop] = 1
		return
	}
	complain((kind == "call" ? "calls " : "jumps to ") plain)
}

# A branch whose relocation line has not come, so the operand says it all.
function settle(    target)
{
	if (kind == "")
		return
	target = operand
	if (target ~ /^\*/) {
		if (!pointers)
			complain((kind == "call" ? "calls" : "jumps") " through a pointer: " instruction)
	} else if (match(target, /<[^>]*>/))
		leave(substr(target, RSTART + 1, RLENGTH - 2))
	else
		complain("leaves to an unknown place: " instruction)
	kind = ""
}

BEGIN {
	split(loops, names)
	for (i in names) {
		split(names[i], pair, ">")
		wanted[pair[1]] = 1
		if (pair[2] != "") {
			wanted[pair[2]] = 1
			callee[pair[1]] = pair[2]
		}
	}
	split(calls, symbols)
	for (i in symbols) {
		if (symbols[i] == "*") {
			pointers = 1
			continue
		}
		if (symbols[i] !~ /[*]/) {
			declared[symbols[i]] = 1
			continue
		}
		gsub(/[*]/, ".*", symbols[i])
		pattern[++patterns] = "^" symbols[i] "$"
	}
}

# "0000000000000000 l    d  .text.unlikely	0000000000000000 .text.unlikely"
/^[0-9a-f]+ .....d / {
	sections[$NF] = 1
	next
}

# "0000000000000120 l     F .text	00000000000000a2 counter_loop_increment"
/^[0-9a-f]+ ......F / {
	functions++
	split($0, halves, "\t")
	split(halves[2], right, " ")
	of_section[functions] = halves[1]
	sub(/^.* /, "", of_section[functions])
	start[functions] = hex($1)
	size[functions] = hex(right[1])
	name_of[functions] = right[length(right)]
	next
}

# "0000000000000000 <counter_loop_increment>:"
/^[0-9a-f]+ <.*>:$/ {
	settle()
	loop = $2
	gsub(/[<>:]/, "", loop)
	sub(/\.cold$/, "", loop)
	inside = loop in wanted
	next
}

!inside { next }

# "			12: R_X86_64_PLT32	pthread_mutex_lock-0x4"
/: R_[A-Z0-9_]+/ {
	if (kind != "" && operand !~ /^\*/) {
		symbol = $NF
		# A section and an offset, less the four bytes of the field itself: a function of this file.
		if (match(symbol, /[-+]0x[0-9a-f]+$/)) {
			section = substr(symbol, 1, RSTART - 1)
			offset = hex(substr(symbol, RSTART + 1)) * (substr(symbol, RSTART, 1) == "-" ? -1 : 1) + 4
			if (section in sections)
				symbol = function_at(section, offset)
		}
		leave(symbol)
		kind = ""
	}
	next
}

# "  1f:	call   24 <counter_loop_increment+0x24>"
/^ +[0-9a-f]+:\t/ {
	settle()
	instruction = $0
	sub(/^ +[0-9a-f]+:\t/, "", instruction)
	split(instruction, words)
	mnemonic = words[1]
	if (mnemonic == "bnd" || mnemonic == "notrack" || mnemonic == "rep" || mnemonic == "lock")
		mnemonic = words[2]
	operand = instruction
	sub(/^(bnd |notrack )?[a-z0-9,]+ +/, "", operand)
	if (mnemonic ~ /^call/)
		kind = "call"
	else if (mnemonic ~ /^j/)
		kind = "jump"
	# A memory operand in the loop's body: an operation on the object. Frames and prologues do not count.
	if (instruction ~ /\(%r/ && instruction !~ /nop[wl]? / && mnemonic !~ /^(lea|push|pop)/ && instruction !~ /\(%r[sb]p\)/)
		operations[loop]++
	if (mnemonic ~ /^call/)
		operations[loop]++
	seen[loop] = 1
}

END {
	settle()
	for (name in wanted) {
		loop = name
		if (!(name in seen))
			complain("is not in the object file")
		else if (!(name in operations))
			complain("has no operation left in it")
		else if (name in callee && !(name in called))
			complain("does not call " callee[name])
	}
	exit bad
}
