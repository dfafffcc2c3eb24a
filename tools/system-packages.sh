#!/bin/sh
# Installs the system libraries that are missing. `--test` adds the programs that the tests play against:
# a JACK server, Pure Data, liblo's oscsend, SuperCollider's scsynth. Nothing is touched where they are there already.
set -eu

need=""
ldconfig -p 2>/dev/null | grep -q libportaudio || [ "$(uname)" = Darwin ] || need="libportaudio2"
if [ "${1:-}" = "--test" ]; then
    command -v jackd >/dev/null || need="$need jackd2"
    command -v pd >/dev/null || need="$need puredata-core"
    command -v oscsend >/dev/null || need="$need liblo-tools"
    command -v scsynth >/dev/null || need="$need supercollider-server"
fi
[ -n "$need" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "liveseq: please install by your package manager: $need (PortAudio is needed to reach a sound card)" >&2
    exit 0
fi
if [ "$(id -u)" = 0 ]; then run=""; else run="sudo"; fi
echo "liveseq: installing $need"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$run apt-get install -y -q --no-install-recommends $need >/dev/null 2>&1 || {
    $run apt-get update -q >/dev/null
    $run apt-get install -y -q --no-install-recommends $need >/dev/null
}
