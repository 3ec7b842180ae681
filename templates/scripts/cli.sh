# shellcheck shell=sh
# Read by the other scripts: `ask COMMAND…` puts a command to this pod's server, as the operator's
# user, and gives up after 4 seconds.

ask() {
  set -- --user gungnir --no-auth-warning "$@"
  if [ "$VALKEY_TLS" = yes ]; then
    set -- --tls --cacert /etc/valkey-tls/ca.crt --cert /etc/valkey-tls/tls.crt \
      --key /etc/valkey-tls/tls.key "$@"
  fi
  VALKEYCLI_AUTH=${OPERATOR_PASSWORD:-none} REDISCLI_AUTH=${OPERATOR_PASSWORD:-none} \
    timeout 4 valkey-cli -h 127.0.0.1 -p "$VALKEY_PORT" "$@" | tr -d '\r'
}
