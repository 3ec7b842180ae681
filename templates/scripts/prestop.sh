#!/bin/sh
# Before a stop: a master waits, for at most 15 seconds, until the operator has handed over, and so
# does a server that cannot say what it is. This changes no role itself. Then SIGTERM ends the
# server, which saves.
set -u
# shellcheck source=cli.sh
. /etc/valkey/cli.sh

# A clock that nobody sets: the grace period goes on while a slow server is asked.
uptime_seconds() {
  read -r seconds _ </proc/uptime
  echo "${seconds%%.*}"
}
end=$(($(uptime_seconds) + 15))
until ask ROLE 2>&1 | grep -q -e '^slave$' -e 'Connection refused'; do
  [ "$(uptime_seconds)" -lt "$end" ] || break
  sleep 0.2
done
exit 0
