// GraphQL subscriptions (graphql-ws): a connection is refused at its `connection_init`, and closed
// with 4401 when its token is revoked or expires. The client:
// `createClient({ url, connectionParams: { authorization: `Bearer ${token}` } })`.
import { createServer } from 'node:http'
import { buildSchema } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import type { Guard } from 'cierre/guard'
import { graphqlWsGuard } from 'cierre/guard/graphql-ws'

const schema = buildSchema('type Query { no: String } type Subscription { welcome: String }')

async function* welcome(subject: string | undefined) {
  yield { welcome: `welcome ${subject}` }
  await new Promise(() => undefined)
}

export const createApi = (guard: Guard) => {
  const server = createServer()
  const sockets = new WebSocketServer({ server, path: '/graphql' })
  useServer(
    {
      schema,
      roots: {
        subscription: {
          welcome: (_: object, { subject }: { subject?: string }) => welcome(subject),
        },
      },
      context: ({ extra }) => ({ subject: extra.claims?.sub }),
      ...graphqlWsGuard(guard),
    },
    sockets,
  )
  return server
}
