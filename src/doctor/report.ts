import type { Report, Result } from './run.js'

const words: Readonly<Record<Result['outcome'], string>> = {
  held: 'ok',
  failed: 'FAILED',
  not_tried: 'not tried',
  unknown: 'unknown',
}

/** The report as a table for people. */
export function tableOf(report: Report): string {
  const width = Math.max(...report.results.map(({ name }) => name.length))
  const lines = [
    `logout     ${report.logout}`,
    `protected  ${report.addresses.join('\n           ')}`,
    '',
    ...report.results.flatMap((result) => rowsOf(result, width)),
    '',
    ...report.notes.map((note) => `note: ${note}`),
    ...(report.notes.length === 0 ? [] : ['']),
    summaryOf(report),
  ]
  return `${lines.join('\n')}\n`
}

const firstWidth = 11

function rowsOf(result: Result, width: number): string[] {
  const indent = ' '.repeat(firstWidth)
  const row = `${words[result.outcome].padEnd(firstWidth)}${result.name.padEnd(width + 2)}`
  switch (result.outcome) {
    case 'held':
      return [row.trimEnd()]
    case 'failed':
      return [
        row.trimEnd(),
        ...result.findings.map((finding) => `${indent}- ${finding}`),
        `${indent}why: ${result.why} (${result.clause})`,
      ]
    case 'not_tried':
    case 'unknown':
      return [`${row}${result.reason}`]
  }
}

const countOf = ({ results }: Report, wanted: Result['outcome']) =>
  results.filter(({ outcome }) => outcome === wanted).length

function summaryOf(report: Report): string {
  const counts = [
    `${countOf(report, 'held')} ok`,
    `${countOf(report, 'failed')} failed`,
    `${countOf(report, 'not_tried')} not tried`,
    `${countOf(report, 'unknown')} unknown`,
  ]
  return `${counts.join(', ')}; ${report.requests} requests in ${Math.round(report.ms / 1000)} s`
}

/** The report for programs. `outcome` is held, failed, not_tried or unknown. */
export const jsonOf = (report: Report): string => `${JSON.stringify(report, null, 2)}\n`

/** The report as JUnit's XML: what was not tried is skipped, what is unknown is an error. */
export function junitOf(report: Report): string {
  const count = (wanted: Result['outcome']) => countOf(report, wanted)
  const totals = {
    tests: report.results.length,
    failures: count('failed'),
    errors: count('unknown'),
    skipped: count('not_tried'),
    time: report.ms / 1000,
  }
  const suite = { name: `cierre doctor ${report.logout}`, ...totals }
  const cases = report.results.map((result) => {
    const { name, ms } = result
    const open = `<testcase${attributes({ name, classname: 'cierre.doctor', time: ms / 1000 })}`
    return result.outcome === 'held' ? `    ${open}/>` : `    ${open}>${inside(result)}</testcase>`
  })
  const notes =
    report.notes.length === 0
      ? []
      : [`    <system-out>${escape(report.notes.join('\n'))}</system-out>`]
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes(totals)}>`,
    `  <testsuite${attributes(suite)}>`,
    ...cases,
    ...notes,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function inside(result: Exclude<Result, { outcome: 'held' }>): string {
  switch (result.outcome) {
    case 'failed': {
      const message = result.findings.join('; ')
      return `<failure${attributes({ message })}>${escape(`${result.why} (${result.clause})`)}</failure>`
    }
    case 'not_tried':
      return `<skipped${attributes({ message: result.reason })}/>`
    case 'unknown':
      return `<error${attributes({ message: result.reason })}/>`
  }
}

const attributes = (values: Readonly<Record<string, string | number>>) =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}="${escape(String(value))}"`)
    .join('')

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
}

/** XML 1.0 has no form for other control characters (§2.2). */
const escape = (text: string) =>
  text.replace(/[&<>"\n]/g, (one) => entities[one] ?? one).replace(/[\x00-\x08\x0b-\x1f]/g, '�')
