// Plain node:http. When `guardRequest` refuses a request, it answers the request itself and returns
// nothing.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { guardRequest, type Guard } from 'cierre/guard'

export const createApi = (guard: Guard) =>
  createServer((request, response) => {
    answer(guard, request, response).catch((error: unknown) => response.destroy(error as Error))
  })

async function answer(guard: Guard, request: IncomingMessage, response: ServerResponse) {
  const claims = await guardRequest(guard, request, response)
  if (claims !== undefined) response.end(claims.sub)
}
