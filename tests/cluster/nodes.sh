# shellcheck shell=bash disable=SC2034,SC2154 # variables of up's, and for it
# Sourced by `up` for a cluster with nodes: their addresses, the switch that connects them, and what
# has to run beside etcd and the API server; by `node` and `image`, to find and start nodes again. One
# node, seen from inside, is `become-node`. The cluster's folder is $dir.

restarts_allowed=5       # of one node's daemons, until it is ready
controllers_grace_s=10   # a node that is silent for so long is unreachable

check_nodes_can_run() {
  [ "$(id -u)" = 0 ] || fail "nodes need root: for namespaces, mounts and cgroups"
  [ -f "$storage/.key" ] || fail "the images are not made: run $cluster_source/images first"
  case $dir/ in /run/* | /var/run/* | /var/lib/* | /var/log/*) fail "$dir: a node has a /run, /var/lib and /var/log of its own; name a folder elsewhere" ;; esac
  need_node_programs
}

# Sets the addresses of a cluster: 10.250.SLOT.0/24 for its nodes, 10.(128 + SLOT).0.0/16 for its pods.
# The interface gungnirSLOT on this machine is both the control plane's and the mark that SLOT is taken.
slots=64
take_addresses() {
  local slot
  # shellcheck disable=SC2016
  start_namespaces 3-switch --net bash -euc '
    . "$0/common.sh"
    read -r pid _ </proc/self/stat
    echo "$pid $(start_time "$pid")" >"$1/run/3-switch.pid"
    exec "$2"' "$cluster_source" "$dir" "$cache/programs/pause"
  switch_pid=$started_pid
  for ((slot = 0; slot < slots; slot++)); do
    if ip link add "gungnir$slot" type veth peer name control netns "$switch_pid" 2>"$dir/log/link.log"; then
      link=gungnir$slot
      ip link set "$link" alias "$dir"
      control=10.250.$slot.1
      pods_of_all=10.$((128 + slot)).0.0/16
      node_network=10.250.$slot pod_network=10.$((128 + slot))
      return
    fi
  done
  fail "cannot make the interface of a new cluster: $(<"$dir/log/link.log")"
}

# Starts a program as process 1 of new namespaces. It writes its pid file itself, as a daemon does;
# then $started_pid is what is written there.
start_namespaces() { # PID-FILE [OPTION-OF-UNSHARE...] COMMAND...
  local file=$dir/run/$1.pid log=$dir/log/${1#*-}.log tries
  shift
  setsid unshare --pid --fork --kill-child --mount "$@" >>"$log" 2>&1 </dev/null 8>&- 9>&- &
  local unshare_pid=$!
  disown
  # A minute: on a busy machine it takes some seconds. Not a moment for one that has ended.
  for ((tries = 0; tries < 6000; tries++)); do
    if [ -s "$file" ] || ! kill -0 "$unshare_pid" 2>/dev/null; then break; fi
    sleep 0.01
  done
  read -r started_pid _ <"$file" 2>/dev/null || { cat "$log" >&2; fail "namespaces cannot be made"; }
}

start_switch() {
  write_audit_policy
  # Bridged packets are nobody's to filter.
  # shellcheck disable=SC2016
  nsenter --net="/proc/$switch_pid/ns/net" bash -euc '
    ip link add switch type bridge
    for file in /proc/sys/net/bridge/bridge-nf-call-*tables; do if [ -f "$file" ]; then echo 0 >"$file"; fi; done
    ip link set control master switch up
    ip link set switch up'
  ip address add "$control/24" dev "$link"
  ip link set "$link" up
}

node_name() { echo "node$1"; }
node_address() { echo "$node_network.$((10 + $1))"; }
node_pods() { echo "$pod_network.$1.0/24"; }

write_audit_policy() {
  cat >"$dir/pki/audit-policy.yaml" <<'YAML'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, userGroups: [system:serviceaccounts]}
- {level: None}
YAML
}

# What the API server is told beyond the control plane's own flags.
apiserver_with_nodes=(
  --authorization-mode "Node,RBAC" --enable-admission-plugins NodeRestriction
  --kubelet-client-certificate "$dir/pki/admin.crt" --kubelet-client-key "$dir/pki/admin.key"
  --kubelet-certificate-authority "$dir/pki/ca.crt" --kubelet-preferred-address-types InternalIP
  --audit-policy-file "$dir/pki/audit-policy.yaml" --audit-log-path "$dir/log/audit.log"
)

make_cgroups() {
  local root level number name
  # Unique, so that two clusters never share one.
  read -r name < <(echo "gungnir-test.$$.$(start_time $$)")
  echo "$name" >"$dir/cgroup"
  for root in $(cgroup_roots); do
    for number in $(seq "$nodes"); do
      for level in "$name" "$name/$(node_name "$number")" "$name/$(node_name "$number")/daemons"; do
        [ ! -d "$root/$level" ] || continue
        mkdir "$root/$level"
        # Version 1: a new cpuset holds nothing and takes no process.
        if [ -f "$root/$level/cpuset.cpus" ] && [ ! -f "$root/cgroup.controllers" ]; then
          cat "$root/cpuset.cpus" >"$root/$level/cpuset.cpus"
          cat "$root/cpuset.mems" >"$root/$level/cpuset.mems"
        fi
        # Version 2: what the kubelet limits has to be handed down; not into a leaf with processes.
        if [ -f "$root/cgroup.controllers" ] && [ "${level##*/}" != daemons ]; then
          sed 's/\b[a-z]/+&/g' "$root/$level/cgroup.controllers" >"$root/$level/cgroup.subtree_control"
        fi
      done
    done
  done
}

