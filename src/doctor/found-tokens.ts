import { isJwt } from './jwt.js'
import type { Login } from './target.js'

/** A text of a login's answer, and where it stands: `data.token`, `cookie:sid`, `header:x-token`. */
type Found = Readonly<{ place: string; text: string }>

/** Where the configuration says that the tokens stand. */
export type Places = Readonly<{ token: string | undefined; refreshToken: string | undefined }>

/** `body` is a text that stands alone. */
const tokenNames = [
  'access_token',
  'accessToken',
  'token',
  'jwt',
  'access',
  'id_token',
  'idToken',
  'body',
]
const refreshNames = ['refresh_token', 'refreshToken', 'refresh']

/**
 * The tokens in what a login answered: JSON, a token alone, cookies, or header fields.
 *
 * @throws Error that lists the places of tokens where none or several may be meant
 */
export function tokensOf(body: string, headers: Headers | undefined, places: Places): Login {
  const found = [...foundInBody(body), ...(headers === undefined ? [] : foundInHeaders(headers))]
  const token = accessToken(found, places.token)
  const refreshToken =
    places.refreshToken === undefined
      ? found.find(({ place }) => refreshNames.some((name) => isNamed(place, name)))
      : at(found, places.refreshToken)
  const others = found.flatMap(({ text }) =>
    isJwt(text) && text !== token && text !== refreshToken?.text ? [text] : [],
  )
  return { token, refreshToken: refreshToken?.text, others: [...new Set(others)] }
}

function accessToken(found: readonly Found[], place: string | undefined): string {
  if (place !== undefined) return at(found, place).text
  for (const name of tokenNames) {
    const named = found.find(({ place }) => isNamed(place, name))
    if (named !== undefined) return named.text
  }
  const [only, ...more] = found.filter(({ text }) => isJwt(text))
  if (only !== undefined && more.length === 0) return only.text
  throw new Error(
    only === undefined
      ? `the login answered no token: \`token\` may say where it stands, ${placesOf(found)}`
      : `the login answered several tokens: \`token\` must say which, ${placesOf([only, ...more])}`,
  )
}

function at(found: readonly Found[], place: string): Found {
  const there = found.find((one) => one.place === place)
  if (there !== undefined) return there
  throw new Error(`the login answered nothing at ${place}, but ${placesOf(found)}`)
}

const placesOf = (found: readonly Found[]) =>
  found.length === 0 ? 'no text at all' : `at ${found.map(({ place }) => place).join(', ')}`

const isNamed = (place: string, name: string) =>
  place === name || place.endsWith(`.${name}`) || place === `cookie:${name}`

function foundInBody(body: string): Found[] {
  try {
    return textsOf(JSON.parse(body), '')
  } catch {
    // A command may print a token and nothing else.
    const text = body.trim()
    return /\s/.test(text) || text === '' ? [] : [{ place: 'body', text }]
  }
}

function textsOf(value: unknown, place: string): Found[] {
  if (typeof value === 'string') return [{ place: place === '' ? 'body' : place, text: value }]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, one]) =>
    textsOf(one, place === '' ? name : `${place}.${name}`),
  )
}

function foundInHeaders(headers: Headers): Found[] {
  const cookies = headers.getSetCookie().flatMap((line) => {
    const [, name, value] = /^([^=;]+)=([^;]*)/.exec(line) ?? []
    return name === undefined || value === undefined
      ? []
      : [{ place: `cookie:${name}`, text: value }]
  })
  const fields = [...headers].flatMap(([name, value]) => {
    const text = value.replace(/^bearer +/i, '')
    return isJwt(text) ? [{ place: `header:${name}`, text }] : []
  })
  return [...cookies, ...fields]
}
