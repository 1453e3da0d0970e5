import { readFileSync } from 'node:fs'
import { expect } from 'chai'

describe('the table of requirements in SECURITY.md', () => {
  it('names tests that exist, each by its title and its file', () => {
    const page = readFileSync('SECURITY.md', 'utf8')
    const table = page.slice(page.indexOf('## What standards ask for'))
    const rows = table.slice(0, table.indexOf('\n## ', 1)).match(/^\| (?!requirement|-).*$/gm) ?? []
    expect(rows.length).to.be.above(10)
    for (const row of rows) {
      const tests = [...row.matchAll(/\[([^\]]+)\]\((test\/[^)]+)\)/g)]
      expect(tests.length, row).to.be.above(0)
      for (const [, title = '', file = ''] of tests)
        expect(
          titlesOf(file).some((one) => one.startsWith(title)),
          `${title} in ${file}`,
        ).to.equal(true)
    }
  })
})

/** The titles of a file's suites and tests, as they are written. */
const titlesOf = (file: string) =>
  [...readFileSync(file, 'utf8').matchAll(/\b(?:it|describe)\(\s*(['"`])(.+?)\1,/g)].map(
    ([, , title = '']) => title,
  )
