# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Everything is built in $(BUILD); `make help` lists what can be made.

VERSION    := 0.1.0# of the command, the library's file and elfmap.pc
SONAME     := libelfmap.so.0# changes with a change that breaks programs linked with the library

CC         ?= cc
CLANG      ?= clang
BUILD      ?= build
PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
LIBEXECDIR ?= $(PREFIX)/libexec# the command finds it from BINDIR: as ../libexec
INCLUDEDIR ?= $(PREFIX)/include
DATADIR    ?= $(PREFIX)/share
MANDIR     ?= $(DATADIR)/man
BASHCOMPDIR ?= $(DATADIR)/bash-completion/completions
ZSHCOMPDIR ?= $(DATADIR)/zsh/site-functions
FISHCOMPDIR ?= $(DATADIR)/fish/vendor_completions.d
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig
CFLAGS     ?= -O2 -g
CPPFLAGS   ?=
LDFLAGS    ?=
OBJCOPY    ?= objcopy
PKG_CONFIG ?= pkg-config
STATIC     ?=# yes or no; empty: the command is static, which starts faster, if the libraries can be linked statically
JOBS       ?= $(shell nproc)
TEST_JOBS  ?= $(shell expr $(JOBS) + $(JOBS) / 2)# tests spend half of their time waiting for the kernel
LAB        ?=
PARTS      ?=
TIME       ?= 60# seconds that each fuzz target runs

MUSL_CC    ?= $(shell command -v musl-gcc 2>/dev/null)# the launcher starts faster with it; may be empty

ifeq ($(origin CC),default)
CC := cc
endif
ifneq ($(V),1)
Q := @
say = @printf '  %-8s %s\n' $(1) $(2)
endif

# The number of jobs from the caller, or the number of processors.
PARALLEL    = $(if $(findstring --jobserver,$(MAKEFLAGS)),,--jobs=$(JOBS))

MULTIARCH  := $(shell $(CC) -print-multiarch 2>/dev/null)
WARN       := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla
ALL_CPPFLAGS = -D_GNU_SOURCE -I. -Ilib -Iinclude -MMD -MP $(CPPFLAGS)
ALL_CFLAGS   = -std=gnu11 $(WARN) $(CFLAGS)
BPF_CFLAGS   = -target bpf -std=gnu11 -O2 -g -Wall -Wextra -Iinclude -Itc-progs/lib -MMD -MP \
	       $(if $(MULTIARCH),-idirafter /usr/include/$(MULTIARCH))
# musl has no kernel headers.
MUSL_CFLAGS  = -idirafter /usr/include $(if $(MULTIARCH),-idirafter /usr/include/$(MULTIARCH))
# Each page and each relocation of the preload slows down every start of tc.
SMALL_CFLAGS  = -ffunction-sections -fdata-sections
SMALL_LDFLAGS = -Wl,--gc-sections -Wl,-z,noseparate-code -Wl,-z,now
LIBS         = libbpf libelf
TOOL_LDLIBS   = $(shell $(PKG_CONFIG) --libs $(LIBS) json-c)
STATIC_LDLIBS = $(shell $(PKG_CONFIG) --static --libs $(LIBS) json-c)
SHARED_LDLIBS = $(shell $(PKG_CONFIG) --libs $(LIBS))
# The commit, if this is a git repository; a tarball has only the number.
COMMIT        = $(if $(wildcard .git),$(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null))

# $(call links,COMPILER,WORDS): a shell command that succeeds if a program can be linked with them.
links = echo 'int main(void) { return 0; }' | $1 $(ALL_CFLAGS) $(LDFLAGS) -x c - -o $@.probe $2 2>/dev/null
# Symbols whose objects in the static libraries must link as well.
STATIC_PROBE = $(addprefix -Wl$(comma)-u$(comma),bpf_object__open_mem elf_memory json_object_new_object)
comma := ,

# In recipes of compiled files: stops with an error if a tool is missing.
absent  = $(if $(shell command -v $(firstword $1) 2>/dev/null),,$(firstword $1))
missing = $(strip $(call absent,$(CC)) $(call absent,$(CLANG)) $(or $(call absent,$(PKG_CONFIG)), \
	  $(foreach lib,$(LIBS) json-c,$(if $(shell $(PKG_CONFIG) --exists $(lib) 2>/dev/null && echo yes),,$(lib)))))
