type Waiting<Item, Result> = {
  item: Item
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

/**
 * Does for all that is asked in one turn of the event loop what would otherwise be done for each: under load, most of what a store
 * costs is spent once for many requests.
 *
 * @param work what is done for `most` items at once, at most; gives a result for each, in their order
 * @param mayBeOnes whether a failure may be the fault of one item, so that each is tried by itself
 */
export function batched<Item, Result>(
  work: (items: Item[]) => Promise<Result[]>,
  { most, mayBeOnes }: { most: number; mayBeOnes: (error: unknown) => boolean },
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = []
  const run = (batch: Waiting<Item, Result>[]) => {
    work(batch.map(({ item }) => item)).then(
      (results) => batch.forEach(({ resolve }, at) => resolve(results[at] as Result)),
      (error: unknown) => {
        if (batch.length > 1 && mayBeOnes(error)) batch.forEach((one) => run([one]))
        else batch.forEach(({ reject }) => reject(error))
      },
    )
  }
  const flush = () => {
    const all = waiting
    waiting = []
    for (let at = 0; at < all.length; at += most) run(all.slice(at, at + most))
  }
  return (item) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ item, resolve, reject }) === 1) setImmediate(flush)
    })
}
