#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Boots a kernel of the distribution under qemu, without a disk, and runs guest.sh on it: this kernel has
# act_bpf, matchall and other modules that the running kernel may lack. No KVM is needed.
#
#   tests/vm/run.sh            VM_KERNEL=PACKAGE selects another kernel, VM_TIMEOUT=SECONDS the time limit
#   VM_KERNEL=linux-image-6.12-cloud-amd64 tests/vm/run.sh    Debian 13's kernel, which Debian 12 has as well
#
# The output is TAP. Without qemu or the kernel it is an empty plan with the reason.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PATH+=:/usr/sbin:/sbin

BUILD=$(realpath "${BUILD:-build}")
patience=${VM_TIMEOUT:-900} # for a busy machine; without KVM a test takes a second or two
modules=(veth sch_ingress sch_htb cls_bpf cls_matchall act_bpf act_gact ipip ip6_tunnel)
vm=$BUILD/vm

skip() {
	printf '1..0 # SKIP %s\n' "$*"
	printf 'vm-check: skipped: %s\n' "$*" >&2
	exit 0
}

die() {
	printf 'vm-check: %s\n' "$*" >&2
	exit 1
}

tools() {
	local tool

	[[ $(uname -m) == x86_64 ]] || skip "no kernel for $(uname -m) is known here, only for x86_64"
	scripts/deps.sh vm >&2 || skip 'the packages that it needs could not be installed'
	for tool in qemu-system-x86_64 busybox cpio depmod modprobe; do
		[[ -n $(type -P "$tool") ]] || skip "no $tool"
	done
	for tool in apt-get apt-cache dpkg-deb; do
		[[ -n $(type -P "$tool") ]] || skip "no $tool to get a kernel with"
	done
}

# newest PACKAGE: the kernel package that PACKAGE depends on, or PACKAGE itself.
newest() {
	local kernel

	kernel=$(apt-cache depends "$1" 2>/dev/null |
		sed -n 's/.*Depends: \(linux-image-[0-9].*-cloud-amd64\)$/\1/p' | head -n 1)
	printf '%s\n' "${kernel:-$1}"
}

# Unpacks the package once, into a directory with its name.
kernel() {
	local part

	package=$(newest "${VM_KERNEL:-linux-image-cloud-amd64}")
	kernel=$vm/$package
	if [[ ! -d $kernel ]]; then
		part=$(mktemp -d "$vm/part-XXXXXX")
		printf 'vm-check: downloading %s\n' "$package" >&2
		(cd "$part" && apt-get -qq -o APT::Sandbox::User=root download "$package") >&2 || { rm -rf "$part"; skip "$package cannot be downloaded"; }
		dpkg-deb -x "$part"/*.deb "$part/root"
		version=$(cd "$part/root/boot" && printf '%s' vmlinuz-*)
		[[ -d $part/root/lib/modules ]] || ln -s usr/lib "$part/root/lib"
		depmod -b "$part/root" "${version#vmlinuz-}"
		mv "$part/root" "$kernel"
		rm -rf "$part"
	fi
	version=$(cd "$kernel/boot" && printf '%s' vmlinuz-*)
	version=${version#vmlinuz-}
}

# Copies the shared libraries of programs into the guest under the same paths.
copy_libraries() {
	local library

	for library in $(ldd "$@" 2>/dev/null | grep -o '[[:space:]]/[^ :]*' | sort -u); do
		install -D "$(realpath "$library")" "$root$library"
	done
}

# Copies uncompressed modules, in the order in which they can be inserted.
copy_modules() {
	local word module name

	modprobe -d "$kernel" -S "$version" --show-depends --all "${modules[@]}" |
		while read -r word module _; do
			[[ $word == insmod ]] || continue
			name=/lib/modules/$(basename "${module%.xz}")
			[[ ! -e $root$name ]] || continue
			mkdir -p "$root/lib/modules"
			case $module in
			*.xz) xz -dc "$module" >"$root$name" ;;
			*) cp "$module" "$root$name" ;;
			esac
			printf '%s\n' "$name"
		done >"$root/modules"
}

# A tree with the files that the tests of the rules need, and with bats.
copy_tests() {
	local bats

	bats=$(dirname "$(dirname "$(realpath "$(type -P bats)")")")
	mkdir -p "$root"/elfmap/tests/lab "$root"/elfmap/build/tests/testdata "$root"/usr/lib "$root"/usr/libexec
	cp "$bats"/bin/bats "$root/usr/bin/"
	cp -r "$bats"/lib/bats-core "$root/usr/lib/"
	cp -r "$bats"/libexec/bats-core "$root/usr/libexec/"
	cp tests/lab/rules.bats tests/lab/link.bash "$root/elfmap/tests/lab/"
	cp -r "$BUILD/elfmap" "$BUILD/libexec" "$root/elfmap/build/"
	cp "$BUILD"/tests/testdata/*.o "$root/elfmap/build/tests/testdata/"
}

initramfs() {
	root=$(mktemp -d "$vm/root-XXXXXX")
	mkdir -p "$root"/{bin,dev,etc,proc,run,sys,tmp,usr/bin,usr/sbin}
	install "$(type -P tc)" "$(type -P ip)" "$(type -P bpftool)" "$root/usr/sbin/"
	install "$(type -P busybox)" "$(type -P bash)" "$root/bin/"
	install "$(type -P jq)" "$(type -P find)" "$(type -P nsenter)" "$root/usr/bin/" # instead of busybox's
	ln -s /bin/busybox "$root/usr/bin/env"
	make --silent --no-print-directory install BUILD="$BUILD" DESTDIR="$root" PREFIX=/usr/local >/dev/null
	copy_tests
	copy_libraries "$root"/bin/bash "$root"/usr/bin/{jq,find,nsenter} "$root"/usr/sbin/* "$root"/usr/local/bin/* "$root"/usr/local/libexec/elfmap/*.so
	cp "$BUILD/tc-progs/dst_stats.o" "$BUILD/tests/testdata/action.o" "$root/"
	install tests/vm/init tests/vm/guest.sh "$root/"
	copy_modules
	(cd "$root" && find . | cpio --quiet --create --format=newc --owner=0:0 | gzip -1) >"$root.gz"
}

boot() {
	local status=0

	timeout --foreground "$patience" qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 1024 -nographic -no-reboot \
		-nodefaults -serial stdio -kernel "$kernel/boot/vmlinuz-$version" -initrd "$root.gz" \
		-append 'console=ttyS0 quiet panic=-1' </dev/null 2>&1 | tr -d '\r' >"$console" || status=$?
	case $status in
	0) ;;
	124) die "the guest was not done after $patience seconds; its console: $console" ;;
	*) die "qemu ended with status $status; its console: $console" ;;
	esac
}

report() {
	local tap

	tap=$(sed -n '/guest: begin$/,/guest: end$/p' "$console" | grep -E '^(ok|not ok|#|1\.\.)' || true)
	printf '%s\n' "$tap"
	grep -q '^1\.\.[1-9]' <<<"$tap" || die "the guest did not come to the end of its tests; its console: $console"
	! grep -q '^not ok' <<<"$tap" || die "failed on $package; the console: $console"
	printf 'vm-check: all %d tests passed on %s\n' "$(grep -c '^ok' <<<"$tap")" "$package" >&2
}

clean_up() {
	[[ -z $root ]] || rm -rf "$root" "$root.gz"
}

root=''
trap clean_up EXIT
mkdir -p "$vm"
console=$vm/console.log
tools
kernel
initramfs
boot
report
