# shellcheck shell=bash
# Sourced: a private PostgreSQL cluster in a folder of its own. Needs quietly.sh.
#
#   find_pg_config                 the pg_config to build and run with
#   use_folder FOLDER              sets CLUSTER, its full name; to be called before everything below
#   as_owner [--new-session] COMMAND...   runs it as the cluster's owner in the folder
#   create_folder, lock_folder     makes the folder with its passwords; keeps other runs out of it
#   create_cluster [OPTION...]     makes the cluster, if there is none
#   start_cluster PORT [SETTING...]  starts it on 127.0.0.1:PORT and on a socket that only its owner and root can reach
#   stop_cluster                   stops it; false if it was not running
#   cluster_pid, cluster_port      of the running cluster; false if it is not running
#   our_process FILE WORDS         the process whose id is in FILE, if WORDS are in its command line; else false
#   stop_process PID COMMAND...    ends a process; the command says whether it still runs
#   add_database NAME              a database with the extension in the schema api; does what is missing
#   sql DATABASE [OPTION...]       psql as superuser over the socket
#   port_taken PORT, free_port     is somebody listening on 127.0.0.1:PORT? a port where nobody is
#
# As root the cluster belongs to the user `postgres` (or to whoever owns the folder already), otherwise to the caller.
# The superuser has no password on the socket, and one from FOLDER/pgpass (mode 0600) on 127.0.0.1.
# PG_CONFIG chooses the PostgreSQL. Other PG* variables of the caller are ignored: they would lead to another cluster.
# Touches FOLDER, and a folder under /tmp for the socket where FOLDER's name is too long for one.

for name in $(compgen -e PG); do
  case $name in PG_*) ;; *) unset "$name" ;; esac
done
export LC_ALL=C.UTF-8

find_pg_config() {
  local found
  if [ -n "${PG_CONFIG:-}" ]; then
    command -v "$PG_CONFIG"
    return
  fi
  for found in $(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config | sort -rV) pg_config; do
    if [ -e "$("$found" --includedir-server 2>/dev/null)/postgres.h" ]; then
      command -v "$found"
      return
    fi
  done
  return 1
}

pg_bin() {
  local pg
  pg=$(find_pg_config) || die "no PostgreSQL with its server headers found: run scripts/setup run, or set PG_CONFIG"
  "$pg" --bindir
}

use_folder() {
  CLUSTER=$(realpath -m -- "$1")
}

# Who owns the cluster: the caller; for root the owner of the folder that is there already, or the user postgres.
cluster_owner() {
  local owner
  owner=$(id -un)
  if [ "$owner" = root ]; then
    owner=$(stat -c %U "$CLUSTER/pgpass" 2>/dev/null) || owner=root
    [ "$owner" != root ] || owner=postgres
  fi
  echo "$owner"
}

as_owner() {
  local run=()
  if [ "$1" = --new-session ]; then shift && run=(setsid); fi
  if [ "$(id -u)" = 0 ]; then run+=(runuser -u "$(cluster_owner)" -- env "HOME=$CLUSTER"); fi
  "${run[@]}" env -C "$CLUSTER" "$@"
}

# Can the cluster's owner get to the folder? A checkout in root's home is closed to the user postgres.
folder_reachable() {
  local there=$CLUSTER
  if [ "$(id -u)" != 0 ]; then return; fi
  runuser -u "$(cluster_owner)" -- true ||
    die "the user $(cluster_owner) can run nothing here: look at the modes of / and /usr/bin"
  until there=$(dirname "$there") && [ -d "$there" ]; do :; done
  runuser -u "$(cluster_owner)" -- test -x "$there"
}

# Makes the folder, and its passwords. They come first: the file pgpass is what tells a folder of ours from any other.
create_folder() {
  local owner
  owner=$(cluster_owner)
  folder_reachable || die "the user $owner cannot enter $(dirname "$CLUSTER")"
  if [ -e "$CLUSTER/pgpass" ] && as_owner test -w .; then return; fi
  if [ -e "$CLUSTER" ] && [ -n "$(ls -A "$CLUSTER" 2>&1)" ]; then
    die "$CLUSTER is neither empty nor a folder that ${0##*/} made for $owner"
  fi
  install -d -m 700 -o "$owner" -g "$(id -gn "$owner")" "$CLUSTER"
  printf '127.0.0.1:*:*:%s\n' "postgres:$(random_password)" "agent_authenticator:$(random_password)" |
    as_owner sh -c 'umask 077; cat >pgpass.new; mv pgpass.new pgpass'
}

# One run at a time in a folder, and none while what an interrupted one had started is still at work.
# The lock lies on file descriptor 9, which what stays running must not inherit.
lock_folder() {
  exec 9<"$CLUSTER/pgpass"
  flock -w 60 9 || die "another run is at work in $CLUSTER"
}

