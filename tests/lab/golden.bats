#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# golden.txt records what show, check, convert, decl, load and tc do with each object. After an intended change:
# make && tests/tools/golden.sh >tests/lab/golden.txt

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	golden=tests/lab/golden.txt
	tmp=$BATS_TEST_TMPDIR
}

# comparable RECORD OTHER: RECORD without the compiler's part of objects whose bytes differ in OTHER.
comparable() {
	awk '
		$1 == "==" { object = $2 }
		FNR == NR { if ($1 == "input") input[object] = $2; next }
		$1 == "input" { same = input[object] == $2; next }
		same || !object || $1 == "==" { print; next }
		$1 == "output" { print "output"; next }
		/^[|!] +([0-9]+: \(|; )/ { next } # the log of the verifier
		{ gsub(/\/tc\/[0-9a-f]+\//, "/tc/HASH/"); gsub(/[0-9]+/, "N"); gsub(/ +/, " "); print }' "$2" "$1"
}

# compare NEW: prints the differences from the golden file, and fails if there are any.
compare() {
	diff -U 8 --label golden --label now <(comparable "$golden" "$1") <(comparable "$1" "$golden")
}

@test "golden: show, check, convert, decl, load and tc give the recorded results for each object" {
	tests/tools/golden.sh >"$tmp/now"
	compare "$tmp/now"
}

@test "golden: a changed message, status, pin or output is a difference" {
	compare "$golden"
	# shellcheck disable=SC2016 # $ is sed's
	for change in 's/would load here/would load/' 's/^-- load: 1$/-- load: 0/' '0,/^map /{/^map /d}' \
		's/^output ./output -/' '/^== .*shared.o/,$d'; do
		sed "$change" "$golden" >"$tmp/other"
		run -1 compare "$tmp/other"
	done
}

@test "golden: output of convert and decl is not compared for an object of another compiler" {
	sed -e 's/^input ./input -/' -e 's/^output ./output -/' -e 's,/tc/[0-9a-f]*/,/tc/0/,' "$golden" >"$tmp/other"
	compare "$tmp/other"
	sed -i 's/would load here/would load/' "$tmp/other"
	run -1 compare "$tmp/other"
}
