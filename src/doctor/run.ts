import { createEffort } from './effort.js'
import { createTarget } from './http-target.js'
import type { Means } from './logins.js'
import { createStore } from './outage.js'
import { lacking, NotTried, type Probe } from './probe.js'
import { probes } from './probes.js'
import { isRefusal } from './requests.js'
import type { DoctorSettings } from './settings.js'
import type { Environment } from './shell.js'
import type { Target } from './target.js'
import { labelOf } from './template.js'

/** The outcome of one probe. A probe that was not tried counts as nothing. */
export type Outcome =
  | Readonly<{ outcome: 'held' }>
  /** What got in, or was told wrongly. */
  | Readonly<{ outcome: 'failed'; findings: readonly string[] }>
  /** The configuration or the tokens do not allow it. */
  | Readonly<{ outcome: 'not_tried'; reason: string }>
  /** It was tried, and an answer did not tell. */
  | Readonly<{ outcome: 'unknown'; reason: string }>

export type Result = Pick<Probe, 'name' | 'why' | 'clause'> & Outcome & Readonly<{ ms: number }>

export type Report = Readonly<{
  /** The address of the logout. */
  logout: string
  addresses: readonly string[]
  results: readonly Result[]
  notes: readonly string[]
  requests: number
  ms: number
}>

type Surroundings = Readonly<{
  env: Environment
  closing: AbortSignal
  onResult?: (result: Result) => void
}>

/**
 * Tries every probe on the target of the configuration, one after the other.
 *
 * @throws Error when logging in, asking and logging out do not work even as they should
 */
export async function examine(
  settings: DoctorSettings,
  { env, closing, onResult }: Surroundings,
): Promise<Report> {
  const effort = createEffort(settings, closing)
  const notes = new Set<string>()
  const note = (text: string) => void notes.add(text)
  const means: Means = { effort, answerMs: settings.times.answerMs, env, closing, note }
  const store = createStore(settings.store, means)
  const target = createTarget(settings, means, store)
  const results: Result[] = []
  try {
    await checkTarget(target)
    for (const probe of probes) {
      const result = await resultOf(probe, target)
      closing.throwIfAborted()
      results.push(result)
      onResult?.(result)
    }
  } finally {
    await store.restart()
  }
  const { requests, ms } = effort.spent()
  const addresses = target.addresses.map(({ label }) => label)
  const logout = labelOf(settings.logout.url)
  return { logout, addresses, results, notes: [...notes], requests, ms }
}

async function resultOf(probe: Probe, target: Target): Promise<Result> {
  const { name, why, clause } = probe
  const startMs = performance.now()
  const outcome = await outcomeOf(probe, target)
  return { name, why, clause, ...outcome, ms: Math.round(performance.now() - startMs) }
}

async function outcomeOf({ needs, run }: Probe, target: Target): Promise<Outcome> {
  try {
    const missing = needs.find((need) => target.lacks(need))
    if (missing !== undefined) throw lacking(missing)
    const findings = await run(target)
    return findings.length === 0 ? { outcome: 'held' } : { outcome: 'failed', findings }
  } catch (error) {
    const { message: reason } = error as Error
    return { outcome: error instanceof NotTried ? 'not_tried' : 'unknown', reason }
  }
}

/** @throws Error with everything that does not work, one line each */
async function checkTarget(target: Target): Promise<void> {
  const { token } = await target.login()
  const faults: string[] = []
  for (const address of target.addresses) {
    const fresh = await target.ask(address, token)
    if (!fresh.isIn)
      faults.push(`${address.label} does not let in the token of a fresh login: ${fresh.said}`)
    const wrong = await target.ask(address, 'no-token')
    if (wrong.isIn)
      faults.push(`${address.label} is not protected: it lets in a text that is no token`)
    else if (!isRefusal(wrong))
      faults.push(`${address.label} does not refuse a text that is no token: ${wrong.said}`)
  }
  const logout = await target.logout(token)
  if (!logout.isIn) faults.push(`the logout of a fresh login answered: ${logout.said}`)
  if (faults.length > 0) throw new Error(faults.join('\n'))
}

/** 1 when anything failed; else 2 when an outcome is unknown; else 0. */
export function exitCodeOf({ results }: Report): number {
  const has = (wanted: Result['outcome']) => results.some(({ outcome }) => outcome === wanted)
  if (has('failed')) return 1
  return has('unknown') ? 2 : 0
}
