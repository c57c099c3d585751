# shellcheck shell=bash
# Sourced: runs services of gateway/compose.yaml without a container engine, from the stages that container_stages.sh has
# built in $work. Each has its users, environment, secrets, volumes and tmpfs as compose.yaml says, in namespaces of its
# own for mounts, processes and memory, and is confined by read_only, cap_drop and security_opt where compose.yaml has
# them, and not otherwise; the network is the caller's. Needs quietly.sh and root.
#
#   start SERVICE              starts it, with what it prints in $work/SERVICE.log; what is there goes to $work/earlier.log
#   stop SERVICE [SIGNAL]      as an engine does, by the image's signal; false if it had to be killed
#   within SERVICE COMMAND...  as `docker compose exec` does
#   healthy SERVICE            its health check, once; becomes_healthy SERVICE: within a minute
#   says SERVICE TEXT          it ends by itself, and has said the text
#   inside SERVICE             what a script that sources this runs for `SCRIPT --inside FOLDER SERVICE`
#   make_volumes               those of the service that was loaded last
#
# $work/secrets has the secrets, $work/volumes the volumes, $work/hosts the names of the others.

# shellcheck disable=SC2154 # work is the caller's
# load SERVICE: its stage's environment, and what compose.yaml gives it.
load() {
  local stage calls
  service=$1 given=() secrets=() volumes=() mounts=() arguments=() entry=() confine=() writable=1 stop_signal=SIGTERM
  stage=$(<"$work/$service.env") || die "$work/$service.env: cannot be read"
  eval "$stage"
  given=("${environment[@]}")
  calls=$(node http_tests/containers.mjs service "$service" |
    sed 's/^environment /given_environment /; s/^command /given_command /') || die "compose.yaml: what is said of $service?"
  eval "$calls"
}

given_environment() { given+=("$1"); }
given_command() { arguments=("$@"); }
secret() { secrets+=("$1"); }
volume() { volumes+=("$1:$2"); }
tmpfs() { mounts+=("$1:${2:-mode=1777}"); }
user() { uid=$1 gid=$2; }
read_only() { writable=; }
cap_drop() {
  [ "$1" = ALL ] || die "cap_drop: this check knows ALL alone"
  confine+=(--bounding-set=-all --inh-caps=-all)
}
security_opt() {
  [ "$1" = no-new-privileges:true ] || die "security_opt: what is $1?"
  confine+=(--no-new-privs)
}
healthcheck() { health=("$@"); }

# A volume begins as what the image has at its place.
make_volumes() {
  local volume
  for volume in "${volumes[@]}"; do
    [ -e "$work/volumes/${volume%%:*}" ] || cp -a "$work/$service${volume#*:}" "$work/volumes/${volume%%:*}"
  done
}

# In namespaces of its own: makes the container's view of files and becomes its first process.
inside() {
  local root=$work/$1 name
  load "$1"
  mount --make-rprivate /
  mount --bind "$root" "$root"
  mkdir -p "$root/run/secrets"
  for name in "${secrets[@]}"; do touch "$root/run/secrets/$name"; done
  for name in "${mounts[@]}"; do mkdir -p "$root${name%%:*}"; done
  touch "$root/etc/resolv.conf" "$root/etc/hosts"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  [ -n "$writable" ] || mount -o remount,bind,ro "$root"
  mount --bind "$work/hosts" "$root/etc/hosts"
  for name in "${secrets[@]}"; do
    [ ! -e "$work/secrets/$name" ] || mount --bind "$work/secrets/$name" "$root/run/secrets/$name"
  done
  for name in "${volumes[@]}"; do mount --bind "$work/volumes/${name%%:*}" "$root${name#*:}"; done
  for name in "${mounts[@]}"; do mount -t tmpfs -o "nosuid,nodev,noexec,${name#*:}" tmpfs "$root${name%%:*}"; done
  # What runs in the background of a shell ignores some signals, and a shell could not trap those.
  exec chroot "$root" setpriv --reuid="$uid" --regid="$gid" --clear-groups "${confine[@]}" \
    env -i --default-signal "${given[@]}" HOME=/ "${entry[@]}" "${arguments[@]}"
}

# start SERVICE: leaves the process id, as seen from here, in $work/SERVICE.pid.
start() {
  load "$1"
  make_volumes
  [ ! -e "$work/$service.log" ] || cat "$work/$service.log" >>"$work/earlier.log"
  : >"$work/$service.log"
  chmod 666 "$work/$service.log"
  (unshare --mount --pid --ipc --fork --kill-child "$0" --inside "$work" "$service" </dev/null \
    >>"$work/$service.log" 2>&1 & echo $! >"$work/$service.unshare")
  for _ in {1..50}; do
    pgrep -P "$(cat "$work/$service.unshare")" >"$work/$service.pid" && break
    sleep 0.1
  done
}

# stop SERVICE [SIGNAL]: as the engine does, by the image's signal; waits until it has gone.
stop() {
  load "$1"
  local pid
  pid=$(cat "$work/$service.pid")
  kill -s "${2:-${stop_signal#SIG}}" "$pid" 2>/dev/null || true
  for _ in {1..300}; do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL "$pid"
  return 1
}

# within SERVICE COMMAND...: what `docker compose exec` does.
within() {
  load "$1"
  shift
  nsenter --target "$(cat "$work/$service.pid")" --mount --pid --ipc --root --wd=/ setpriv --reuid="$uid" --regid="$gid" \
    --clear-groups "${confine[@]}" env -i "${given[@]}" HOME=/ "$@"
}

healthy() {
  load "$1"
  within "$1" timeout 5 "${health[@]}" >/dev/null 2>&1
}

# becomes_healthy SERVICE: within a minute.
becomes_healthy() {
  for _ in {1..120}; do
    if healthy "$1"; then return 0; fi
    kill -0 "$(cat "$work/$1.pid")" 2>/dev/null || return 1
    sleep 0.5
  done
  return 1
}

# says SERVICE TEXT: it ends, and its log has the text.
says() {
  for _ in {1..100}; do
    kill -0 "$(cat "$work/$1.unshare")" 2>/dev/null || break
    sleep 0.1
  done
  ! kill -0 "$(cat "$work/$1.unshare")" 2>/dev/null && grep -qF -- "$2" "$work/$1.log"
}
