# roentgym. `make run` starts the daemon, `make test` runs every test; both set the machine up first. `make` alone
# builds both programs. Speed is measured, side by side with a peer where there is one, by
#   make bench-train       training beside PyTorch
#   make bench-classifier  training of classifiers beside PyTorch
#   make bench-sample      sampling beside PyTorch
#   make bench-png         encoding a sample beside libpng
#   make bench-load        the daemon under a class of learners, beside FastAPI
#   make bench-answers     storing answers beside Python's sqlite3
#   make bench-ingest      reading DICOM files beside pydicom
#   make bench-viewer      dragging over an image in Chromium
#   make bench-pages       how soon the pages are there in Chromium, and answer
# `make gpu-test` and `make gpu-bench` are for a machine with a GPU; `make bench` only builds.
#
# Knobs, on the command line:
#   PORT=8080       where `make run` listens; 0 takes a free port
#   SUITES="unit"   which suites `make test` runs (tests/run.sh lists them)
#   SANITIZE=1      AddressSanitizer + UBSan, in build/sanitize/
#   ARCH=native     -march of the build (the oneDNN library chooses its own code at run time)
#   OPT=-O3 WERROR=1
#   ONLY=64/2048/128   one cell of bench-train, model of bench-sample, scenario of bench-load or page of bench-pages
#   B=build         where the output goes
#   DICOM=no, JPEG=no   leave out what ingest reads with GDCM and libjpeg; by themselves they are built where the
#                   libraries are found
#   CUDA=no         leaves the CUDA backend out; by itself it is built where nvcc and cuDNN are found
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
# Vectors wider than the CPU's registers are passed only between functions that become one.
ifneq ($(ARCH),native)
WARN     += -Wno-psabi
endif
CFLAGS   := -std=c17 -D_GNU_SOURCE $(WARN) $(OPT) -march=$(ARCH) -fno-math-errno -fno-trapping-math \
            -g -fno-omit-frame-pointer -fopenmp -I. -MMD -MP $(SANFLAGS)
LDFLAGS  := -fopenmp $(SANFLAGS) -Wl,--as-needed -Wl,-rpath,'$$ORIGIN'
ENGINE_LIBS  := -ldnnl -lpng -ldeflate -ljansson -lm -lpthread -ldl
# What ingest reads files with, where it is found: GDCM is C++. Without it a stand-in refuses such files.
ifndef DICOM
DICOM    := $(firstword $(wildcard /usr/include/gdcm-3.0 /usr/local/include/gdcm-3.0) no)
endif
ifndef JPEG
JPEG     := $(shell printf '\043include <stdio.h>\n\043include <jpeglib.h>\n' | $(CC) -E -x c - >/dev/null 2>&1 && echo yes || echo no)
endif
DICOM_LIBS := $(if $(filter no,$(DICOM)),,-lgdcmMSFF -lgdcmDSED -lgdcmCommon -lstdc++)
TRAINER_LIBS := -lcurl $(if $(filter no,$(JPEG)),,-ljpeg) $(DICOM_LIBS) $(ENGINE_LIBS)
SERVER_LIBS  := -lmicrohttpd -lsqlite3 -lz -lsodium $(ENGINE_LIBS)

sources  = $(wildcard $(1)/*.c $(1)/*/*.c $(1)/*/*/*.c)
objects  = $(patsubst %.c,$(B)/%.o,$(1))
ENGINE   := $(call objects,$(filter-out engine/cuda/%,$(call sources,engine)))
UNUSED   := $(if $(filter no,$(DICOM)),,%/dicom_absent.c) $(if $(filter no,$(JPEG)),%/jpeg_file.c,%/jpeg_absent.c)
TRAINER  := $(call objects,$(filter-out $(UNUSED),$(call sources,trainer))) \
            $(if $(filter no,$(DICOM)),,$(B)/trainer/ingest/dicom.cc.o)
SERVER   := $(call objects,$(call sources,server))
# Tests may link every part but the two main() functions.
PARTS    := $(filter-out %/main.o,$(TRAINER) $(SERVER))

