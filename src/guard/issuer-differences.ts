import type { ClaimMapping } from '../token/claim-mapping.js'
import { findIssuer, parseIssuerName, type IssuerName } from '../token/issuer-name.js'

const compared = ['sessionClaim', 'subjectClaim', 'cutoffClaim'] as const
type Compared = Pick<ClaimMapping, (typeof compared)[number]>

/** An issuer as the service describes it; `null`: it takes any `iss`. */
export type ServiceIssuer = Readonly<{ issuer: string | null }> & Compared
type OwnIssuer = IssuerName & Compared

/**
 * Compares the issuers of the service with those of this guard whenever they change. Keys are made
 * from the claims that name session and subject: with others, revoked tokens would pass here.
 *
 * @param warn called once for each difference
 * @returns a function for what the service answers; an older service answers nothing
 */
export function createIssuerComparison(
  own: readonly OwnIssuer[],
  warn: (warning: Error) => void,
): (issuers: readonly ServiceIssuer[] | undefined) => void {
  let before = ''
  return (issuers = []) => {
    const text = JSON.stringify(issuers)
    if (text === before || issuers.length === 0) return
    before = text
    for (const difference of differences(issuers, own)) warn(new Error(difference))
  }
}

function differences(service: readonly ServiceIssuer[], own: readonly OwnIssuer[]): string[] {
  return own.flatMap((one) => {
    const { issuer = '(any)' } = one
    const differing = service
      .filter((other) => areOfOne(one, other))
      .map((other) => differingIn(one, other).join(', '))
    if (differing.length === 0) return [`the service revokes no tokens of the issuer ${issuer}`]
    if (differing.includes('')) return []
    return [
      `the service has another ${differing[0]} for the issuer ${issuer}: tokens that it has revoked may pass here`,
    ]
  })
}

const differingIn = (one: Compared, other: Compared): string[] =>
  compared.filter((name) => String(one[name]) !== String(other[name]))

/** Whether a token may be of both issuers. */
const areOfOne = (one: OwnIssuer, { issuer }: ServiceIssuer): boolean =>
  one.issuer === undefined ||
  issuer === null ||
  one.issuer === issuer ||
  findIssuer([one], issuer) !== undefined ||
  findIssuer([parseIssuerName(issuer)], one.issuer) !== undefined
