import type { Logger } from 'pino'
import { nearest } from '../runtime/nearest.js'
import { agentVariables } from './agent-variables.js'
import type { Environment } from './read-variables.js'
import type { Variable } from './variable.js'
import { variables } from './variables.js'

const known = [...Object.entries<Variable>(variables), ...Object.entries<Variable>(agentVariables)]
  .flatMap(([name, { orFile }]) => (orFile ? [name, `${name}_FILE`] : [name]))
  .filter((name, index, all) => all.indexOf(name) === index)

/** What the names of variables begin with that are of no other program, most likely. */
const ownPrefix = /^(?:AGENT|AUDIT|AUTH|CIERRE|JWT|REDIS|SESSION)_/
/** Beginnings that other programs have, too: only a name that is near counts as misspelt. */
const sharedPrefix = /^(?:CLEAR|CORS|CUTOFF|MAX|METRICS|RATE|SENDER|STORE|TLS|TRUST)_/
/** Kubernetes adds these for every service, such as one that is called `redis`. */
const isServiceLink = (name: string, value = '') =>
  /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?$/.test(name) ||
  (name.endsWith('_PORT') && /^\w+:\/\//.test(value))

/** What `TLS_CERT` or `AUDIT_MAX_AGE` lacks is its last word, whatever the length of that. */
const longerNames = (name: string) => known.find((one) => one.startsWith(`${name}_`))

/** A variable that cierre does not read, and the one that it most likely stands for. */
export type UnknownVariable = Readonly<{ name: string; nearest: string | undefined }>

/** The variables of an environment that are set, look as if they were cierre's, and are not. */
export function unknownVariables(env: Environment): UnknownVariable[] {
  return Object.entries(env)
    .filter(([name]) => ownPrefix.test(name) || sharedPrefix.test(name))
    .filter(([name, value]) => value !== '' && !known.includes(name) && !isServiceLink(name, value))
    .map(([name]) => ({ name, nearest: nearest(name, known) ?? longerNames(name) }))
    .filter(({ name, nearest }) => ownPrefix.test(name) || nearest !== undefined)
}

/** A misspelt variable would leave its setting at the default. */
export function warnOfUnknownVariables(env: Environment, log: Pick<Logger, 'warn'>): void {
  for (const { name, nearest } of unknownVariables(env)) {
    const meant = nearest === undefined ? '' : `; did you mean ${nearest}?`
    log.warn({ variable: name, nearest }, `a variable is not known: ${name}${meant}`)
  }
}
