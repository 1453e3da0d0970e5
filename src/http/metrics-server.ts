import type { Server } from 'node:http'
import type { Metrics } from '../telemetry/metrics.js'
import { createServer, serverTimes } from './server.js'

/** A server for `GET /metrics` alone, on a port that only the monitoring reaches. */
export function createMetricsServer({
  text,
  contentType,
}: Pick<Metrics, 'text' | 'contentType'>): Server {
  return createServer(
    (request, response) => {
      const [path] = request.url?.split('?', 1) ?? []
      if (path !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
        response.writeHead(404).end()
        return
      }
      text().then(
        (metrics) =>
          response
            .writeHead(200, { 'Content-Type': contentType, 'Cache-Control': 'no-store' })
            .end(request.method === 'HEAD' ? '' : metrics),
        () => response.writeHead(503).end(),
      )
    },
    undefined,
    serverTimes,
  )
}
