import { expect } from 'chai'
import { jwtVerify } from 'jose'
import { repeats } from '../support/long.js'
import { startService } from '../support/service.js'
import { hmacSecret, keyPairOf, keyVariables, token } from '../support/tokens.js'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const orders: Record<string, bigint> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES512:
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
}

/** The other signature that ECDSA accepts for the same input. */
function twin(signature: string, algorithm: string): string | undefined {
  const order = orders[algorithm]
  if (order === undefined) return undefined
  const bytes = Buffer.from(signature, 'base64url')
  const half = bytes.length / 2
  const s = order - BigInt(`0x${bytes.subarray(half).toString('hex')}`)
  return Buffer.concat([
    bytes.subarray(0, half),
    Buffer.from(s.toString(16).padStart(half * 2, '0'), 'hex'),
  ]).toString('base64url')
}

function respellings(jwt: string, algorithm: string): string[] {
  const [header = '', payload = '', signature = ''] = jwt.split('.')
  const signed = `${header}.${payload}.`
  const spareBits = [...alphabet].map((last) => signature.slice(0, -1) + last)
  const inserted = [' ', '\t', '\n', '\r', '\f', '=', '==', '\0', '%', 'A', 'é'].flatMap((extra) =>
    [0, 1, Math.floor(signature.length / 2), signature.length].map(
      (at) => signature.slice(0, at) + extra + signature.slice(at),
    ),
  )
  const otherAlphabet = [signature.replaceAll('-', '+').replaceAll('_', '/')]
  const all = [...spareBits, ...inserted, ...otherAlphabet, twin(signature, algorithm) ?? signature]
  const around = [` ${jwt}`, `${jwt} `, `${jwt}\t`, `${jwt}.`, `${jwt}=`]
  return [...new Set([...all.map((other) => signed + other), ...around])].filter(
    (other) => other !== jwt,
  )
}

describe('401 for every other encoding of a revoked token that jose accepts', () => {
  const algorithms = ['HS256', 'ES256', 'EdDSA', 'HS512', 'RS256', 'PS256', 'ES512']
  for (const algorithm of algorithms.slice(0, repeats(3, algorithms.length))) {
    it(algorithm, async () => {
      const service = await startService(keyVariables(algorithm))
      try {
        const key = algorithm.startsWith('HS')
          ? Buffer.from(hmacSecret)
          : keyPairOf(algorithm).publicKey
        const holder = { sub: `holder-${algorithm}`, sid: undefined }
        const jwt = await token(holder, algorithm)
        const accepted: string[] = []
        const legalTwin = twin(jwt.split('.')[2] ?? '', algorithm)
        // The one variant in canonical encoding, since its signature is valid, too. In the body a
        // revoked token is no error.
        const legal = legalTwin && `${jwt.slice(0, jwt.lastIndexOf('.'))}.${legalTwin}`
        for (const other of respellings(jwt, algorithm)) {
          if (
            await jwtVerify(other, key).then(
              () => true,
              () => false,
            )
          )
            accepted.push(other)
        }
        // At least white space and padding pass jose's decoder.
        expect(accepted).to.have.length.of.at.least(4)
        expect((await service.logout(jwt)).status).to.equal(200)
        for (const other of accepted) {
          // A header cannot carry some variants; the body can carry all.
          const inBody = await service.logout(await token(holder, algorithm), { token: other })
          expect(inBody.status, JSON.stringify(other.slice(-8))).to.equal(
            other === legal ? 200 : 401,
          )
          if (other !== legal) expect(service.audited().at(-1)?.['reason']).to.equal('spelling')
          if (!/[\n\r\0\f]/.test(other))
            expect((await service.logout(other, { token: other })).status).to.equal(401)
        }
        const fresh = await token({ sid: undefined }, algorithm)
        const other = twin(fresh.split('.')[2] ?? '', algorithm)
        if (other !== undefined) {
          const spelled = `${fresh.slice(0, fresh.lastIndexOf('.'))}.${other}`
          expect((await service.logout(spelled)).status, 'n−s is a legal signature').to.equal(200)
          expect((await service.logout(fresh)).status, 'and revokes the original').to.equal(401)
        }
      } finally {
        await service.stop()
      }
    })
  }
})
