EXTENSION      = agent
EXTVERSION     = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" agent.control)
MODULE_big     = agent
OBJS           = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))
SHLIB_LINK     = -ldl
PG_CFLAGS      = -std=gnu11
# Warnings are for our own code, not for the server's headers.
PG_CPPFLAGS    = -isystem $(includedir_server) -DAGENT_VERSION='"$(EXTVERSION)"'
DATA           = $(wildcard sql/agent--*--*.sql)
DATA_built     = sql/agent--$(EXTVERSION).sql

# pg_regress wants sql/ and expected/ side by side, and before PostgreSQL 16 it
# looks into ./sql first: the tests are staged where neither meets the sources.
STAGE          = tmp_check/stage
STAGED         = --inputdir=$(STAGE)/$(1) --outputdir=$(STAGE)/$(1) \
                 $(if $(filter-out 15,$(MAJORVERSION)),--expecteddir=$(STAGE)/$(1))
REGRESS        = $(patsubst sql_tests/%.sql,%,$(sort $(wildcard sql_tests/*.sql)))
REGRESS_OPTS   = $(call STAGED,regress) --load-extension=pgcrypto --load-extension=agent
ISOLATION      = $(patsubst sql_tests/isolation/%.spec,%,$(sort $(wildcard sql_tests/isolation/*.spec)))
ISOLATION_OPTS = $(call STAGED,isolation) --load-extension=pgcrypto --load-extension=agent
TAP_TESTS      = 1
PROVE_TESTS    = sql_tests/t/*.pl
REGRESS_PREP   = stage
EXTRA_CLEAN    = tmp_check bench/bench gateway/httpd/agent-httpd gateway/httpd/*.o

PG_CONFIG     ?= pg_config
PGXS          := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))

# A bare system has no pg_config yet: quickstart and test install it.
ifneq ($(PGXS),)
include $(PGXS)

# The server was built by gcc; clang does not know all of its flags.
ifneq ($(findstring clang,$(CC)),)
override CFLAGS := $(filter-out -fexcess-precision=standard -Wimplicit-fallthrough=3 -Wno-format-truncation -Wno-stringop-truncation,$(CFLAGS))
endif

$(DATA_built): $(sort $(wildcard sql/[0-9]*.sql)) agent.control
	cat $(filter %.sql,$^) > $@

$(OBJS): src/agent.h src/compat.h src/http.h agent.control

.PHONY: stage bench bench-http faults valgrind lint
stage:
	mkdir -p $(STAGE)/regress $(STAGE)/isolation
	ln -sfn $(CURDIR)/sql_tests $(STAGE)/regress/sql
	ln -sfn $(CURDIR)/expected $(STAGE)/regress/expected
	ln -sfn $(CURDIR)/sql_tests/isolation $(STAGE)/isolation/specs
	ln -sfn $(CURDIR)/expected/isolation $(STAGE)/isolation/expected

bench bench-http faults valgrind lint:
	@scripts/$@
else
all:
	@echo "$(PG_CONFIG) not found: install postgresql-server-dev, set PG_CONFIG, or run make quickstart"; exit 1
endif

.PHONY: quickstart stop test dist deb
quickstart stop test dist:
	@scripts/$@
deb:
	@scripts/debian
