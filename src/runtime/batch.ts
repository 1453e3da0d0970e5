type Waiting<Item, Result> = {
  item: Item
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

/**
 * Collects the items of one turn of the event loop and does the work for all of them together:
 * under load, many requests share one command to the store.
 *
 * @param work does it for `most` items at most and answers a result for each, in their order
 * @param mayBeOnes whether one item alone may have caused a failure, so that each is tried by
 * itself
 */
export function batched<Item, Result>(
  work: (items: Item[]) => Promise<Result[]>,
  { most, mayBeOnes }: { most: number; mayBeOnes: (error: unknown) => boolean },
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = []
  const run = (batch: Waiting<Item, Result>[]) => {
    work(batch.map(({ item }) => item)).then(
      (results) => batch.forEach(({ resolve }, index) => resolve(results[index] as Result)),
      (error: unknown) => {
        if (batch.length > 1 && mayBeOnes(error)) batch.forEach((one) => run([one]))
        else batch.forEach(({ reject }) => reject(error))
      },
    )
  }
  const flush = () => {
    const all = waiting
    waiting = []
    for (let start = 0; start < all.length; start += most) run(all.slice(start, start + most))
  }
  return (item) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ item, resolve, reject }) === 1) setImmediate(flush)
    })
}
