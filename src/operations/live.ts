import type { Operation } from './operation.js'

export const live = (): Operation<'live'> => async () => ({ status: 200, body: { status: 'live' } })
