import { decodeEntry, type Mark } from './entry.js'

type Held = { untilMs: number | null; mark: Mark }

const sweepEveryMs = 1_000
const sweptAtOnce = 20_000

/**
 * The embedded store, as a Keyv adapter with the rule of the Redis commit: an expiry only lengthens, a mark only rises. Expired
 * entries leave by themselves, some at a time, so that a large set never holds up a request. A restart forgets everything.
 */
export function createMemoryAdapter(now: () => number) {
  const held = new Map<string, Held>()
  const isLive = ({ untilMs }: Held) => untilMs === null || untilMs > now()
  let sweeping = held.entries()
  const sweep = () => {
    for (let seen = 0; seen < sweptAtOnce; seen += 1) {
      const next = sweeping.next()
      if (next.done) {
        sweeping = held.entries()
        return
      }
      const [key, entry] = next.value
      if (!isLive(entry)) held.delete(key)
    }
  }
  const timer = setInterval(sweep, sweepEveryMs)
  timer.unref()

  const get = (key: string) => {
    const entry = held.get(key)
    return entry !== undefined && isLive(entry) ? String(entry.mark) : undefined
  }
  const set = (key: string, value: string) => {
    const { untilMs, mark } = decodeEntry(value)
    const before = held.get(key)
    held.set(key, before === undefined || !isLive(before) ? { untilMs, mark } : {
      untilMs: before.untilMs === null || untilMs === null ? null : Math.max(before.untilMs, untilMs),
      mark: Math.max(before.mark, mark),
    })
  }
  return {
    opts: { dialect: 'memory' },
    namespace: undefined,
    on: () => undefined,
    readEntry: async (key: string) => {
      const entry = held.get(key)
      return entry !== undefined && isLive(entry) ? { mark: String(entry.mark), untilMs: entry.untilMs } : undefined
    },
    get: async (key: string) => get(key),
    getMany: async (keys: string[]) => keys.map(get),
    set: async (key: string, value: string) => set(key, value),
    setMany: async (entries: { key: string; value: string }[]) => entries.forEach(({ key, value }) => set(key, value)),
    delete: async (key: string) => held.delete(key),
    clear: async () => held.clear(),
    disconnect: async () => clearInterval(timer),
  }
}
