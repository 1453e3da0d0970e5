import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of certificates for 127.0.0.1, and their keys. */
export type Certificates = Readonly<{
  /** Makes `NAME.key` and `NAME.pem`, signed by an authority of this folder or by itself. */
  certify(name: string, authority?: string): void
  file(name: string): string
  remove(): void
}>

export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'cierre-certificates-'))
  return {
    certify(name, authority) {
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1']
      const signer =
        authority === undefined ? [] : ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`]
      execFileSync(
        'openssl',
        [
          ...['req', '-x509', ...key, '-keyout', `${name}.key`, '-out', `${name}.pem`],
          ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', ...signer],
        ],
        { cwd: folder, stdio: 'ignore' },
      )
    },
    file: (name) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true }),
  }
}
