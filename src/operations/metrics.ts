import { ServiceError } from '../errors.js'
import type { Metrics } from '../telemetry/metrics.js'
import type { Operation } from './operation.js'

export const metrics =
  ({
    metrics,
    isPublic,
  }: {
    metrics: Pick<Metrics, 'text' | 'contentType'>
    isPublic: boolean
  }): Operation<'metrics'> =>
  async () => {
    if (!isPublic) throw new ServiceError('not_found')
    return {
      status: 200,
      body: await metrics.text(),
      headers: { 'Content-Type': metrics.contentType },
    }
  }