tools   = $(if $(asked),,$(eval asked := yes)$(if $(missing),$(error missing here: $(missing); to install what is needed: make deps)))

LIB_SRC    := $(wildcard lib/*/*.c)
# Also linked into the preload: transcoding, pins, pair.
CORE_SRC   := $(filter-out lib/object/decl% lib/object/old_tc% lib/object/layout%,$(wildcard lib/object/*.c)) lib/base/msg.c lib/base/fd.c \
	      lib/kinds/maps.c lib/kinds/progs.c lib/pins/bpffs.c lib/pins/frozen.c lib/pins/made.c lib/pins/map_id.c lib/pins/trust.c \
	      lib/pins/pin.c lib/load/note.c lib/load/pair.c lib/load/start.c
# The library: the functions of elfmap.h and what they need.
SHIP_SRC   := $(filter-out lib/object/decl% lib/object/old_tc% lib/object/layout%,$(wildcard lib/object/*.c)) lib/base/msg.c lib/base/fd.c \
	      lib/kinds/maps.c lib/kinds/progs.c lib/pins/pin.c
TOOL_SRC   := $(wildcard helpers/*.c helpers/*/*.c)
# The launcher: without libbpf and libelf, which musl lacks.
LAUNCHER_SRC := $(wildcard launcher/*.c) lib/base/msg.c lib/base/program.c lib/pins/bpffs.c lib/pins/trust.c
LAUNCHER_H   := $(wildcard launcher/*.h lib/base/*.h include/*.h) lib/pins/bpffs.h lib/pins/trust.h
PRELOAD_SRC := $(wildcard preload/*.c)
PROG_SRC   := $(wildcard tc-progs/*.c)
UNIT_SRC   := $(wildcard tests/unit/*_test.c)
PTEST_SRC  := $(wildcard tests/prog/*_test.c)
FUZZ_SRC   := $(wildcard tests/fuzz/*_fuzz.c)
BENCH_SRC  := $(wildcard tests/bench/*.c)
PEER_SRC   := $(wildcard tests/bench/peers/*.c)
FLOOD_SRC  := $(wildcard tests/tools/flood*.c)
TDATA_SRC  := $(wildcard tests/testdata/*.c)
TEST_LIB   := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %_test.c,$(wildcard tests/unit/*.c tests/prog/*.c)))

LIB_OBJ    := $(LIB_SRC:%.c=$(BUILD)/%.o)
PIC_OBJ    := $(CORE_SRC:%.c=$(BUILD)/pic/%.o) $(PRELOAD_SRC:%.c=$(BUILD)/pic/%.o)
SHIP_OBJ   := $(SHIP_SRC:%.c=$(BUILD)/pic/%.o)
SHIPPED    := $(BUILD)/$(SONAME) $(BUILD)/libelfmap.so $(BUILD)/libelfmap.a
TOOL_OBJ   := $(TOOL_SRC:%.c=$(BUILD)/%.o)
PROGS      := $(PROG_SRC:%.c=$(BUILD)/%.o)
PEERS      := $(PEER_SRC:%.c=$(BUILD)/%.o)
TDATA      := $(TDATA_SRC:%.c=$(BUILD)/%.o) $(TDATA_SRC:%.c=$(BUILD)/%.nobtf.o)
CTESTS     := $(UNIT_SRC:%.c=$(BUILD)/%) $(PTEST_SRC:%.c=$(BUILD)/%)
FUZZERS    := $(FUZZ_SRC:%.c=$(BUILD)/%)
TTOOLS     := $(BUILD)/tests/tools/flood $(BUILD)/tests/tools/peak
DEMO_DATA  := $(BUILD)/tests/testdata/generation_1.o $(BUILD)/tests/testdata/generation_2.o
BENCHES    := $(BENCH_SRC:%.c=$(BUILD)/%)
# The longest tests start first, so that all jobs end at the same time.
BATS_FIRST := $(patsubst %,tests/lab/%.bats,faults upgrade map_memory parser map_kinds l2_redirect contract cgroup_filter \
	      lab_l2_redirect map_load lab_cgroup)
BATS       := $(BATS_FIRST) $(filter-out $(BATS_FIRST),$(wildcard tests/lab/*.bats))
LIBEXEC    := $(BUILD)/libexec/elfmap

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all deps demo check check-built lint bench fuzz vm-check install uninstall clean help FORCE

all: $(BUILD)/elfmap $(LIBEXEC)/elfmap $(LIBEXEC)/preload.so $(LIBEXEC)/bin/tc $(LIBEXEC)/bin/ip $(SHIPPED) $(PROGS) ## build the command, the preload, the library and the classifiers

deps: ## install missing packages (DEPS=no: none)
	$(Q)scripts/deps.sh

demo: deps ## run the labs (LAB=NAME: only this one)
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all $(DEMO_DATA)
	$(Q)scripts/demo.sh $(LAB)

check: deps ## run all tests
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) check-built
	$(Q)MAKEFLAGS= BUILD=$(abspath $(BUILD)) CMOCKA_MESSAGE_OUTPUT=TAP prove --timer --failures --comments --jobs $(TEST_JOBS) \
		--exec tests/sandbox $(or $(TESTS),$(BATS) $(CTESTS))

check-built: all $(CTESTS) $(TTOOLS) $(TDATA) $(BENCHES) $(PEERS)

lint: deps ## check format and code; warnings are errors
	$(Q)BUILD=$(abspath $(BUILD)) scripts/lint.sh

bench: deps ## measure against peers and limits (PARTS=programs: only this part)
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all $(BENCHES) $(PEERS) $(TTOOLS)
	$(Q)BUILD=$(abspath $(BUILD)) tests/bench/run.sh $(PARTS)

fuzz: deps ## fuzz the parsers, TIME=60 seconds each
	$(Q)$(MAKE) -s --no-print-directory $(PARALLEL) $(FUZZERS) $(TDATA) $(PROGS) >/dev/null
	$(Q)BUILD=$(abspath $(BUILD)) tests/fuzz/run.sh $(TIME)

vm-check: deps ## run the labs on a distribution's kernel under qemu
	$(Q)$(MAKE) -s --no-print-directory $(PARALLEL) all $(TDATA)
	$(Q)BUILD=$(abspath $(BUILD)) tests/vm/run.sh

# install lists the installed files in a file, and uninstall removes those.
INSTALLED = $(DATADIR)/elfmap/installed
PUT       = DESTDIR='$(DESTDIR)' INSTALLED='$(INSTALLED)' scripts/put.sh

install: all ## install below $(PREFIX); DESTDIR, BINDIR, LIBDIR, ... are honoured
	$(Q)[ '$(shell realpath -ms $(LIBEXECDIR))' = '$(shell realpath -ms $(BINDIR)/../libexec)' ] || \
		{ echo 'LIBEXECDIR: must be $(BINDIR)/../libexec: elfmap looks for its files there' >&2; exit 1; }
	$(Q)$(PUT) 755 $(BUILD)/elfmap $(BINDIR)/elfmap
	$(Q)$(PUT) 755 $(LIBEXEC)/elfmap $(LIBEXECDIR)/elfmap/elfmap
	$(Q)$(PUT) 644 $(LIBEXEC)/preload.so $(LIBEXECDIR)/elfmap/preload.so
	$(Q)$(PUT) link $(shell realpath -ms --relative-to=$(LIBEXECDIR)/elfmap/bin $(BINDIR))/elfmap $(LIBEXECDIR)/elfmap/bin/tc
	$(Q)$(PUT) link $(shell realpath -ms --relative-to=$(LIBEXECDIR)/elfmap/bin $(BINDIR))/elfmap $(LIBEXECDIR)/elfmap/bin/ip
	$(Q)$(PUT) 644 include/bpf_elf.h include/bpf_api.h $(INCLUDEDIR)/
	$(Q)$(PUT) 644 $(wildcard include/*.h tc-progs/lib/*.h) $(INCLUDEDIR)/elfmap/
	$(Q)$(PUT) 644 $(PROGS) tc-progs/parser_quic.c $(DATADIR)/elfmap/
	$(Q)$(PUT) 644 $(BUILD)/$(SONAME) $(LIBDIR)/libelfmap.so.$(VERSION)
	$(Q)$(PUT) link libelfmap.so.$(VERSION) $(LIBDIR)/$(SONAME)
	$(Q)$(PUT) link $(SONAME) $(LIBDIR)/libelfmap.so
	$(Q)$(PUT) 644 $(BUILD)/libelfmap.a $(LIBDIR)/libelfmap.a
	$(Q)sed 's|@PREFIX@|$(PREFIX)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|' \
		lib/elfmap.pc.in | $(PUT) 644 /dev/stdin $(PKGCONFIGDIR)/elfmap.pc
	$(Q)$(PUT) 644 completion/elfmap.bash $(BASHCOMPDIR)/elfmap
	$(Q)$(PUT) 644 completion/_elfmap $(ZSHCOMPDIR)/_elfmap
	$(Q)$(PUT) 644 completion/elfmap.fish $(FISHCOMPDIR)/elfmap.fish
	$(Q)$(PUT) 644 $(wildcard man/*.8) $(MANDIR)/man8/
	$(Q)$(PUT) 644 $(wildcard man/*.3) $(MANDIR)/man3/
	$(Q)for page in $(notdir $(wildcard man/*.3)); do \
		for name in $$(sed -n '/^.Sh NAME/,/^.Nd/s/^.Nm \([a-z0-9_]*\).*/\1/p' man/$$page); do \
			[ $$name.3 = $$page ] || $(PUT) link $$page $(MANDIR)/man3/$$name.3; \
		done; \
	done

uninstall: ## remove what install installed
	$(Q)$(PUT) remove

clean: ## remove $(BUILD)
	rm -rf $(BUILD)

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

# Programs are linked under another name and renamed, so that they can be executed while they are rebuilt.

# ---- the launcher, the command proper, the preload ------------------------------------------------------

$(BUILD)/elfmap: $(LAUNCHER_SRC) $(LAUNCHER_H)
	$(tools)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)if $(if $(MUSL_CC),$(call links,$(MUSL_CC),-static),false); then set -- $(MUSL_CC) $(MUSL_CFLAGS) -static; \
	elif $(if $(filter no,$(STATIC)),false,$(call links,$(CC),-static)); then set -- $(CC) -static; \
	else set -- $(CC); fi; \
	"$$@" $(filter-out -MMD -MP,$(ALL_CPPFLAGS)) $(ALL_CFLAGS) $(SMALL_CFLAGS) $(SMALL_LDFLAGS) $(LDFLAGS) -o $@.new $(LAUNCHER_SRC)
	$(Q)rm -f $@.probe && mv $@.new $@

