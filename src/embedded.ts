export { createCierre, type Cierre } from './service/embedded.js'
export type {
  CierreClient,
  CierreIssuer,
  CierreOptions,
  CierreTransmitter,
  OtherPath,
} from './service/embedded-options.js'
export type { Handler } from './http/hosts/handler.js'
export { fastifyPlugin } from './http/hosts/fastify.js'
export { honoHandler } from './http/hosts/hono.js'
export { koaHandler } from './http/hosts/koa.js'
export type { LogDestination } from './telemetry/log.js'