# A test program is one file named test_*.c, fuzz_*.c or bench_*.c; an oracle's helper has any name. What
# else lies in tests/unit or tests/fuzz is linked to each program there.
programs = $(patsubst %.c,$(B)/%,$(wildcard $(1)))
helpers  = $(call objects,$(foreach f,$(wildcard $(1)/*.c $(1)/*/*.c),$(if $(filter $(2),$(notdir $(f))),,$(f))))
UNIT     := $(call programs,tests/unit/test_*.c tests/unit/*/test_*.c)
FUZZ     := $(call programs,tests/fuzz/fuzz_*.c)
OTHER    := $(call programs,tests/api/test_*.c tests/faults/test_*.c tests/oracle/*.c)
BENCH    := $(call programs,tests/bench/bench_*.c)
BARE     := $(B)/tests/roentgym_bare
LOAD     := $(B)/tests/bench/load_learners

# `make -j` is the default for the targets below that build by calling make again after the set-up.
PARALLEL  = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# ---- the CUDA backend, a library of its own that the programs load when they are asked for a GPU ----

# CUDA: the toolkit's folder, with nvcc and with cuDNN in it or where the compiler looks; or no.
comma    := ,
ifndef CUDA
CUDA     := $(shell nvcc=$$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null) && \
             root=$$(dirname "$$(dirname "$$(readlink -f "$$nvcc")")") && \
             $(CC) -E -I"$$root/include" -include cudnn.h -x c /dev/null >/dev/null 2>&1 && echo "$$root" || echo no)
endif
CUDA_SO  := $(if $(filter no,$(CUDA)),,$(B)/libroentgym_cuda.so)
HOST_SO  := $(B)/host/libroentgym_cuda.so
CUDA_C   := $(wildcard engine/cuda/*.c) engine/error.c
CUDA_CU  := $(wildcard engine/cuda/*.cu)
# Code for each generation from Ampere on that this nvcc knows, and PTX of the first for all the others: the
# driver translates it for any later one.
CUDA_GENERATIONS ?= $(filter $(if $(CUDA_SO),$(shell $(CUDA)/bin/nvcc --list-gpu-arch | sed 's/compute_//')), \
                             80 86 89 90 100 120)
CUDA_CODE = $(foreach g,$(CUDA_GENERATIONS),-gencode arch=compute_$(g),code=sm_$(g)) \
            $(foreach g,$(firstword $(CUDA_GENERATIONS)),-gencode arch=compute_$(g),code=compute_$(g))
NVCC_FLAGS = -std=c++17 -O3 -I. $(CUDA_CODE) \
              -Xcompiler -fPIC,-fvisibility=hidden,-Wall$(if $(filter 1,$(WERROR)),$(comma)-Werror)
CUDA_LIBS := -L$(CUDA)/lib64 -L$(CUDA)/lib -Wl,-rpath,'$$ORIGIN' -Wl,-rpath,$(CUDA)/lib64 \
             -Wl,-rpath,$(CUDA)/lib -lcudnn -lcublas -lcudart_static -ldl -lrt -lpthread -lstdc++ -lm

all: $(B)/roentgym $(B)/roentgymd $(B)/web.txt $(CUDA_SO)

run:
	@deploy/setup.sh run
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@mkdir -p var
	exec $(B)/roentgymd --config deploy/roentgymd.json --web $(B)/web --port $(PORT)

test:
	@deploy/setup.sh test
	@$(MAKE) --no-print-directory $(PARALLEL) all programs
	@tests/run.sh $(B) $(SUITES)

unit-programs: $(UNIT) $(FUZZ)
programs: unit-programs $(OTHER) $(LOAD) $(BARE) $(HOST_SO) $(if $(CUDA_SO),$(B)/tests/gpu/described_plans)
bench: all $(BENCH) $(LOAD)

# What needs a GPU; without one both say so.
gpu-programs: all $(UNIT) $(BENCH) $(if $(CUDA_SO),$(B)/tests/gpu/described_plans)
gpu-test: gpu-programs
	@tests/gpu/gpu_test.sh $(B)
gpu-bench: gpu-programs
	@. tests/gpu/cuda_libraries.sh; python3 tests/gpu/gpu_bench.py --build $(B)
bench-train: $(B)/tests/bench/bench_training $(B)/tests/oracle/dump_gradients
	tests/bench/bench_train.py --build $(B) $(if $(ONLY),--only $(ONLY))
bench-classifier: $(B)/tests/bench/bench_classifier
	tests/bench/bench_classifier.py --build $(B) $(if $(ONLY),--only "$(ONLY)")
bench-png: $(B)/tests/bench/bench_png
	$<
bench-sample: $(B)/tests/bench/bench_sampling
	tests/bench/bench_sample.py --build $(B) $(if $(ONLY),--only $(ONLY))
bench-answers: $(B)/tests/bench/bench_answers
	tests/bench/bench_answers.py --build $(B)
bench-ingest: $(B)/roentgym
	tests/bench/bench_ingest.py --build $(B)
# In a browser, with the modules that its tests drive it by, and pages that have theirs.
bench-viewer bench-pages:
	@deploy/setup.sh test
	@$(MAKE) --no-print-directory $(PARALLEL) $(B)/roentgymd $(B)/web.txt
	ROENTGYM_BUILD=$(B) node tests/bench/$(subst -,_,$@).mjs $(if $(ONLY),$(if $(filter bench-pages,$@),'$(ONLY)'))
bench-load: $(B)/roentgymd $(LOAD)
	tests/bench/bench_load.py --build $(B) $(if $(ONLY),--only $(ONLY))

# Rebuilds what the compiler's flags or the list of source files would change. -Werror changes no object.
remember  = $(shell mkdir -p $(dir $(1)); echo '$(2)' | cmp -s - $(1) || echo '$(2)' >$(1))
$(call remember,$(B)/flags.txt,$(CC) $(filter-out -Werror,$(CFLAGS)))
$(call remember,$(B)/engine.txt,$(ENGINE))
$(call remember,$(B)/parts.txt,$(PARTS))
$(call remember,$(B)/trainer.txt,$(TRAINER))

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
$(B)/roentgym: $(TRAINER) $(B)/libengine.a $(B)/trainer.txt
	$(say) "$@$(if $(filter no,$(DICOM)),$(comma) without DICOM: no libgdcm-dev)$(if $(filter no,$(JPEG)),$(comma) without JPEG: no libjpeg62-turbo-dev)"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter-out %.txt,$^) $(TRAINER_LIBS)
# Without DICOM and JPEG whatever is there, for a test.
$(BARE): $(sort $(filter-out %/dicom.cc.o %/jpeg_file.o,$(TRAINER)) \
                $(B)/trainer/ingest/dicom_absent.o $(B)/trainer/ingest/jpeg_absent.o) $(B)/libengine.a
	@mkdir -p $(@D)
	$(say) $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcurl $(ENGINE_LIBS)
$(B)/roentgymd: $(SERVER) $(B)/libengine.a
	$(say) $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(SERVER_LIBS)

# The pages as the daemon serves them, in $(B)/web. In lib/ lies what they use of others, with its licences: npm
# fetches it (deploy/setup.sh, web/package.json); without npm the pages do without charts and QR codes. The head of
# each page names the modules that it needs, so that none is found only when another one has come. Beside each file
# lies what browsers get that take gzip: a third of the bytes.
PAGES    := $(shell cd web && find * -name node_modules -prune -o -type f ! -name '*.json' ! -name '*.awk' -print | sort)
FETCHED  := $(wildcard web/node_modules/.package-lock.json)
LIBRARIES := uplot/dist/uPlot.esm.js:uplot/uPlot.esm.js uplot/dist/uPlot.min.css:uplot/uPlot.min.css \
             uplot/LICENSE:uplot/LICENSE.txt lean-qr/index.mjs:lean-qr/index.mjs lean-qr/LICENSE:lean-qr/LICENSE.txt
$(call remember,$(B)/pages.txt,$(PAGES) $(LIBRARIES) $(FETCHED))

$(B)/web.txt: $(PAGES:%=web/%) web/modulepreload.awk $(B)/pages.txt $(FETCHED)
	@echo "  pages $(B)/web$(if $(FETCHED),, without charts and QR codes: deploy/setup.sh run fetches them)"
	$(Q)mkdir -p $(B)/web && rm -rf $(B)/web/*
	$(Q)cd web && cp --parents $(PAGES) $(abspath $(B)/web)
	$(Q)for page in $(filter %.html,$(PAGES)); do \
	    awk -v root=web -f web/modulepreload.awk web/$$page >$(B)/web/$$page || exit 1; done
	$(Q)$(if $(FETCHED),for pair in $(LIBRARIES); do \
	    install -D -m 644 web/node_modules/$${pair%%:*} $(B)/web/lib/$${pair##*:} || exit 1; done)
	$(Q)find $(B)/web -type f -exec gzip --best --keep --no-name {} +
	@touch $@

CUDA_OBJECTS := $(CUDA_C:%.c=$(B)/shared/%.o) $(CUDA_CU:%.cu=$(B)/shared/%.cu.o)
$(B)/libroentgym_cuda.so: $(CUDA_OBJECTS)
	$(say) $@
	$(Q)$(CC) -shared -o $@ $^ -Wl,--no-undefined $(CUDA_LIBS)
$(B)/shared/%.o: %.c $(B)/flags.txt
	@mkdir -p $(@D)
	$(say) $<
	$(Q)$(CC) $(filter-out $(SANFLAGS) -fopenmp,$(CFLAGS)) -fPIC -fvisibility=hidden -isystem $(CUDA)/include -c $< -o $@
$(B)/shared/%.cu.o: %.cu $(wildcard engine/cuda/*.cuh engine/cuda/*.h) engine/backend.h engine/tensor.h
	@mkdir -p $(@D)
	@echo "  nvcc $<"
	$(Q)$(CUDA)/bin/nvcc $(NVCC_FLAGS) -c $< -o $@

$(B)/tests/gpu/described_plans: $(B)/shared/tests/gpu/described_plans.o $(B)/shared/engine/cuda/cudnn_plan.o \
                               $(B)/shared/engine/error.o
	@mkdir -p $(@D)
	$(say) $@
	$(Q)$(CC) -o $@ $^ $(CUDA_LIBS)

# The same backend with CUDA's runtime, its threads and cuBLAS played by the host, and without cuDNN: the
# tests run every kernel through it on machines without a GPU.
HOST_OBJECTS := $(patsubst %,$(B)/host/%.o,$(filter-out %/cuda_plans.c %/cudnn_plan.c,$(CUDA_C)) $(CUDA_CU) \
                $(wildcard tests/cuda_host/*.c tests/cuda_host/*.cpp))
HOST_FLAGS := $(filter-out -std=% -Wstrict-prototypes -Wmissing-prototypes -Wpedantic -Wundef -Wshadow -fopenmp,$(CFLAGS)) \
              -fPIC -fvisibility=hidden -Itests/cuda_host
$(HOST_SO): $(HOST_OBJECTS)
	$(say) $@
	$(Q)$(CXX) -shared $(SANFLAGS) -o $@ $^
$(B)/host/%.c.o: %.c $(B)/flags.txt
	@mkdir -p $(@D)
	$(say) "$< (host)"
	$(Q)$(CC) -std=c17 $(HOST_FLAGS) -c $< -o $@
$(B)/host/%.cpp.o: %.cpp $(B)/flags.txt
	@mkdir -p $(@D)
	$(say) "$< (host)"
	$(Q)$(CXX) -std=c++17 $(HOST_FLAGS) -c $< -o $@
$(B)/host/%.cu.o: %.cu $(B)/flags.txt
	@mkdir -p $(@D)
	$(say) "$< (host)"
	$(Q)$(CXX) -std=c++17 $(HOST_FLAGS) -x c++ -c $< -o $@

$(UNIT): $(call helpers,tests/unit,test_%)
$(FUZZ): $(call helpers,tests/fuzz,fuzz_%)
$(LOAD): $(call objects,$(wildcard tests/bench/load_*.c))
$(B)/tests/bench/bench_answers $(B)/tests/bench/bench_next_item $(B)/tests/bench/bench_session_start: \
    $(B)/tests/bench/stored_deck.o
$(UNIT) $(FUZZ) $(OTHER) $(BENCH) $(LOAD): $(B)/tests/%: $(B)/tests/%.o $(B)/libparts.a $(B)/libengine.a
	$(say) $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(B)/libparts.a $(B)/libengine.a $(SERVER_LIBS) $(TRAINER_LIBS) -lcmocka

# Its source takes the files in whole.
$(B)/server/database/schema.o: schema.sql $(wildcard server/database/*.sql server/database/migrations/*.sql)

# The phantom's ray marching is the one place where reassociated floating point is wanted: the loops
# vectorise, and no NaN or infinity takes part.
$(B)/trainer/phantom/%.o: CFLAGS += -ffast-math

$(B)/%.o: %.c $(B)/flags.txt
	@mkdir -p $(@D)
	$(say) $<
	$(Q)$(CC) $(CFLAGS) -c $< -o $@
$(B)/%.cc.o: %.cc $(B)/flags.txt
	@mkdir -p $(@D)
	$(say) $<
	$(Q)$(CXX) -std=c++17 $(filter-out -std=% -Wstrict-prototypes -Wmissing-prototypes -fopenmp,$(CFLAGS)) \
	    -isystem $(DICOM) -c $< -o $@

clean:
	rm -rf build

.PHONY: all run test unit-programs programs bench bench-train bench-classifier bench-png bench-sample bench-answers bench-ingest bench-load bench-viewer bench-pages gpu-programs gpu-test gpu-bench clean
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
