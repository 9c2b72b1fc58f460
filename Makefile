# bellbook: make practice | make test [T=PATTERN] | make [MODE=debug|release|asan|tsan|tiny|cov|fuzz] [WERROR=1] [V=1]
# GNU make. Objects are in build/MODE/. Honours CC CFLAGS LDFLAGS PREFIX DESTDIR.
# SPDX-License-Identifier: GPL-3.0-or-later
MODE ?= release
PREFIX ?= /usr/local
T ?=
B := build/$(MODE)$(if $(findstring clang,$(CC)),-clang)
LAYERS := command tui session actions journal base
PKGS := ncursesw libpq libssh2 libcurl lua5.4 sqlite3 jansson libcrypto vterm

# $(call try,FLAG): the flag if the compiler knows it, else nothing.
try = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo '$(1)')

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wwrite-strings -Wpointer-arith -Wcast-qual -Wcast-align -Wundef -Wvla \
	-Wformat=2 -Wswitch-enum -Wnull-dereference -Wdouble-promotion -Wimplicit-fallthrough
PROBED := -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wno-format-truncation
SAN := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all
FLAGS_debug := -O1 -g
FLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
FLAGS_asan := $(SAN) -fsanitize=address,undefined
FLAGS_tsan := $(SAN) -fsanitize=thread
FLAGS_tiny := -O1 -g -DTINY_LIMITS
FLAGS_cov := -O0 -g --coverage
FLAGS_fuzz := $(SAN) -DTINY_LIMITS -fsanitize=fuzzer-no-link,address,undefined
ifeq ($(filter $(MODE),debug release asan tsan tiny cov fuzz),)
$(error MODE=$(MODE): choose debug, release, asan, tsan, tiny, cov or fuzz)
endif

BUILDING := $(filter-out clean deps practice test check unit cli lint asan tsan valgrind fuzz,$(or $(MAKECMDGOALS),all))
ifneq ($(BUILDING),)
WARN += $(foreach f,$(PROBED),$(call try,$(f)))
PKG_CFLAGS := $(patsubst -I%,-isystem %,$(filter -I%,$(shell pkg-config --cflags $(PKGS) 2>/dev/null)))
endif
CFLAGS ?= $(FLAGS_$(MODE))
override CPPFLAGS += -D_XOPEN_SOURCE=700 -I. -I$(B)/gen -include base/banned.h \
	-DBELLBOOK_DATADIR='"$(PREFIX)/share/bellbook"'
override CFLAGS += -std=c11 -fPIE -pthread $(WARN) $(if $(WERROR),-Werror) $(PKG_CFLAGS)
override LDFLAGS += -pie -pthread -Wl,-z,relro,-z,now,--as-needed $(filter -fsanitize% --coverage,$(FLAGS_$(MODE)))
CMOCKA := $(if $(BUILDING),$(shell pkg-config --libs cmocka 2>/dev/null))
LDLIBS := $(if $(BUILDING),$(shell pkg-config --libs $(PKGS)) -lm)
# Objects are made again when compiler, flags or PREFIX change.
FLAGS_NOW := $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)
ifneq ($(BUILDING),)
ifneq ($(strip $(file <$(B)/flags)),$(strip $(FLAGS_NOW)))
$(shell mkdir -p $(B))
$(file >$(B)/flags,$(FLAGS_NOW))
endif
endif
Q := $(if $(V),,@)
SILENT := $(or $(V),$(findstring s,$(firstword -$(MAKEFLAGS))))
say = $(if $(SILENT),,@printf '  %-4s %s\n' '$(1)' '$(2)')

