# shellcheck shell=bash
# Sourced: bare Debian systems in folders, by the package sources of this machine. Needs quietly.sh, debootstrap and root.
#
#   debian_mirror [security]              the first address in debian.sources or sources.list; that of security updates
#   make_debian SUITE FOLDER [OPTION...]  a system of the smallest kind
#   tell_debian FOLDER                    apt there gets to the mirror as it does here, and starts no service; what it is
#                                         told may have a proxy's password: root alone can read it there

# shellcheck disable=SC2120 # `security` is given by scripts that source this
debian_mirror() {
  local sources found
  mapfile -t sources < <(ls /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null)
  found=$(awk -v security="${1:+1}" '$1 == "URIs:" || $1 == "deb" {
    for (i = 2; i <= NF; i++) if ($i ~ /^[a-z+]+:\/\// && ($i ~ /security/) == +security) { print $i; exit } }' \
    "${sources[@]}" </dev/null)
  [ -n "$found${1:-}" ] || die "no mirror of Debian in /etc/apt/sources.list.d/debian.sources or /etc/apt/sources.list"
  echo "$found"
}

make_debian() {
  local mirror
  # shellcheck disable=SC2119
  mirror=$(debian_mirror)
  quietly debootstrap --variant=minbase "${@:3}" "$1" "$2" "$mirror"
}

tell_debian() {
  local settings
  settings=$(apt-config dump --no-empty --format '%F "%v";%n' |
    grep -E '^Acquire::(https?|ForceIPv[46]|Retries|Check-Valid-Until|Check-Date)(::| )' || true)
  install -m 600 /dev/stdin "$1/etc/apt/apt.conf.d/90here" <<<"$settings"
  install -m 755 /dev/stdin "$1/usr/sbin/policy-rc.d" <<<$'#!/bin/sh\nexit 101'
}
