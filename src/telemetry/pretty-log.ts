import type { LogDestination } from './log.js'

/**
 * Log lines for a person at a terminal. Its package is there in a clone alone, as a development
 * dependency; without it the lines stay JSON.
 *
 * @returns `undefined` without the package
 */
export async function prettyLines(
  write: (text: string) => unknown,
): Promise<LogDestination | undefined> {
  const pretty = await import('pino-pretty').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  })
  if (pretty === undefined) return undefined
  const format = pretty.prettyFactory({
    colorize: pretty.isColorSupported,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss',
  })
  return {
    write: (lines) => write(lines.trimEnd().split('\n').map(format).join('')),
  }
}
