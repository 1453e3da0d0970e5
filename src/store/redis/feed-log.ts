import { setImmediate as endOfTurn } from 'node:timers/promises'
import { isInformational, unknownKind, UnreadableFeed, type FeedEvent } from '../../feed/event.js'
import { decodeKey } from '../../token/keys.js'
import { entryWith, parseValue, type Entry } from '../../revocation/entry.js'
import type { LayoutCheck } from './layout.js'
import type { RedisClient, RedisLink } from './connection.js'
import { readScript, runScript } from './scripts.js'
import type { FeedReader, FeedLog } from '../../feed/feed-source.js'

const scannedAtOnce = 500

const pageScript = readScript('feed-page.lua')
const tailScript = readScript('feed-tail.lua')
const boundsScript = readScript('feed-bounds.lua')
const scanScript = readScript('scan.lua')

// As Redis answers: the client would make an object of each.
type RawEvent = [id: string, fields: string[]]

type Source = Readonly<{
  client: RedisClient
  feedKey: string
  layoutKey: string
  layout: LayoutCheck
}>

export const redisFeedReader = ({ client, feedKey, layoutKey, layout }: Source): FeedReader => ({
  async tail() {
    const [found, [last]] = (await runScript(client, tailScript, [layoutKey, feedKey], [])) as [
      string | null,
      RawEvent[],
    ]
    layout.check(found)
    return last && eventOf(last)
  },
  async read(fromId, count) {
    const [found, page] = (await runScript(
      client,
      pageScript,
      [layoutKey, feedKey],
      [fromId, String(count)],
    )) as [string | null, string]
    layout.check(found)
    return (JSON.parse(page) as RawEvent[]).map(eventOf)
  },
})

/** The feed in Redis, for its follower. */
export function redisFeedLog(
  parts: Omit<Source, 'client'> &
    Readonly<{
      link: RedisLink
      begin: () => Promise<void>
      historyKey: string
      keyPrefix: string
      now: () => number
    }>,
): FeedLog {
  const { feedKey, historyKey, layoutKey, layout, keyPrefix, now } = parts
  const { client } = parts.link
  let connection = 0
  client.on('ready', () => (connection += 1))
  return {
    ...redisFeedReader({ ...parts, client }),
    begin: parts.begin,
    connection: () => connection,
    isKnown: layout.isKnown,
    async identity() {
      const [epoch, server, replication] = await Promise.all([
        client.get(historyKey),
        client.info('server'),
        client.info('replication'),
      ])
      return {
        epoch: epoch ?? '',
        runId: /^run_id:(\w+)/m.exec(server)?.[1] ?? '',
        replicationId: /^master_replid:(\w+)/m.exec(replication)?.[1] ?? '',
      }
    },
    async bounds() {
      const reply = await runScript(client, boundsScript, [layoutKey, feedKey], [])
      const [found, [first], [last], info] = reply as [
        string | null,
        RawEvent[],
        RawEvent[],
        unknown[],
      ]
      layout.check(found)
      const at = info.indexOf('entries-added')
      return {
        firstId: first?.[0],
        last: last && eventOf(last),
        added: at === -1 ? undefined : Number(info[at + 1]),
      }
    },
    async wait(afterId, ms) {
      await client.xRead({ key: feedKey, id: afterId }, { BLOCK: ms, COUNT: 1 })
    },
    async *scan() {
      const begunOn = connection
      const pattern = `${keyPrefix}[tsuj]:*`
      const ask = async (cursor: string) =>
        (await runScript(
          client,
          scanScript,
          [],
          [cursor, pattern, String(keyPrefix.length), String(scannedAtOnce)],
        )) as string[]
      let asked: Promise<string[]> | undefined = ask('0')
      while (asked !== undefined) {
        const page: string[] = await asked
        // The cursor of another server means nothing.
        if (connection !== begunOn) throw new Error('the connection to Redis changed during a scan')
        const [cursor = '0'] = page
        asked = cursor === '0' ? undefined : ask(cursor)
        // What becomes of it is met in the next turn, if whoever scans still wants it.
        asked?.catch(() => undefined)
        // The question has left, so that Redis looks for the next ones while these are taken in.
        await endOfTurn()
        yield entriesOf(page, now())
      }
    },
  }
}

function eventOf([id, [k, key, u, till, c, mark]]: RawEvent): FeedEvent {
  if (k !== 'k') throw new UnreadableFeed('an event of the feed is unreadable')
  if (key === 'genesis') return { id, entry: undefined }
  if (isInformational(key)) return { id, entry: undefined, info: key }
  const known = decodeKey(key)
  if (known === undefined) throw unknownKind('an event of the feed')
  const isReadable =
    u === 'u' &&
    till !== undefined &&
    /^\d*$/.test(till) &&
    c === 'c' &&
    mark !== undefined &&
    /^\d{1,16}$/.test(mark)
  if (!isReadable) throw new UnreadableFeed('an event of the feed is unreadable')
  return { id, entry: entryWith(known, till === '' ? null : Number(till), Number(mark)) }
}

function entriesOf(page: string[], nowMs: number): Entry[] {
  const entries: Entry[] = []
  for (let at = 1; at + 2 < page.length; at += 3) {
    const key = decodeKey(page[at])
    const leftMs = Number(page[at + 1])
    if (key !== undefined)
      entries.push(
        entryWith(key, leftMs === -1 ? null : nowMs + leftMs, parseValue(key, page[at + 2])),
      )
  }
  return entries
}
