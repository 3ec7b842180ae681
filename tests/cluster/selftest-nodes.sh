# shellcheck shell=bash disable=SC2154 # the variables and functions are selftest's
# Sourced by `selftest --nodes N`: what a cluster with nodes has to do, and that nothing of it is left.

"$cluster_source/images" >/dev/null

# What nodes could leave: cables, cgroups, mounts, files in the system's own folders.
system_folders() {
  local folder
  for folder in /run/netns /run/containerd /var/lib/cni /var/lib/kubelet /var/log/containers /var/log/pods; do
    echo "$folder: $(find "$folder" 2>/dev/null | sort | sha256sum)"
  done
}
folders_before=$(system_folders)
cgroup_names=()
note_cgroup() { if [ -f "$1/cgroup" ]; then cgroup_names+=("$(<"$1/cgroup")"); fi; }
expect_no_node_left() {
  local name root left
  expect_nothing_left
  left=$(cat /sys/class/net/*/ifalias 2>/dev/null | grep -F "$scratch" || true)
  [ -z "$left" ] || fail "an interface is left, of $left"
  for name in ${cgroup_names[@]+"${cgroup_names[@]}"}; do
    for root in $(cgroup_roots); do [ ! -e "$root/$name" ] || fail "a cgroup is left: $root/$name"; done
  done
  left=$(grep -lF "$scratch" /proc/[0-9]*/mountinfo 2>/dev/null || true)
  [ -z "$left" ] || fail "mounts are left: $left"
  [ "$(system_folders)" = "$folders_before" ] || fail "files are left: $(diff <(echo "$folders_before") <(system_folders))"
}

node=$cluster_source/node
started_ms=$(date +%s%3N)
"$cluster_source/up" "$a" --nodes "$with_nodes"
ok "up with $with_nodes nodes in $(($(date +%s%3N) - started_ms)) ms"
note_cgroup "$a"
# shellcheck source=/dev/null
. "$a/env"
in_shop() { kubectl --namespace shop "$@"; }
cli() { local pod=$1; shift; in_shop exec "$pod" -c valkey -- valkey-cli "$@" | tr -d '\r'; }

expect_code 1 "$cluster_source/up" "$a" --nodes "$with_nodes"
expect_text err 'a cluster runs in'
[ "$(kubectl get nodes --no-headers | grep -c ' Ready ')" = "$with_nodes" ] || fail "not every node is ready"

KEEP_WORKLOAD=yes "$cluster_source/workload"

# --- volumes
claim_size() { [ "$(in_shop get pvc data-basket-0 -o 'jsonpath={.status.capacity.storage}')" = "$1" ]; }
grow() { in_shop patch pvc "$1" --type merge -p '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}'; }
grow data-basket-0 >/dev/null
wait_until "a claim grows" claim_size 2Gi
kubectl create -f - >/dev/null <<'YAML'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: stays, namespace: shop}
spec: {storageClassName: fixed-size, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: holder, namespace: shop}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {runAsNonRoot: true, runAsUser: 999, fsGroup: 999, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: sleep
    image: docker.io/valkey/valkey:9
    command: [sh, -c, 'valkey-server --version && touch /data/file && exec sleep 1000']
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: stays}}]
YAML
in_shop wait --for=condition=Ready pod/holder --timeout 60s >/dev/null
grep -q ' v=9\.' <<<"$(in_shop logs holder)" || fail "docker.io/valkey/valkey:9 is no Valkey 9"
expect_code 1 grow stays
expect_text err 'only dynamically provisioned pvc can be resized'
in_shop delete pod/holder pvc/stays --wait >/dev/null
volumes_are() { [ "$(find "$a/volumes" -mindepth 1 -maxdepth 1 | wc -l)" = "$1" ]; }
wait_until "a released volume is removed" volumes_are 3
ok "volumes: made, grown where the class allows it, removed"

# --- images
"$cluster_source/image" registry.example.com/team/program:v1 "$cache/programs/pause"
kubectl run program --image registry.example.com/team/program:v1 >/dev/null
kubectl run exporter --image docker.io/oliver006/redis_exporter:v1.74.0 >/dev/null
kubectl wait --for=condition=Ready pod/program pod/exporter --timeout 60s >/dev/null
kubectl delete pod program exporter --now >/dev/null
ok "image: a program of ours runs as a pod, and so does the exporter"

