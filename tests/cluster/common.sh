# shellcheck shell=bash disable=SC2034 # the variables are for the scripts that source this
# Sourced by the scripts of this folder: where things are, which versions, and how a daemon of a
# test cluster is told from a stranger's process. Nothing is built, started or stopped by sourcing.

cluster_source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
fail() { say "error: $*"; exit 1; }

# The minor versions that are supported, each at the patch that stands for it.
kubernetes_version() {
  local wanted=${KUBERNETES_VERSION:-1.34}
  case ${wanted#v} in
    1.33) echo 1.33.13 ;;
    1.34) echo 1.34.4 ;;
    1.35) echo 1.35.4 ;;
    *)
      [[ ${wanted#v} =~ ^1\.[0-9]+\.[0-9]+$ ]] || fail "KUBERNETES_VERSION=$wanted is not a version; use 1.33, 1.34, 1.35 or a full one such as 1.34.4"
      echo "${wanted#v}"
      ;;
  esac
}

cluster_cache() {
  local base=${GUNGNIR_CACHE:-}
  if [ -z "$base" ]; then
    [ -n "${XDG_CACHE_HOME:-}${HOME:-}" ] || fail "no place for the cache: set GUNGNIR_CACHE, XDG_CACHE_HOME or HOME"
    base=${XDG_CACHE_HOME:-$HOME/.cache}/gungnir
  fi
  mkdir -p "$base/cluster"
  (cd "$base/cluster" && pwd)
}

version=$(kubernetes_version)
cache=$(cluster_cache)
bin=$cache/$version/bin
openapi=$cache/$version/openapi
crds=$cache/crds
images=$cache/images
storage=$cache/containerd

# Hash of everything a cached result is made from: strings as arguments, files on stdin's list.
inputs_key() { # STRING... -- FILE...
  local strings=()
  while [ "$1" != -- ]; do strings+=("$1"); shift; done
  shift
  { printf '%s\n' "${strings[@]}"; cat "$@"; } | sha256sum | cut -c1-64
}

# Is the result whose key lies in FILE made from these inputs?
up_to_date() { [ -f "$1" ] && [ "$(<"$1")" = "$2" ]; }

# Holds the lock FILE on descriptor 9 until the script ends. Children that may outlive the
# script without harm get `9>&-`, so as not to keep the next one out.
lock() {
  exec 9>>"$1"
  flock --nonblock 9 && return
  say "another run is at work on ${1%/*}; waiting for it"
  flock --timeout 3600 9 || fail "gave up after 3600 s: $1 is still locked"
}

# Installs the Debian package that a missing program comes from.
need() { # PROGRAM PACKAGE
  command -v "$1" >/dev/null && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing $2 (for $1)"
    { apt-get update -q && apt-get install -yq --no-install-recommends "$2"; } >/dev/null 9>&-
  else
    fail "$1 is missing: install it (Debian's package is $2), or run once as root"
  fi
}

need_go() {
  command -v go >/dev/null || fail "go is missing: install Go 1.26 or later and put it into PATH"
}

need_node_programs() {
  need containerd containerd
  need runc runc
  need nft nftables
  need ip iproute2
  need conntrack conntrack
  need mount mount
  [ -x /usr/lib/cni/ptp ] || need /usr/lib/cni/ptp containernetworking-plugins
}

# --- processes of a cluster in folder DIR
# DIR/run/NAME.pid holds "PID STARTTIME": a process id alone may have gone to a stranger meanwhile.

marker=.gungnir-test-cluster

start_time() { # PID -> start in clock ticks since boot, field 22 of /proc/PID/stat
  local line fields
  line=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra fields <<<"${line##*) }"   # the second field, the name, may hold spaces
  [ "${fields[0]}" != Z ] && echo "${fields[19]}"
}

alive() { # PIDFILE
  local pid started
  { read -r pid started <"$1"; } 2>/dev/null && [ "$(start_time "$pid")" = "$started" ]
}

daemons() { # DIR -> its pid files, the last started first
  local file
  for file in "$1"/run/*.pid; do [ -f "$file" ] && echo "$file"; done | sort -r
}

# Stops every daemon of the cluster in DIR, the last started first, and waits until each is gone.
# SIGKILL right away: the state is thrown away with DIR, and what a graceful end of an API server
# buys (its clients' requests, its endpoints) costs seconds and is of use to nobody here.
stop_daemons() { # DIR
  local file pid tries
  while read -r file; do
    if alive "$file"; then
      read -r pid _ <"$file"
      kill -KILL "$pid" 2>/dev/null || true
      for ((tries = 0; tries < 500; tries++)); do
        alive "$file" || break
        sleep 0.02
      done
      if alive "$file"; then fail "${file##*/} (process $pid) is still there 10 s after SIGKILL"; fi
    fi
    rm -f "$file"
  done < <(daemons "$1")
}

# --- what a cluster with nodes has beside processes. Mounts, networks and cables are the nodes' own and
# go with them; these two do not.

# Where cgroups are made: one place (version 2) or one for each controller (version 1).
cgroup_roots() {
  local file
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    echo /sys/fs/cgroup
  else
    for file in /sys/fs/cgroup/*/cgroup.procs; do
      # On some systems a controller has two names, one of which is a link.
      if [ ! -L "${file%/*}" ]; then echo "${file%/*}"; fi
    done
  fi
}

remove_cgroups() { # NAME: with all below it
  local root tries
  for root in $(cgroup_roots); do
    # A process that is gone may still be in its cgroup for a moment.
    for ((tries = 0; tries < 250; tries++)); do
      [ -d "$root/$1" ] || break
      find "$root/$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
      [ ! -d "$root/$1" ] || sleep 0.02
    done
    [ ! -d "$root/$1" ] || fail "$root/$1 cannot be removed: processes $(find "$root/$1" -name cgroup.procs -exec cat {} + | tr '\n' ' ')"
  done
}

# The cable between the control plane and the switch names its cluster.
cluster_links() { # DIR
  local file
  for file in /sys/class/net/gungnir*/ifalias; do
    if [ -f "$file" ] && [ "$(cat "$file" 2>/dev/null)" = "$1" ]; then
      file=${file%/ifalias}
      echo "${file##*/}"
    fi
  done
}

stop_all() { # DIR
  local link name
  stop_daemons "$1"
  for link in $(cluster_links "$1"); do ip link delete "$link" 2>/dev/null || true; done
  name=$(cat "$1/cgroup" 2>/dev/null) || return 0
  if [ -n "$name" ]; then remove_cgroups "$name"; fi
}
