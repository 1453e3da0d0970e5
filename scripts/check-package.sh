#!/usr/bin/env bash
# Packs the three packages, installs each in an empty folder and runs it there. Then it installs the main package in the other ways that
# users have.
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
version=$(node -p 'require("./package.json").version')
packed=$(npm run --silent pack -- --pack-destination "$work")
main=$work/cierre-$version.tgz
guard=$work/cierre-guard-$version.tgz
client=$work/cierre-client-$version.tgz
[ "$packed" = "$main
$guard
$client" ] || { echo "npm run pack prints other paths: $packed" >&2; exit 1; }
tar -tzf "$main" | sort >"$work/content"
for needed in package/dist/main.js package/dist/guard.js package/dist/guard.d.ts package/dist/client.js package/dist/client.d.ts package/dist/embedded.js package/dist/embedded.d.ts package/dist/store/redis/{commit,dry-run,feed-page,feed-tail,feed-bounds,scan}.lua package/dist/docs/swagger-ui-bundle.js{,.br,.gz} package/dist/docs/reference.js{,.br,.gz} package/generated/vectors.json package/generated/openapi.json package/openapi.yaml package/scripts/build.mjs package/README.md package/LICENSE; do
  grep -qx "$needed" "$work/content" || { echo "the package lacks $needed" >&2; exit 1; }
done
if grep -E '^package/dist/(packages|release)/' "$work/content" || grep -vE '^package/(dist/|generated/|openapi\.yaml$|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$|OPERATING\.md$|SECURITY\.md$|scripts/build\.mjs$)' "$work/content"; then
  echo 'the package has files that no user needs (above)' >&2
  exit 1
fi

for package in "$main" "$guard" "$client"; do
  rm -rf "$work/package"
  tar -xzf "$package" -C "$work"
  node_modules/.bin/publint run --strict --pack false "$work/package" >"$work/publint" || { cat "$work/publint" >&2; exit 1; }
  # The profile leaves out Node 10, which has no subpaths. CommonJS loads the guard and the client by require(esm) or import().
  node_modules/.bin/attw --profile esm-only --ignore-rules cjs-resolves-to-esm --no-emoji "$package" >"$work/attw" || { cat "$work/attw" >&2; exit 1; }
done
rm -rf "$work/package"

repository=$PWD
mkdir "$work/app"
cd "$work/app"
npm init --yes >/dev/null
# A packed package needs no install script.
npm install --silent --prefer-offline --omit=dev --ignore-scripts "$main"

# Every subpath works without any other package, but those for a framework that the app has to have.
cat >subpaths.mjs <<'END'
import { readFileSync } from 'node:fs'
const name = process.argv[2]
const { exports, peerDependenciesMeta = {} } = JSON.parse(readFileSync(`node_modules/${name}/package.json`))
for (const path of Object.keys(exports).filter((path) => !path.endsWith('.json')))
  await import(name + path.slice(1)).catch((error) => {
    const isPeer = (peer) => error.code === 'ERR_MODULE_NOT_FOUND' && error.message.includes(`'${peer}'`)
    if (!Object.keys(peerDependenciesMeta).some(isPeer)) throw error
  })
END
node subpaths.mjs cierre

# Prints the URL of each module that is loaded, because cierre/guard must load no package of the service.
cat >hooks.mjs <<'END'
import { writeSync } from 'node:fs'
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context)
  writeSync(1, `${found.url}\n`)
  return found
}
END
# The packages that a script loads.
packages_of() {
  node "$1" | sed -nE 's#.*/node_modules/(@[^/]*/[^/]*|[^/]*)/.*#\1#p' | sort -u | tr '\n' ' '
}
cat >client.mjs <<'END'
import { register } from 'node:module'
register('./hooks.mjs', import.meta.url)
const { createClient } = await import('cierre/client')
const { outcome } = await createClient({ baseUrl: 'http://127.0.0.1:1', getToken: () => 'x', attempts: 1 }).logout()
if (outcome !== 'unknown') throw new Error(outcome)
END
packages=$(packages_of client.mjs)
[ "$packages" = 'cierre openapi-fetch ' ] || { echo "cierre/client loads $packages" >&2; exit 1; }
cat >guard.mjs <<'END'
import { register } from 'node:module'
register('./hooks.mjs', import.meta.url)
const { createGuard } = await import('cierre/guard')
const guard = createGuard({ issuers: [{ issuer: 'x', secret: 'x'.repeat(32) }], feed: { url: 'http://127.0.0.1:1', clientId: 'x', clientSecret: 'x' } })
const refusal = await guard.check('Bearer x').catch((error) => error)
if (refusal.status !== 401) throw refusal
await guard.close()
END
packages=$(packages_of guard.mjs)
[ "$packages" = 'cierre eventsource-parser jose ' ] || { echo "cierre/guard loads $packages" >&2; exit 1; }

