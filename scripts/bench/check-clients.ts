import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Contender } from './contenders.js'
import { median, type Server } from './machine.js'

const folder = 'scripts/bench/check-clients'
const checks = 5_000
const rounds = 5

type Client = { name: string; command: readonly string[] }

/** The first line that a program prints; `undefined` when it is not installed. */
function lineOf(command: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(command, args, { encoding: 'utf8' }).split('\n', 1)[0]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Python's and Go's standard library; a missing one is named, with what installs it. */
function clientsIn(dir: string): Client[] {
  const clients: Client[] = []
  const python = lineOf('python3', ['--version'])
  const go = lineOf('go', ['version'])
  if (python === undefined) missing('Python', 'python3')
  else clients.push({ name: `${python}, http.client`, command: ['python3', `${folder}/check.py`] })
  if (go === undefined) missing('Go', 'golang-go')
  else {
    const program = join(dir, 'check')
    execFileSync('go', ['build', '-o', program, `${folder}/check.go`])
    clients.push({ name: `${go.split(' ').slice(0, 3).join(' ')}, net/http`, command: [program] })
  }
  return clients
}

const missing = (what: string, debianPackage: string) =>
  console.error(
    `${what} is missing and not measured: apt-get install -y --no-install-recommends ${debianPackage}`,
  )

/**
 * Checks one token again and again over one connection, from other languages. The servers take
 * turns. Rows of client, server, and the medians of p50 and p99 in microseconds.
 */
export async function checkOneByOne(
  servers: readonly { contender: Contender; server: Server }[],
  jwt: string,
): Promise<string[][]> {
  const dir = mkdtempSync(join(tmpdir(), 'cierre-bench-'))
  const rows: string[][] = []
  for (const { name, command } of clientsIn(dir)) {
    const times = servers.map((): [p50: number, p99: number][] => [])
    for (let round = 0; round < rounds; round += 1)
      for (const [index, { server }] of servers.entries())
        times[index]?.push(await timesOf(command, server, jwt))
    for (const [index, { contender }] of servers.entries())
      rows.push([
        name,
        contender.name,
        median((times[index] ?? []).map(([p50]) => p50)).toFixed(0),
        median((times[index] ?? []).map(([, p99]) => p99)).toFixed(0),
      ])
  }
  rmSync(dir, { recursive: true })
  return rows
}

async function timesOf(
  [program = '', ...args]: readonly string[],
  { address }: Server,
  jwt: string,
): Promise<[p50: number, p99: number]> {
  if (!('path' in address)) throw new Error('these clients ask over a Unix socket')
  const { stdout } = await promisify(execFile)(program, [...args, address.path, String(checks)], {
    env: { PATH: process.env['PATH'], TOKEN: jwt },
  })
  const [p50 = NaN, p99 = NaN] = stdout.split(' ').map(Number)
  return [p50, p99]
}
