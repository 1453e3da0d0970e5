import { signClaims } from '../token/signing.js'
import { openConnection } from './connection.js'
import { createLogins, type Means } from './logins.js'
import { tokensOf } from './found-tokens.js'
import { createStore } from './outage.js'
import { lacking } from './probe.js'
import { sendRequest, type FullAnswer } from './requests.js'
import type { DoctorSettings } from './settings.js'
import type { Address, Answer, Connection, JsonObject, Login, Need, Target } from './target.js'
import { fill, labelOf, namesTokenTwice, type Template, type Values } from './template.js'

type Store = ReturnType<typeof createStore>

/** The target that the configuration describes, over HTTP. */
export function createTarget(settings: DoctorSettings, means: Means, store: Store): Target {
  const { login, otherLogin, logout, connection, times, origin } = settings
  const send = (template: Template, values: Values) => sendRequest(means, fill(template, values))
  const logIn = createLogins(means)
  const target: Target = {
    addresses: addressesOf(settings),
    times,
    namesTokenTwice: namesTokenTwice(logout),
    origin,
    lacks: (need) => !has[need](settings),
    login: () => logIn('login', login),
    loginAsOther: async () => logIn('otherLogin', orLacking(otherLogin, 'otherLogin')),
    logout: (token, named = token) => send(logout, { token, named }),
    ask: (address, token) => ask(settings, send, address, token),
    refresh: (login) => refresh(settings, send, login),
    connect: (token) => connect(orLacking(connection, 'connection'), means, token),
    sign: (claims, header) => sign(settings, claims, header),
    preflight: (from) => sendRequest(means, preflightOf(logout, from)),
    outage: async () => store.outage(target),
    recovery: async () => store.recovery(target),
    pause: means.effort.pause,
    note: means.note,
  }
  return target
}

const has: Readonly<Record<Need, (settings: DoctorSettings) => boolean>> = {
  secondAddress: ({ addresses }) => addresses.length > 1,
  otherLogin: ({ otherLogin }) => otherLogin !== undefined,
  refresh: ({ refresh }) => refresh !== undefined,
  connection: ({ connection }) => connection !== undefined,
  sign: ({ signKey }) => signKey !== undefined,
  store: ({ store }) => store.stop !== undefined,
  restart: ({ store }) => store.start !== undefined,
}

function orLacking<T>(value: T | undefined, need: Need): T {
  if (value === undefined) throw lacking(need)
  return value
}

function addressesOf({ addresses }: DoctorSettings): Target['addresses'] {
  const [first, ...more] = addresses.map(({ template }, index): Address => {
    const label = labelOf(template.url)
    return { index, label: template.method === 'GET' ? label : `${template.method} ${label}` }
  })
  if (first === undefined) throw new TypeError('no protected address')
  return [first, ...more]
}

type Send = (template: Template, values: Values) => Promise<FullAnswer>

async function ask(
  { addresses }: DoctorSettings,
  send: Send,
  { index }: Address,
  token: string,
): Promise<Answer> {
  const asked = addresses[index]
  if (asked === undefined) throw new RangeError(`no protected address ${index}`)
  const answer = await send(asked.template, { token })
  const { contains } = asked
  if (!answer.isIn || contains === undefined || answer.body.includes(contains)) return answer
  return { ...answer, isIn: false, said: `${answer.said} without the text of \`contains\`` }
}

async function refresh(
  { refresh, login: { token } }: DoctorSettings,
  send: Send,
  login: Login,
): Promise<Login | Answer> {
  const answer = await send(orLacking(refresh, 'refresh'), {
    token: login.token,
    ...(login.refreshToken !== undefined && { refreshToken: login.refreshToken }),
  })
  if (!answer.isIn) return answer
  const fresh = tokensOf(answer.body, answer.headers, { token, refreshToken: undefined })
  return { ...fresh, refreshToken: fresh.refreshToken ?? login.refreshToken }
}

function connect(
  connection: NonNullable<DoctorSettings['connection']>,
  { effort, answerMs, closing }: Means,
  token: string,
): Promise<Connection | Answer> {
  effort.countRequest()
  return openConnection(connection, { answerMs, token, closing })
}

const sign = async (
  { signKey }: DoctorSettings,
  claims: JsonObject,
  header: JsonObject,
): Promise<string> =>
  signClaims(claims, { alg: 'HS256', typ: 'JWT', ...header }, orLacking(signKey, 'sign'))

/** What a browser asks before the logout of a page of another origin. */
const preflightOf = ({ method, url }: Template, origin: string) => ({
  method: 'OPTIONS',
  url: fill({ method, url, headers: {}, body: { kind: 'none' } }, {}).url,
  headers: {
    Origin: origin,
    'Access-Control-Request-Method': method,
    'Access-Control-Request-Headers': 'authorization,content-type',
  },
  body: undefined,
})
