#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes docs/report.png, the README's result picture, from a real report: docs/picture.sh REPORT/index.html. Needs chromium.
set -eu
page=$(realpath -- "${1:?usage: docs/picture.sh REPORT/index.html}")
browser=$(type -P chromium chromium-browser google-chrome | head -n 1) || true
[[ -n $browser ]] || { echo "docs/picture.sh: chromium: not found: install it, e.g. apt-get install chromium" >&2; exit 2; }
target=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/report.png
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
"$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$profile" --virtual-time-budget=5000 \
	--force-device-scale-factor=1 --window-size="${PICTURE_SIZE:-1280,1400}" --screenshot="$target" "file://$page" 2>/dev/null
echo "$target"
