import {
  cutoffClaims,
  standardMapping,
  type ClaimMapping,
  type CutoffClaim,
} from './claim-mapping.js'
import type { IssuerName, IssuerTemplate } from './issuer-name.js'
import { oneOf, text, texts, type Option } from './options.js'

/** Claims that tokens of many users share. */
const shared: readonly string[] = [
  ...['iss', 'aud', 'exp', 'nbf', 'iat', 'auth_time', 'updated_at'],
  ...['azp', 'client_id', 'cid', 'appid', 'applicationId', 'azpacr', 'appidacr'],
  ...['tid', 'tenant', 'tenant_id', 'org', 'org_id', 'org_code', 'env', 'hd', 'idp', 'tfp'],
  ...['scope', 'scp', 'role', 'roles', 'groups', 'permissions', 'entitlements', 'cognito:groups'],
  ...['typ', 'token_use', 'idtyp', 'ver', 'v', 'acr', 'amr', 'aal', 'nonce', 'is_anonymous'],
  ...['name', 'given_name', 'family_name', 'nickname', 'gender', 'locale', 'zoneinfo'],
  ...['email_verified', 'phone_number_verified', 'act', 'may_act', 'cnf', 'events'],
]

/** Claims that all sessions of a user share. */
const ofUser: readonly string[] = [
  ...['sub', 'sub_id', 'oid', 'uid', 'user_id', 'username', 'cognito:username'],
  ...['preferred_username', 'unique_name', 'upn', 'email', 'phone', 'phone_number', 'device_key'],
]

type Names = Readonly<{
  sessionClaim: readonly string[]
  subjectClaim: string
  template: IssuerTemplate | undefined
}>

/**
 * What is wrong with the claims that name sessions, if anything. Where several sessions share the
 * value of a claim, a logout of one ends all of them, also those that begin later.
 */
function faultOfSessionClaim({ sessionClaim, subjectClaim, template }: Names): string | undefined {
  const refused = [...shared, ...ofUser, subjectClaim, template?.claim]
  const wrong = sessionClaim.filter((name) => refused.includes(name))
  return wrong.length === 0
    ? undefined
    : `has ${wrong.join(', ')}, which several sessions share: a logout would end all of them, later ones, too`
}

/** What is wrong with the claim that names subjects, if anything. */
function faultOfSubjectClaim({ subjectClaim, template }: Names): string | undefined {
  if ([...shared, template?.claim].includes(subjectClaim))
    return `is ${subjectClaim}, which several users share: a logout everywhere would end the tokens of all of them`
  return subjectClaim === 'jti' || subjectClaim === 'sid'
    ? `is ${subjectClaim}, which no two logins of a user share: a logout everywhere would end one`
    : undefined
}

type Member = keyof ClaimMapping

/**
 * Reads the settings that say which claims name what.
 *
 * @param of the cutoff claim of all issuers, and the name of this one
 */
export function readMapping(
  read: <T>(member: Member, option: Option<T>) => T | undefined,
  of: IssuerName & {
    cutoffClaim: CutoffClaim
    report: (member: Member, what: string) => void
  },
): ClaimMapping {
  const { sessionClaim, subjectClaim, audienceClaim } = standardMapping
  const mapping: ClaimMapping = {
    sessionClaim: read('sessionClaim', texts) ?? sessionClaim,
    subjectClaim: read('subjectClaim', text) ?? subjectClaim,
    audienceClaim: read('audienceClaim', texts) ?? audienceClaim,
    cutoffClaim: read('cutoffClaim', oneOf(cutoffClaims)) ?? of.cutoffClaim,
  }
  const names = { ...mapping, template: of.template }
  const ofSession = faultOfSessionClaim(names)
  const ofSubject = faultOfSubjectClaim(names)
  if (ofSession !== undefined) of.report('sessionClaim', ofSession)
  if (ofSubject !== undefined) of.report('subjectClaim', ofSubject)
  return mapping
}
