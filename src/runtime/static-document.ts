import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

/** The codings in which a document is kept (RFC 9110 §8.4.1), the preferred one first. */
export const contentCodings = ['br', 'gzip', 'identity'] as const
export type ContentCoding = (typeof contentCodings)[number]

/** The bytes of a document in one coding, and their strong entity tag. */
export type Representation = Readonly<{ bytes: Buffer; etag: string }>

/**
 * A document that does not change while the process runs. It has one buffer for each coding, which
 * every answer sends without a copy.
 */
export class StaticDocument {
  readonly representations: Readonly<Record<ContentCoding, Representation>>

  constructor(bytes: Readonly<Record<ContentCoding, Buffer>>) {
    this.representations = {
      br: representationOf(bytes.br),
      gzip: representationOf(bytes.gzip),
      identity: representationOf(bytes.identity),
    }
  }
}

const etagBytes = 16

const representationOf = (bytes: Buffer): Representation => ({
  bytes,
  etag: `"${createHash('sha256').update(bytes).digest().subarray(0, etagBytes).toString('base64url')}"`,
})

/** Brotli's highest quality takes 50 ms for the contract and saves a tenth; this one takes 1 ms. */
const startupQuality = 6

/** A document that is made and compressed at the start. */
export function documentOf(text: string): StaticDocument {
  const identity = Buffer.from(text)
  const br = brotliCompressSync(identity, {
    params: { [constants.BROTLI_PARAM_QUALITY]: startupQuality },
  })
  return new StaticDocument({ br, gzip: gzipSync(identity), identity })
}

/** A file that the build has compressed: `.br` and `.gz` stand beside it. */
export function readDocument(file: URL): StaticDocument {
  return new StaticDocument({
    br: readFileSync(new URL(`${file.href}.br`)),
    gzip: readFileSync(new URL(`${file.href}.gz`)),
    identity: readFileSync(file),
  })
}
