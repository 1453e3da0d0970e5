import type { TestRedis } from './redis.js'

const script = `
  redis.call('SETNX', 'cierre:{c}:history', 'of the test')
  if redis.call('EXISTS', 'cierre:{c}:feed') == 0 then redis.call('XADD', 'cierre:{c}:feed', '*', 'k', 'genesis') end
  for i = 1, ARGV[1] do
    local name = 't:' .. string.format('%010d', i) .. ARGV[2]
    redis.call('SET', 'cierre:{c}:' .. name, 1)
    redis.call('XADD', 'cierre:{c}:feed', '*', 'k', name, 'u', '', 'c', 1)
  end`

const atOnce = 10_000
let batch = 0

/** Stores many revocations as the commit does; `count` is rounded up to tens of thousands. */
export async function appendRevocations({ client }: TestRedis, count: number): Promise<void> {
  for (let left = count; left > 0; left -= atOnce) {
    batch += 1
    await client.eval(script, {
      keys: [],
      arguments: [String(atOnce), `${String(batch).padStart(11, '0')}A`],
    })
  }
}
