const refreshEveryMs = 300_000
const coolDownMs = 5_000
const badSignatureEveryMs = 30_000

/** When a key set is fetched. Whether a fetch brought a key set is what its promise says. */
export type KeySetFetches = Readonly<{
  /** The fetch that is under way, if there is one. */
  running(): Promise<boolean> | undefined
  /** Whether no fetch may begin now. */
  isCoolingDown(): boolean
  /** The next fetch that may begin, at once or after the cool-down. Callers that ask before it begins share it. */
  next(): Promise<boolean>
  /** A fetch after a signature that no key has made; nothing when the key set is not older than 30 s. `false` when it could not be fetched. */
  afterBadSignature(): Promise<boolean> | undefined
  /** Begins the fetch that is due: callers wait for it, or the key set is to be refreshed. */
  tick(): void
  /** Ends the waits, those that come later included, without a key set. */
  close(): void
}>

/**
 * Decides when a key set is fetched: one fetch at a time; one in 5 s while callers wait for one or none has succeeded, one in 30 s after bad
 * signatures, and one in 300 s otherwise.
 *
 * @param load fetches, says whether that succeeded, and never rejects
 */
export function createKeySetFetches(
  load: () => Promise<boolean>,
  now: () => number,
): KeySetFetches {
  let last = { startedAtMs: -Infinity, loadedAtMs: -Infinity }
  let running: Promise<boolean> | undefined
  let wanted: PromiseWithResolve | undefined
  let isClosed = false
  // A clock that was set back must not hold up a fetch.
  const isWithin = (sinceMs: number, ms: number) => now() >= sinceMs && now() - sinceMs < ms
  const isCoolingDown = () => running !== undefined || isWithin(last.startedAtMs, coolDownMs)
  const begin = (): Promise<boolean> => {
    const startedAtMs = now()
    const asked = wanted
    wanted = undefined
    last = { ...last, startedAtMs }
    running = load().then((isLoaded) => {
      running = undefined
      if (isLoaded) last = { ...last, loadedAtMs: startedAtMs }
      asked?.resolve(isLoaded)
      return isLoaded
    })
    return running
  }
  return {
    running: () => running,
    isCoolingDown,
    next: () =>
      isClosed
        ? Promise.resolve(false)
        : isCoolingDown()
          ? (wanted ??= promiseWithResolve()).promise
          : begin(),
    afterBadSignature() {
      if (running !== undefined) return running
      if (isWithin(last.loadedAtMs, badSignatureEveryMs)) return undefined
      return isWithin(last.startedAtMs, badSignatureEveryMs) ? Promise.resolve(false) : begin()
    },
    tick() {
      const everyMs =
        wanted !== undefined || last.loadedAtMs === -Infinity ? coolDownMs : refreshEveryMs
      if (running === undefined && !isWithin(last.startedAtMs, everyMs)) void begin()
    },
    close() {
      isClosed = true
      wanted?.resolve(false)
    },
  }
}

type PromiseWithResolve = { promise: Promise<boolean>; resolve: (value: boolean) => void }

function promiseWithResolve(): PromiseWithResolve {
  let resolve: PromiseWithResolve['resolve'] = () => undefined
  const promise = new Promise<boolean>((settle) => (resolve = settle))
  return { promise, resolve }
}
