const refreshEveryMs = 300_000
const repeatEveryMs = 30_000
const coolDownMs = 5_000
const badSignatureEveryMs = 30_000

/** Decides when a key set is fetched. The promises say whether a fetch succeeded. */
export type KeySetFetches = Readonly<{
  /** The fetch that is under way, if there is one. */
  running(): Promise<boolean> | undefined
  /** Whether no fetch may begin now. */
  isCoolingDown(): boolean
  /**
   * The next fetch that may begin, now or after the cool-down. All callers until then share that
   * fetch.
   */
  next(): Promise<boolean>
  /**
   * A fetch after a signature that no key has made. Nothing while the key set is younger than 30 s;
   * `false` when the key set could not be fetched.
   */
  afterBadSignature(): Promise<boolean> | undefined
  /** Begins a fetch if one is due: for callers that wait, or to refresh the key set. */
  tick(): void
  /** Ends all waits, also those that begin later, with `false`. */
  close(): void
}>

/**
 * Allows one fetch at a time: one in 5 s while callers wait or none has succeeded yet, one in 30 s
 * after bad signatures and after a fetch that failed, and one in 300 s otherwise.
 *
 * @param load fetches the key set and says whether that succeeded; it never rejects
 */
export function createKeySetFetches(
  load: () => Promise<boolean>,
  now: () => number,
): KeySetFetches {
  const last = { startedAtMs: -Infinity, loadedAtMs: -Infinity }
  let running: Promise<boolean> | undefined
  let wanted: PromiseWithResolve | undefined
  let isClosed = false
  // A clock that was set back must not delay a fetch.
  const isWithin = (sinceMs: number, ms: number) => now() >= sinceMs && now() - sinceMs < ms
  const isCoolingDown = () => running !== undefined || isWithin(last.startedAtMs, coolDownMs)
  const begin = (): Promise<boolean> => {
    const startedAtMs = now()
    const waiting = wanted
    wanted = undefined
    last.startedAtMs = startedAtMs
    running = load().then((isLoaded) => {
      running = undefined
      if (isLoaded) last.loadedAtMs = startedAtMs
      waiting?.resolve(isLoaded)
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
      const isUrgent = wanted !== undefined || last.loadedAtMs === -Infinity
      const idleMs = last.loadedAtMs === last.startedAtMs ? refreshEveryMs : repeatEveryMs
      const everyMs = isUrgent ? coolDownMs : idleMs
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
