#!/usr/bin/env bash
# Usage: assemble.sh FOLDER
# Puts what the service needs to run into an empty folder, and nothing else. The checkout must have its dependencies installed. No install
# script of a dependency is run.
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
# The user that runs the service must not be able to change its files.
chmod -R a+rX,a-w "$out"
