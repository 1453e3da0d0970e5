import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/** The sections of `generated/bench.md`, in their order. */
const sectionNames = [
  'logout',
  'asking',
  'agent',
  'connections',
  'sizes',
  'steady',
  'memory',
  'footprint',
  'network',
] as const

export type SectionName = (typeof sectionNames)[number]

export const reportFile = 'generated/bench.md'

const preamble = '# What a logout costs\n'

/** A table in Markdown, under its title. */
export const markdownTable = (
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string =>
  `\n## ${title}\n\n| ${head.join(' | ')} |\n|${head.map(() => '---').join('|')}|\n${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}`

/**
 * Writes one section of a report, and leaves the others as they are.
 *
 * @param opening what stands above the sections from now on
 */
export function writeSection(
  name: SectionName,
  text: string,
  { file = reportFile, opening }: { file?: string; opening?: string } = {},
): void {
  const written = existsSync(file) ? readFileSync(file, 'utf8') : preamble
  const above = opening ?? written.split('\n<!-- ')[0]
  const sections = sectionNames.map((each) =>
    each === name ? `<!-- ${name} -->\n${text}\n<!-- end -->\n` : sectionOf(each, written),
  )
  writeFileSync(file, [above, ...sections].filter(Boolean).join('\n'))
}

const sectionOf = (name: SectionName, written: string): string =>
  new RegExp(`<!-- ${name} -->\\n[^]*?<!-- end -->\\n`).exec(written)?.[0] ?? ''
