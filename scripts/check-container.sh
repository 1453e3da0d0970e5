#!/usr/bin/env bash
# Does what the Dockerfile and compose.yaml do, without a container engine: assembles the files, makes them read-only, and runs the
# service as a user that owns no file, beside a Redis with the arguments of compose.yaml.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
chmod 755 "$work"
redis=
service=
cleanup() {
  for pid in $service $redis; do kill "$pid" 2>/dev/null && kill -CONT "$pid" || true; done
  wait
  chmod -R u+w "$work"
  rm -rf "$work"
}
trap cleanup EXIT
fail() {
  echo "container: $*" >&2
  [ ! -s "$work/log" ] || tail -n 20 "$work/log" >&2
  exit 1
}
soon() {
  for _ in $(seq 200); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  fail "never happened: $*"
}

bash scripts/container/assemble.sh "$work/app"
for tool in typescript mocha swagger-ui-dist tsx; do
  [ ! -e "$work/app/node_modules/$tool" ] || fail "the image would hold $tool, which only developers need"
done
[ -z "$(find "$work/app" -perm /222 -not -type l -print -quit)" ] || fail 'a user can write to the files that run'

free_port() { node -e "const s = require('net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close() })"; }
redis_port=$(free_port)
port=$(free_port)
mapfile -t redis_command < <(node --input-type=module -e "
  import { readFileSync } from 'node:fs'
  import { parse } from 'yaml'
  console.log(parse(readFileSync('compose.yaml', 'utf8')).services.redis.command.join('\n'))")
mkdir "$work/data"
"${redis_command[@]}" --bind 127.0.0.1 --port "$redis_port" --dir "$work/data" >/dev/null &
redis=$!
soon redis-cli -p "$redis_port" ping

# If this script runs as root, as in CI, the service gets a user without privileges.
unprivileged=()
[ "$(id -u)" != 0 ] || unprivileged=(setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all)
secret=$(node -p "require('crypto').randomBytes(32).toString('base64url')")
cd "$work/app"
env -i PATH="$PATH" NODE_ENV=production HOST=127.0.0.1 PORT="$port" REDIS_URL="redis://127.0.0.1:$redis_port" JWT_SECRET="$secret" JWT_AUDIENCE=https://api.example.com \
  "${unprivileged[@]}" node dist/main.js >"$work/log" 2>&1 &
service=$!
health() { env -i PATH="$PATH" PORT="$port" "${unprivileged[@]}" node scripts/container/health.mjs; }
soon health
ready() { curl -fs -o /dev/null "http://127.0.0.1:$port/health/ready"; }
soon ready
! grep -q '"level":"\(warn\|error\|fatal\)"' "$work/log" || fail 'the service warns about the settings of compose.yaml'

token=$(env -i PATH="$PATH" JWT_SECRET="$secret" JWT_AUDIENCE=https://api.example.com node dist/main.js token)
logout() {
  curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/api/v1/auth/logout" -H "Authorization: Bearer $token" \
    -H 'Content-Type: application/json' -d "{\"token\":\"$token\"}"
}
[ "$(logout)" = 200 ] || fail 'the logout did not get 200'
[ "$(logout)" = 401 ] || fail 'the second logout did not get 401'

kill -STOP "$redis"
unready() { ! ready; }
soon unready
health || fail 'the health check fails while Redis is away: a restart would lose what the instance could write back'
kill -CONT "$redis"
soon ready

kill "$service"
wait "$service" || fail 'the service did not exit with 0'
service=
echo 'container: assembled, run read-only without privileges, logged out, stopped'
