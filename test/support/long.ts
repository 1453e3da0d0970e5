/** Whether this is `npm run test:long`. */
export const isLong = process.env['LONG'] === '1'

/** How often a long test repeats: `few` times in `npm test`, `many` in `npm run test:long`. */
export const repeats = (few: number, many: number): number => (isLong ? many : few)

/** A test that takes too long for `npm test`. */
export function longTest(name: string, run: Mocha.AsyncFunc): void {
  if (isLong) it(name, run)
}

/**
 * Prints in `npm run test:long` how long something took. The figure depends on the machine and on
 * what runs beside the test, so no test fails by it.
 */
export function reportFigure(what: string, tookMs: number): void {
  if (isLong) console.log(`      ${what}: ${tookMs.toFixed(0)} ms`)
}
