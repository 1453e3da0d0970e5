#!/usr/bin/env bash
# Runs the short part of the suite on the newer release lines of Node that cierre supports. The npm package `node` has their binaries.
# `npm test` runs on the Node of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for line in 22 24; do
  # The package downloads nothing itself: its install script places the binary of another package.
  npm install --silent --no-save --no-audit --no-fund --prefix "$work/$line" "node@$line"
  mkdir "$work/$line/bin"
  ln -s "$work/$line/node_modules/node/bin/node" "$work/$line/bin/node"
  echo "Node $("$work/$line/bin/node" --version)"
  PATH=$work/$line/bin:$PATH npm run --silent test:short -- --reporter dot
done
