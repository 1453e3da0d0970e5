import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/**
 * Runs V8's garbage collector several times, with turns of the event loop between: weak references
 * are cleared in later turns.
 */
export async function collectGarbage(): Promise<void> {
  for (let time = 0; time < 5; time += 1) {
    collect()
    await pause(20)
  }
}
