import { createAddressLimiter, type Limit, type OnRefused } from '../access/rate-limits.js'
import { createApp, type AppParts } from '../http/app.js'
import { createClientAddresses } from '../http/client-addresses.js'
import type { Operations } from '../operations/operation.js'
import type { ServiceParts } from './parts.js'

/** The HTTP side of the service, without a server. */
export const createServiceApp = (
  { config, audit, metrics, log, serviceOutages }: ServiceParts,
  operations: Operations,
  http: Pick<AppParts, 'document' | 'times' | 'isHosted'>,
): ReturnType<typeof createApp> =>
  createApp({
    ...http,
    operations,
    addresses: createClientAddresses(config.trustProxy),
    addressLimiters: addressLimiters(config.rateLimitAddress, metrics.limited),
    corsOrigins: config.corsOrigins,
    audit,
    observe: metrics.request,
    countFailure: serviceOutages.countRequest,
    log,
  })

const addressLimiters = (limit: Limit | undefined, onRefused: OnRefused) =>
  limit && {
    readable: createAddressLimiter(limit, onRefused),
    unreadable: createAddressLimiter(limit, onRefused),
  }
