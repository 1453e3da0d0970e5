/**
 * An `iss` with one `{claim}`, such as `https://login.example/{tid}/v2.0`: a token must have that
 * claim, and the claim must be what stands in its place in `iss`.
 */
export type IssuerTemplate = Readonly<{
  start: string
  claim: string
  end: string
  /** The values that the claim may have; absent: any. */
  values?: readonly string[]
}>

/** How an issuer is named. Without a name `iss` is not checked. */
export type IssuerName = Readonly<{
  /** The exact `iss`, or the text of the template. */
  issuer?: string
  template?: IssuerTemplate
}>

/** What may stand in the place of `{claim}`, and what the claim may be called. */
const word = '[A-Za-z0-9_-]+'
const value = new RegExp(`^${word}$`)
const partOfValue = new RegExp(`^(?:${word})?$`)
const templateText = new RegExp(`^([^{}]*)\\{(${word})\\}([^{}]*)$`)

/**
 * @param values those that `{claim}` may have
 * @throws Error that says what is wrong with the braces of an issuer
 */
export function parseIssuerName(issuer: string, values?: readonly string[]): IssuerName {
  if (!/[{}]/.test(issuer)) return { issuer }
  const [, start = '', claim, end = ''] = templateText.exec(issuer) ?? []
  if (claim === undefined)
    throw new Error('may have one {claim}, such as {tid}, and no other brace')
  return { issuer, template: { start, claim, end, ...(values && { values }) } }
}

/** Whether a text may stand in the place of `{claim}`. */
export const isTemplateValue = (text: string): boolean => value.test(text)

const fillIn = ({ start, end }: IssuerTemplate, text: string) => `${start}${text}${end}`

/**
 * The claims by which a token is of this issuer, for tokens that are made for trials. A template has
 * the first of its values, or `test`.
 */
export function issuedBy({ issuer, template }: IssuerName): Readonly<Record<string, string>> {
  if (template === undefined) return issuer === undefined ? {} : { iss: issuer }
  const [text = 'test'] = template.values ?? []
  return { iss: fillIn(template, text), [template.claim]: text }
}

/** What stands in the place of `{claim}`, if `iss` has the form of the template. */
function valueIn({ start, end, values }: IssuerTemplate, iss: unknown): string | undefined {
  if (typeof iss !== 'string' || !iss.startsWith(start) || !iss.endsWith(end)) return undefined
  const text = iss.slice(start.length, Math.max(start.length, iss.length - end.length))
  return isTemplateValue(text) && (values?.includes(text) ?? true) ? text : undefined
}

/**
 * The issuer of tokens with this `iss`. An issuer that says exactly which `iss` its tokens have goes
 * before one whose template takes any value.
 */
export const findIssuer = <T extends IssuerName>(
  issuers: readonly T[],
  iss: unknown,
): T | undefined =>
  issuers.find((one) => isExact(one) && hasIss(one, iss)) ?? issuers.find((one) => hasIss(one, iss))

const isExact = ({ issuer, template }: IssuerName): boolean =>
  template === undefined ? issuer !== undefined : template.values !== undefined

const hasIss = ({ issuer, template }: IssuerName, iss: unknown): boolean =>
  template === undefined
    ? issuer === undefined || issuer === iss
    : valueIn(template, iss) !== undefined

/** Whether claims have the `iss` of an issuer, and the claim that its template names. */
export const isIssuedBy = (one: IssuerName, claims: Readonly<Record<string, unknown>>): boolean =>
  one.template === undefined
    ? hasIss(one, claims['iss'])
    : claims[one.template.claim] !== undefined &&
      claims[one.template.claim] === valueIn(one.template, claims['iss'])

/**
 * What is wrong with the names of several issuers, if anything. If two had one `iss`, the keys of
 * one would refuse the tokens of the other.
 */
export function faultOfNames(issuers: readonly IssuerName[]): string | undefined {
  const names = issuers.filter(isExact).flatMap(namesOf)
  if (new Set(names).size < names.length) return 'names an issuer twice'
  const open = issuers.flatMap((one) => (isExact(one) ? [] : (one.template ?? [])))
  const meets = open.some((one, index) => open.slice(index + 1).some((other) => meet(one, other)))
  return meets ? 'has two issuers with {claim} that match one iss' : undefined
}

const namesOf = ({ issuer, template }: IssuerName): readonly string[] =>
  template === undefined
    ? [issuer ?? '']
    : (template.values ?? []).map((text) => fillIn(template, text))

/** Whether two templates without a list of values match one `iss`. */
function meet(one: IssuerTemplate, other: IssuerTemplate): boolean {
  const [short, long] = one.start.length < other.start.length ? [one, other] : [other, one]
  if (!long.start.startsWith(short.start)) return false
  const more = long.start.slice(short.start.length)
  // The value of the template with the shorter start begins in what the other start has more. It
  // either goes on beyond that, or ends there.
  if (partOfValue.test(more) && differByValue(one.end, other.end)) return true
  return Array.from(more, (_, index) => more.slice(0, index)).some(
    (text) => isTemplateValue(text) && valueIn(long, fillIn(short, text)) !== undefined,
  )
}

/** Whether one end is the other one behind what can be a part of a value. */
function differByValue(one: string, other: string): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one]
  return long.endsWith(short) && partOfValue.test(long.slice(0, long.length - short.length))
}
