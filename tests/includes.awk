# includes.awk - says which includes break the order of the folders
#
# Usage: awk -f tests/includes.awk docs/architecture.md FILE.c FILE.h ...
#
# The order is the block ```layers of the document: a line is a layer, the top one first.
#
#     dnsd    answer/
#     dnsd    state/ zone
#
# `answer/` is the folder dnsd/answer, `zone` is the files dnsd/zone.c and dnsd/zone.h. A place
# may use itself and the places on lower lines. Places on one line stand beside each other: files
# of the daemon's own folder may use each other there, folders may not. common/ uses no daemon,
# and no daemon uses the other. So two places never need each other: one of the two includes
# points upwards.
#
# Prints a line for each mistake, FILE:LINE first, and fails if there is one.

# The place of a file: dnsd/zone/zone.c -> "dnsd/zone/", dnsd/main.c -> "dnsd/main"
function place_of(path, part, n) {
	n = split(path, part, "/")
	if (n > 2)
		return part[1] "/" part[2] "/"
	sub(/\.[ch]$/, "", part[2])
	return part[1] "/" part[2]
}

function part_of(place) {
	return substr(place, 1, index(place, "/"))
}

function is_folder(place) {
	return place ~ /\/$/
}

function complain(where, what) {
	print where ": " what
	n_mistakes++
}

# What is wrong with using `to` from `from`, both places; "" if nothing.
function broken_rule(from, to) {
	if (part_of(from) == "common/" && part_of(to) != "common/")
		return "common/ must not use a daemon"
	if (part_of(to) != "common/" && part_of(from) != part_of(to))
		return "one daemon must not use the other"
	if (from == to || part_of(from) != part_of(to) || !(from in layer) || !(to in layer))
		return ""
	if (layer[to] < layer[from])
		return from " must not use " to ", which stands above it (" order ":" layer[to] ")"
	if (layer[to] == layer[from] && (is_folder(from) || is_folder(to)))
		return from " and " to " stand beside each other: neither may use the other (" order ":" layer[to] ")"
	return ""
}

# ---- the order ---------------------------------------------------------------------------

FNR == NR {
	order = FILENAME
	if (/^```/)
		in_block = ($0 == "```layers")
	else if (in_block)
		for (i = 2; i <= NF; i++)
			layer[$1 "/" $i] = FNR
	next
}

# ---- the sources -------------------------------------------------------------------------

FNR == 1 {
	here = place_of(FILENAME)
	if (!(here in seen) && !(here in layer))
		complain(FILENAME ":1", here " has no layer in " order)
	seen[here] = 1
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, quoted, "\"")
	to = quoted[2]
	if (to !~ /^(common|dnsd|routed)\//)
		rule = "a header of ours is included by its path from the top folder"
	else
		rule = broken_rule(here, place_of(to))
	if (rule != "")
		complain(FILENAME ":" FNR, "includes " to ": " rule)
}

END {
	n_layers = 0
	for (place in layer) {
		n_layers++
		if (!(place in seen))
			complain(order ":" layer[place], place " has a layer and no file")
	}
	if (n_layers == 0)
		complain(order ":1", "the block ```layers is missing")
	exit n_mistakes > 0
}
