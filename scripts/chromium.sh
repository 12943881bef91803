#!/usr/bin/env bash
# Installs Chromium for the tests of `wm web`, where it is missing and this may be done: as root, on
# a system with apt-get. Elsewhere those tests say what to do, or leave them out: -m "not browser".
set -euo pipefail

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then
        exit 0
    fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium for the tests ..." >&2
    apt-get update -qq || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null || true
fi
