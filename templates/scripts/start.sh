#!/bin/sh
# Starts valkey-server: takes the data folder, then hands over the users and what only this pod
# knows on standard input, so that no password stands in a file or an argument.
set -eu
umask 077

fail() {
  echo "gungnir: $1" >&2
  exit 1
}

# After a forced deletion the old server may still run on the same volume, and two servers must
# never write one file. The lock goes with the last process that holds it.
trap 'exit 143' TERM
exec 9>/data/.lock
waited_seconds=0
until flock -n 9; do
  if [ "$waited_seconds" -eq 0 ]; then
    echo "gungnir: /data is in use by another server; waiting for it to end" >&2
  elif [ "$waited_seconds" -ge 120 ]; then
    fail "/data is still in use after $waited_seconds s"
  fi
  waited_seconds=$((waited_seconds + 1))
  sleep 1
done

# credential SET PASSWORD WHOSE: a password goes to the server as its SHA-256; where no Secret is
# named (SET is empty), none is asked for.
credential() {
  if [ -z "$1" ]; then
    echo nopass
  elif [ -z "$2" ]; then
    fail "the Secret holds an empty password for $3"
  else
    printf '%s' "$2" | sha256sum | sed 's/^\([0-9a-f]*\).*/#\1/'
  fi
}
default=$(credential "${VALKEYCLI_AUTH+set}" "${VALKEYCLI_AUTH-}" "applications")
operator=$(credential "${OPERATOR_PASSWORD+set}" "${OPERATOR_PASSWORD-}" "the operator")
replication=$(credential "${REPLICATION_PASSWORD+set}" "${REPLICATION_PASSWORD-}" "replicas")

# Hexadecimal: any byte passes, and a faulty line could not show the password in the log.
replication_password=$(
  printf '%s' "${REPLICATION_PASSWORD:-none}" | od -An -v -tx1 | tr -d ' \n' | sed 's/../\\x&/g'
)

replicaof=
if [ -n "${MASTER_POD-}" ] && [ "$POD_NAME" != "$MASTER_POD" ]; then
  replicaof="replicaof $MASTER_HOST $VALKEY_PORT"
fi

exec valkey-server /etc/valkey/valkey.conf - <<EOF
$(sed -e "s/%default%/$default/; s/%operator%/$operator/; s/%replication%/$replication/" \
  /etc/valkey/users.conf)
masteruser replication-${POD_NAME##*-}
masterauth "$replication_password"
replica-announce-ip $POD_IP
$replicaof
EOF
