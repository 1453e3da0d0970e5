import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clientsVariable } from './clients.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The commit in which the layout and the feed got versions: both were 1, and knew no `n:`. */
export const versionsCameIn = 'ff6875cd1e0f932b5c6570e1b05cd2c0024be8c4'

const permissionsOfBoth = ['introspect', 'revoke', 'feed', 'audit']
/** `CLIENTS` for both: the earlier one knows no `claims` of a client, and fewer permissions. */
export const clientsOfBoth = JSON.stringify(
  (JSON.parse(clientsVariable) as { allow: string[] }[])
    .map((client) => ({
      ...client,
      claims: undefined,
      allow: client.allow.filter((permission) => permissionsOfBoth.includes(permission)),
    }))
    .filter(({ allow }) => allow.length > 0),
)

/**
 * The sources of an earlier commit in a folder of their own, with the dependencies of this checkout.
 * `tsx` runs them without a build.
 *
 * @throws Error when this checkout does not have the commit, as a shallow clone does not
 */
export function checkOutEarlier(commit: string): { file(path: string): string; remove(): void } {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, ...args], {
      maxBuffer: 2 ** 28,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  try {
    git('cat-file', '-e', `${commit}^{commit}`)
  } catch (cause) {
    throw new Error(`commit ${commit} is not here: git fetch --unshallow`, { cause })
  }
  const folder = mkdtempSync(join(tmpdir(), 'cierre-earlier-'))
  execFileSync('tar', ['-x', '-C', folder], { input: git('archive', commit) })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return {
    file: (path) => join(folder, path),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
