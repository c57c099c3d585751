# shellcheck shell=bash
# Sourced: how the scripts here fail, and how they keep long output out of sight.
#
# quietly COMMAND...   runs it with all output in a temporary file, which is shown only when the command fails
# die TEXT...          says why on standard error, one line for each TEXT, and ends the script
#
# Touches nothing but that temporary file. What a calling make passes down is cleared: the scripts run make themselves.

unset MAKEFLAGS MFLAGS MAKELEVEL
PATH=$PATH:/usr/sbin:/sbin
umask 022

die() {
  printf '%s\n' "${0##*/}: $1" "${@:2}" >&2
  exit 1
}

quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if [ $status != 0 ]; then
    cat "$log" >&2
    echo "${0##*/}: failed with status $status: $*" >&2
  fi
  rm -f "$log"
  return $status
}