# The types of every subpath must compile under strict, with both ways to resolve modules.
compile_types() {
  mkdir -p node_modules/@types
  cp -r "$repository/node_modules/@types/node" node_modules/@types/node
  cp -r "$repository/node_modules/undici-types" node_modules/undici-types
  for resolution in 'node16 --module node16' 'bundler --module esnext'; do
    # shellcheck disable=SC2086
    "$repository/node_modules/.bin/tsc" --noEmit --strict --exactOptionalPropertyTypes --target es2022 --types node --moduleResolution $resolution "$@"
  done
}
cat >types.mts <<'END'
import { createClient, type LogoutResult } from 'cierre/client'
import { createGuard, expressGuard, type Guard } from 'cierre/guard'
import { createTestGuard, type TestGuard } from 'cierre/guard/testing'
const client = createClient({ baseUrl: 'http://127.0.0.1:1', getToken: () => 'x' })
export const messageOf = async (): Promise<string> => {
  const result: LogoutResult = await client.logout()
  return result.outcome === 'refused' ? result.body.message : result.outcome
}
export const guard: Guard = createGuard({ issuers: [{ issuer: 'x', secret: 'x' }], feed: { url: 'http://127.0.0.1:1', clientId: 'x', clientSecret: 'x' } })
export const middleware = expressGuard(guard)
// Options from environment variables, which may be undefined, and a single issuer without a name.
export const ofVariables = (): Guard => createGuard({
  issuers: [{ secret: process.env['JWT_SECRET'], audience: process.env['JWT_AUDIENCE'] }],
  feed: { url: 'http://127.0.0.1:1', clientId: 'x', clientSecret: process.env['CIERRE_CLIENT_SECRET'] },
  maxStalenessMs: undefined,
})
// @ts-expect-error a guard needs a feed
createGuard({ issuers: [] })
export const isEnded = (): Promise<boolean> => guard.isRevoked({ iss: 'x', sub: 'y', sid: undefined, iat: 1, authTime: 1 })
// @ts-expect-error a date is no number of seconds
export const isEndedBy = (date: Date): Promise<boolean> => guard.isRevoked({ iss: 'x', sub: 'y', iat: date })
const test: TestGuard = createTestGuard({ issuers: [{ issuer: 'x', jwksUri: process.env['JWKS_URI'] }] })
export const ofTest: Guard = test.guard
export const jwt: Promise<string> = test.token({ sub: 'x', roles: [] })
export const revoked = (): Promise<void>[] => [test.revoke({ token: 'x' }), test.revoke({ iss: 'x', sub: 'y' }), test.revoke({ iss: 'x', sid: 'y' })]
// @ts-expect-error an issuer alone names nothing
void test.revoke({ iss: 'x' })
END
cat >embedded.mts <<'END'
import { createCierre, fastifyPlugin, honoHandler, koaHandler, type Cierre, type CierreOptions } from 'cierre/embedded'
// The service inside an app: typed settings, and a handler for each framework.
const options: CierreOptions = {
  issuers: [{ secret: process.env['JWT_SECRET'], sessionKeys: ['sess:{sid}'] }],
  redis: { url: process.env['REDIS_URL'] },
  rateLimitAddress: '10/60',
}
export const inside = (): Cierre => createCierre(options)
export const handlers = (cierre: Cierre) => [cierre.handler, koaHandler(cierre), fastifyPlugin(cierre), honoHandler(cierre)]
// @ts-expect-error a limit is requests per seconds
createCierre({ ...options, rateLimitSubject: 'many' })
END
compile_types types.mts embedded.mts

