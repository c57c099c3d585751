# shellcheck shell=bash
# Sourced: the FastAPI peer on the cluster of cluster.sh, behind an nginx of its own. Needs gateway.sh for find_nginx.
# To be sourced in the checkout's root.
#
#   make_python        installs the peer's Python packages, once for each list of them; false, with the reason on standard
#                      output, where Python or PyPI is not there
#   start_peer PORT COST   starts it on 127.0.0.1:PORT and waits until it answers; its database `peer` is there already
#   stop_peer          stops it
#   PEER_PIDS, peer_nginx_pid   its Python processes, and its nginx
#
# Touches tmp_check/bench-python, and peer/ in the cluster's folder. Python runs as the caller, who alone may be able to.

PEER_PYTHON=$PWD/tmp_check/bench-python
PEER_PIDS=()

make_python() {
  local list=bench/peers/fastapi/requirements.txt python=${BENCH_PYTHON:-python3}
  if ! command -v "$python" >/dev/null; then
    echo "peer left out: there is no $python"
    return 1
  fi
  if [ "$(cat "$PEER_PYTHON/.setup" 2>/dev/null)" = "$(sha256sum $list)" ]; then return; fi
  rm -rf "$PEER_PYTHON"
  if ! { "$python" -m venv "$PEER_PYTHON" && "$PEER_PYTHON/bin/pip" install --no-deps -r $list; } \
    >"$CLUSTER/pip.log" 2>&1; then
    tail -n 5 "$CLUSTER/pip.log"
    echo "peer left out: its Python packages cannot be installed; the lines above say why"
    return 1
  fi
  sha256sum $list >"$PEER_PYTHON/.setup"
}

# As many processes as cores, each with a socket, and nginx to share the work out.
start_peer() {
  local port=$1 cost=$2 folder=$CLUSTER/peer password secret number sockets
  password=$(random_password) secret=$(random_password) sockets=$(socket_folder)
  sql postgres -c "ALTER ROLE peer LOGIN PASSWORD '$password'"
  as_owner sh -c 'rm -rf peer && mkdir -m 700 peer'
  as_owner sh -c 'cat >peer/nginx.conf' <bench/peers/fastapi/nginx.conf
  echo "listen 127.0.0.1:$port;" | as_owner sh -c 'cat >peer/listen.conf'
  for ((number = 1; number <= $(nproc); number++)); do
    DATABASE_URL="postgresql+psycopg://peer:$password@127.0.0.1:$(cluster_port)/peer" SECRET_KEY=$secret \
      BCRYPT_COST=$cost PYTHONDONTWRITEBYTECODE=1 \
      setsid "$PEER_PYTHON/bin/uvicorn" --app-dir bench/peers/fastapi chat.main:app --uds "$sockets/peer.$number" \
      --loop uvloop --http httptools --no-access-log --log-level warning \
      </dev/null >"$CLUSTER/peer.$number.log" 2>&1 9<&- &
    PEER_PIDS+=($!)
    echo "server 'unix:$sockets/peer.$number';" | as_owner sh -c 'cat >>peer/workers.conf'
  done
  for ((number = 1; number <= ${#PEER_PIDS[@]}; number++)); do
    wait_for_health "$CLUSTER/peer.$number.log" "the peer" --unix-socket "$sockets/peer.$number" http://localhost
  done
  as_owner "$(find_nginx)" -p "$folder" -c "$folder/nginx.conf" -e error.log </dev/null 9<&-
  wait_for_health "$folder/error.log" "the peer" "http://127.0.0.1:$port"
}

peer_nginx_pid() {
  our_process "$CLUSTER/peer/nginx.pid" "$CLUSTER/peer/nginx.conf"
}

stop_peer() {
  local pid
  if pid=$(peer_nginx_pid); then kill "$pid" || true; fi
  for pid in "${PEER_PIDS[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" || true
  done
  PEER_PIDS=()
}
