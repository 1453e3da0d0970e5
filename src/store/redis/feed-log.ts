import { setImmediate as endOfTurn } from 'node:timers/promises'
import { isInformational, unknownKind, UnreadableFeed, type FeedEvent } from '../../feed/event.js'
import { decodeKey, keyKinds } from '../../token/keys.js'
import { entryWith, parseValue, type Entry } from '../../revocation/entry.js'
import { ForeignValue } from '../../revocation/store-errors.js'
import { msOfTime, type ClockCheck } from './clock-check.js'
import type { ForeignValues } from './foreign-values.js'
import type { LayoutCheck } from './layout.js'
import type { RedisClient } from './client.js'
import type { RedisLink } from './connection.js'
import { readScript, runScript, runScriptOn, type Script } from './scripts.js'
import type { FeedIdentity } from '../../feed/continuity.js'
import type { FeedReader, FeedLog } from '../../feed/feed-source.js'

const scannedAtOnce = 500

const pageScript = readScript('on-primary.lua', 'feed-page.lua')
const tailScript = readScript('on-primary.lua', 'feed-tail.lua')
const boundsScript = readScript('feed-bounds.lua')
const scanScript = readScript('scan.lua')

// An event as Redis answers it. A command of the client would make an object of each event.
type RawEvent = [id: string, fields: string[]]

type Source = Readonly<{
  link: RedisLink
  feedKey: string
  layoutKey: string
  layout: LayoutCheck
  clock: ClockCheck
}>

export const redisFeedReader = (source: Source): FeedReader => ({
  async tail() {
    const [[last]] = (await ask(source, tailScript, [])) as [RawEvent[]]
    return last && eventOf(last)
  },
  async read(fromId, count) {
    const [page] = (await ask(source, pageScript, [fromId, String(count)])) as [string]
    return (JSON.parse(page) as RawEvent[]).map(eventOf)
  },
})

/**
 * Runs a script that reads the feed, and answers what it found between layout and time.
 *
 * @throws UnknownLayout, ClockDiffers
 */
async function ask(
  { link, feedKey, layoutKey, layout, clock }: Source,
  script: Script,
  args: readonly string[],
): Promise<unknown[]> {
  const askedAtMs = clock.now()
  const reply = (await runScriptOn(link, script, [layoutKey, feedKey], args)) as unknown[]
  layout.check(reply[0] as string | null)
  clock.check(askedAtMs - msOfTime(reply.at(-1) as string[]))
  return reply.slice(1, -1)
}

type LogParts = Source &
  Readonly<{
    begin: () => Promise<void>
    historyKey: string
    foreign: ForeignValues
    keyPrefix: string
  }>

/** The feed in Redis, for its follower. */
export function redisFeedLog(parts: LogParts): FeedLog {
  const { feedKey, layoutKey, layout } = parts
  const { link } = parts
  return {
    ...redisFeedReader(parts),
    begin: parts.begin,
    connection: link.connections,
    isConnected: () => link.client.isReady,
    confirmedAgoMs: link.confirmedAgoMs,
    isKnown: layout.isKnown,
    identity: () => identityOn(link, parts.historyKey),
    async bounds() {
      const reply = await runScriptOn(link, boundsScript, [layoutKey, feedKey], [])
      const [found, [first], [last], info] = reply as [
        string | null,
        RawEvent[],
        RawEvent[],
        unknown[],
      ]
      layout.check(found)
      const index = info.indexOf('entries-added')
      return {
        firstId: first?.[0],
        last: last && eventOf(last),
        added: index === -1 ? undefined : Number(info[index + 1]),
      }
    },
    async wait(afterId, ms) {
      await waitOn(link, { key: feedKey, id: afterId }, ms)
    },
    scan: () => scan(parts),
  }
}

