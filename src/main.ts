#!/usr/bin/env node
import { once } from 'node:events'

// Before anything that takes time to load: a signal during the start must not be lost, least of all by process 1 of a container.
const stopped = Promise.race(['SIGTERM', 'SIGINT'].map(async (signal) => {
  await once(process, signal)
  // npm passes on the Ctrl-C that the terminal has already sent to the whole group: further signals change nothing.
  process.on(signal, () => undefined)
  return signal
}))

const { serve } = await import('./serve.js')
try {
  await serve(process.env, stopped)
  process.exit(0)
} catch (error) {
  const lines = (error as Error).message.split('\n')
  process.stderr.write(`cierre cannot start:\n${lines.map((line) => `  ${line}\n`).join('')}`)
  process.exit(1)
}