random_password() {
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

# The password of a role, from the folder.
password_of() {
  sed -n "s/^.*:$1://p" "$CLUSTER/pgpass"
}

# The cluster is made beside its place and then moved there: one that was interrupted is made anew.
create_cluster() {
  local bin major
  bin=$(pg_bin)
  if [ -e "$CLUSTER/data" ]; then
    major=$("$bin/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
    [ "$(cat "$CLUSTER/data/PG_VERSION")" = "$major" ] ||
      die "$CLUSTER holds data of PostgreSQL $(cat "$CLUSTER/data/PG_VERSION"), and $bin is PostgreSQL $major" \
        "Choose with PG_CONFIG, set another QUICKSTART_DIR, or remove that folder."
    return
  fi
  rm -rf "$CLUSTER/data.new"
  quietly as_owner "$bin/initdb" -D "$CLUSTER/data.new" -U postgres -E UTF8 --locale=C.UTF-8 \
    --auth-local=trust --auth-host=scram-sha-256 "$@"
  echo "include 'agent.conf'" | as_owner tee -a data.new/postgresql.conf >/dev/null
  mv "$CLUSTER/data.new" "$CLUSTER/data"
}

# The folder of the socket, whose name with the socket's own may have 107 bytes.
socket_folder() {
  local file=$CLUSTER/socket_folder made LC_ALL=C
  if [ $((${#CLUSTER} + 16)) -le 107 ]; then
    echo "$CLUSTER"
  elif [ -s "$file" ] && [ "$(stat -c %U "$(cat "$file")" 2>/dev/null)" = "$(cluster_owner)" ]; then
    cat "$file"
  else
    made=$(as_owner mktemp -d /tmp/agent-socket.XXXXXX)
    echo "$made" | as_owner tee "$file"
  fi
}

# The words show that it is ours: a process id alone may have gone to another program since.
our_process() {
  local pid argv
  pid=$(head -n 1 "$1" 2>/dev/null) || return 1
  mapfile -d '' argv 2>/dev/null <"/proc/$pid/cmdline" || return 1
  [[ " ${argv[*]} " == *" $2 "* ]] && echo "$pid"
}

stop_process() {
  local pid=$1 waited=0
  shift
  kill "$pid"
  while "$@" >/dev/null; do
    [ $((waited += 1)) -le 100 ] || kill -KILL "$pid"
    sleep 0.1
  done
}

cluster_pid() {
  our_process "$CLUSTER/data/postmaster.pid" "$CLUSTER/data"
}

cluster_port() {
  cluster_pid >/dev/null && sed -n 4p "$CLUSTER/data/postmaster.pid"
}

start_cluster() {
  local port=$1 socket bin
  shift
  bin=$(pg_bin)
  socket=$(socket_folder)
  printf '%s\n' "port = $port" "listen_addresses = '127.0.0.1'" "unix_socket_directories = '\"${socket//\'/\'\'}\"'" \
    "unix_socket_permissions = 0700" "$@" | as_owner tee data/agent.conf >/dev/null
  if ! as_owner "$bin/pg_ctl" -D "$CLUSTER/data" -l "$CLUSTER/postgresql.log" -s -w -t 180 \
    ${POSTGRES_WRAPPER:+-p "$POSTGRES_WRAPPER"} start </dev/null 9<&-; then
    tail -n 20 "$CLUSTER/postgresql.log" >&2
    die "PostgreSQL did not start; the lines above are the end of $CLUSTER/postgresql.log"
  fi
}

stop_cluster() {
  local pid waited=0 socket
  pid=$(cluster_pid) || return 1
  kill -INT "$pid"
  while cluster_pid >/dev/null; do
    [ $((waited += 1)) -le 1200 ] || die "PostgreSQL (process $pid) does not stop"
    sleep 0.1
  done
  socket=$(cat "$CLUSTER/socket_folder" 2>/dev/null) && rm -rf "$socket" "$CLUSTER/socket_folder"
  return 0
}

sql() {
  local database=$1
  shift
  "$(pg_bin)/psql" -X -q -v ON_ERROR_STOP=1 -h "$(socket_folder)" -p "$(cluster_port)" -U postgres "$@" "$database"
}

add_database() {
  if [ -z "$(sql postgres -Atc "SELECT 1 FROM pg_database WHERE datname = '$1'")" ]; then
    sql postgres -c "CREATE DATABASE \"$1\""
  fi
  sql "$1" <<END
SET client_min_messages = warning;
BEGIN;
CREATE SCHEMA IF NOT EXISTS api;
CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA public;
CREATE EXTENSION IF NOT EXISTS agent SCHEMA api;
COMMIT;
ALTER EXTENSION agent UPDATE;
ALTER ROLE postgres PASSWORD '$(password_of postgres)';
ALTER ROLE agent_authenticator LOGIN PASSWORD '$(password_of agent_authenticator)';
END
}

port_taken() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)) && port_taken "$port"; do :; done
  echo "$port"
}
