#!/bin/sh
# Alive: the server answers anything at all. LOADING, BUSY, MISCONF or a refused password are
# answers; only silence is not.
set -u
# shellcheck source=cli.sh
. /etc/valkey/cli.sh

[ -n "$(ask PING)" ]
