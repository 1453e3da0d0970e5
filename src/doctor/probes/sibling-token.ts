import { randomUUID } from 'node:crypto'
import { parseJwt } from '../jwt.js'
import { NotTried, type Probe } from '../probe.js'
import { addressesThatLetIn, isInEverywhere, letInAt, logOut } from '../steps.js'
import type { Login, Target } from '../target.js'

export const siblingToken: Probe = {
  name: 'a sibling token of the login',
  why: 'A login has several tokens; the logout of one must end the session, not that token alone.',
  clause: 'OWASP ASVS 5.0 7.4.1, RFC 7009 §2.1',
  needs: [],
  async run(target) {
    const login = await target.login()
    const siblings = await siblingsOf(target, login)
    if (siblings.length === 0)
      throw new NotTried(
        'needs a second token of one login: `refresh`, or `sign` and tokens with a `sid`, or a login that answers several tokens',
      )
    await logOut(target, login.token)
    const letIn: string[] = []
    for (const { what, token } of siblings)
      letIn.push(...letInAt(what, await addressesThatLetIn(target, token)))
    return letIn
  },
}

type Sibling = Readonly<{ what: string; token: string }>

/** Tokens of the same session that are let in before the logout. */
async function siblingsOf(target: Target, login: Login): Promise<Sibling[]> {
  const all: Sibling[] = [
    ...login.others.map((token) => ({ what: 'another token of the same login', token })),
    ...(await signed(target, login)),
    ...(await refreshed(target, login)),
  ]
  const good: Sibling[] = []
  for (const sibling of all)
    if (sibling.token !== login.token && (await isInEverywhere(target, sibling.token)))
      good.push(sibling)
  return good
}

async function refreshed(target: Target, login: Login): Promise<Sibling[]> {
  if (target.lacks('refresh')) return []
  const answer = await target.refresh(login)
  return 'token' in answer
    ? [{ what: 'a token that was refreshed before the logout', token: answer.token }]
    : []
}

/** By these claims issuers name the session (`sid`: OpenID Connect Front-Channel Logout 1.0 §3). */
const sessionClaims = ['sid', 'session_id', 'sessionId', 'session_state']

async function signed(target: Target, { token }: Login): Promise<Sibling[]> {
  if (target.lacks('sign')) return []
  const { header, claims } = parseJwt(token)
  if (!sessionClaims.some((name) => claims[name] !== undefined)) return []
  const jti = randomUUID()
  return [
    {
      what: 'a second token of the same session',
      token: await target.sign({ ...claims, jti }, header),
    },
  ]
}