$(LIBEXEC)/elfmap: $(TOOL_OBJ) $(LIB_OBJ)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)if $(if $(STATIC),[ $(STATIC) = yes ],$(call links,$(CC),-static $(STATIC_PROBE) $(STATIC_LDLIBS))); then \
	set -- -static -Wl,-z,noseparate-code $^ $(STATIC_LDLIBS); else set -- $^ $(TOOL_LDLIBS); fi; \
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@.new "$$@"
	$(Q)rm -f $@.probe && mv $@.new $@

$(LIBEXEC)/preload.so: $(PIC_OBJ) preload/preload.map
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -shared -Wl,--version-script=preload/preload.map -Wl,-z,defs $(SMALL_LDFLAGS) $(LDFLAGS) \
		-o $@.new $(filter %.o,$^) $(SHARED_LDLIBS)
	$(Q)mv $@.new $@

$(LIBEXEC)/bin/tc $(LIBEXEC)/bin/ip: | $(BUILD)/elfmap
	@mkdir -p $(@D)
	$(Q)ln -sf ../../../elfmap $@

# `elfmap -V` prints this file.
$(BUILD)/version: FORCE
	@mkdir -p $(@D)
	@text='$(VERSION)$(if $(COMMIT), ($(COMMIT)))'; \
		[ "$$text" = "$$(cat $@ 2>/dev/null)" ] || printf '%s\n' "$$text" >$@

