EXTENSION      = agent
EXTVERSION     = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" agent.control)
MODULE_big     = agent
OBJS           = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))
SHLIB_LINK     = -ldl
PG_CFLAGS      = -std=gnu11
# Warnings are for our own code, not for the server's headers.
PG_CPPFLAGS    = -isystem $(includedir_server) -DAGENT_VERSION='"$(EXTVERSION)"'

# Scripts of versions that were released are kept as they were; those of this version are built.
SOURCES        = $(sort $(wildcard sql/[0-9]*.sql))
UPGRADES       = $(patsubst sql/upgrades/%,sql/agent--%,$(wildcard sql/upgrades/*--$(EXTVERSION).sql))
DATA           = $(addprefix sql/,$(shell sed 's/.* //' sql/released.sha256))
DATA_built     = sql/agent--$(EXTVERSION).sql $(UPGRADES)

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

sql/agent--$(EXTVERSION).sql: $(SOURCES) agent.control
	cat $(SOURCES) > $@

$(UPGRADES): sql/agent--%.sql: sql/upgrades/%.sql sql/upgrades/begin.sql sql/upgrades/end.sql $(SOURCES) $(DATA) \
    scripts/upgrade-script
	scripts/upgrade-script sql/agent--$(firstword $(subst --, ,$*)).sql sql/upgrades/begin.sql $< $(SOURCES) sql/upgrades/end.sql > $@.new
	mv $@.new $@

$(OBJS): $(wildcard src/*.h) agent.control

.PHONY: stage data bench bench-http faults valgrind sqlsmith lint updatecheck
# What is installed beside the library and the control file, for scripts.
data:
	@echo $(DATA) $(DATA_built)

stage:
	mkdir -p $(STAGE)/regress $(STAGE)/isolation
	ln -sfn $(CURDIR)/sql_tests $(STAGE)/regress/sql
	ln -sfn $(CURDIR)/expected $(STAGE)/regress/expected
	ln -sfn $(CURDIR)/sql_tests/isolation $(STAGE)/isolation/specs
	ln -sfn $(CURDIR)/expected/isolation $(STAGE)/isolation/expected

bench bench-http faults valgrind sqlsmith lint updatecheck:
	@scripts/$@
else
all:
	@echo "$(PG_CONFIG) not found: install postgresql-server-dev, set PG_CONFIG, or run make quickstart"; exit 1
endif

.PHONY: quickstart stop test dist deb secrets check-containers check-versions
quickstart stop test dist secrets check-containers check-versions:
	@scripts/$@
deb:
	@scripts/debian
