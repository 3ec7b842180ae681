#!/bin/sh
# Ready: the data is loaded, and the server is master or in sync with one. A server that waits to
# be told its role is not ready, so a drain waits for it.
set -u
# shellcheck source=cli.sh
. /etc/valkey/cli.sh

info=$(ask INFO 2>/dev/null)
has() {
  printf '%s\n' "$info" | grep -q "^$1\$"
}
has loading:0 && { has role:master || has master_link_status:up; }