$(BUILD)/helpers/main.o: $(BUILD)/version
$(BUILD)/helpers/main.o: ALL_CPPFLAGS += -DELFMAP_VERSION='"$(shell cat $(BUILD)/version)"'

$(BUILD)/$(SONAME): $(SHIP_OBJ) lib/libelfmap.map
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=lib/libelfmap.map -Wl,-z,defs \
		-Wl,--gc-sections $(LDFLAGS) -o $@.new $(filter %.o,$^) $(SHARED_LDLIBS)
	$(Q)mv $@.new $@

$(BUILD)/libelfmap.so: | $(BUILD)/$(SONAME)
	$(Q)ln -sf $(SONAME) $@

# One object, in which all symbols that elfmap.h does not declare are local.
$(BUILD)/libelfmap.a: $(SHIP_OBJ)
	$(call say,AR,$@)
	$(Q)$(CC) -r -nostdlib -o $(@:.a=.o) $^
	$(Q)$(OBJCOPY) --localize-hidden $(@:.a=.o)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(@:.a=.o)

$(BUILD)/%.o: %.c
	$(tools)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/pic/%.o: %.c
	$(tools)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -fPIC -fvisibility=hidden $(SMALL_CFLAGS) -c -o $@ $<

# ---- programs for the kernel ---------------------------------------------------------------------

