/**
 * The validator in a proxy of your own: a request with `authToken` in its address comes in, an identity comes out.
 *
 *     node examples/verify-edge-token.ts
 *
 * Here one program plays both sides: it signs a token as a federation server does, with a key and a certificate made by
 * openssl, serves the key at an address on this machine, and verifies the token by that address. A proxy in front of a real
 * federation server needs the part below the line alone, with `keys: { metadataUrl }` of that server.
 */
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEdgeTokenVerifier, EdgeTokenError, issueEdgeToken } from '../src/edge-token/index.ts'

const issuer = 'http://sts.contoso.test/adfs/services/trust'
const crm = '4f6c2d1e-0000-4000-8000-00000000a001'

// The federation server's side.
const folder = mkdtempSync(join(tmpdir(), 'edge-token-'))
const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', join(folder, 'key.pem')]
const subject = ['-subj', '/CN=token signing', '-days', '1']
const certificate = execFileSync('openssl', ['req', '-x509', ...key, ...subject], { stdio: 'pipe' }).toString()
const signing = { key: readFileSync(join(folder, 'key.pem'), 'utf8'), certificate }
rmSync(folder, { recursive: true })
const jwk = new X509Certificate(certificate).publicKey.export({ format: 'jwk' })
const x5c = [new X509Certificate(certificate).raw.toString('base64')]
const server = createServer((_, response) => response.end(JSON.stringify({ keys: [{ ...jwk, use: 'sig', x5c }] })))
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const jwksUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/adfs/discovery/keys`
const resource = 'https://crm.contoso.test/'
const claims = { iss: issuer, relyingpartytrustid: crm, upn: 'alice@contoso.test', resource }
const authToken = await issueEdgeToken(claims, signing)

// ---------------------------------------------------------------------------------------------------------------------

const verifier = createEdgeTokenVerifier({ issuer, keys: { jwksUri } })

async function judge(address: string, relyingParty: string): Promise<void> {
  const url = new URL(address)
  const token = url.searchParams.get('authToken') ?? ''
  url.searchParams.delete('authToken')
  try {
    const { upn, expiresAt } = await verifier.verify(token, { relyingParty, url })
    console.log(`${url}: ${upn}, until ${expiresAt.toISOString()}`)
  } catch (error) {
    if (!(error instanceof EdgeTokenError)) throw error
    console.log(`${url}: refused, ${error.code} (${error.message})`)
  }
}

await judge(`https://crm.contoso.test/customers?authToken=${authToken}`, crm)
await judge(`https://crm.contoso.test/customers?authToken=${authToken.slice(0, -4)}AAAA`, crm)
await judge(`https://hr.contoso.test/?authToken=${authToken}`, crm)
await judge(`https://crm.contoso.test/customers?authToken=${authToken}`, 'another-trust')

server.close()
