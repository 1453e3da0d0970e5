import type { ChildProcess } from 'node:child_process'
import { withDeadline } from '../../../src/runtime/deadline.js'

/** Milliseconds on the clock that all processes of a machine share (CLOCK_MONOTONIC). */
export const clockMs = () => Number(process.hrtime.bigint()) / 1e6

const withinMs = 90_000

type Waiting = { resolve: (answer: unknown) => void; reject: (error: Error) => void }

/** Gives an order to a process, and waits for its answer. */
export type Give<Order> = <Answer>(order: Order) => Promise<Answer>

/** @throws Error (the function) when the process has ended, or does not answer in time */
export function ordersTo<Order>(name: string, child: ChildProcess): Give<Order> {
  const waiting = new Map<number, Waiting>()
  let given = 0
  child.on('message', ({ id, answer }: { id: number; answer: unknown }) => {
    waiting.get(id)?.resolve(answer)
    waiting.delete(id)
  })
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error(`${name} has ended`))
  })
  return async <Answer>(order: Order) => {
    const id = (given += 1)
    const answered = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
    child.send({ id, order })
    return (await withDeadline(answered, withinMs)) as Answer
  }
}

/** Obeys the orders to this process, which ends with the process that gives them. */
export function obey<Order>(handle: (order: Order) => unknown): void {
  process.once('disconnect', () => process.exit())
  process.on('message', ({ id, order }: { id: number; order: Order }) => {
    void Promise.resolve(handle(order)).then((answer) => process.send?.({ id, answer }))
  })
}
