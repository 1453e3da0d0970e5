import { readFileSync } from 'node:fs'
import { expect } from 'chai'

/** Tables whose rows name tests, each by its title and its file. */
const tables = [
  { page: 'SECURITY.md', heading: '## What standards ask for', atLeast: 11 },
  { page: 'README.md', heading: '## What is promised', atLeast: 6 },
]

for (const { page, heading, atLeast } of tables)
  describe(`the table of ${page}: ${heading.slice(3)}`, () => {
    it('names tests that exist, each by its title and its file', () => {
      const text = readFileSync(page, 'utf8')
      const table = text.slice(text.indexOf(heading))
      const rows =
        table.slice(0, table.indexOf('\n## ', 1)).match(/^\| (?!requirement|promise|-).*$/gm) ?? []
      expect(rows.length).to.be.at.least(atLeast)
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
