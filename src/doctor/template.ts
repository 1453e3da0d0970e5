import { optional, readObject, text, textThat, type Report } from '../token/options.js'

/** A request with `{token}` and `{refreshToken}` where the tokens stand. */
export type Template = Readonly<{
  method: string
  url: string
  headers: Readonly<Record<string, string>>
  body: Body
}>
type Body =
  | Readonly<{ kind: 'none' }>
  | Readonly<{ kind: 'text'; text: string }>
  | Readonly<{ kind: 'json'; value: unknown }>
  | Readonly<{ kind: 'form'; fields: Readonly<Record<string, unknown>> }>

/** The values of the placeholders. `named` is the token of the body and of the address. */
export type Values = Readonly<{ token?: string; named?: string; refreshToken?: string }>

/** A request that is ready to be sent. */
export type Filled = Readonly<{
  method: string
  url: string
  headers: Readonly<Record<string, string>>
  body: string | undefined
}>

/** What a request has that its configuration leaves out. */
export type Defaults = Readonly<{ method: string; json?: unknown; hasBearer: boolean }>

export const requestMembers = ['method', 'url', 'headers', 'body', 'form'] as const

const shorthand = /^(?:([A-Z]+) +)?(https?:\/\/\S+)$/

/** Whether a text names a request, as `http://…` or `POST http://…`, and no command. */
export const isRequestText = (value: unknown): boolean =>
  typeof value === 'string' && shorthand.test(value)

/** The report of a member of an object. */
export const memberOf =
  (report: Report, name: string): Report =>
  (what, member = '') =>
    report(what, `.${name}${member}`)

/** Reads a request: a text such as `POST http://…`, or an object with the members above. */
export function readTemplate(
  value: unknown,
  defaults: Defaults,
  report: Report,
): Template | undefined {
  if (typeof value !== 'object' || value === null) return fromText(value, defaults, report)
  const given = readObject(value, requestMembers, report)
  if (given === undefined) return undefined
  const of = (name: string) => memberOf(report, name)
  const url = webAddress.check(given['url'], of('url'))
  const headers = readHeaders(given['headers'], of('headers'))
  const body = readBody(given, report)
  const method = optional(methodName, given['method'], of('method')) ?? defaults.method
  if (url === undefined || headers === undefined) return undefined
  return withBearer({ method, url, headers, body }, defaults)
}

function fromText(value: unknown, defaults: Defaults, report: Report): Template | undefined {
  const [, method = defaults.method, given] = shorthand.exec(String(value)) ?? []
  const url = given === undefined ? undefined : webAddress.check(given, report)
  if (given === undefined)
    report(
      value === undefined
        ? 'is missing: an address, or an object with `url`'
        : 'must be an address such as http://127.0.0.1:8080/path or POST http://…, or an object with `url`',
    )
  if (url === undefined) return undefined
  const body: Body =
    defaults.json === undefined ? { kind: 'none' } : { kind: 'json', value: defaults.json }
  return withBearer({ method, url, headers: {}, body }, defaults)
}

const isWebAddress = (text: string, pattern: RegExp) =>
  URL.canParse(text) && pattern.test(new URL(text).protocol)

const webAddress = textThat(
  (text) => isWebAddress(text, /^https?:$/),
  'must be an address with http: or https:',
)

/** The address of a WebSocket or an event stream. */
export const streamAddress = textThat(
  (text) => isWebAddress(text, /^(?:https?|wss?):$/),
  'must be an address with ws:, wss:, http: or https:',
)

const methodName = textThat((text) => /^[A-Z]+$/.test(text), 'must be a method such as POST')

export function readHeaders(
  value: unknown,
  report: Report,
): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report('must be an object of texts')
    return undefined
  }
  const entries = Object.entries(value).map(
    ([name, one]) => [name, text.check(one, (what) => report(what, `.${name}`)) ?? ''] as const,
  )
  return Object.fromEntries(entries)
}

function readBody({ body, form }: Readonly<Record<string, unknown>>, report: Report): Body {
  if (body !== undefined && form !== undefined) report('cannot stand beside `body`', '.form')
  if (form !== undefined) {
    const fields = readHeaders(form, (what, member = '') => report(what, `.form${member}`))
    return { kind: 'form', fields: fields ?? {} }
  }
  if (body === undefined || body === null) return { kind: 'none' }
  return typeof body === 'string' ? { kind: 'text', text: body } : { kind: 'json', value: body }
}

/** A request that names the token nowhere has it as a bearer (RFC 6750 §2.1). */
function withBearer(template: Template, { hasBearer }: Defaults): Template {
  const { url, headers, body } = template
  const isShorthand = body.kind === 'json' && Object.keys(headers).length === 0
  const isNamed = JSON.stringify({ url, headers, body }).includes('{token}')
  if (!hasBearer || (isNamed && !isShorthand)) return template
  return { ...template, headers: { ...headers, Authorization: 'Bearer {token}' } }
}

/** Whether a request has the token in a header, and again in its body or address. */
export const namesTokenTwice = ({ url, headers, body }: Template): boolean =>
  JSON.stringify(headers).includes('{token}') && JSON.stringify({ url, body }).includes('{token}')

/** The address without its query, user and fragment, which may hold secrets. */
export function labelOf(url: string): string {
  const { origin, protocol, host, pathname } = new URL(url)
  return `${origin === 'null' ? `${protocol}//${host}` : origin}${decodeURI(pathname)}`
}

/** Puts the values into the request. */
export function fill({ method, url, headers, body }: Template, values: Values): Filled {
  const { token = '', named = token, refreshToken = '' } = values
  const inHeaders = replacer({ token, refreshToken })
  const inBody = replacer({ token: named, refreshToken })
  const filled = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, inHeaders(value)]),
  )
  const written = writeBody(body, inBody)
  const hasType = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
  return {
    method,
    url: fillUrl(url, { token: named, refreshToken }),
    headers: { ...(!hasType && written.type), ...filled },
    body: written.text,
  }
}

type Replaced = Readonly<{ token: string; refreshToken: string }>

const replacer = (values: Replaced) => (text: string) =>
  text.replace(/\{(token|refreshToken)\}/g, (_, name: keyof Replaced) => values[name])

export const fillUrl = (url: string, { token, refreshToken }: Replaced): string =>
  replacer({
    token: encodeURIComponent(token),
    refreshToken: encodeURIComponent(refreshToken),
  })(url)

function writeBody(body: Body, replace: (text: string) => string) {
  switch (body.kind) {
    case 'none':
      return { text: undefined, type: undefined }
    case 'text':
      return { text: replace(body.text), type: undefined }
    case 'json':
      return {
        text: JSON.stringify(body.value, (_, value: unknown) =>
          typeof value === 'string' ? replace(value) : value,
        ),
        type: { 'Content-Type': 'application/json' },
      }
    case 'form': {
      const fields = Object.entries(body.fields).map(([name, value]) => [
        name,
        replace(String(value)),
      ])
      return {
        text: new URLSearchParams(Object.fromEntries(fields) as Record<string, string>).toString(),
        type: { 'Content-Type': 'application/x-www-form-urlencoded' },
      }
    }
  }
}
