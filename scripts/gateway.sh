# shellcheck shell=bash
# Sourced: the gateway of gateway/ in front of the cluster of cluster.sh, which has to be sourced too: nginx, and what
# answers behind it. To be sourced in the checkout's root.
#
#   start_gateway PORT DATABASE BACKEND [CHANGE...]   starts it on 127.0.0.1:PORT and waits until it answers. BACKEND is
#                  `direct` (agent-httpd, which is started too) or `postgrest` (the one that postgrest.sh has started).
#                  Each CHANGE is a command of sed for gateway/nginx/agent/site.conf.
#   stop_gateway   stops all of them; false if none was running
#   gateway_pid BACKEND, gateway_port BACKEND, httpd_pid   of the running nginx and agent-httpd; false if there is none
#   find_nginx, find_chromium   the programs; false if there is none
#
# Touches gateway-BACKEND/, httpd.pid and httpd.log in the cluster's folder, and two sockets beside PostgreSQL's.
# gateway-BACKEND/ is a copy, since the cluster's owner may not be able to read gateway/, with the names of this site.

find_nginx() {
  command -v nginx
}

# A Chromium without windows, for the tests of the page /docs.
find_chromium() {
  local found
  for found in chromium-headless-shell chromium; do
    if command -v $found; then return; fi
  done
  return 1
}

# nginx calls itself by its command line.
gateway_pid() {
  our_process "$CLUSTER/gateway-$1/nginx.pid" "$CLUSTER/gateway-$1/nginx.conf"
}

gateway_port() {
  gateway_pid "$1" >/dev/null || return 1
  sed -n 's/^ *listen 127\.0\.0\.1:\([0-9]*\);$/\1/p' "$CLUSTER/gateway-$1/agent/site.conf"
}

httpd_pid() {
  our_process "$CLUSTER/httpd.pid" "passfile=$(httpd_passfile)"
}

# The file with the role's password, as a connection string has it.
httpd_passfile() {
  local name=$CLUSTER/pgpass
  name=${name//\\/\\\\}
  echo "'${name//\'/\\\'}'"
}

httpd_database() {
  echo "host=127.0.0.1 port=$(cluster_port) user=agent_authenticator dbname='$1' passfile=$(httpd_passfile)"
}

# httpd_socket LANE: main or hashing. socket_folder leaves room for no longer names.
httpd_socket() {
  echo "$(socket_folder)/httpd.$1"
}

# The same in nginx's quotes, as the right side of a substitution of sed.
quoted_socket() {
  printf '"unix:%s"' "$(httpd_socket "$1" | sed 's/["\\]/\\&/g')" | sed 's/[|&\\]/\\&/g'
}

# write_gateway PORT BACKEND [CHANGE...]: fills gateway-BACKEND/. The names of site.conf become those of here.
write_gateway() {
  local port=$1 backend=$2 folder=gateway-$2 page=gateway/docs/node_modules/swagger-ui-dist
  shift 2
  as_owner sh -c "rm -rf '$folder' && mkdir -m 700 '$folder'"
  tar -c -C gateway/nginx nginx.conf agent -C .. docs/index.html docs/docs.css docs/docs.js |
    as_owner tar -x --no-same-owner -C "$folder"
  tar -c -C "$page" swagger-ui.css swagger-ui-bundle.js | as_owner tar -x --no-same-owner -C "$folder/docs"
  as_owner sed -i "$folder/agent/site.conf" \
    -e "s|listen 127.0.0.1:8000;|listen 127.0.0.1:$port;|" \
    -e "s|unix:/run/agent/main.sock|$(quoted_socket main)|" \
    -e "s|unix:/run/agent/hashing.sock|$(quoted_socket hashing)|" \
    -e "s|server 127.0.0.1:3000|server 127.0.0.1:$(postgrest_port || echo 3000)|" \
    -e "s|include agent/direct.conf;.*|include agent/$backend.conf;|" \
    -e "s|root /usr/share/agent;|root .;|" \
    -e "s|/var/log/nginx/agent.log|access.log|" \
    -e "s|/var/log/nginx/agent-error.log|error.log|" \
    "${@/#/--expression=}"
}

start_gateway() {
  local port=$1 database=$2 backend=$3 folder=$CLUSTER/gateway-$3 nginx
  shift 3
  nginx=$(find_nginx) || die "no nginx found: run scripts/setup run"
  [ -e gateway/docs/node_modules/swagger-ui-dist/swagger-ui.css ] ||
    die "no swagger-ui-dist in gateway/docs/: run scripts/setup run"
  if [ "$backend" = direct ]; then start_httpd "$database"; fi
  write_gateway "$port" "$backend" "$@"
  if ! as_owner "$nginx" -p "$folder" -c "$folder/nginx.conf" -e error.log </dev/null >/dev/null 2>&1 9<&-; then
    tail -n 20 "$folder/error.log" >&2
    die "nginx did not start; the lines above are the end of $folder/error.log"
  fi
  wait_for_health "$folder/error.log" "the gateway on port $port" "http://127.0.0.1:$port"
}

# One lane for everything, and one for what hashes a password, with a core left for the others.
# The role's password comes from FOLDER/pgpass.
start_httpd() {
  local database=$1 program=$PWD/gateway/httpd/agent-httpd cores
  [ -x "$program" ] || die "no agent-httpd found: run scripts/build"
  if ! as_owner test -x "$program"; then
    as_owner sh -c 'rm -f agent-httpd; cat >agent-httpd && chmod u+x agent-httpd' <"$program"
    program=$CLUSTER/agent-httpd
  fi
  cores=$(nproc)
  # shellcheck disable=SC2016 # expanded by the inner shell
  as_owner --new-session sh -ec 'rm -f httpd.pid; echo $$ >httpd.pid; exec "$@"' sh "$program" \
    --listen "unix:$(httpd_socket main),connections=8,queue=1024" \
    --listen "unix:$(httpd_socket hashing),connections=$((cores > 1 ? cores - 1 : 1)),queue=256" \
    --schema api --wait 60 --database "$(httpd_database "$database")" </dev/null >"$CLUSTER/httpd.log" 2>&1 9<&- &
  wait_for_health "$CLUSTER/httpd.log" agent-httpd --unix-socket "$(httpd_socket main)" http://localhost
}

# wait_for_health LOG WHO CURL_ARGUMENTS...
wait_for_health() {
  local log=$1 who=$2 waited=0
  shift 2
  until [ "$(as_owner curl -s -m 5 -o /dev/null -w '%{http_code}' "${@:1:$#-1}" "${!#}/health")" = 200 ]; do
    if [ $((waited += 1)) -gt 150 ]; then
      tail -n 20 "$log" >&2
      die "$who does not answer; the lines above are the end of $log"
    fi
    sleep 0.1
  done
}

stop_gateway() {
  local backend pid stopped=1
  for backend in direct postgrest; do
    if pid=$(gateway_pid $backend); then
      stop_process "$pid" gateway_pid $backend
      stopped=0
    fi
  done
  if pid=$(httpd_pid); then
    stop_process "$pid" httpd_pid
    rm -f "$CLUSTER/httpd.pid" "$(httpd_socket main)" "$(httpd_socket hashing)"
    stopped=0
  fi
  return $stopped
}