node_modules/.bin/cierre --help >"$work/help"
grep -q 'audit \[options\]' "$work/help"
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

fail() {
  echo "package: $*" >&2
  exit 1
}

# Installs a small package in an empty folder: at most three packages, within so many bytes.
install_small() {
  mkdir "$work/$1"
  cd "$work/$1"
  npm init --yes >/dev/null
  npm install --silent --prefer-offline "$2"
  count=$(npm ls --all --parseable | tail -n +2 | wc -l)
  bytes=$(du -sb node_modules | cut -f 1)
  [ "$count" -le 3 ] || fail "$1 installs $count packages"
  [ "$bytes" -lt 1000000 ] || fail "$1 takes $bytes bytes installed"
  echo "package: $1 installs $count packages, $bytes bytes"
  cp "$work"/app/{hooks,subpaths}.mjs .
  # The scripts of the main package, by the names of the small ones.
  for script in client.mjs guard.mjs types.mts; do
    sed 's#cierre/guard#cierre-guard#; s#cierre/client#cierre-client#' "$work/app/$script" >"$script"
  done
  node subpaths.mjs "$1"
}
install_small cierre-client "$client"
packages=$(packages_of client.mjs)
[ "$packages" = 'cierre-client openapi-fetch ' ] || fail "cierre-client loads $packages"
install_small cierre-guard "$guard"
packages=$(packages_of guard.mjs)
[ "$packages" = 'cierre-guard eventsource-parser jose ' ] || fail "cierre-guard loads $packages"
npm install --silent --prefer-offline "$client"
compile_types types.mts

# The command and every subpath must work after every kind of installation.
works_in() {
  (
    cd "$1"
    node_modules/.bin/cierre --help | grep -q 'audit \[options\]'
    node --input-type=module -e "await import('cierre/guard'); await import('cierre/client'); await import('cierre/embedded')"
  ) || fail "the installation in $1 does not work"
}

# From a git repository: npm clones it, installs its development dependencies there, and runs `prepare`, which builds dist/.
mkdir "$work/clone" "$work/from-git"
(cd "$repository" && git ls-files -coz --exclude-standard | tar --null -cT -) | tar -xC "$work/clone"
git -C "$work/clone" init --quiet
git -C "$work/clone" add --all
git -C "$work/clone" -c user.name=check -c user.email=check@example.com commit --quiet --message check
git clone --quiet --bare "$work/clone" "$work/cierre.git"
cd "$work/from-git"
npm init --yes >/dev/null
npm install --silent --prefer-offline --omit=dev "git+file://$work/cierre.git" || fail 'the package cannot be installed from a git repository'
works_in "$work/from-git"
[ ! -e node_modules/typescript ] || fail 'an installation from a git repository brings the development dependencies'

# A clone without the development dependencies: if dist/ is missing, npm fails and says so in one line. If dist/ is there, npm succeeds.
cd "$work/clone"
! npm ci --prefer-offline --omit=dev --no-audit --no-fund >"$work/ci" 2>&1 || fail '`npm ci --omit=dev` without a dist/ succeeds, although the package cannot run'
[ "$(grep -c 'cierre: dist/ cannot be built without the development dependencies: run `npm ci` first' "$work/ci")" = 1 ] || { cat "$work/ci" >&2; fail '`npm ci --omit=dev` without a dist/ does not say what to do'; }
! grep -q 'at .*build\.mjs' "$work/ci" || fail 'the build ends with a stack trace'
cp -r "$repository/dist" dist
npm ci --silent --prefer-offline --omit=dev || fail '`npm ci --omit=dev` fails although dist/ is there'
node dist/main.js --help >/dev/null

# In an unpacked package npm runs `prepare`, too, without sources and without compilers.
tar -xzf "$main" -C "$work"
cd "$work/package"
npm install --silent --prefer-offline --omit=dev || fail 'an unpacked package cannot be installed in place'
node dist/main.js --help >/dev/null
echo 'package: installed from git, from a clone without compilers, and unpacked'
