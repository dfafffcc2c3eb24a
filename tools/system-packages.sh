#!/bin/sh
# Installs the system libraries that are missing. `--test` adds the programs that the tests play against:
# a JACK server, Pure Data, liblo's oscsend, SuperCollider's scsynth, fluidsynth with FluidR3, and Chromium where it is
# called as in Debian (elsewhere the tests that need a browser are skipped). Nothing is touched where they are there already.
set -eu

need=""
wish=""
ldconfig -p 2>/dev/null | grep -q libportaudio || [ "$(uname)" = Darwin ] || need="libportaudio2"
if [ "${1:-}" = "--test" ]; then
    command -v jackd >/dev/null || need="$need jackd2"
    command -v pd >/dev/null || need="$need puredata-core"
    command -v oscsend >/dev/null || need="$need liblo-tools"
    command -v scsynth >/dev/null || need="$need supercollider-server"
    command -v fluidsynth >/dev/null || need="$need fluidsynth fluid-soundfont-gm"
    command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || wish="chromium-headless-shell"
fi
[ -n "$need$wish" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "liveseq: please install by your package manager: $need (PortAudio is needed to reach a sound card)" >&2
    exit 0
fi
if [ "$(id -u)" = 0 ]; then run=""; else run="sudo"; fi
echo "liveseq: installing $need $wish"
export DEBIAN_FRONTEND=noninteractive
install() {
    # shellcheck disable=SC2086
    [ -z "$1" ] || $run apt-get install -y -q --no-install-recommends $1 >/dev/null
}
install "$need $wish" 2>/dev/null || {
    $run apt-get update -q >/dev/null
    install "$need"
    install "$wish" 2>/dev/null || echo "liveseq: there is no $wish here"
}
