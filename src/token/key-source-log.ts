import type { SkippedKey } from './key-material.js'

/** Gets a line for every fetch of a key set, and for every key of a set that is not used. */
export type KeySourceLog = Readonly<
  Record<'debug' | 'info' | 'warn' | 'error', (details: object, message: string) => void>
>

/** Logs keys that are not used. That a set has keys for encryption, too, is nothing to warn of. */
export function logSkippedKeys(
  skipped: readonly SkippedKey[],
  of: Readonly<{ issuer?: string | undefined; origin?: string }>,
  log: KeySourceLog,
): void {
  for (const { kid, reason, isForEncryption } of skipped) {
    const level = isForEncryption ? 'debug' : 'warn'
    log[level]({ ...of, kid, reason }, 'a key of the key set is skipped')
  }
}
