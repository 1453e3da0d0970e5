import type { GuardError } from '../error.js'
import {
  createFaults,
  oneOf,
  optional,
  readObject,
  textThat,
  type Faults,
  type Option,
} from '../../token/options.js'
import type { ChallengeParameters } from '../../token/bearer.js'
import type { TokenSource } from './token-sources.js'

/**
 * The options of every adapter. `Request` and `Response` are the framework's. An option that may be
 * left out may also be `undefined`.
 */
export type AdapterOptions<Request, Response = unknown> = Readonly<{
  /**
   * Returns the bare token of a request, or nothing if the request has none. By default the token
   * is in the `Authorization` header.
   */
  getToken?: TokenSource<Request> | undefined
  /**
   * A request without credentials goes on without claims. Credentials that are not in order are
   * refused all the same.
   */
  optional?: boolean | undefined
  /**
   * Scopes that the claims `scope` and `scp` must have, all of them; 403 `insufficient_scope`
   * otherwise.
   */
  scopes?: readonly string[] | undefined
  /** Parameters of `WWW-Authenticate`. */
  challenge?:
    | Readonly<{
        /** `cierre` unless given. Printable ASCII. */
        realm?: string | undefined
        /** URL of the metadata of the protected resource (RFC 9728 §5.1). */
        resourceMetadata?: string | undefined
        /** Scopes that a client should ask its issuer for, separated by blanks (RFC 6750 §3). */
        scope?: string | undefined
      }>
    | undefined
  /** `en`, the default: the body is RFC 6750's JSON. `es`: it is the service's envelope. */
  language?: 'en' | 'es' | undefined
  /**
   * Called in place of the answer. `error` has `status`, `headers` and `body` of the answer that
   * would have been sent. The framework handles an error that `onRefused` throws.
   */
  onRefused?: OnRefused<Request, Response> | undefined
}>

export type OnRefused<Request, Response> = {
  // As a method, as in `TokenSource`.
  call(error: GuardError, request: Request, response: Response): unknown
}['call']

/** The options of an adapter, checked and with their defaults. */
export type AdapterSettings<Request, Response> = Readonly<{
  getToken: TokenSource<Request> | undefined
  optional: boolean
  scopes: readonly string[]
  challenge: ChallengeParameters
  language: 'en' | 'es'
  onRefused: OnRefused<Request, Response> | undefined
}>

// A record, so that an option that is added to the type has to be added here.
const optionNames: Record<keyof AdapterOptions<never>, true> = {
  getToken: true,
  optional: true,
  scopes: true,
  challenge: true,
  language: true,
  onRefused: true,
}

/**
 * Reads the options of an adapter.
 *
 * @param adapter its name, with which the messages begin
 * @param more the names of further options of this adapter, which the caller reads
 * @throws TypeError with every fault, one line each
 */
export function readAdapterOptions<Request, Response>(
  adapter: string,
  options: AdapterOptions<Request, Response> = {},
  more: readonly string[] = [],
): AdapterSettings<Request, Response> {
  const faults = createFaults()
  const names = [...Object.keys(optionNames), ...more]
  const given = readObject(options, names, faults.of('options')) ?? {}
  const read = <T>(name: keyof AdapterOptions<never>, option: Checked<T>): T | undefined =>
    optional(option, given[name], faults.of(name))
  const settings = {
    getToken: read('getToken', functionOption<TokenSource<Request>>()),
    optional: read('optional', oneOf([true, false])) ?? false,
    scopes: read('scopes', scopesOption) ?? [],
    challenge: given['challenge'] === undefined ? {} : readChallenge(given['challenge'], faults),
    language: read('language', oneOf<'en' | 'es'>(['en', 'es'])) ?? 'en',
    onRefused: read('onRefused', functionOption<OnRefused<Request, Response>>()),
  }
  throwFaults(adapter, faults)
  return settings
}

/**
 * An adapter that got something else would answer every request with an error.
 *
 * @throws TypeError for what is no guard, such as all of what `createCierre` returns
 */
export function requireGuard(adapter: string, guard: { check: unknown } | undefined): void {
  if (typeof guard?.check !== 'function')
    throw new TypeError(`${adapter} needs a guard: createGuard(…), or createCierre(…).guard`)
}

/** @throws TypeError with every fault, one line each */
export function throwFaults(adapter: string, faults: Faults): void {
  const lines = faults.lines().map((line) => `${adapter}: ${line}`)
  if (lines.length > 0) throw new TypeError(lines.join('\n'))
}

function readChallenge(value: unknown, faults: Faults): ChallengeParameters {
  const names = ['realm', 'resourceMetadata', 'scope'] as const
  const given = readObject(value, names, faults.of('challenge')) ?? {}
  const read = (name: (typeof names)[number], option: Checked<string>) =>
    optional(option, given[name], faults.of(`challenge.${name}`))
  return {
    realm: read('realm', realmOption),
    resourceMetadata: read('resourceMetadata', urlOption),
    scope: read('scope', scopeOption),
  }
}

type Checked<T> = Pick<Option<T>, 'check'>

const functionOption = <T>(): Checked<T> => ({
  check(value, report) {
    if (typeof value === 'function') return value as T
    report('must be a function')
    return undefined
  },
})

/** `scope-token` of RFC 6749 §3.3. */
const isScope = (text: string) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)

// A header has no single encoding for non-ASCII text, and a line break would end the header.
const realmOption = textThat((text) => /^[\x20-\x7e]+$/.test(text), 'must be printable ASCII')

const urlOption = textThat(
  (text) =>
    /^https?:\/\/[\x21\x23-\x5b\x5d-\x7e]+$/.test(text) &&
    URL.canParse(text) &&
    !text.includes('#'),
  'must be an absolute URL, https:// or http://, in ASCII and without a fragment',
)

const scopeOption = textThat(
  (text) => text.split(' ').every(isScope),
  'must be scopes with one blank between them (RFC 6749 §3.3)',
)

const scopesOption: Checked<readonly string[]> = {
  check(value, report) {
    const isList = Array.isArray(value) && value.every((item) => typeof item === 'string')
    if (isList && value.every(isScope)) return [...new Set(value)]
    report('must be an array of scopes, without blanks in them (RFC 6749 §3.3)')
    return undefined
  },
}
