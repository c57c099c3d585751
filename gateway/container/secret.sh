# shellcheck shell=bash
# Sourced by the entry points of the images.
#
#   die TEXT            says why on standard error, and ends
#   read_secret NAME    sets $secret to what is in the file that the variable NAME names, or ends: there are no defaults

die() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  exit 1
}

# Printable ASCII on one line, so that it can stand in a connection string, a header or a line of a password file.
read_secret() {
  local file=${!1:-}
  [ -n "$file" ] || die "$1 is not set: it must name the file that holds this secret"
  [ -r "$file" ] || die "$1: cannot read $file"
  secret=$(<"$file")
  [[ $secret =~ ^[A-Za-z0-9._~-]{16,128}$ ]] ||
    die "$1: $file must hold 16 to 128 letters, digits and . _ ~ - on one line"
}
