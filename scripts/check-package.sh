#!/usr/bin/env bash
# Packs the package, installs it in an empty folder and runs what was installed.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
service=
cleanup() {
  [ -z "$service" ] || kill "$service" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

npm run --silent build
npm pack --silent --pack-destination "$work" >/dev/null
tar -tzf "$work"/cierre-*.tgz | sort >"$work/content"
for needed in package/dist/main.js package/dist/guard.js package/dist/guard.d.ts package/generated/vectors.json package/generated/openapi.json package/openapi.yaml package/README.md package/LICENSE; do
  grep -qx "$needed" "$work/content" || { echo "the package lacks $needed" >&2; exit 1; }
done
if grep -vE '^package/(dist/|generated/|openapi\.yaml$|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$|SECURITY\.md$)' "$work/content"; then
  echo 'the package holds what no user needs (above)' >&2
  exit 1
fi

mkdir "$work/app"
cd "$work/app"
npm init --yes >/dev/null
npm install --silent --omit=dev "$work"/cierre-*.tgz

# What cierre/guard loads, of all that was installed: nothing of the service.
cat >hooks.mjs <<'END'
import { writeSync } from 'node:fs'
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context)
  writeSync(1, `${found.url}\n`)
  return found
}
END
cat >guard.mjs <<'END'
import { register } from 'node:module'
register('./hooks.mjs', import.meta.url)
const { createGuard } = await import('cierre/guard')
const guard = createGuard({ issuers: [{ issuer: 'x', secret: 'x'.repeat(32) }], feed: { url: 'http://127.0.0.1:1', clientId: 'x', clientSecret: 'x' } })
const refusal = await guard.check('Bearer x').catch((error) => error)
if (refusal.status !== 401) throw refusal
await guard.close()
END
node guard.mjs >loaded
packages=$(sed -nE 's#.*/node_modules/(@[^/]*/[^/]*|[^/]*)/.*#\1#p' loaded | sort -u | tr '\n' ' ')
[ "$packages" = 'cierre eventsource-parser jose ' ] || { echo "cierre/guard loads $packages" >&2; exit 1; }

PORT=0 node_modules/.bin/cierre >"$work/out" &
service=$!
for _ in $(seq 100); do
  grep -q 'curl ' "$work/out" && break
  sleep 0.1
done
line=$(grep 'curl ' "$work/out")
test "$(eval "$line" 2>/dev/null | head -n 1 | tr -d '\r')" = 'HTTP/1.1 200 OK'
test "$(eval "$line" 2>/dev/null | head -n 1 | tr -d '\r')" = 'HTTP/1.1 401 Unauthorized'
echo 'package: installed, run, logged out'
