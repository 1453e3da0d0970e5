import { EventEmitter } from 'node:events'
import type { GuardEvents } from './types.js'

/**
 * The events of a guard. An error that a listener throws does not stop the guard: it is rethrown in
 * a microtask.
 */
export function createGuardEvents() {
  const emitter = new EventEmitter<GuardEvents>()
  return {
    /** Whether any event has a listener. */
    isHeard: () => emitter.eventNames().length > 0,
    emit<Name extends keyof GuardEvents>(event: Name, ...args: GuardEvents[Name]): void {
      try {
        // `@types/node` gives `emit`, `on` and `off` conditional types, which a type parameter
        // leaves unresolved.
        emitter.emit(event, ...(args as never))
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    },
    on<Name extends keyof GuardEvents>(
      event: Name,
      listener: (...args: GuardEvents[Name]) => void,
    ): void {
      // The same cast as in `emit`.
      emitter.on(event, listener as never)
    },
    off<Name extends keyof GuardEvents>(
      event: Name,
      listener: (...args: GuardEvents[Name]) => void,
    ): void {
      // The same cast as in `emit`.
      emitter.off(event, listener as never)
    },
  }
}
