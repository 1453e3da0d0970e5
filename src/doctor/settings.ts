import { createPrivateKey, type KeyObject } from 'node:crypto'
import {
  createFaults,
  optional,
  parsedBy,
  readObject,
  text,
  textThat,
  type Faults,
  type Report,
} from '../token/options.js'
import { readLimits } from './limits.js'
import type { Times } from './target.js'
import {
  isRequestText,
  memberOf,
  readHeaders,
  readTemplate,
  requestMembers,
  streamAddress,
  type Defaults,
  type Template,
} from './template.js'

/** How to get the tokens of one login. `token` and `refreshToken` say where they stand. */
export type LoginSettings = Readonly<{
  source: Readonly<{ request: Template }> | Readonly<{ command: string }>
  token: string | undefined
  refreshToken: string | undefined
}>

export type ConnectionSettings = Readonly<{
  url: string
  headers: Readonly<Record<string, string>>
  protocols: readonly string[]
}>

/** The configuration of the doctor, parsed. */
export type DoctorSettings = Readonly<{
  login: LoginSettings
  otherLogin: LoginSettings | undefined
  logout: Template
  /** `contains`: a text that only a user who is logged in sees. */
  addresses: readonly Readonly<{ template: Template; contains: string | undefined }>[]
  refresh: Template | undefined
  connection: ConnectionSettings | undefined
  signKey: Uint8Array | KeyObject | undefined
  store: Readonly<{ stop: string | undefined; start: string | undefined }>
  origin: string | undefined
  times: Times
  maxRequests: number
  maxMs: number
}>

const members = [
  'login',
  'otherLogin',
  'logout',
  'protected',
  'refresh',
  'connection',
  'sign',
  'store',
  'origin',
  'limits',
]

const bearerOnly: Defaults = { method: 'GET', hasBearer: true }
const logoutDefaults: Defaults = { method: 'POST', json: { token: '{token}' }, hasBearer: true }
const refreshDefaults: Defaults = {
  method: 'POST',
  json: { refresh_token: '{refreshToken}' },
  hasBearer: false,
}

/**
 * Reads the configuration of the doctor.
 *
 * @param name how each line of the error begins, such as the name of the file
 * @throws Error with every fault at once, one line each, with its path
 */
export function readSettings(value: unknown, name: string): DoctorSettings {
  const faults = createFaults()
  const given = readObject(value, members, faults.of('the configuration'))
  const settings = given && readMembers(given, faults)
  const lines = faults.lines()
  if (settings !== undefined && lines.length === 0) return settings
  throw new Error(lines.map((line) => `${name}: ${line}`).join('\n'))
}

type Given = Readonly<Record<string, unknown>>

function readMembers(given: Given, faults: Faults): DoctorSettings | undefined {
  const templateOf = (member: string, defaults: Defaults) =>
    given[member] === undefined
      ? undefined
      : readTemplate(given[member], defaults, faults.of(member))
  const login = readLogin(given['login'], faults.of('login'))
  const otherLogin = optional({ check: readLogin }, given['otherLogin'], faults.of('otherLogin'))
  const logout = readTemplate(given['logout'], logoutDefaults, faults.of('logout'))
  const addresses = readAddresses(given['protected'], faults.of('protected'))
  const refresh = templateOf('refresh', refreshDefaults)
  const connection = optional(
    { check: readConnection },
    given['connection'],
    faults.of('connection'),
  )
  const signKey = optional({ check: readSignKey }, given['sign'], faults.of('sign'))
  const store = optional({ check: readStore }, given['store'], faults.of('store'))
  const origin = optional(originText, given['origin'], faults.of('origin'))
  const limits = readLimits(given['limits'], faults.of('limits'))
  if (login === undefined || logout === undefined) return undefined
  return {
    ...{ login, otherLogin, logout, addresses, refresh, connection, signKey, origin },
    ...limits,
    store: store ?? { stop: undefined, start: undefined },
  }
}

const loginDefaults: Defaults = { method: 'POST', hasBearer: false }

