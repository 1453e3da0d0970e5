import type { Logger } from 'pino'
import { ForeignValue, foreignWord } from '../../revocation/store-errors.js'

/** The keys of cierre under which values were found that cierre did not write. */
export type ForeignValues = Readonly<{
  /** Notes a key, and logs it once. */
  note(error: ForeignValue): ForeignValue
  /**
   * One of the noted keys that still holds such a value; `undefined` when there is none.
   *
   * @param read throws `ForeignValue` for a key that does
   */
  find(read: (key: string) => Promise<unknown>): Promise<string | undefined>
}>

const mostNoted = 100

export function createForeignValues(log: Pick<Logger, 'error' | 'info'>): ForeignValues {
  const noted = new Set<string>()
  return {
    note(error) {
      const { key } = error
      if (!noted.has(key) && noted.size < mostNoted) {
        noted.add(key)
        log.error(
          { key },
          'a value that cierre did not write is in the place of a revocation: delete it; until then this instance is not ready',
        )
      }
      return error
    },
    async find(read) {
      for (const key of noted) {
        const isForeign = await read(key).then(
          () => false,
          (error: unknown) => {
            if (error instanceof ForeignValue) return true
            throw error
          },
        )
        if (isForeign) return key
        noted.delete(key)
        log.info({ key }, 'the foreign value is gone')
      }
      return undefined
    },
  }
}

/** The foreign value that an answer of Redis names; `undefined` for every other answer. */
export function foreignValueOf(answer: string): ForeignValue | undefined {
  return answer.startsWith(`${foreignWord} `)
    ? new ForeignValue(answer.slice(foreignWord.length + 1))
    : undefined
}
