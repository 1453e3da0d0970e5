// The least that an answer of Koa, @koa/router, koa-bodyparser and koa-openapi costs: every request of
// the contract is validated, and gets an answer that is always the same. Where COMMANDS names work,
// it is done before the answer.
import { readFileSync } from 'node:fs'
import Router from '@koa/router'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import { initialize } from 'koa-openapi'

const { openapi, info, paths, components } = JSON.parse(
  readFileSync(new URL('../../../generated/openapi.json', import.meta.url), 'utf8'),
)
const methods = Object.values(paths).flatMap((item) => Object.values(item))
const requestsOf = (item) =>
  Object.fromEntries(
    Object.entries(item).map(([method, { operationId, parameters, requestBody }]) => [
      method,
      { operationId, parameters, requestBody },
    ]),
  )
const { work } =
  process.env.COMMANDS === undefined ? { work: undefined } : await import('./floor-work.mjs')
const answer = async (ctx) => {
  const jwt = ctx.get('authorization').slice(7)
  // The request that finds out whether this server listens has no token.
  if (jwt !== '') await work?.(jwt)
  ctx.body = { success: true, message: 'Sesión cerrada exitosamente' }
}
const router = new Router({ strict: true, sensitive: true })
initialize({
  router,
  apiDoc: {
    openapi,
    info,
    paths: Object.fromEntries(
      Object.entries(paths).map(([path, item]) => [path, requestsOf(item)]),
    ),
    components: { schemas: components.schemas },
  },
  operations: Object.fromEntries(methods.map(({ operationId }) => [operationId, answer])),
  validateApiDoc: false,
  exposeApiDocs: false,
})
const app = new Koa()
app.use(bodyParser())
app.use(router.routes())
app.listen(Number(process.env.PORT), '127.0.0.1')
