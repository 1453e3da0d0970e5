import { createPublicKey, X509Certificate, type KeyObject } from 'node:crypto'
import { UnusableKeyError } from './jwk.js'

const block = /-----BEGIN ([^-]*)-----([^-]*)-----END ([^-]*)-----/g
/** Line ends in any form: a variable or a YAML file may have folded them or written them out. */
const lineEnds = /\s|\\r|\\n/g

type Block = Readonly<{ label: string; der: Buffer }>

/** Whether a text has the beginning of a PEM block. */
export const isPem = (text: string): boolean => text.includes('-----BEGIN ')

/** A text as it is between the quotes that a file of variables may have left around it. */
export function unquoted(text: string): string {
  const trimmed = text.trim()
  const [, , inner] = /^(["'])(.*)\1$/s.exec(trimmed) ?? []
  return inner === undefined ? trimmed : inner.replaceAll('\\"', '"').trim()
}

/**
 * The public keys of all blocks of a PEM text (RFC 7468), in their order: SPKI, PKCS#1 and
 * certificates.
 *
 * @throws UnusableKeyError when anything in it is no public key or cannot be read
 */
export function readPem(text: string): KeyObject[] {
  const secret = /-----BEGIN ([^-]*PRIVATE KEY)-----/.exec(text)?.[1]
  if (secret !== undefined)
    throw new UnusableKeyError(`is a private key (${secret}); give the public one`, 'private')
  const blocks = blocksOf(text)
  readable(() => requireLeaves(blocks))
  return blocks.map((each) => readable(() => publicKeyOf(each)))
}

function blocksOf(text: string): Block[] {
  const blocks = [...text.matchAll(block)].map(([, label = '', body = '', end]): Block => {
    const base64 = body.replace(lineEnds, '')
    if (end !== label || !/^[\w+/]+={0,2}$/.test(base64)) throw unreadable()
    return { label, der: Buffer.from(base64, 'base64') }
  })
  // What is left may explain the blocks, but a half block is a key that got lost.
  if (blocks.length === 0 || /-----(?:BEGIN|END) /.test(text.replace(block, ''))) throw unreadable()
  return blocks
}

function publicKeyOf({ label, der }: Block): KeyObject {
  if (isCertificate(label)) return new X509Certificate(der).publicKey
  if (label === 'PUBLIC KEY') return createPublicKey({ key: der, format: 'der', type: 'spki' })
  if (label === 'RSA PUBLIC KEY') return createPublicKey({ key: der, format: 'der', type: 'pkcs1' })
  throw new UnusableKeyError(`holds a PEM block that is no public key: ${label}`)
}

const isCertificate = (label: string) => label === 'CERTIFICATE' || label === 'X509 CERTIFICATE'

/**
 * A chain of certificates has the key of the issuer's certification authority, which signs no
 * tokens: to accept its signatures would trust another party.
 */
function requireLeaves(blocks: readonly Block[]): void {
  const certificates = blocks
    .filter(({ label }) => isCertificate(label))
    .map(({ der }) => new X509Certificate(der))
  const isOfOther = certificates.some((one) =>
    certificates.some(
      (other) => !one.publicKey.equals(other.publicKey) && one.verify(other.publicKey),
    ),
  )
  if (isOfOther)
    throw new UnusableKeyError(
      'holds a certificate and the one that it is signed by; give that of the signing key alone',
    )
}

function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof UnusableKeyError) throw error
    throw unreadable()
  }
}

const unreadable = () => new UnusableKeyError('is PEM that cannot be read')
