#!/usr/bin/env bash
# Runs the short part of the tests on another line of Node: `scripts/test-on.sh 22`, `scripts/test-on.sh 20.19`. The npm package `node` has the runtimes.
set -euo pipefail
cd "$(dirname "$0")/.."

line=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm install --silent --no-save --prefix "$work" "node@$line"
PATH=$work/node_modules/node/bin:$PATH
node --version | grep -q "^v$line\." || { echo "this is not Node $line: $(node --version)" >&2; exit 1; }
node --version
npm run --silent test:short
