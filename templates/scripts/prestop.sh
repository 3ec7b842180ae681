#!/bin/sh
# Before a stop: a master waits, for at most 15 seconds, until the operator has handed over. This
# changes no role itself. Then SIGTERM ends the server, which saves.
set -u
# shellcheck source=cli.sh
. /etc/valkey/cli.sh

checks=0
while [ "$checks" -lt 75 ] && ask ROLE | head -n 1 | grep -q '^master$'; do
  checks=$((checks + 1))
  sleep 0.2
done
exit 0
