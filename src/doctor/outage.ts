import { NotTried } from './probe.js'
import { runCommand } from './shell.js'
import { endedLogin } from './steps.js'
import type { Means } from './logins.js'
import type { DoctorSettings } from './settings.js'
import type { Asked, Outage, Recovery, Target } from './target.js'

/** The tokens whose fate is watched while the store is stopped and afterwards. */
type Tokens = Readonly<{ ended: string; good: string; loggedOut: string }>
type Using = Pick<Target, 'addresses' | 'times' | 'login' | 'logout' | 'ask' | 'pause'>

/** How often each address is asked while the store is stopped, and how long it may take to return. */
const rounds = 4
const returnMs = 30_000
const returnPauseMs = 500

/** Stops and starts the store once, whatever number of probes want it. */
export function createStore({ stop, start }: DoctorSettings['store'], { env, closing }: Means) {
  let isStopped = false
  let begun: Promise<[Tokens, Outage]> | undefined
  let ended: Promise<Recovery> | undefined

  async function begin(target: Using & Target): Promise<[Tokens, Outage]> {
    if (stop === undefined) throw new NotTried('needs `store.stop`')
    const tokens = {
      ended: (await endedLogin(target)).token,
      good: (await target.login()).token,
      loggedOut: (await target.login()).token,
    }
    for (const token of Object.values(tokens)) await askAll(target, token)
    isStopped = true
    await runCommand({ name: '`store.stop`', line: stop, env, closing })
    return [tokens, await watch(target, tokens)]
  }

  async function restart(): Promise<void> {
    if (start === undefined || !isStopped) return
    isStopped = false
    // Ctrl-C must not leave the store stopped.
    await runCommand({ name: '`store.start`', line: start, env })
  }

  async function end(target: Target): Promise<Recovery> {
    const [tokens] = await (begun ??= begin(target))
    await restart()
    await untilGoodIsIn(target, tokens.good)
    return {
      toEnded: await askAll(target, tokens.ended),
      toLoggedOut: await askAll(target, tokens.loggedOut),
    }
  }

  return {
    outage: async (target: Target) => (await (begun ??= begin(target)))[1],
    recovery: (target: Target) => (ended ??= end(target)),
    /** Starts the store if it is stopped. */
    restart,
  }
}

/** All at once, since each answer may take its longest time while the store is stopped. */
const askAll = (target: Using, token: string): Promise<Asked[]> =>
  Promise.all(
    target.addresses.map(async (address) => ({
      address,
      answer: await target.ask(address, token),
    })),
  )

/** Several rounds, since a check may answer from its memory for a while. */
async function watch(target: Using, { ended, good, loggedOut }: Tokens): Promise<Outage> {
  const toEnded: Asked[] = []
  const toGood: Asked[] = []
  for (let round = 0; round < rounds; round += 1) {
    if (round > 0) await target.pause(target.times.outageMs / (rounds - 1))
    const [endedNow, goodNow] = await Promise.all([askAll(target, ended), askAll(target, good)])
    toEnded.push(...endedNow)
    toGood.push(...goodNow)
  }
  const logout = await target.logout(loggedOut)
  return { toEnded, toGood, logout, afterLogout: await askAll(target, loggedOut) }
}

/** @throws Error when an address does not let a good token in again */
async function untilGoodIsIn(target: Using, good: string): Promise<void> {
  const startMs = performance.now()
  for (;;) {
    const [refused] = (await askAll(target, good)).filter(({ answer }) => !answer.isIn)
    if (refused === undefined) return
    if (performance.now() - startMs > returnMs)
      throw new Error(
        `${refused.address.label} lets no token in ${returnMs / 1000} s after \`store.start\`: ${refused.answer.said}`,
      )
    await target.pause(returnPauseMs)
  }
}