function readLogin(value: unknown, report: Report): LoginSettings | undefined {
  const places = { token: undefined, refreshToken: undefined }
  if (isRequestText(value)) {
    const request = readTemplate(value, loginDefaults, report)
    return request && { source: { request }, ...places }
  }
  if (typeof value === 'string' && value !== '') return { source: { command: value }, ...places }
  if (value === undefined) {
    report('is missing: a command that prints a token, an address, or an object')
    return undefined
  }
  const given = readObject(value, ['command', ...requestMembers, 'token', 'refreshToken'], report)
  if (given === undefined) return undefined
  const { command, token, refreshToken } = given
  const request = Object.fromEntries(
    requestMembers.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])),
  )
  const source = readSource(command, request, report)
  return (
    source && {
      source,
      token: optional(text, token, memberOf(report, 'token')),
      refreshToken: optional(text, refreshToken, memberOf(report, 'refreshToken')),
    }
  )
}

function readSource(
  command: unknown,
  request: Given,
  report: Report,
): LoginSettings['source'] | undefined {
  if (command === undefined) {
    const template = readTemplate(request, loginDefaults, report)
    return template && { request: template }
  }
  const beside = Object.keys(request)
  if (beside.length > 0) report(`cannot stand beside ${beside.join(', ')}`, '.command')
  const line = text.check(command, memberOf(report, 'command'))
  return line === undefined ? undefined : { command: line }
}

function readAddresses(value: unknown, report: Report): DoctorSettings['addresses'] {
  const list = Array.isArray(value) ? value : value === undefined ? [] : [value]
  if (list.length === 0) report('is missing: one address or several that need a token')
  return list.flatMap((item: unknown, index) => {
    const reportItem: Report = (what, member = '') => report(what, `[${index}]${member}`)
    const { contains, ...request } =
      typeof item === 'object' && item !== null ? (item as Given) : { contains: undefined }
    const template = readTemplate(
      typeof item === 'object' && item !== null ? request : item,
      bearerOnly,
      reportItem,
    )
    return template === undefined
      ? []
      : [{ template, contains: optional(text, contains, memberOf(reportItem, 'contains')) }]
  })
}

function readConnection(value: unknown, report: Report): ConnectionSettings | undefined {
  const given =
    typeof value === 'string' ? { url: value } : readObject(value, connectionMembers, report)
  if (given === undefined) return undefined
  const { url, headers, protocols = [] } = given
  const address = streamAddress.check(url, memberOf(report, 'url'))
  const lines = readHeaders(headers, memberOf(report, 'headers')) ?? {}
  if (!Array.isArray(protocols) || protocols.some((one) => typeof one !== 'string'))
    report('must be an array of texts', '.protocols')
  if (address === undefined) return undefined
  const all = { url: address, headers: lines, protocols: protocols as string[] }
  if (JSON.stringify(all).includes('{token}')) return all
  return { ...all, headers: { ...lines, Authorization: 'Bearer {token}' } }
}

const connectionMembers = ['url', 'headers', 'protocols']

/** The key that signs tokens: the bytes of a secret, or a private key as PEM. */
function readSignKey(value: unknown, report: Report): Uint8Array | KeyObject | undefined {
  const given = readObject(value, ['secret', 'privateKey'], report)
  if (given === undefined) return undefined
  if ((given['secret'] === undefined) === (given['privateKey'] === undefined)) {
    report('must have either `secret` or `privateKey`')
    return undefined
  }
  const secret = optional(text, given['secret'], memberOf(report, 'secret'))
  if (secret !== undefined) return Buffer.from(secret)
  return optional(privateKey, given['privateKey'], memberOf(report, 'privateKey'))
}

const privateKey = parsedBy((pem): KeyObject => {
  try {
    return createPrivateKey(pem.replaceAll('\\n', '\n'))
  } catch {
    // The message of OpenSSL may quote the text.
    throw new Error('must be a private key as PEM')
  }
})

function readStore(value: unknown, report: Report): DoctorSettings['store'] | undefined {
  const given = readObject(value, ['stop', 'start'], report)
  if (given === undefined) return undefined
  const start = optional(text, given['start'], memberOf(report, 'start'))
  return { stop: text.check(given['stop'], memberOf(report, 'stop')), start }
}

const originText = textThat(
  (text) => URL.canParse(text) && new URL(text).origin === text,
  'must be an origin such as https://app.example.com',
)
