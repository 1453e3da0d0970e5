import { readFileSync } from 'node:fs'
import type { Limit } from '../access/rate-limits.js'
import { jsonFault } from '../runtime/json-fault.js'
import { isAddressRange, type TrustedProxies } from '../runtime/ip-addresses.js'
import { privateRanges } from '../runtime/private-networks.js'
import { isSerialisedOrigin } from '../runtime/serialised-origin.js'
import { texts, textThat, wholeNumber, type Option, type Report } from '../token/options.js'

const same = (text: string) => text

/** A comma list whose items fulfil a condition. One fault names all items that do not. */
const listOf = (isRight: (text: string) => boolean, fault: string): Option<string[]> => ({
  fromText: texts.fromText,
  check(value, report) {
    const items = texts.check(value, report)
    const wrong = items?.filter((item) => !isRight(item)) ?? []
    if (wrong.length > 0) report(`has ${wrong.join(', ')}; ${fault}`)
    return wrong.length > 0 ? undefined : items
  },
})

export const origin = textThat(
  (text) => /^https?:/.test(text) && isSerialisedOrigin(text),
  'must be an origin such as https://auth.example.com, without a path',
)

export const origins = listOf(
  isSerialisedOrigin,
  'only exact origins such as https://app.example.com or capacitor://localhost are taken',
)

/** Names of address ranges, as proxies are often named. */
const namedRanges = new Map<string, readonly string[]>([
  ['loopback', ['127.0.0.0/8', '::1']],
  ['private', privateRanges],
])
const rangesOf = (item: string): readonly string[] => namedRanges.get(item) ?? [item]

const proxyList = listOf(
  (item) => rangesOf(item).every(isAddressRange),
  'only addresses, CIDR ranges, loopback and private are taken, or a single number of hops',
)
const hops = wholeNumber(1, 32)

/** The proxies to trust: how many stand in front, or the ranges of their addresses. */
export const trustedProxies: Option<TrustedProxies> = {
  fromText: (text) => (/^\d+$/.test(text.trim()) ? Number(text) : texts.fromText(text)),
  check(value, report) {
    if (typeof value === 'number')
      return hops.check(value, (what) => report(`${what}, if it is a number of hops`))
    return proxyList.check(value, report)?.flatMap(rangesOf)
  },
}

const directive = '"(?:cache|cookies|storage|clientHints|executionContexts|\\*)"'
const directives = new RegExp(`^(?:${directive}(?:, ?${directive})*)?$`)

/** The value of `Clear-Site-Data`. When it is empty, the header is not sent. */
export const clearSiteData = textThat(
  (text) => directives.test(text),
  'must be quoted directives such as "storage", or empty',
)

/** The largest integer of a structured field (RFC 8941 §3.3.1), in which the limit is told. */
const mostRequests = 999_999_999_999_999
/** The longest timer of Node: 2^31 − 1 ms, 24 days. */
const longestWindowS = 2_147_483

const isWithin = (value: number, most: number) => value >= 1 && value <= most

/** Requests per seconds, or `off`. */
export const rateLimit: Option<Limit | 'off'> = {
  fromText: same,
  check(value, report) {
    if (value === 'off') return 'off'
    const [, count, seconds] = /^(\d+)\/(\d+)$/.exec(String(value)) ?? []
    const [requests, windowS] = [Number(count), Number(seconds)]
    if (isWithin(requests, mostRequests) && isWithin(windowS, longestWindowS))
      return { requests, windowS }
    report(
      `must be requests per seconds, such as 300/60, or off; up to ${mostRequests} requests, and up to ${longestWindowS} seconds`,
    )
    return undefined
  },
}

/** An array. In the environment it is JSON. */
export const jsonArray = arrayThat(() => true, '')

/** An array that is not empty. In the environment it is JSON. */
export const filledJsonArray = arrayThat(({ length }) => length > 0, ' that is not empty')

function arrayThat(isRight: (array: unknown[]) => boolean, demand: string): Option<unknown[]> {
  return {
    fromText: parseJson,
    check(value, report) {
      if (Array.isArray(value) && isRight(value)) return value as unknown[]
      const fault = typeof value === 'string' ? jsonFault(value) : undefined
      report(
        fault === undefined
          ? `must be ${typeof value === 'string' ? 'a JSON' : 'an'} array${demand}`
          : `is not JSON: line ${fault.line}, column ${fault.column}`,
      )
      return undefined
    },
  }
}

/** The value of a JSON text, or any other text unchanged: the parser's error would quote it. */
function parseJson(text: string): unknown {
  const json = text.replace(/^\ufeff/, '')
  return jsonFault(json) === undefined ? JSON.parse(json) : json
}

/** A port; 0 takes a free one. */
export const port = wholeNumber(0, 65_535)

/** A path in a URL, without a slash at its end. */
export const pathPrefix = textThat(
  (text) => /^\/[!-~]*[!-.0-~]$/.test(text) && !/[?#]/.test(text),
  'must be a path that begins with a slash and does not end with one',
)

/** What every operating system takes; Node would cut off the rest in silence. */
const longestSocketPath = 103

export const socketPath = textThat(
  (text) => Buffer.byteLength(text) <= longestSocketPath,
  `must have at most ${longestSocketPath} bytes, because the path of a socket has no room for more`,
)

/** The content of the file that the variable names. */
export const fileContent: Option<string> = {
  fromText: same,
  check: (path, report) => readText(String(path), report),
}

/** The path of a PEM file with a certificate. */
export const certificateFile = pemFile(/BEGIN CERTIFICATE/, 'certificate')

/** The path of a PEM file with a private key. */
export const privateKeyFile = pemFile(/BEGIN (?:\w+ )?PRIVATE KEY/, 'private key')

function pemFile(block: RegExp, what: string): Option<string> {
  return {
    fromText: same,
    check(path, report) {
      const content = readText(String(path), report)
      if (content === undefined) return undefined
      if (block.test(content)) return String(path)
      report(`holds no PEM ${what}`)
      return undefined
    },
  }
}

function readText(path: string, report: Report): string | undefined {
  return readBytes(path, report)?.toString('utf8')
}

/** The text of a file that must be UTF-8. A byte order mark is not part of the text. */
export function readUtf8(path: string, report: Report): string | undefined {
  const bytes = readBytes(path, report)
  if (bytes === undefined) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    report('names a file that is no UTF-8; a binary secret is given as a JWK of the type oct')
    return undefined
  }
}

function readBytes(path: string, report: Report): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    report(`names a file that cannot be read (${code})`)
    return undefined
  }
}
