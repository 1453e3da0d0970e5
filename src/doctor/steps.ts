import { isRefusal } from './requests.js'
import type { Address, Answer, Asked, Login, Target } from './target.js'

/** What probes do again and again. */

/** @throws Error when the logout is not answered with 2xx: then nothing can be said of its effect */
export async function logOut(target: Target, token: string): Promise<void> {
  const answer = await target.logout(token)
  if (!answer.isIn) throw new Error(`the logout answered: ${answer.said}`)
}

/** A login that has been logged out. */
export async function endedLogin(target: Target): Promise<Login> {
  const login = await target.login()
  await logOut(target, login.token)
  return login
}

/** Pauses between requests that wait for a refusal: short at first, since most come at once. */
const firstPauseMs = 50
const longestPauseMs = 1_000

/**
 * Asks an address until it refuses a token, for as long as an address may lag behind a logout.
 *
 * @returns how long that took, or `undefined` when the token is let in to the end
 * @throws Error when the address cannot tell to the end
 */
export async function refusedAfterMs(
  target: Target,
  address: Address,
  token: string,
): Promise<number | undefined> {
  const startMs = performance.now()
  const elapsedMs = () => performance.now() - startMs
  let pauseMs = firstPauseMs
  for (;;) {
    const answer = await target.ask(address, token)
    if (isRefusal(answer)) return Math.round(elapsedMs())
    const leftMs = target.times.delayMs - elapsedMs()
    if (leftMs <= 0) return answer.isIn ? undefined : unclear(address, answer)
    await target.pause(Math.min(pauseMs, leftMs))
    pauseMs = Math.min(2 * pauseMs, longestPauseMs)
  }
}

function unclear({ label }: Address, { said }: Answer): never {
  throw new Error(`${label} does not tell: ${said}`)
}

/** The addresses that still let a token in when their time to learn of the logout is over. */
export async function addressesThatLetIn(
  target: Target,
  token: string,
  addresses: readonly Address[] = target.addresses,
): Promise<readonly Address[]> {
  const letIn: Address[] = []
  for (const address of addresses)
    if ((await refusedAfterMs(target, address, token)) === undefined) letIn.push(address)
  return letIn
}

/** One sentence for the addresses that let a token in; none where there are none. */
export const letInAt = (what: string, addresses: readonly Address[]): string[] =>
  addresses.length === 0
    ? []
    : [`${what} is let in at ${addresses.map(({ label }) => label).join(', ')}`]

/** @throws Error when an address does not let in a token that is not logged out */
export async function requireIn(target: Target, what: string, token: string): Promise<void> {
  const refusals: string[] = []
  for (const address of target.addresses) {
    const answer = await target.ask(address, token)
    if (!answer.isIn) refusals.push(`${address.label} does not let in ${what}: ${answer.said}`)
  }
  if (refusals.length > 0) throw new Error(refusals.join('; '))
}

/** The addresses whose answers let a token in. */
export const addressesIn = (asked: readonly Asked[]): readonly Address[] => [
  ...new Set(asked.flatMap(({ address, answer }) => (answer.isIn ? [address] : []))),
]

/** How long a logout that should have had no effect may take to have one. */
const effectMs = 1_000

/** Whether an address refuses a token that is good, some time after a logout of another token. */
export async function isEndedSoon(target: Target, token: string): Promise<boolean> {
  await target.pause(Math.min(effectMs, target.times.delayMs))
  for (const address of target.addresses)
    if (isRefusal(await target.ask(address, token))) return true
  return false
}

/** Whether every address lets a token in. */
export async function isInEverywhere(target: Target, token: string): Promise<boolean> {
  for (const address of target.addresses) if (!(await target.ask(address, token)).isIn) return false
  return true
}

/**
 * Whether a client can get past the answer to a logout of a token that has ended already. Of any
 * other answer it cannot tell that the token has ended, and it repeats the logout for ever.
 */
export const tellsThatItEnded = ({ status, isIn }: Answer): boolean =>
  isIn || (status >= 300 && status < 400) || [401, 403, 404, 410].includes(status)
