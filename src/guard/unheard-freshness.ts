type State = Readonly<{ mode: 'starting' | 'fresh' | 'stale'; trouble?: Error }>

/**
 * Says on the console what a guard without listeners warns of, and when it becomes stale and fresh
 * again: otherwise no line would say why its API answers 503. A guard that meets trouble before it
 * was ever fresh counts as stale.
 *
 * @param isHeard whether the app listens to the guard, and so is told by events
 */
export function createUnheardFreshness(isHeard: () => boolean) {
  let state: State = { mode: 'starting' }
  const print = (text: string) => {
    if (!isHeard()) console.warn(`cierre guard: ${text}`)
  }
  const becomeStale = (trouble: Error = new Error('the service sent nothing')) => {
    state = { mode: 'stale', trouble }
    print(
      `stale: valid tokens get 503, unless onUnknown decides otherwise. Reason: ${trouble.message}`,
    )
  }
  return {
    onFreshness(isFresh: boolean) {
      const { mode, trouble } = state
      if (isFresh) {
        state = { mode: 'fresh' }
        if (mode === 'stale') print('fresh again')
      } else if (mode !== 'stale') becomeStale(trouble)
    },
    onTrouble(trouble: Error) {
      if (state.mode === 'starting') becomeStale(trouble)
      else state = { ...state, trouble }
    },
    onWarning: (warning: Error) => print(warning.message),
  }
}
