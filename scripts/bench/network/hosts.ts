import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { loopback, run, type Host } from '../machine.js'
import { start } from '../../../test/support/processes.js'

/** A host, and the address at which it sees the relay. */
export type NetworkHost = Host & Readonly<{ relay: string }>

const variable = 'CIERRE_BENCH_NAMESPACES'
const hasNamespaces = process.env[variable] === '1'
/** Everything in these ends with their first process, however that ends. */
const namespaces = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child']
const setUp = 'mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up'
const trial = 'ip netns add a && ip link add name b type veth peer name c netns a'

/**
 * Runs this program again in namespaces of its own, if this machine has them.
 *
 * @returns the exit code of that; `undefined` here is the place to run
 */
export async function runInNamespaces(): Promise<number | undefined> {
  if (hasNamespaces) process.once('disconnect', () => process.exit(1))
  const tried = [...namespaces, 'sh', '-c', `${setUp} && ${trial}`]
  if (hasNamespaces || spawnSync('unshare', tried).status !== 0) return undefined
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const child = start(
    'unshare',
    [...namespaces, 'sh', '-c', `${setUp} && exec "$@"`, '', ...command],
    {
      env: { ...process.env, [variable]: '1' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    },
  )
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

export const networkKind = hasNamespaces
  ? 'Service, Redis and guards each in a network namespace of their own'
  : 'All processes on the loopback address, since this machine makes no network namespaces'

/** Where the relay, the client and the issuer run. */
export const hub: NetworkHost = { ...loopback, relay: loopback.address }

let added = 0

/** Another host, whose only link leads to the relay. */
export function addHost(): NetworkHost {
  if (!hasNamespaces) return hub
  const name = `host${(added += 1)}`
  const [relay, address] = [`10.77.${added}.1`, `10.77.${added}.2`]
  const commands = `netns add ${name}
link add name ${name} type veth peer name eth0 netns ${name}
addr add ${relay}/30 dev ${name}
link set ${name} up
-n ${name} addr add ${address}/30 dev eth0
-n ${name} link set eth0 up`
  for (const command of commands.split('\n')) execFileSync('ip', command.split(' '))
  const runThere: typeof run = (command, args, env, ipc) =>
    run('ip', ['netns', 'exec', name, command, ...args], env, ipc)
  return { address, relay, run: runThere }
}