# A layer's files lie in it, or in one of its rooms.
files = $(wildcard $(1)/*.$(2) $(1)/*/*.$(2))
srcs = $(call files,$(1),c)
LIBS := $(foreach d,$(LAYERS),$(if $(call srcs,$(d)),$(B)/lib$(d).a))
EMBED := $(foreach d,$(LAYERS),$(foreach e,sh sql css lua,$(call files,$(d),$(e))))
GEN := $(foreach f,$(EMBED),$(B)/gen/$(subst .,_,$(notdir $(f))).h)
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/*_test.c))
FUZZ := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
BENCH := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))
HELP := $(if $(wildcard tests/lib/*.c),$(B)/libtest.a)
BIN := $(if $(wildcard bellbook.c),$(B)/bellbook)

.PHONY: all libs gen print-flags deps practice test check unit unit-bin bench-bin cli lint hdr-check asan tsan valgrind fuzz fuzz-bin bench docs torture install install-data clean
.DELETE_ON_ERROR:
.SECONDARY:
all: $(BIN) $(if $(filter release,$(MODE)),$(if $(BIN),bellbook)) $(if $(BIN),,$(LIBS))
libs: $(LIBS)
unit-bin: $(UNIT)
bench-bin: $(BENCH)
fuzz-bin: $(FUZZ)
gen: $(GEN)
print-flags:
	@echo '$(subst ','\'',$(CPPFLAGS) $(CFLAGS))'

bellbook: build/release/bellbook
	$(Q)ln -sf build/release/bellbook $@
$(B)/bellbook: $(B)/bellbook.o $(LIBS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LIBS) $(LDLIBS)
define library
$(B)/lib$(1).a: $(patsubst %.c,$(B)/%.o,$(call srcs,$(1)))
	$(call say,AR,$$@)
	$(Q)rm -f $$@ && $(AR) rcs $$@ $$^
endef
$(foreach d,$(LAYERS),$(eval $(call library,$(d))))

$(B)/%.o: %.c base/banned.h $(B)/flags | $(GEN)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(OWN) -MMD -MP -c -o $@ $<
$(B)/base/mem.o: OWN := -DBANNED_ALLOW_ALLOC
$(B)/tests/unit/%.o: OWN := -DBANNED_ALLOW_ALLOC
$(B)/libtest.a: $(patsubst %.c,$(B)/%.o,$(wildcard tests/lib/*.c))
	$(Q)rm -f $@ && $(AR) rcs $@ $^
# A unit test is named after its folder, and is linked with what that folder may include, no more.
NEEDS_base := base
NEEDS_journal := journal base
NEEDS_actions := actions base
NEEDS_session := session actions journal base
NEEDS_tui := tui journal base
# Tests of a session in their own process: they have their own clock and accounts, and see each transaction.
WRAP_session_engine := -Wl,--wrap=time_mono_us,--wrap=time_wall_us,--wrap=account_name,--wrap=account_of_peer,--wrap=store_append,--wrap=model_apply
define unit_test
$(B)/tests/$(1): $(B)/tests/unit/$(1).o $(HELP) $(filter $(patsubst %,$(B)/lib%.a,$(or $(NEEDS_$(firstword $(subst _, ,$(1)))),$(LAYERS))),$(LIBS))
	$(call say,TEST,$$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $$@ $(if $(filter session_engine_%,$(1)),$(WRAP_session_engine)) $$(filter %.o %.a,$$^) $(CMOCKA) $(LDLIBS)
endef
$(foreach t,$(notdir $(UNIT)),$(eval $(call unit_test,$(t))))

$(B)/bench/%: tests/bench/%.c $(LIBS) base/banned.h $(B)/flags | $(GEN)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(LIBS) $(LDLIBS)

# With CC=clang MODE=fuzz.
$(B)/fuzz/%: tests/fuzz/%.c $(LIBS) base/banned.h $(B)/flags | $(GEN)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fsanitize=fuzzer -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(LIBS) $(LDLIBS)

# A text file FILE.EXT of a layer is embedded as `static const char FILE_EXT[]` in "FILE_EXT.h".
define embed
$(B)/gen/$(subst .,_,$(notdir $(1))).h: $(1) tools/embed
	$(call say,GEN,$$@)
	$(Q)mkdir -p $$(@D) && tools/embed $(1) >$$@
endef
$(foreach f,$(EMBED),$(eval $(call embed,$(f))))

-include $(shell find $(B) -name '*.d' 2>/dev/null)

deps:
	$(Q)tools/deps tools/packages tests/fleet/packages
practice: deps
	$(Q)$(MAKE) --no-print-directory MODE=release all
	$(Q)tools/practice
test: deps
	$(Q)tests/run -m release -m debug $(if $(T),-k '$(T)')
check:
	$(Q)tests/run --quick -m release unit cli lint $(if $(T),-k '$(T)')
unit cli lint:
	$(Q)tests/run $@ $(if $(T),-k '$(T)')
hdr-check:
	$(Q)tools/check-headers
asan tsan:
	$(Q)tests/run -m $@ unit $(if $(T),-k '$(T)')
valgrind:
	$(Q)tests/run --valgrind unit $(if $(T),-k '$(T)')
fuzz:
	$(Q)tests/fuzz/run $(if $(T),-k '$(T)') $(if $(SECONDS),-t $(SECONDS))
torture: all
	$(Q)tests/torture/run $(addprefix --seed ,$(SEED)) $(if $(KILLS),--kills $(KILLS))
bench: all bench-bin
	$(Q)tools/deps tools/packages-bench
	$(Q)tests/bench/run
docs:
	$(Q)tools/events-doc
	$(Q)tools/types-doc
	$(Q)tools/actions-doc
SHARE = $(abspath $(DESTDIR)$(PREFIX)/share)
install: all install-data
	install -D -m 755 $(B)/bellbook $(DESTDIR)$(PREFIX)/bin/bellbook
install-data:
	$(foreach m,$(wildcard man/*),install -D -m 644 $(m) $(SHARE)/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m)) &&) true
	install -D -m 644 completions/bellbook.bash $(SHARE)/bash-completion/completions/bellbook
	install -D -m 644 -t $(SHARE)/zsh/vendor-completions completions/_bellbook
	install -D -m 644 -t $(SHARE)/fish/vendor_completions.d completions/bellbook.fish
	cd runbooks && find . -name '*.lua' -exec install -D -m 644 {} $(SHARE)/bellbook/runbooks/{} \;
clean:
	rm -rf build bellbook