# --- reaching in
pid=$("$node" pid -n shop basket-2 valkey)
grep -q valkey-server "/proc/$pid/cmdline" || fail "process $pid is not the server of basket-2"
kill -KILL "$pid"
restarted() { [ "$(in_shop get pod basket-2 -o 'jsonpath={.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}')" = "1 true" ]; }
wait_until "a killed container is started again" restarted
number=$("$node" of -n shop basket-2)
pid=$("$node" daemon "$number" kubelet)
kill -KILL "$pid"
another_kubelet() { local now; now=$("$node" daemon "$number" kubelet) && [ "$now" != "$pid" ]; }
wait_until "a killed kubelet is started again" another_kubelet
[ "$("$node" exec "$number" hostname)" = "node$number" ] || fail "node exec does not run on the node"
ok "node: a container's process and a kubelet, killed from outside, come back"

followers() { grep -qx "connected_slaves:$1" <<<"$(cli basket-0 INFO replication)"; }
node_is() { [ "$(kubectl get node "node$number" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = "$1" ]; }
api_answers() { "$node" exec "$number" timeout 2 bash -c ": </dev/tcp/$GUNGNIR_TEST_API_ADDRESS/6443"; }
wait_until "both replicas follow" followers 2
"$node" cut "$number" "$GUNGNIR_TEST_API_ADDRESS"
if api_answers; then fail "the API server answers a node that is cut off from it"; fi
wait_until "a node that is cut off from the API server is unreachable" node_is Unknown
followers 2 || fail "a cut from the API server cut the pods off, too"
"$node" heal "$number"
wait_until "a healed node is ready" node_is True
if [ "$with_nodes" -gt 1 ]; then
  address=$(in_shop get pod basket-2 -o 'jsonpath={.status.podIP}')
  "$node" cut "$number" "$address"
  wait_until "a pod that is cut off is lost to its master" followers 1
  node_is True || fail "a pod's cut took its node along"
  "$node" heal "$number"
  wait_until "a healed pod follows" followers 2
  "$node" cut "$number"
  wait_until "a node without cable is unreachable" node_is Unknown
  wait_until "its replica is lost to the master" followers 1
  "$node" heal "$number"
  wait_until "a healed node is ready" node_is True
  wait_until "its replica follows again" followers 2
fi
"$node" freeze "$number"
wait_until "a frozen node is unreachable" node_is Unknown
"$node" thaw "$number"
wait_until "a thawed node is ready" node_is True
ok "node: cut off from the API server, a pod alone, wholly, and frozen; healed each time"

"$node" kill "$number"
wait_until "a node without power is unreachable" node_is Unknown
"$node" start "$number"
wait_until "it boots again" node_is True
wait_until "its replica follows again" followers 2
ok "node: a power cut, and what was on the disk serves again"

grep -q '"username":"system:serviceaccount:kube-system:coredns"' "$a/log/audit.log" || fail "the audit log lacks the requests of service accounts"
if grep -q '"username":"admin"' "$a/log/audit.log"; then fail "the audit log holds more than service accounts"; fi
ok "audit log"

# --- the end of it
[ -n "$(cluster_links "$a")" ] || fail "the cluster's interface cannot be told: the next check proves nothing"
started_ms=$(date +%s%3N)
"$cluster_source/down" "$a"
ok "down in $(($(date +%s%3N) - started_ms)) ms"
if [ -e "$a" ]; then fail "down left its folder"; fi
expect_no_node_left
ok "down leaves no process, interface, mount, cgroup or file"

for after_s in 0.3 1 2 4; do
  "$cluster_source/up" "$a" --nodes 2 2>/dev/null & pid=$!
  sleep "$after_s"
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  note_cgroup "$a"
  "$cluster_source/down" "$a"
  expect_no_node_left
done
ok "up, killed after 0.3 to 4 s: down leaves nothing"

"$cluster_source/up" "$a" --nodes 2 2>/dev/null & pid=$!
sleep 5
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
note_cgroup "$a"
expect_code 0 "$cluster_source/up" "$a" --nodes 1
expect_text err 'removing what a run that was cut short left'
note_cgroup "$a"
"$cluster_source/up" "$b" --nodes 1   # beside it
note_cgroup "$b"
"$cluster_source/down" "$a"
kubectl --kubeconfig "$b/admin.kubeconfig" get nodes >/dev/null || fail "down of one took the other along"
"$cluster_source/down" "$b"
expect_no_node_left
ok "up, killed: the next up clears away what is left; two clusters side by side"

# shellcheck disable=SC2016
expect_code 7 "$cluster_source/with" --nodes 1 bash -c 'kubectl get node node1 && exit 7'
kept=$(sed -n "s/.*logs are kept in //p" "$scratch/err")
[ -s "$kept/node1-kubelet.log" ] || fail "no log of the kubelet in '$kept'"
grep -q coredns "$kept/objects.txt" || fail "no list of objects in '$kept'"
expect_no_node_left
ok "with --nodes: COMMAND's exit code, logs kept on failure"
