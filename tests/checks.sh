# checks.sh - checks of the sources: format, order of includes, linters, shell, manual pages
#
# Part of run.sh. Each function prints what is wrong and fails.
# shellcheck shell=bash

C_FOLDERS="common dnsd routed tests"

c_files() {
	# shellcheck disable=SC2086 # a list of names
	find $C_FOLDERS -name '*.c' -o -name '*.h' | sort
}

shell_files() {
	find tests .ci -type f \( -name '*.sh' -o -name run -o -path tests/lab/lab \) | sort
	find common/debian routed -type f -perm -100 | sort
}

# is_version PROGRAM VERSION: the program is of that version, Debian 12's. Each version breaks lines
# in another way and has findings of its own, so another version cannot judge: skipped.
is_version() {
	local found
	found=$("$1" --version | grep -oE '[0-9]+\.[0-9]+' | head -n 1)
	[[ $found != "$2" ]] || return 0
	echo "$1 is version $found; the sources follow $2"
	return 1
}

# Prints the files that are not as clang-format -i would leave them.
check_format() {
	local out
	is_version clang-format 14.0 || return 77
	out=$(c_files | xargs clang-format --dry-run -Werror 2>&1) && return 0
	sed -nE 's/^([^ :]+):.*(error|warning):.*/\1: needs clang-format -i/p' <<<"$out" | sort -u
	return 1
}

check_shell() {
	local file status=0
	while read -r file; do
		bash -n "$file" || status=1
	done < <(shell_files)
	shell_files | grep -v '/run$' |
		xargs -P "$(nproc)" -n 2 shellcheck --severity=warning -x || status=1
	# one by one, each scenario would check the libraries again
	shell_files | grep '/run$' |
		xargs shellcheck --severity=warning -e SC1091,SC2034,SC2154 || status=1
	return "$status"
}

# The base level of mandoc's lint, without remarks on the style of man pages.
check_manpages() {
	local page status=0
	for page in docs/*.[58]; do
		[ -e "$page" ] || continue
		mandoc -T lint -W warning "$page" || status=1
	done
	return "$status"
}

# Warnings, performance and portability; not style, which is for people. cppcheck does not know
# the cleanup attribute of AUTO, so the address sanitizer finds leaks. It does not understand
# TAILQ_FOREACH, so gcc and clang's analyser find uninitialised variables. For any other wrong
# finding, its place gets a comment: cppcheck-suppress NAME.
check_cppcheck() {
	is_version cppcheck 2.10 || return 77
	# shellcheck disable=SC2086 # a list of names
	cppcheck --quiet --std=c11 --language=c -j "$(nproc)" -I . -I tests \
		--enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppress=missingInclude --suppress=missingIncludeSystem --suppress=unknownMacro \
		--suppress=memleak --suppress=resourceLeak --suppress=uninitvar $C_FOLDERS
}

# check_tidy BUILD: with the compiler arguments of that build, less those only gcc knows.
# .clang-tidy says which checks, and why not the others. Prints a line for each finding.
check_tidy() {
	is_version clang-tidy 14.0 || return 77
	c_files | grep '\.c$' | grep -v '^tests/' |
		xargs -P "$(nproc)" -n 1 clang-tidy -p "$1" --quiet --warnings-as-errors='*' \
			--extra-arg=-Wno-unknown-warning-option 2>&1 |
		{ grep -E '(warning|error): |^Error' || true; }
}

# Includes follow the order of the folders in docs/architecture.md: see includes.awk.
check_includes() {
	# shellcheck disable=SC2046 # names of ours, without blanks
	awk -f tests/includes.awk docs/architecture.md \
		$(find common dnsd routed -name '*.c' -o -name '*.h' | sort)
}

# Files that the documents for maintainers name. X and NAME stand for names to choose.
check_doc_paths() {
	local doc path status=0
	for doc in README.md docs/architecture.md docs/CONTRIBUTING.md; do
		while read -r path; do
			[ ! -e "$path" ] || continue
			echo "$doc: there is no $path"
			status=1
		done < <(grep -oE '`(common|dnsd|routed|tests|docs|zones)/[A-Za-z0-9_./-]+`' "$doc" |
			tr -d '`' | grep -vE '/X|_X|NAME' | sort -u)
	done
	return "$status"
}

# Functions, structs and fields that docs/architecture.md names, `query_parse` for example.
check_doc_names() {
	local doc=docs/architecture.md wrong
	wrong=$(comm -23 <(grep -oE '`[a-z]+(_[a-z0-9]+)+`' "$doc" | tr -d '`' | sort -u) \
		<(grep -rhowE '[a-z]+(_[a-z0-9]+)+' common dnsd routed | sort -u))
	[ -n "$wrong" ] || return 0
	sed "s|.*|$doc: the sources have no '&'|" <<<"$wrong"
	return 1
}

# The tables of docs/architecture.md have each file, and no other. A table belongs to the folder
# before it: **dnsd/wire/** or ### common/. The names are in its first column.
check_doc_modules() {
	local doc=docs/architecture.md wrong
	wrong=$(comm -3 <(doc_modules "$doc") \
		<(find common dnsd routed -name '*.[ch]' | sed 's/\.[ch]$//' | sort -u))
	[ -n "$wrong" ] || return 0
	sed -E "s|^\t(.*)|$doc: \1 is in no table|; t; s|.*|$doc: there is no &, but a table has it|" <<<"$wrong"
	return 1
}

# doc_modules DOC: folder and name of each file that its tables have.
doc_modules() {
	awk -F '|' '
	/^\*\*[a-z\/]+\/\*\*|^### [a-z]+\// { match($0, /[a-z\/]+\//); folder = substr($0, RSTART, RLENGTH) }
	/^### Units/ { exit }
	folder && /^\| `/ {
		n = split($2, names, "`")
		for (i = 2; i < n; i += 2)
			print folder names[i]
	}' "$1" | sort -u
}
