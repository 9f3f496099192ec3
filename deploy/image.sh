#!/usr/bin/env bash
# Builds the unmodified Dockerfile, starts the image locked down on a loopback port, and checks it.
# Says "skipped: reason" where that cannot be done (an error with REQUIRE_IMAGE=1). Leaves nothing
# behind, unless IMAGE_TAG=name:tag asks for the image to be kept under that name.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failed=0 base="" base_note="" scratch="" image="" container=""
work=$(mktemp -d)
export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot}
export TMPDIR=$work

clean_up() {
  [[ -z $scratch ]] || buildah rm "$scratch" >/dev/null || true
  [[ -z $container ]] || podman --runtime=runc rm --force --time 0 "$container" >/dev/null || true
  [[ -z $image || -n ${IMAGE_TAG:-} ]] || podman rmi --force "$image" >/dev/null || true
  [[ $base != sha256:* ]] || podman rmi "$base" >/dev/null || true
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT

skip() {
  echo "skipped: $*"
  [[ ${REQUIRE_IMAGE:-0} != 1 ]] || exit 1
  exit 0
}

say() { echo "image: $*" >&2; }

row() { printf '%-34s %-18s %-18s %s\n' "$@"; }

verdict() { # true or false, then the row
  local word=ok
  "$1" || { word=FAILED failed=$((failed + 1)); }
  row "${@:2}" "$word"
}

check() { # name, what is wanted, what was found
  if [[ $3 == "$2" ]]; then verdict true "$@"; else verdict false "$@"; fi
}

at_most() { # name, bound, what was found
  if [[ $3 =~ ^[0-9]+$ ]] && (($3 <= $2)); then verdict true "$1" "<= $2" "$3"; else verdict false "$1" "<= $2" "$3"; fi
}

milliseconds() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# --- the base ---------------------------------------------------------------------------------------

stand_in_base() {
  local why="the base image cannot be pulled" rootfs=$work/rootfs
  command -v debootstrap >/dev/null || skip "$why, and debootstrap is not installed"
  [[ $(id -u) == 0 ]] || skip "$why, and debootstrap needs root"
  say "$why: making a STAND-IN from Debian trixie"
  debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv,python3-pip \
    trixie "$rootfs" >"$work/debootstrap.log" 2>&1 \
    || skip "$why, and debootstrap failed: $(tail -n 1 "$work/debootstrap.log")"
  ln -s /usr/bin/python3 "$rootfs/usr/local/bin/python3"
  ln -s /usr/bin/python3 "$rootfs/usr/local/bin/python"
  ln -s /usr/bin/pip3 "$rootfs/usr/local/bin/pip"
  base_note="STAND-IN: debootstrap trixie, $(chroot "$rootfs" python3 --version)"
  scratch=$(buildah from scratch)
  buildah add --quiet "$scratch" "$rootfs" / >/dev/null
  base=sha256:$(buildah commit --quiet --rm "$scratch")
  scratch=""
  rm -rf --one-file-system "$rootfs"
}

find_base() {
  local wanted
  wanted=$(sed -n 's/^ARG BASE=//p' Dockerfile)
  if podman image exists "$wanted" || timeout 300 podman pull --quiet "$wanted" &>/dev/null; then
    base=$wanted base_note="$wanted $(podman image inspect --format '{{.Digest}}' "$wanted")"
  else
    stand_in_base
  fi
}

# --- the build --------------------------------------------------------------------------------------

host_pip() { # one pip setting of this host: the environment first, then its configuration files
  local variable=PIP_${1^^}
  variable=${variable//-/_}
  echo "${!variable:-$("$python" -m pip config get "global.$1" 2>/dev/null || true)}"
}

# What lets pip reach packages from here (mirror, proxy, private CA) becomes two build secrets.
build_secrets() {
  local key value file
  printf '[global]\n# %s\n' "$canary" >"$work/pip_conf"
  for key in index-url extra-index-url trusted-host proxy; do
    # Places on this host's disk do not exist inside a build; the hashes fix the content anyway.
    value=$(host_pip "$key" | tr -s ' \n' '\n' | grep -v -e '^file:' -e '^/' | paste -sd ' ' || true)
    [[ -z $value ]] || printf '%s = %s\n' "$key" "$value" >>"$work/pip_conf"
  done
  secrets=(--secret "id=pip_conf,src=$work/pip_conf")
  for file in "$(host_pip cert)" "${SSL_CERT_FILE:-}" "${REQUESTS_CA_BUNDLE:-}"; do
    [[ -f $file ]] || continue
    cp "$file" "$work/pip_ca"
    echo "cert = /run/secrets/pip_ca" >>"$work/pip_conf"
    secrets+=(--secret "id=pip_ca,src=$work/pip_ca")
    break
  done
}

build() {
  local started
  started=$(milliseconds)
  build_secrets
  buildah bud --quiet --pull=never --format docker --iidfile "$work/image" "${secrets[@]}" \
    --build-arg "BASE=${base#sha256:}" \
    --build-arg "VERSION=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' src/obo_mcp/__init__.py)" \
    --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)" . >"$work/build.log" 2>&1 \
    || { cat "$work/build.log" >&2; say "the build failed"; exit 1; }
  image=$(<"$work/image")
  [[ -z ${IMAGE_TAG:-} ]] || podman tag "$image" "$IMAGE_TAG"
  say "built in $((($(milliseconds) - started) / 1000)) s"
}

# --- the run ----------------------------------------------------------------------------------------

status_of() { # method, path
  local status=none
  {
    exec 3<>"/dev/tcp/127.0.0.1/$port" \
      && printf '%s %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' \
        "$1" "$2" "$port" >&3 \
      && read -r -t 10 _ status _ <&3 && exec 3>&-
  } 2>/dev/null || true
  echo "${status:-none}"
}

free_port() {
  port=$((20000 + RANDOM % 10000))
  while [[ $(status_of GET /) != none ]]; do port=$((port + 1)); done
}

start() {
  free_port
  started=$(milliseconds)
  # The secret goes in by name only, so that it is in no process list.
  OBO_MCP_CLIENT_SECRET=$canary-secret podman --runtime=runc run --detach --pull=never \
    --read-only --read-only-tmpfs=false --cap-drop=ALL --security-opt=no-new-privileges \
    --memory 256m --pids-limit 64 --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \
    --network=host --no-healthcheck \
    --env OBO_MCP_HOST=127.0.0.1 --env "OBO_MCP_PORT=$port" \
    --env OBO_MCP_TENANT_ID=00000000-0000-4000-8000-000000000001 \
    --env OBO_MCP_CLIENT_ID=00000000-0000-4000-8000-000000000002 \
    --env OBO_MCP_CLIENT_SECRET --env "OBO_MCP_RESOURCE_URL=http://127.0.0.1:$port/mcp" \
    --env OBO_MCP_REQUIRED_SCOPE=mcp.access "$image" >"$work/container"
  container=$(<"$work/container")
}

# Docker and podman would run it on a timer; here it is run once, by hand.
health_check() {
  local command
  mapfile -t command < <(
    podman image inspect --format '{{range .HealthCheck.Test}}{{println .}}{{end}}' "$image" | sed '/^$/d'
  )
  podman --runtime=runc exec "$container" "${command[@]:1}" &>/dev/null && echo 0 || echo $?
}

inside() { podman --runtime=runc exec "$container" "$@" 2>/dev/null || echo "exec failed"; }

await_health() {
  while ((healthy_after = $(milliseconds) - started, healthy_after < 10000)); do
    [[ $(status_of GET /livez) != 200 ]] || return 0
    [[ $(podman inspect --format '{{.State.Status}}' "$container") == running ]] || break
    read -r -t 0.1 <> <(:) || true
  done
  podman logs "$container" 2>&1 | tail -n 20 >&2
  at_most "healthy on /livez, ms" 10000 never
  return 1
}

image_checks() {
  at_most "image size, MiB" 600 "$(($(podman image inspect --format '{{.Size}}' "$image") >> 20))"
  check "build secret in saved image" 0 \
    "$(podman save --quiet --format docker-archive "$image" | grep --text --count "$canary" || true)"
}

field() { sed -n "s/^$1:[[:space:]]*//p" <<<"$process" | cut -f 1; }

run_checks() {
  local process
  process=$(inside cat /proc/1/status)
  at_most "healthy on /livez, ms" 10000 "$healthy_after"
  check "/readyz, its tenant unreachable" 503 "$(status_of GET /readyz)"
  check "/mcp without a token" 401 "$(status_of POST /mcp)"
  check "HEALTHCHECK command, exit code" 0 "$(health_check)"
  check "uid" 65532 "$(field Uid)"
  check "capabilities, effective" 0000000000000000 "$(field CapEff)"
  check "capabilities, bounding" 0000000000000000 "$(field CapBnd)"
  check "no new privileges" 1 "$(field NoNewPrivs)"
  check "seccomp (2 = filter)" 2 "$(field Seccomp)"
  check "root file system" ro "$(inside cat /proc/1/mountinfo | awk '$5 == "/" {print substr($6, 1, 2)}')"
  check "setuid or setgid files" 0 \
    "$(podman --runtime=runc exec --user 0:0 "$container" find / -xdev -type f -perm /6000 | wc -l)"
  at_most "peak memory, MiB" 256 "$(($(field VmHWM | tr -dc 0-9) / 1024))"
}

stop_checks() {
  local started
  started=$(milliseconds)
  podman --runtime=runc stop --time 15 "$container" >/dev/null
  at_most "stopped on SIGTERM, ms" 10000 "$(($(milliseconds) - started))"
  check "exit code" 0 "$(podman inspect --format '{{.State.ExitCode}}' "$container")"
}

for tool in buildah podman runc; do
  command -v "$tool" >/dev/null || skip "$tool is not installed"
done
python=.venv/bin/python
[[ -x $python ]] || python=python3
canary=canary-$RANDOM$RANDOM$RANDOM
find_base
build
printf '%-34s %s\n' "base image" "$base_note"
row check wanted found ""
image_checks
start
if await_health; then
  run_checks
  stop_checks
fi
((failed == 0)) || { say "$failed checks failed"; exit 1; }
