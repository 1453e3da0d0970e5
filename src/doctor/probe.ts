import type { Need, Target } from './target.js'

/** How the report says that a need is missing. */
export const needs = {
  secondAddress: 'a second address in `protected`, such as that of another instance',
  otherLogin: '`otherLogin`, how another user logs in',
  refresh: '`refresh`, how tokens are refreshed',
  connection: '`connection`, the address of a WebSocket or an event stream',
  sign: '`sign`, the key that tokens are signed with',
  store: '`store.stop`, a command that stops the store',
  restart: '`store.start`, a command that starts the store again',
} as const satisfies Record<Need, string>

/** One way in which a logout may fail, as data and a function. */
export type Probe = Readonly<{
  /** Unique, in a few words. */
  name: string
  /** What goes wrong for users or operators where it fails. */
  why: string
  /** The clause of OWASP ASVS 5.0 or of an RFC that asks for it. */
  clause: string
  needs: readonly Need[]
  /**
   * Answers what got in, or was told wrongly: one sentence each, and none where the logout holds.
   *
   * @throws NotTried when the configuration or the tokens do not allow it
   * @throws Error when an answer does not tell: the outcome is unknown
   */
  run(target: Target): Promise<readonly string[]>
}>

/** A probe could not be tried; the message says why. */
export class NotTried extends Error {
  override name = 'NotTried'
}

export const lacking = (need: Need): NotTried => new NotTried(`needs ${needs[need]}`)
