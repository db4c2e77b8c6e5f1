# roentgym. `make run` starts the daemon, `make test` runs every test; both set the machine up first.
#
# Knobs, on the command line:
#   PORT=8080       where `make run` listens
#   SANITIZE=1      AddressSanitizer + UBSan, in build/sanitize/
#   ARCH=native     -march of the build (the oneDNN library chooses its own code at run time)
#   OPT=-O3 WERROR=1

SANITIZE ?= 0
ARCH     ?= native
OPT      ?= -O3
WERROR   ?= 0
PORT     ?= 8080

ifeq ($(SANITIZE),1)
B        := build/sanitize
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all
else
B        := build
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
# Unit tests may link every part but the two main() functions.
PARTS    := $(filter-out %/main.o,$(TRAINER) $(SERVER))
UNIT     := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c))

all: $(B)/roentgym $(B)/roentgymd

$(B)/libengine.a: $(ENGINE)
	@rm -f $@; $(AR) rcs $@ $^
$(B)/libparts.a: $(PARTS)
	@rm -f $@; $(AR) rcs $@ $^
$(B)/roentgym: $(TRAINER) $(B)/libengine.a
	$(CC) $(LDFLAGS) -o $@ $^ $(ENGINE_LIBS)
$(B)/roentgymd: $(SERVER) $(B)/libengine.a
	$(CC) $(LDFLAGS) -o $@ $^ $(SERVER_LIBS)
$(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/libparts.a $(B)/libengine.a
	$(CC) $(LDFLAGS) -o $@ $^ $(SERVER_LIBS) -lcmocka -lcurl

# The phantom's ray marching is the one place where reassociated floating point is wanted: the loops
# vectorise, and no NaN or infinity takes part.
$(B)/trainer/phantom/%.o: CFLAGS += -ffast-math

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@

clean:
	rm -rf build

.PHONY: all clean
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
