import { sendRequest } from './requests.js'
import type { LoginSettings } from './settings.js'
import { outputOf, type Environment } from './shell.js'
import { tokensOf } from './found-tokens.js'
import type { Effort } from './effort.js'
import type { Login } from './target.js'
import { fill } from './template.js'

/** What every part of a target shares. */
export type Means = Readonly<{
  effort: Effort
  answerMs: number
  env: Environment
  closing: AbortSignal
  note: (text: string) => void
}>

/** How often a login may answer a token that an earlier one had. */
const mostRepeats = 5
const nextSecondMs = 1_050

/** Answers a function that logs in, and whose every token is a new one. */
export function createLogins(means: Means) {
  const seen = new Set<string>()
  return async (name: string, settings: LoginSettings): Promise<Login> => {
    for (let repeats = 0; repeats < mostRepeats; repeats += 1) {
      const login = await logIn(name, settings, means)
      if (!seen.has(login.token)) {
        seen.add(login.token)
        return login
      }
      means.note(
        'Two logins within one second get the same token: a logout ends both, and the next login is refused (OWASP ASVS 5.0 7.2.4). A `jti` makes tokens differ.',
      )
      await means.effort.pause(nextSecondMs)
    }
    throw new Error(`${name} answers the same token again and again`)
  }
}

/** @throws Error that says what the login answered instead of a token */
async function logIn(name: string, settings: LoginSettings, means: Means): Promise<Login> {
  const { source } = settings
  try {
    if ('command' in source) {
      means.effort.countRequest()
      const { env, closing } = means
      const printed = await outputOf({ name: 'the command', line: source.command, env, closing })
      return tokensOf(printed, undefined, settings)
    }
    const answer = await sendRequest(means, fill(source.request, {}))
    if (!answer.isIn && (answer.status < 300 || answer.status > 399))
      throw new Error(`the login answered: ${answer.said}`)
    return tokensOf(answer.body, answer.headers, settings)
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error })
  }
}
