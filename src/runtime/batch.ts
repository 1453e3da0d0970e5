import { createDeferred, type Deferred } from './deferred.js'

type Waiting<Item, Result> = Readonly<{ item: Item; result: Deferred<Result> }>

type Work<Item, Result> = (items: Item[]) => Promise<Result[]>

type Batching = Readonly<{ most: number; mayBeOnes: (error: unknown) => boolean }>

/**
 * Collects the items of one turn of the event loop and does the work for all of them together:
 * under load, many requests share one command to the store.
 *
 * @param work handles at most `most` items, and answers a result for each, in their order
 * @param mayBeOnes whether a single item may be the cause of a failure; if so, each item is tried
 * alone
 */
export function batched<Item, Result>(
  work: Work<Item, Result>,
  { most, mayBeOnes }: Batching,
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = []
  const flush = () => {
    const all = waiting
    waiting = []
    for (let start = 0; start < all.length; start += most)
      void run(work, mayBeOnes, all.slice(start, start + most))
  }
  return (item) => {
    const result = createDeferred<Result>()
    if (waiting.push({ item, result }) === 1) setImmediate(flush)
    return result.promise
  }
}

/** Never rejects: each result and each failure goes to the item that waits for it. */
async function run<Item, Result>(
  work: Work<Item, Result>,
  mayBeOnes: Batching['mayBeOnes'],
  batch: readonly Waiting<Item, Result>[],
): Promise<void> {
  try {
    const results = await work(batch.map(({ item }) => item))
    for (const [index, { result }] of batch.entries()) result.resolve(results[index] as Result)
  } catch (error) {
    if (batch.length > 1 && mayBeOnes(error))
      for (const one of batch) void run(work, mayBeOnes, [one])
    else for (const { result } of batch) result.reject(error)
  }
}
