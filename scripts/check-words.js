// Refuses private words for which the field has a term, in every file that git tracks. The glossary
// of src/README.md has the terms.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const terms = {
  asker: 'requester',
  witness: 'auditEvent',
  unwitnessed: 'stored_without_audit',
  uncounted: 'not_executed',
  became: 'outcome',
  unmet: 'unconfirmed',
  owed: 'pending restore',
  rehearse: 'dry run',
  rehearsal: 'dry run',
  heed: 'check',
  'let go': 'abort, cancel, release',
  whoever: 'the client, the caller, the operator',
  nobody: 'no client, no caller',
  somebody: 'a client, a caller',
}
const files = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '' && file !== 'scripts/check-words.js')
  .filter((file) => !/^generated\/|^package-lock\.json$|^LICENSE$/.test(file))

const pattern = new RegExp(
  Object.keys(terms)
    .map((word) => `(?<![a-z])${word.replace(' ', '')}(?:s|es|d|ing)?(?![a-z])`)
    .join('|'),
  'g',
)

/** The words of a line, in lower case. `letGo` and `LET_GO` become one word, as `let go` does. */
const wordsOf = (line) =>
  line
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replace(/[^a-z]+/g, ' ')
    .replaceAll('let go', 'letgo')

let found = 0
for (const file of files) {
  for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    for (const [word] of wordsOf(line).matchAll(pattern)) {
      found += 1
      const [, term] = Object.entries(terms).find(([one]) => word.startsWith(one.replace(' ', '')))
      console.error(`${file}:${index + 1}: "${word}"; write: ${term}`)
    }
  }
}
if (found > 0) process.exit(1)
