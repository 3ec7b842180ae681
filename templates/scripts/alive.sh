#!/bin/sh
# Alive: the server answers, whatever it answers: that it loads or is busy, that it knows no such
# password or has no free connection, even a handshake that fails. Only silence is not an answer.
set -u
# shellcheck source=cli.sh
. /etc/valkey/cli.sh

case $(ask PING 2>&1) in
  '' | *'Connection refused'*) exit 1 ;;
esac
