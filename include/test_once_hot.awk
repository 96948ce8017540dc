# SPDX-License-Identifier: MIT
# Reads `objdump -dr --no-show-raw-insn` of one object file; prints the instructions of function `wanted` that are not on the way to its
# slow path, in order of address, without addresses and symbols. The slow path is every basic block that calls something, or jumps out
# of the function; gcc puts it into a function WANTED.cold, which is another one.

/^[0-9a-f]+ <.*>:$/ {
	inside = $2 == "<" wanted ">:"
	next
}

!inside { next }

# "			12: R_X86_64_PLT32	once_get_slowly_-0x4": the operand of the instruction before it lies elsewhere.
/^\t+[0-9a-f]+: R_/ {
	elsewhere[count] = 1
	next
}

/^ +[0-9a-f]+:\t/ {
	split($0, halves, "\t")
	address[++count] = halves[1]
	gsub(/[ :]/, "", address[count])
	own[address[count]] = 1
	line = halves[2]
	sub(/ *#.*/, "", line)
	gsub(/<[^>]*>/, "", line)
	gsub(/-?0x[0-9a-f]+\(%rip\)/, "(%rip)", line)
	gsub(/[ \t]+/, " ", line)
	sub(/ $/, "", line)
	text[count] = line
	split(line, words, " ")
	name[count] = words[1]
	if (name[count] ~ /^j/)
		target[count] = words[2]
}

END {
	for (i = 1; i <= count; i++) {
		elsewhere[i] = elsewhere[i] || (target[i] != "" && !(target[i] in own))
		if (target[i] != "" && !elsewhere[i])
			leads[target[i]] = 1
	}
	block = 1
	for (i = 1; i <= count; i++) {
		if (address[i] in leads || name[i - 1] ~ /^(j|ret)/)
			block++
		block_of[i] = block
		if (name[i] ~ /^call/ || (name[i] ~ /^jmp/ && elsewhere[i]))
			slow[block] = 1
	}
	for (i = 1; i <= count; i++)
		if (!slow[block_of[i]] && text[i] !~ /^(nop|data16|cs nop|xchg %ax,%ax)/)
			print name[i] ~ /^j/ ? name[i] : text[i]
}
