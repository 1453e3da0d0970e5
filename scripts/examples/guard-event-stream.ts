// An event stream (Server-Sent Events) in Express 5: refused at its beginning, ended when its token
// is revoked or expires, and when the guard cannot tell any more. `endWithToken` does the same for
// any response of Node that lasts.
import type { ServerResponse } from 'node:http'
import express from 'express'
import type { Claims, Guard } from 'cierre/guard'
import { expressGuard } from 'cierre/guard/express'

export function endWithToken(guard: Guard, claims: Claims, response: ServerResponse): void {
  const stop = guard.watch(claims, () => response.destroy(), { onStale: 'close' })
  response.once('close', stop)
}

export const createApi = (guard: Guard) =>
  express().get('/', expressGuard(guard), (request, response) => {
    endWithToken(guard, request.claims!, response)
    response.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    response.write(`data: welcome ${request.claims?.sub}\n\n`)
  })
