# roentgym. `make run` starts the daemon, `make test` runs every test; both set the machine up first.
# `make` alone builds both programs, `make bench` builds the benchmarks of tests/bench, `make bench-train`
# trains beside PyTorch and prints who was faster.
#
# Knobs, on the command line:
#   PORT=8080       where `make run` listens; 0 takes a free port
#   SUITES="unit"   which suites `make test` runs (tests/run.sh lists them)
#   SANITIZE=1      AddressSanitizer + UBSan, in build/sanitize/
#   ARCH=native     -march of the build (the oneDNN library chooses its own code at run time)
#   OPT=-O3 WERROR=1
#   ONLY=64/2048/128   the one cell of `make bench-train` to measure
#   B=build         where the output goes
#   V=1             shows the compiler's command lines

SANITIZE ?= 0
ARCH     ?= native
WERROR   ?= 0
PORT     ?= 8080
SUITES   ?=

ifeq ($(V),1)
say      := @:
Q        :=
else
say      := @echo "  $(CC)"
Q        := @
endif

ifeq ($(SANITIZE),1)
B        := build/sanitize
OPT      ?= -O1
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all
else
B        := build
OPT      ?= -O3
endif

WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wformat=2 -Wvla
ifeq ($(WERROR),1)
WARN     += -Werror
endif
CFLAGS   := -std=c17 -D_GNU_SOURCE $(WARN) $(OPT) -march=$(ARCH) -fno-math-errno -fno-trapping-math \
            -g -fno-omit-frame-pointer -fopenmp -I. -MMD -MP $(SANFLAGS)
LDFLAGS  := -fopenmp $(SANFLAGS)
ENGINE_LIBS  := -ldnnl -lpng -ljansson -lm -lpthread
SERVER_LIBS  := -lmicrohttpd -lsqlite3 $(ENGINE_LIBS)

sources  = $(wildcard $(1)/*.c $(1)/*/*.c)
objects  = $(patsubst %.c,$(B)/%.o,$(1))
ENGINE   := $(call objects,$(call sources,engine))
TRAINER  := $(call objects,$(call sources,trainer))
SERVER   := $(call objects,$(call sources,server))
# Tests may link every part but the two main() functions.
PARTS    := $(filter-out %/main.o,$(TRAINER) $(SERVER))

# A test program is one file named test_*.c, fuzz_*.c or bench_*.c; an oracle's helper has any name. What
# else lies in tests/unit or tests/fuzz is linked to each program of its folder.
programs = $(patsubst %.c,$(B)/%,$(wildcard $(1)))
helpers  = $(call objects,$(filter-out $(2),$(wildcard $(1)/*.c)))
UNIT     := $(call programs,tests/unit/test_*.c)
FUZZ     := $(call programs,tests/fuzz/fuzz_*.c)
OTHER    := $(call programs,tests/api/test_*.c tests/faults/test_*.c tests/oracle/*.c)
BENCH    := $(call programs,tests/bench/bench_*.c)

# `make -j` is the default for the targets below that build by calling make again after the set-up.
PARALLEL  = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

all: $(B)/roentgym $(B)/roentgymd

run:
	@deploy/setup.sh run
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@mkdir -p var
	exec $(B)/roentgymd --config deploy/roentgymd.json --port $(PORT)

test:
	@deploy/setup.sh test
	@$(MAKE) --no-print-directory $(PARALLEL) all programs
	@tests/run.sh $(B) $(SUITES)

unit-programs: $(UNIT) $(FUZZ)
programs: unit-programs $(OTHER)
bench: all $(BENCH)
bench-train: $(B)/tests/bench/bench_training $(B)/tests/oracle/dump_gradients
	tests/bench/bench_train.py --build $(B) $(if $(ONLY),--only $(ONLY))

# Rebuilds what the compiler's flags or the list of source files would change. -Werror changes no object.
remember  = $(shell mkdir -p $(dir $(1)); echo '$(2)' | cmp -s - $(1) || echo '$(2)' >$(1))
$(call remember,$(B)/flags.txt,$(CC) $(filter-out -Werror,$(CFLAGS)))
$(call remember,$(B)/engine.txt,$(ENGINE))
$(call remember,$(B)/parts.txt,$(PARTS))

# What --version says beside the version: the commit, and whether files have changed since. Empty without git.
COMMIT   := $(shell git describe --always --dirty 2>/dev/null)
$(call remember,$(B)/commit.txt,$(COMMIT))
MAINS    := $(B)/trainer/main.o $(B)/server/main.o
$(MAINS): CFLAGS += -DROENTGYM_COMMIT='"$(COMMIT)"'
$(MAINS): $(B)/commit.txt

$(B)/libengine.a: $(ENGINE) $(B)/engine.txt
	@rm -f $@; $(AR) rcs $@ $(ENGINE)
$(B)/libparts.a: $(PARTS) $(B)/parts.txt
	@rm -f $@; $(AR) rcs $@ $(PARTS)
$(B)/roentgym: $(TRAINER) $(B)/libengine.a
	$(say) $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(ENGINE_LIBS)
$(B)/roentgymd: $(SERVER) $(B)/libengine.a
	$(say) $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(SERVER_LIBS)

$(UNIT): $(call helpers,tests/unit,tests/unit/test_%)
$(FUZZ): $(call helpers,tests/fuzz,tests/fuzz/fuzz_%)
$(UNIT) $(FUZZ) $(OTHER) $(BENCH): $(B)/tests/%: $(B)/tests/%.o $(B)/libparts.a $(B)/libengine.a
	$(say) $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(B)/libparts.a $(B)/libengine.a $(SERVER_LIBS) -lcmocka -lcurl

# Its source takes the file in whole.
$(B)/server/schema.o: schema.sql

# The phantom's ray marching is the one place where reassociated floating point is wanted: the loops
# vectorise, and no NaN or infinity takes part.
$(B)/trainer/phantom/%.o: CFLAGS += -ffast-math

$(B)/%.o: %.c $(B)/flags.txt
	@mkdir -p $(@D)
	$(say) $<
	$(Q)$(CC) $(CFLAGS) -c $< -o $@

clean:
	rm -rf build

.PHONY: all run test unit-programs programs bench bench-train clean
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
