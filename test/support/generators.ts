/** A generator of clients, as a user of its command line runs it in a folder with `openapi.yaml`. */
export type Generator = Readonly<{
  name: string
  /** The command, and its arguments. It writes into the folder `client`. */
  command: readonly string[]
  /** The file that configures the generator, and its text. */
  config?: readonly [name: string, text: string]
  /**
   * A module that uses the client: `logOut` presents one token as the bearer and in the body,
   * `introspect` sends a form with `client_secret_post`.
   */
  program: string
  /** Whether its client can write a form. That of kubb writes every body as JSON. */
  sendsForms: boolean
}>

/** Two of the project's own dependencies, and four that the test installs. */
export const generators: readonly Generator[] = [
  {
    name: 'openapi-typescript',
    command: ['openapi-typescript', 'openapi.yaml', '-o', 'client/api.d.ts'],
    program: `
import createClient from 'openapi-fetch'
import type { components, paths } from './client/api.js'
export async function logOut(baseUrl: string, token: string) {
  const client = createClient<paths>({ baseUrl, headers: { Authorization: \`Bearer \${token}\` } })
  const { response, data, error } = await client.POST('/api/v1/auth/logout', { body: { token } })
  return { status: response.status, data: data ?? error }
}
export async function introspect(baseUrl: string, body: components['schemas']['TokenForm']) {
  const { response, data } = await createClient<paths>({ baseUrl }).POST('/oauth/introspect', {
    body,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    bodySerializer: (form) => new URLSearchParams(form as Record<string, string>),
  })
  return { status: response.status, data }
}
`,
    sendsForms: true,
  },
  {
    name: 'swagger-typescript-api',
    command: [
      ...['swagger-typescript-api', 'generate', '-p', 'openapi.yaml'],
      ...['-o', 'client', '-n', 'api.ts'],
    ],
    program: `
import { Api, type HttpResponse, type TokenForm } from './client/api.js'
const answerOf = ({ status, data, error }: HttpResponse<unknown, unknown>) => ({ status, data: data ?? error })
export async function logOut(baseUrl: string, token: string) {
  const { api } = new Api({ baseUrl, baseApiParams: { headers: { Authorization: \`Bearer \${token}\` } } })
  return answerOf(await api.logout({ token }).catch((refusal) => refusal))
}
export const introspect = async (baseUrl: string, form: TokenForm) =>
  answerOf(await new Api({ baseUrl }).oauth.introspect(form))
`,
    sendsForms: true,
  },
  {
    name: 'orval',
    command: ['orval'],
    config: [
      'orval.config.ts',
      `
const output = { target: 'client/api.ts', client: 'fetch', baseUrl: process.env['ORIGIN'] }
export default { cierre: { input: 'openapi.yaml', output } }
`,
    ],
    program: `
import { introspect as ask, logout, type TokenForm } from './client/api.js'
export const logOut = (_origin: string, token: string) =>
  logout({ token }, { headers: { 'Content-Type': 'application/json', Authorization: \`Bearer \${token}\` } })
export const introspect = (_origin: string, form: TokenForm) => ask(form)
`,
    sendsForms: true,
  },
  {
    name: 'oazapfts',
    command: ['oazapfts', 'openapi.yaml', 'client/api.ts'],
    program: `
import { introspect as ask, logout, type TokenForm } from './client/api.js'
export const logOut = (baseUrl: string, token: string) =>
  logout({ token }, { baseUrl, headers: { Authorization: \`Bearer \${token}\` } })
export const introspect = (baseUrl: string, form: TokenForm) => ask(form, { baseUrl })
`,
    sendsForms: true,
  },
  {
    name: '@hey-api/openapi-ts',
    command: ['openapi-ts', '-i', 'openapi.yaml', '-o', 'client'],
    program: `
import { introspect as ask, logout, type TokenForm } from './client/index.js'
export async function logOut(baseUrl: string, token: string) {
  const { response, data, error } = await logout({ baseUrl, auth: token, body: { token } })
  return { status: response?.status, data: data ?? error }
}
export async function introspect(baseUrl: string, body: TokenForm) {
  const { response, data } = await ask({ baseUrl, body })
  return { status: response?.status, data }
}
`,
    sendsForms: true,
  },
  {
    name: 'kubb',
    command: ['kubb', 'generate', '--config', 'kubb.config.ts'],
    config: [
      'kubb.config.ts',
      `
import { defineConfig } from '@kubb/core'
import { pluginClient } from '@kubb/plugin-client'
import { pluginOas } from '@kubb/plugin-oas'
import { pluginTs } from '@kubb/plugin-ts'
export default defineConfig({
  root: '.',
  input: { path: 'openapi.yaml' },
  output: { path: 'client', extension: { '.ts': '.js' }, format: false, lint: false },
  plugins: [
    pluginOas({ generators: [] }),
    pluginTs({ output: { path: 'types.ts' } }),
    pluginClient({ output: { path: 'api.ts' }, client: 'fetch', bundle: true, dataReturnType: 'full' }),
  ],
})
`,
    ],
    program: `
import { logout } from './client/api.js'
export const logOut = (baseURL: string, token: string) =>
  logout({ token }, { baseURL, headers: { 'Content-Type': 'application/json', Authorization: \`Bearer \${token}\` } })
`,
    sendsForms: false,
  },
]