copy_storage() { # FOLDER: by links, but for the databases
  local file
  if ! cp -al "$storage" "$1" 2>/dev/null; then
    rm -rf "$1"
    cp -a "$storage" "$1"   # on another file system
    return
  fi
  while read -r file; do
    cp -p "$storage/$file" "$1/$file.new"
    mv "$1/$file.new" "$1/$file"
  done < <(cd "$storage" && find . -name '*.db')
}

client_certificate() { # NAME SUBJECT [OPTION...]
  certificate "$1" "$2" "${signed[@]}" -addext extendedKeyUsage=serverAuth,clientAuth "${@:3}"
  write_kubeconfig "$dir/pki/$1.kubeconfig" "$1" "$port"
}

# Process 1 of a node, if the node runs.
node_process() { # N
  local file=$dir/run/4-$(node_name "$1").pid pid
  alive "$file" || return 1
  read -r pid _ <"$file"
  echo "$pid"
}

start_node() { # N
  local name arguments
  name=$(node_name "$1")
  mapfile -t arguments <"$dir/nodes/$name/arguments"
  rm -f "$dir/run/4-$name.pid"
  start_namespaces "4-$name" --net --uts "$cluster_source/become-node" "${arguments[@]}"
  # Its network is reached through this, whichever process it is by now.
  ln -sfn "/proc/$started_pid" "$dir/nodes/$name/process"
}

start_nodes() {
  local number name address
  mkdir -p "$dir"/{nodes,volumes}
  make_cgroups
  echo "nameserver 127.0.0.1" >"$dir/nodes/resolv.conf"
  echo "$pods_of_all" >"$dir/nodes/pods"
  for number in $(seq "$nodes"); do
    echo "$(node_pods "$number") $(node_address "$number")"
  done >"$dir/nodes/routes"

  client_certificate kube-controller-manager /CN=system:kube-controller-manager
  client_certificate kube-scheduler /CN=system:kube-scheduler
  client_certificate volumes /O=system:masters/CN=volumes
  client_certificate kube-proxy /CN=system:kube-proxy
  same_user() { printf -- '--%s=%s ' kubeconfig "$1" authentication-kubeconfig "$1" authorization-kubeconfig "$1"; }
  # shellcheck disable=SC2046 # words are meant
  start 5 kube-controller-manager $(same_user pki/kube-controller-manager.kubeconfig) --secure-port 0 --leader-elect=false \
    --service-account-private-key-file "$dir/pki/service-accounts.key" --root-ca-file "$dir/pki/ca.crt" \
    --use-service-account-credentials --cluster-signing-cert-file "$dir/pki/ca.crt" --cluster-signing-key-file "$dir/pki/ca.key" \
    --node-monitor-grace-period "${controllers_grace_s}s" --node-monitor-period 1s
  # shellcheck disable=SC2046
  start 5 kube-scheduler $(same_user pki/kube-scheduler.kubeconfig) --secure-port 0 --leader-elect=false
  start 5 volumes --kubeconfig pki/volumes.kubeconfig --folder "$dir/volumes"
  kubectl create -f "$cluster_source/addons.yaml" >"$dir/log/addons.log" 2>&1 &
  addons_pid=$!

  for number in $(seq "$nodes"); do
    name=$(node_name "$number") address=$(node_address "$number")
    client_certificate "$name" "/O=system:nodes/CN=system:node:$name" -addext "subjectAltName=DNS:$name,IP:$address"
    mkdir "$dir/nodes/$name"
    copy_storage "$dir/nodes/$name/containerd"
    printf '%s\n' "$dir" "$name" "$address" "$(node_pods "$number")" "$control" "$switch_pid" >"$dir/nodes/$name/arguments"
    start_node "$number"
    ip route add "$(node_pods "$number")" via "$address"
    cat >>"$env" <<ENV
export GUNGNIR_TEST_NODE_${number}_NETNS=$(printf %q "$dir")/nodes/$name/process/ns/net
export GUNGNIR_TEST_NODE_${number}_LINK=$name
export GUNGNIR_TEST_NODE_${number}_SOCKET=/proc/$started_pid/root/run/containerd/containerd.sock
ENV
  done
  cat >>"$env" <<ENV
export GUNGNIR_TEST_CLUSTER=$(printf %q "$dir")
export GUNGNIR_TEST_NODES="$(seq -s ' ' "$nodes")"
export GUNGNIR_TEST_API_ADDRESS=$control
export GUNGNIR_TEST_SWITCH_NETNS=/proc/$switch_pid/ns/net
ENV
  wait "$addons_pid" || { cat "$dir/log/addons.log" >&2; fail "the add-ons were refused"; }
}

nodes_are_ready() {
  [ "$(kubectl -n kube-system get daemonset coredns --request-timeout 5s -o 'jsonpath={.status.numberReady}')" = "$nodes" ] &&
    kubectl -n default get serviceaccount default --request-timeout 5s
}

wait_for_nodes() {
  local file name
  until nodes_are_ready >/dev/null 2>"$dir/log/wait.log"; do
    while read -r file; do
      name=${file##*/?-}
      if ! alive "$file"; then died "${name%.pid}"; fi
    done < <(daemons "$dir")
    for file in "$dir"/log/*-restarts.log; do
      if [ -f "$file" ] && [ "$(wc -l <"$file")" -gt "$restarts_allowed" ]; then name=${file##*/} name=${name%-restarts.log}; died "$name-$(tail -n 1 "$file" | cut -d' ' -f1)"; fi
    done
    if [ "$SECONDS" -ge "$ready_within_s" ]; then
      kubectl get nodes,pods -A -o wide >&2 || true
      fail "the nodes and their DNS are not ready after $ready_within_s s"
    fi
    sleep 0.2
  done
}
