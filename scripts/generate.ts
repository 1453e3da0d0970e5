// Makes generated/ from openapi.yaml and from the code (test vectors, configuration reference).
// With --check it writes nothing, and fails if a file is out of date.
import { readFile, writeFile } from 'node:fs/promises'
import openapiTS, { astToString } from 'openapi-typescript'
import { parse } from 'yaml'
import type { ContractDocument } from '../src/contract.js'
import { collectionOf } from './collection.js'
import { configurationPage } from './configuration.js'
import { makeValidators } from './validators.js'
import { makeVectors, type Vectors } from './vectors.js'

const root = new URL('../', import.meta.url)
const contract = new URL('openapi.yaml', root)
const document = parse(await readFile(contract, 'utf8')) as ContractDocument
const validators = makeValidators(document)

const vectors = new URL('generated/vectors.json', root)
const vectorsBefore = await readFile(vectors, 'utf8').then(
  (text) => JSON.parse(text) as Vectors,
  () => undefined,
)

const made: Record<string, string> = {
  'generated/collection.json': `${JSON.stringify(collectionOf(document), null, 1)}\n`,
  'generated/configuration.md': configurationPage(),
  'generated/openapi.d.ts': `// Made from openapi.yaml by \`npm run generate\`.\n${astToString(await openapiTS(contract, { silent: true }))}`,
  'generated/openapi.json': `${JSON.stringify(document, null, 1)}\n`,
  'generated/validators.js': validators.code,
  'generated/validators.d.ts': validators.types,
  'generated/vectors.json': `${JSON.stringify(await makeVectors(vectorsBefore), null, 1)}\n`,
}

const stale: string[] = []
for (const [file, text] of Object.entries(made)) {
  if (!process.argv.includes('--check')) await writeFile(new URL(file, root), text)
  else if ((await readFile(new URL(file, root), 'utf8').catch(() => '')) !== text) stale.push(file)
}
if (stale.length > 0) {
  console.error(`out of date: ${stale.join(', ')}; run \`npm run generate\``)
  process.exitCode = 1
}
