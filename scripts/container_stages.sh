# shellcheck shell=bash
# Sourced: builds the stages of gateway/Dockerfile without a container engine, in folders that begin as clean Debians.
# Needs quietly.sh, debian_root.sh, and $work, the folder to work in. To be sourced in the checkout's root.
#
#   make_context     $work/context: what an engine would be sent
#   build_stages     $work/STAGE, a whole file system; with $work/STAGE.env, what is said of running it, to be evaluated
#
# Where a stage's steps and files are those that it was built from, it is left as it is. Downloads packages of Debian from
# the mirror of this machine, and what npm wants.

# shellcheck disable=SC2154 # work is the caller's
# make_base SUITE: a clean Debian for every stage to begin with.
make_base() {
  [ ! -e "$work/base/done" ] || return 0
  rm -rf "$work/base"
  make_debian "$1" "$work/base"
  tell_debian "$work/base"
  touch "$work/base/done"
}

# What an engine would be sent: what .dockerignore lets through, of what is here, as in a checkout with umask 077.
make_context() {
  local allowed refused again file
  mapfile -t allowed < <(sed -n 's/^!\([^*]*\)$/\1/p' gateway/Dockerfile.dockerignore)
  mapfile -t refused < <(sed -n '/^[#!]/d; /^\*$/d; s|^\*\*/||; /./p' gateway/Dockerfile.dockerignore)
  rm -rf "$work/context"
  mkdir "$work/context"
  tar -c "${refused[@]/#/--exclude=}" "${allowed[@]}" | tar -x --no-same-owner -C "$work/context"
  while read -r again; do
    for file in $again; do [ ! -e "$file" ] || cp --parents "$file" "$work/context"; done
  done < <(awk 'after && sub(/^!/, ""); /^[^#!]/ && !/^\*$/ { after = 1 }' gateway/Dockerfile.dockerignore)
  chmod -R go-rwx "$work/context"
}

# build_stages: the output of containers.mjs is calls of FROM, RUN, COPY, ... and END.
build_stages() {
  local calls
  calls=$(node http_tests/containers.mjs stages)
  eval "$calls"
}

FROM() {
  stage=$2 root=$work/$2 folder=/ keys=() fresh=1
  environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
  [[ $1 =~ ^debian:([a-z]+)-[0-9]+-slim$ ]] || die "FROM $1: this check knows slim images of Debian alone"
  make_base "${BASH_REMATCH[1]}"
  steps=$(node http_tests/containers.mjs stages | sed -n "/^FROM .* '$stage'\$/,/^END/p")
  key=$({ echo "$steps"; sources_of_stage; } | sha256sum)
  if [ "$(cat "$root.key" 2>/dev/null)" = "$key" ]; then
    fresh=
  else
    rm -rf "$root" "$root.key" "$root.env"
    cp -a "$work/base" "$root"
  fi
}

# What a stage copies: sums of files, and the keys of the stages it copies from.
sources_of_stage() {
  local name from mode words
  while read -r name from mode words; do
    [ "$name" = COPY ] || continue
    if [ "$from" != "''" ]; then
      eval "cat \"$work/\"$from.key"
    else
      eval "words=($words)"
      (cd "$work/context" && find "${words[@]:0:${#words[@]}-1}" -type f -exec sha256sum {} + | sort)
    fi
  done <<<"$steps"
}

# In the stage, as root (no stage runs anything after USER), with this machine's way to the outside.
RUN() {
  [ -n "$fresh" ] || return 0
  echo "  RUN ${1:0:100}"
  # shellcheck disable=SC2016 # expanded by the inner shells
  quietly unshare --mount --pid --fork --kill-child env -i "${environment[@]}" DEBIAN_FRONTEND=noninteractive \
    NODE_EXTRA_CA_CERTS=/mnt/ca.crt NPM_CONFIG_USERCONFIG=/mnt/npmrc HOME=/root sh -ec '
      mount -t proc proc "$1/proc"
      mount --rbind /dev "$1/dev"
      mount -t tmpfs tmpfs "$1/mnt"
      cp -L /etc/ssl/certs/ca-certificates.crt "$1/mnt/ca.crt" 2>/dev/null || : >"$1/mnt/ca.crt"
      cp -L "$4" "$1/mnt/npmrc" 2>/dev/null || : >"$1/mnt/npmrc"
      cp -L /etc/resolv.conf /etc/hosts "$1/mnt"
      for file in resolv.conf hosts; do
        touch "$1/etc/$file"
        mount --bind "$1/mnt/$file" "$1/etc/$file"
      done
      exec chroot "$1" sh -ec "cd \"\$1\"; eval \"\$2\"" sh "$2" "$3"' \
    sh "$root" "$folder" "$1" "$HOME/.npmrc"
}

# COPY FROM MODE SOURCE... TARGET: a folder's contents go into the target, a file into it or, if it ends otherwise, to it.
COPY() {
  local from=$work/context mode=$2 target=${!#} source
  [ -n "$fresh" ] || return 0
  [ -z "$1" ] || from=$work/$1
  [[ $target = /* ]] || target=$folder/${target#./}
  for source in "${@:3:$#-3}"; do
    if [ -d "$from/$source" ]; then
      mkdir -p "$root$target"
      cp -a --no-preserve=ownership "$from/$source/." "$root$target"
    else
      case $target in */) mkdir -p "$root$target" ;; *) mkdir -p "$root${target%/*}" ;; esac
      cp --no-preserve=ownership,timestamps --preserve=mode "$from/$source" "$root$target"
      if [ -n "$mode" ]; then chmod "$mode" "$root$target/${source##*/}"; fi
    fi
  done
}

WORKDIR() {
  folder=$1
  mkdir -p "$root$folder"
}

ENV() {
  environment+=("$@")
}

USER() { remember environment; }
VOLUME() { mkdir -p "$root$1"; }
EXPOSE() { :; }
HEALTHCHECK() { :; } # that of compose.yaml is the same, says http_tests/containers.test.mjs

# remember VARIABLE: for whoever evaluates $work/STAGE.env, in a function, too.
remember() {
  keys+=("$(declare -p "$1" | sed -E '1s/^declare -(-|([a-z]+))/declare -g\2/')")
}

STOPSIGNAL() {
  # shellcheck disable=SC2034 # taken by its name
  stop_signal=$1
  remember stop_signal
}

ENTRYPOINT() {
  # shellcheck disable=SC2034 # taken by its name
  entry=("$@")
  remember entry
}

# A stage that is complete says so: one that was interrupted is built anew.
END() {
  printf '%s\n' "${keys[@]}" >"$root.env"
  [ -n "$fresh" ] || return 0
  echo "$key" >"$root.key"
  echo "built $stage: $(du -sxh "$root" | cut -f 1)"
}
