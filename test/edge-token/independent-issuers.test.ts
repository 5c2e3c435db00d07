import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { exportJWK, importPKCS8, importX509, SignJWT } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import t from 'tap'
import { createEdgeTokenVerifier } from '../../src/edge-token/index.ts'
import { CURRENT_DATE, claimsWith, goodClaims, ISSUER, NOW, OTHER_TRUST, TRUST } from './samples.ts'
import { createCertificate } from './signing-certificate.ts'

const run = promisify(execFile)
const signing = await createCertificate()
const expected = { relyingParty: TRUST, currentDate: CURRENT_DATE }
const header = { typ: 'JWT', alg: 'RS256', x5t: signing.x5t }

const jwk = await exportJWK(await importX509(signing.certificate, 'RS256', { extractable: true }))
const verifiers = {
  'its certificate': createEdgeTokenVerifier({ issuer: ISSUER, keys: { certificates: [signing.certificate] } }),
  'its JWK': createEdgeTokenVerifier({ issuer: ISSUER, keys: { jwks: { keys: [{ ...jwk, x5t: signing.x5t }] } } }),
}

/** Who else can make a token: claims in, compact JWS out. */
const issuers: Record<string, (t: { testdir(): string }, claims: Record<string, unknown>) => Promise<string>> = {
  openssl: async (t, claims) => {
    const folder = t.testdir()
    const [keyFile, inputFile] = [join(folder, 'key.pem'), join(folder, 'input')]
    const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    await writeFile(keyFile, signing.privateKey)
    await writeFile(inputFile, input)
    const { stdout } = await run('openssl', ['dgst', '-sha256', '-sign', keyFile, inputFile], { encoding: 'buffer' })
    return `${input}.${stdout.toString('base64url')}`
  },
  jose: async (_, claims) =>
    new SignJWT(claims).setProtectedHeader(header).sign(await importPKCS8(signing.privateKey, 'RS256')),
  jsonwebtoken: async (_, claims) =>
    jsonwebtoken.sign(claims, signing.privateKey, { algorithm: 'RS256', header: { ...header, kid: signing.x5t } }),
}

for (const [name, issue] of Object.entries(issuers)) {
  for (const [source, verifier] of Object.entries(verifiers)) {
    t.test(`a token made by ${name} is judged by ${source}`, async (t) => {
      const good = await issue(t, goodClaims)
      t.match(await verifier.verify(good, expected), { upn: 'alice@contoso.test', relyingPartyTrust: TRUST })
      for (const [changes, code] of [
        [{ exp: NOW - 61 }, 'expired'],
        [{ aud: 'urn:other' }, 'audience'],
        [{ iss: 'urn:other' }, 'issuer'],
        [{ relyingpartytrustid: OTHER_TRUST }, 'relying-party'],
      ] as const) {
        await t.rejects(verifier.verify(await issue(t, claimsWith(changes)), expected), { code })
      }
      const [head, , signature] = good.split('.')
      const forged = Buffer.from(JSON.stringify(claimsWith({ upn: 'mallory@contoso.test' }))).toString('base64url')
      await t.rejects(verifier.verify(`${head}.${forged}.${signature}`, expected), { code: 'signature' })
    })
  }
}

t.test('what we issue is taken by other packages', async (t) => {
  const { issueEdgeToken } = await import('../../src/edge-token/index.ts')
  const { jwtVerify } = await import('jose')
  const token = await issueEdgeToken({ iss: ISSUER, relyingpartytrustid: TRUST, iat: NOW }, signing)
  const rules = { issuer: ISSUER, audience: 'urn:AppProxy:com', currentDate: CURRENT_DATE }
  const publicKey = await importX509(signing.certificate, 'RS256')
  t.match(await jwtVerify(token, publicKey, rules), { payload: { relyingpartytrustid: TRUST } })
  const options = { issuer: ISSUER, audience: 'urn:AppProxy:com', clockTimestamp: NOW, algorithms: ['RS256' as const] }
  t.match(jsonwebtoken.verify(token, signing.certificate, options), { relyingpartytrustid: TRUST })
})
