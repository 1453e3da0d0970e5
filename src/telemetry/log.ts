import { pino, stdSerializers, type Logger } from 'pino'

/** Bytes that wait for a log that takes none; what comes then is lost to it. */
const mostUnwritten = 1 << 20

let last = { ms: NaN, text: '' }

/** As `Date.toISOString`, which is dear, and asked for again and again within a millisecond. */
export function isoTime(ms: number): string {
  if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString() }
  return last.text
}

/** Takes a line that is JSON already, with its end. */
export type WriteLine = (line: string) => void

/**
 * JSON lines on standard output, those of a logger and those that are written already. What one turn of the event loop logs leaves at its
 * end in one go: a write for each line would cost more than anything else that is done for a request.
 */
export function createLog(level: string): { log: Logger; writeLine: WriteLine } {
  const destination = pino.destination({ dest: 1, sync: true, maxLength: mostUnwritten })
  // A full disk, or a reader that is gone, is no reason to forget every revocation.
  let isTold = false
  destination.on('error', ({ message }: Error) => {
    if (!isTold) process.stderr.write(`the log cannot be written: ${message}\n`)
    isTold = true
  })
  let lines = ''
  const flush = () => {
    const due = lines
    lines = ''
    if (due !== '') destination.write(due)
  }
  const writeLine = (line: string) => {
    if (lines === '') setImmediate(flush)
    lines += line
  }
  process.on('exit', flush)
  const timestamp = () => `,"time":"${isoTime(Date.now())}"`
  const log = pino(
    { level, base: null, timestamp, serializers: { err: stdSerializers.errWithCause } },
    { write: writeLine },
  )
  return { log, writeLine }
}
