#!/usr/bin/env bash
# Provides the programs that the tests run beside the service. As root on Debian or Ubuntu it installs the missing programs, without
# starting a system service. Elsewhere it names them and fails, because no test is skipped.
set -euo pipefail

declare -A package=([redis-server]=redis-server [openssl]=openssl [curl]=curl [nginx]=nginx-light [caddy]=caddy [python3]=python3 [chromium]=chromium
  [haproxy]=haproxy [go]=golang-go [systemd-analyze]=systemd [prometheus]=prometheus [promtool]=prometheus)
missing=()
for program in "${!package[@]}"; do
  command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "the tests need these programs; install them first: ${missing[*]}" >&2
  exit 1
fi

# Packages run this file to find out whether they may start a service. Exit code 101 forbids it (invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# Another installation may be running.
apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
# The services must not start at the next boot either.
for unit in redis-server nginx caddy haproxy prometheus; do
  if command -v systemctl >/dev/null && [ -e "/etc/systemd/system/multi-user.target.wants/$unit.service" ]; then
    systemctl disable --quiet "$unit" || echo "could not keep $unit from starting at the next boot" >&2
  fi
done