async function identityOf(client: RedisClient, epochKey: string): Promise<FeedIdentity> {
  const [epoch, server, replication] = await Promise.all([
    client.get(epochKey),
    client.info('server'),
    client.info('replication'),
  ])
  return {
    epoch: epoch ?? '',
    runId: /^run_id:(\w+)/m.exec(server)?.[1] ?? '',
    replicationId: /^master_replid:(\w+)/m.exec(replication)?.[1] ?? '',
  }
}

const identityOn = (link: RedisLink, epochKey: string) =>
  link.run((client) => identityOf(client, epochKey))

const waitOn = (link: RedisLink, after: Readonly<{ key: string; id: string }>, ms: number) =>
  link.run((client) => client.xRead(after, { BLOCK: ms, COUNT: 1 }))

async function* scan({ link, keyPrefix, foreign, clock }: LogParts): AsyncGenerator<Entry[]> {
  // One connection for the whole scan: the cursor of another server means nothing.
  const { client } = link
  const pattern = `${keyPrefix}[${keyKinds.join('')}]:*`
  const read = async (cursor: string): Promise<ScannedPage> => {
    const askedAtMs = clock.now()
    const args = [cursor, pattern, String(keyPrefix.length), String(scannedAtOnce)]
    return { askedAtMs, values: (await runScript(client, scanScript, [], args)) as string[] }
  }
  let reading: Promise<ScannedPage> | undefined = read('0')
  while (reading !== undefined) {
    const page: ScannedPage = await reading
    const [cursor = '0'] = page.values
    reading = cursor === '0' ? undefined : read(cursor)
    // The next step of the loop throws an error, unless the scan is abandoned before.
    reading?.catch(() => undefined)
    // The next read is sent by the end of the turn, so that Redis works while these entries are
    // added.
    await endOfTurn()
    yield entriesOf(page, { keyPrefix, foreign })
  }
  // While a slot moves to another node of a cluster, its entries are on two nodes. Then a key that
  // is nowhere is answered with `ASK`, and after that with `MOVED`.
  await client.mGet([`${keyPrefix}nothing`])
}

function eventOf([id, [k, name, u, until, c, value]]: RawEvent): FeedEvent {
  if (k !== 'k' || name === undefined) throw unreadable(id)
  if (name === 'genesis') return { id, entry: undefined }
  if (isInformational(name)) return { id, entry: undefined, info: name }
  const key = decodeKey(name)
  if (key === undefined) throw unknownKind(`event ${id} of the feed`, name)
  const isReadable =
    u === 'u' &&
    until !== undefined &&
    /^\d*$/.test(until) &&
    c === 'c' &&
    value !== undefined &&
    /^\d{1,16}$/.test(value)
  if (!isReadable) throw unreadable(`${id} (${key})`)
  return { id, entry: entryWith(key, until === '' ? null : Number(until), Number(value)) }
}

const unreadable = (event: string) =>
  new UnreadableFeed(`event ${event} of the feed is not one that cierre wrote`)

/** The reply of `scan.lua`, and the time by the clock of this instance before it was asked for. */
type ScannedPage = Readonly<{ askedAtMs: number; values: readonly string[] }>

function entriesOf(
  { askedAtMs, values: page }: ScannedPage,
  { keyPrefix, foreign }: Pick<LogParts, 'keyPrefix' | 'foreign'>,
): Entry[] {
  const entries: Entry[] = []
  // By the clock that is ahead, so that no entry ends before its key.
  const latestMs = Math.max(askedAtMs, Number(page[1]))
  for (let index = 2; index + 2 < page.length; index += 3) {
    const key = decodeKey(page[index])
    const leftMs = Number(page[index + 1])
    if (key === undefined) continue
    try {
      const value = parseValue(keyPrefix + key, page[index + 2])
      entries.push(entryWith(key, leftMs === -1 ? null : latestMs + leftMs, value))
    } catch (error) {
      throw error instanceof ForeignValue ? foreign.note(error) : error
    }
  }
  return entries
}