$(PROGS) $(PEERS) $(TDATA_SRC:%.c=$(BUILD)/%.o): $(BUILD)/%.o: %.c
	$(tools)
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(BUILD)/tests/testdata/%.nobtf.o: tests/testdata/%.c
	$(tools)
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -g0 -c -o $@ $<

# ---- tests: with the sanitizers, against the shared libraries -------------------------------------

SAN_CFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1
SAN_LIB    := $(LIB_SRC:%.c=$(BUILD)/san/%.o)
# The files of the command that unit tests call: they fill a request or a message, and neither print nor exit.
SAN_HELPERS := $(patsubst %.c,$(BUILD)/san/%.o,helpers/options.c helpers/complain.c helpers/load/request.c)
SAN_TLIB   := $(TEST_LIB:$(BUILD)/%=$(BUILD)/san/%)
FUZZ_LIB   := $(LIB_SRC:%.c=$(BUILD)/fuzzlib/%.o)

$(BUILD)/san/%.o: %.c
	$(tools)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(SAN_CFLAGS) -Itests/unit -Itests/prog -c -o $@ $<

$(BUILD)/tests/unit/%_test: $(BUILD)/san/tests/unit/%_test.o $(SAN_HELPERS) $(SAN_LIB) $(filter $(BUILD)/san/tests/unit/%,$(SAN_TLIB))
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SAN_CFLAGS) $(LDFLAGS) -o $@ $^ $(SHARED_LDLIBS) -lcmocka

$(BUILD)/tests/prog/%_test: $(BUILD)/san/tests/prog/%_test.o $(SAN_LIB) $(filter $(BUILD)/san/tests/prog/%,$(SAN_TLIB)) | $(PROGS)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SAN_CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(SHARED_LDLIBS) -lcmocka

$(BUILD)/fuzzlib/%.o: %.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(SAN_CFLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

$(BUILD)/tests/fuzz/%_fuzz: $(BUILD)/fuzzlib/tests/fuzz/%_fuzz.o $(FUZZ_LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(SAN_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(SHARED_LDLIBS)

$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(LIB_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(SHARED_LDLIBS)

$(BUILD)/tests/tools/flood: $(FLOOD_SRC:%.c=$(BUILD)/%.o)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -pthread $(LDFLAGS) -o $@ $^

$(BUILD)/tests/tools/peak: $(BUILD)/tests/tools/peak.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^

# They load programs like the tests.
$(BUILD)/tests/bench/prog_cost $(BUILD)/tests/bench/object_cost: $(BUILD)/tests/prog/classifier.o $(BUILD)/tests/prog/frames.o
$(BUILD)/tests/bench/prog_cost $(BUILD)/tests/bench/object_cost: SHARED_LDLIBS += -lcmocka

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
