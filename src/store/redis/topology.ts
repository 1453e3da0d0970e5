import type { RedisNode } from '../../config/redis.js'
import { withoutArguments } from '../../revocation/store-errors.js'
import { createDeferred } from '../../runtime/deferred.js'
import type { Authority } from './authority.js'
import type { RedisClient } from './client.js'
import type { AttemptTarget } from './connection-attempt.js'

/** How to find the primary: it is at the URL's address, or sentinels or nodes of a cluster tell. */
export type Topology = Readonly<{
  /** @throws Error when no primary is known */
  addressOfPrimary(): Promise<RedisNode>
  /**
   * Checks the server of a new connection.
   *
   * @throws Error when it must not be used
   */
  check(client: RedisClient): Promise<void>
  /** Absent where no party but the server itself says that the server is the primary. */
  authority?: Authority
  close(): void
}>

/** How long one server may take to answer a question about the topology. */
export const questionMs = 2_000

/** A server that is asked something, whatever it is. */
export const serverAt = (
  node: RedisNode,
  optionsFor: AttemptTarget['optionsFor'],
): AttemptTarget => ({
  optionsFor,
  addressOfPrimary: async () => node,
  check: async () => undefined,
})

/** @throws Error for a replica, and for a server that the user may not ask */
export async function requirePrimary(client: RedisClient): Promise<void> {
  const [role] = await client.sendCommand<string[]>(['ROLE'])
  if (role !== 'master') throw new Error('this server is a replica, and not the primary')
}

/**
 * Collects answers until they decide something.
 *
 * @param decide gets the answers so far, and whether no more will come; it answers `undefined` while
 *   they decide nothing
 * @throws Error with this message when nothing is decided in the end; its cause is the first failure
 */
export function collectUntil<Answer, Decision>(
  answers: readonly Promise<Answer>[],
  decide: (received: readonly Answer[], isAll: boolean) => Decision | undefined,
  message: string,
): Promise<Decision> {
  const received: Answer[] = []
  const decided = createDeferred<Decision>()
  const look = (isAll: boolean) => {
    const decision = decide(received, isAll)
    if (decision !== undefined) decided.resolve(decision)
  }
  const take = async (answer: Promise<Answer>) => {
    received.push(await answer)
    look(false)
  }
  void Promise.allSettled(answers.map(take)).then((results) => {
    look(true)
    const failed = results.find((result) => result.status === 'rejected')
    decided.reject(new Error(message, { cause: withoutArguments(failed?.reason) }))
  })
  return decided.promise
}

/** The value that most of these have in common, and how many have it. */
export function mostFrequent(
  values: readonly string[],
): Readonly<{ value: string | undefined; count: number }> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const [[value, count] = [undefined, 0]] = [...counts].sort(([, one], [, other]) => other - one)
  return { value, count }
}

/** Calls that arrive while the work is done share it. */
export function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => (running ??= work().finally(() => (running = undefined)))
}

/** The fields that Redis answers as a flat list of names and values. */
export const fieldsOf = (list: readonly string[]): Map<string, string> =>
  new Map(list.flatMap((name, index) => (index % 2 === 0 ? [[name, list[index + 1] ?? '']] : [])))
