import { addressOf } from '../../runtime/network-address.js'
import type { RedisNode } from '../../config/redis.js'
import { withDeadline } from '../../runtime/deadline.js'
import type { Authority } from './authority.js'
import type { RedisClient } from './client.js'
import type { RedisLink } from './connection.js'
import {
  collectUntil,
  fieldsOf,
  mostFrequent,
  questionMs,
  requirePrimary,
  shared,
  type Topology,
} from './topology.js'

/** What one sentinel says. */
type Answer = Readonly<{
  /** Its own id: two addresses may lead to one sentinel, which has one vote. */
  id: string
  primary: RedisNode
  /** How many sentinels it knows of, itself included. */
  sentinels: number
}>

type Parts = Readonly<{
  primaryName: string
  sentinels: readonly RedisLink[]
  /** How old an answer of the majority may be. It is asked twice as often. */
  maxAgeMs: number
}>

/**
 * The primary that a majority of all sentinels names. A failover needs a majority, too, and two
 * majorities share a sentinel. So once a majority has named the new primary, none names the old one.
 */
export function sentinelTopology({ primaryName, sentinels, maxAgeMs }: Parts): Topology {
  let elected: Readonly<{ address: string; askedAtMs: number }> | undefined
  const elect = async () => {
    const askedAtMs = performance.now()
    const primary = await askAll(sentinels, primaryName)
    // Of two questions at the same time, the later one counts.
    if (elected === undefined || elected.askedAtMs < askedAtMs)
      elected = { address: addressOf(primary), askedAtMs }
    return primary
  }
  const electShared = shared(elect)
  const timer = setInterval(() => void electShared().catch(() => undefined), maxAgeMs / 2)
  timer.unref()
  const authority: Authority = {
    confirmedAgoMs: (address) =>
      elected?.address === address ? performance.now() - elected.askedAtMs : Infinity,
    async confirm(address, withinMs = maxAgeMs) {
      if (authority.confirmedAgoMs(address) <= withinMs) return undefined
      const primary = await elect().catch(() => undefined)
      if (primary === undefined) return 'no_majority'
      return addressOf(primary) === address ? undefined : 'failover'
    },
  }
  return {
    addressOfPrimary: electShared,
    check: requirePrimary,
    authority,
    close() {
      clearInterval(timer)
      sentinels.forEach((link) => link.close())
    },
  }
}

const askAll = (sentinels: readonly RedisLink[], primaryName: string) =>
  collectUntil(
    sentinels.map((link) => askOne(link, primaryName)),
    (answers) => electedBy(answers, sentinels.length),
    'no majority of the sentinels names one primary',
  )

async function askOne(link: RedisLink, primaryName: string): Promise<Answer> {
  await link.firstAttempt
  return withDeadline(
    link.run((client) => askAs(client, primaryName)),
    questionMs,
  )
}

async function askAs(client: RedisClient, primaryName: string): Promise<Answer> {
  const ask = <T>(...command: string[]) => client.sendCommand<T>(['SENTINEL', ...command])
  const [found, facts, id] = await Promise.all([
    ask<[string, string] | null>('GET-MASTER-ADDR-BY-NAME', primaryName),
    ask<string[]>('MASTER', primaryName),
    ask<string>('MYID'),
  ])
  if (found === null) throw new Error('a sentinel knows no primary of this name')
  const others = Number(fieldsOf(facts).get('num-other-sentinels'))
  return { id, primary: { host: found[0], port: Number(found[1]) }, sentinels: others + 1 }
}

function electedBy(answers: readonly Answer[], listed: number): RedisNode | undefined {
  const voters = [...new Map(answers.map((answer) => [answer.id, answer])).values()]
  const { value, count } = mostFrequent(voters.map(({ primary }) => addressOf(primary)))
  const all = Math.max(listed, ...voters.map(({ sentinels }) => sentinels))
  return count > all / 2
    ? voters.find(({ primary }) => addressOf(primary) === value)?.primary
    : undefined
}
