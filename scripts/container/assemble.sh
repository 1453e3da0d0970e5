#!/usr/bin/env bash
# Puts into an empty folder what the service needs to run, and nothing else: usage: assemble.sh FOLDER
# Run in a checkout whose dependencies are installed. No install script of a dependency runs.
set -euo pipefail
out=$1
cd "$(dirname "$0")/../.."

npm run --silent build
mkdir -p "$out/generated" "$out/scripts/container"
cp package.json package-lock.json openapi.yaml LICENSE "$out/"
cp -r dist "$out/dist"
cp generated/openapi.json generated/validators.js "$out/generated/"
cp scripts/container/health.mjs "$out/scripts/container/"
npm ci --omit=dev --ignore-scripts --no-audit --no-fund --silent --prefix "$out"
# Nobody who runs it may change it.
chmod -R a+rX,a-w "$out"
