import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
  randomBytes,
  verify,
  X509Certificate,
} from 'node:crypto'
import { pathToFileURL } from 'node:url'
import { createVerifier } from 'fast-jwt'
import { jwtVerify } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import {
  type AccessSession,
  createEdgeTokenVerifier,
  type EdgeTokenVerifier,
  issueEdgeToken,
  openAccessCookie,
  sealAccessCookie,
} from '../src/edge-token/index.ts'
import { createCertificate } from '../test/edge-token/signing-certificate.ts'
import { type Figure, median, printFigures } from './figure.ts'

/** One contender of a race: does its work on the item at a place of its batch. */
interface Contender {
  by: string
  /** Before each slice, untimed. */
  prepare?: () => Promise<void>
  work: (at: number) => unknown
}

const ROUNDS = 250
const WARM_UP = 50
const ISSUER = 'http://sts.contoso.test/adfs/services/trust'
const TRUST = '4f6c2d1e-0000-4000-8000-00000000a001'

/**
 * The edge's own work against its limits and its peers, in one process, round by round in turn: a fresh edge token against
 * bare `crypto.verify` of the same bytes, one seen before, and opening an access cookie against bare AES-256-GCM.
 */
export async function benchEdgeToken(): Promise<Figure[]> {
  const { key, certificate } = await createCertificate()
  const tokens: string[] = []
  for (let at = 0; at < 2_000; at++) tokens.push(await issueEdgeToken(claimsOf(at), { key, certificate }))
  const publicKey = new X509Certificate(certificate).publicKey
  return [
    ...(await benchFresh(tokens, certificate, publicKey)),
    ...(await benchSeen(tokens.slice(0, 500), certificate, publicKey)),
    ...(await benchCookie()),
  ]
}

async function benchFresh(
  [first = '', ...tokens]: readonly string[],
  certificate: string,
  publicKey: KeyObject,
): Promise<Figure[]> {
  const split = tokens.map((token) => {
    const dot = token.lastIndexOf('.')
    return { input: Buffer.from(token.slice(0, dot), 'latin1'), mac: Buffer.from(token.slice(dot + 1), 'base64url') }
  })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string
  const fastJwt = createVerifier({ key: pem, allowedIss: ISSUER, allowedAud: 'urn:AppProxy:com', cache: false })
  const rules = { issuer: ISSUER, audience: 'urn:AppProxy:com', algorithms: ['RS256' as const] }
  const expected = { relyingParty: TRUST }
  let verifier: EdgeTokenVerifier = openVerifier(certificate)
  const contenders: Contender[] = [
    {
      by: 'bare crypto.verify',
      work: (at) => verify('sha256', itemAt(split, at).input, publicKey, itemAt(split, at).mac),
    },
    {
      by: 'gatehouse',
      // One that has seen nothing but another token of the same federation server.
      prepare: async () => {
        verifier = openVerifier(certificate)
        await verifier.verify(first, expected)
      },
      work: (at) => verifier.verify(itemAt(tokens, at), expected),
    },
    { by: 'fast-jwt', work: (at) => fastJwt(itemAt(tokens, at)) },
    { by: 'jsonwebtoken', work: (at) => jsonwebtoken.verify(itemAt(tokens, at), publicKey, rules) },
    { by: 'jose', work: (at) => jwtVerify(itemAt(tokens, at), publicKey, rules) },
  ]
  const figures = await race('verify a fresh RS256 edge token', contenders, 60)
  const [limit, ours, ...peers] = figures
  if (limit === undefined || ours === undefined) return figures
  ours.target = '>= 0.75 of bare crypto.verify, ahead of all peers'
  ours.reached = (ours.ratio ?? 0) >= 0.75 && peers.every((peer) => peer.value < ours.value)
  return figures
}

async function benchSeen(tokens: readonly string[], certificate: string, publicKey: KeyObject): Promise<Figure[]> {
  const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string
  const fastJwt = createVerifier({ key: pem, allowedIss: ISSUER, allowedAud: 'urn:AppProxy:com', cache: 5_000 })
  const verifier = openVerifier(certificate)
  const map = new Map(tokens.map((token) => [token.slice(-32), token]))
  const expected = { relyingParty: TRUST }
  const contenders: Contender[] = [
    {
      by: 'Map behind one promise',
      work: async (at) => map.get(itemAt(tokens, at).slice(-32)) === itemAt(tokens, at),
    },
    { by: 'gatehouse', work: (at) => verifier.verify(itemAt(tokens, at), expected) },
    { by: 'fast-jwt with its cache', work: (at) => fastJwt(itemAt(tokens, at)) },
  ]
  const figures = await race('verify an RS256 edge token seen before', contenders, 2_000)
  const [, ours, peer] = figures
  if (ours === undefined || peer === undefined) return figures
  ours.target = '>= 2 times fast-jwt with its cache'
  ours.reached = ours.value >= 2 * peer.value
  return figures
}

async function benchCookie(): Promise<Figure[]> {
  const keys = [{ id: 'k1', secret: createSecretKey(randomBytes(32)) }]
  const context = { keys, application: 'crm', host: 'crm.contoso.test' }
  // One for every round and its place in the slice: none comes twice.
  const cookies: string[] = []
  for (let at = 0; at < (ROUNDS + WARM_UP) * 300; at++) cookies.push(sealAccessCookie(sessionOf(at), context))
  const associatedData = Buffer.from('1|crm|crm.contoso.test')
  const key = createSecretKey(randomBytes(32))
  const sealed = cookies.slice(0, 2_000).map((cookie) => {
    const bytes = Buffer.from(cookie.slice(cookie.lastIndexOf('.') + 1), 'base64url')
    const nonce = bytes.subarray(0, 12)
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    cipher.setAAD(associatedData)
    const ciphertext = Buffer.concat([cipher.update(bytes.subarray(12, -16)), cipher.final()])
    return { nonce, ciphertext, tag: cipher.getAuthTag() }
  })
  const limit: Contender = {
    by: 'bare AES-256-GCM decipher',
    work: (at) => {
      const { nonce, ciphertext, tag } = itemAt(sealed, at)
      const decipher = createDecipheriv('aes-256-gcm', key, nonce)
      decipher.setAAD(associatedData)
      decipher.setAuthTag(tag)
      const plaintext = decipher.update(ciphertext)
      decipher.final()
      return plaintext
    },
  }
  const fresh: Contender = { by: 'gatehouse', work: (at) => openAccessCookie(itemAt(cookies, at), context) }
  const seen: Contender = { by: 'gatehouse', work: (at) => openAccessCookie(itemAt(cookies, at % 500), context) }
  const figures = await race('open an access cookie never seen before', [limit, fresh], 300)
  const ours = figures[1]
  if (ours !== undefined) {
    ours.target = '>= 0.6 of bare AES-256-GCM decipher'
    ours.reached = (ours.ratio ?? 0) >= 0.6
  }
  return [...figures, ...(await race('open an access cookie seen before', [limit, seen], 500))]
}

function sessionOf(at: number): AccessSession {
  return {
    upn: `person${at}@contoso.test`,
    relyingPartyTrust: TRUST,
    sessionId: randomBytes(16).toString('base64url'),
    issuedAt: new Date(),
    expiresAt: new Date(Date.now() + 3_600_000),
    authenticationMethod: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
    authenticationInstant: new Date(),
    delegation: [],
    headers: { upn: `person${at}@contoso.test` },
  }
}

/**
 * Runs the contenders in turn, round by round, in slices of milliseconds, so that whatever else the machine does meets all
 * of them; the first one is the limit that ratios are of, round by round.
 */
async function race(work: string, contenders: readonly Contender[], slice: number): Promise<Figure[]> {
  const rates = contenders.map((): number[] => [])
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const [lane, contender] of contenders.entries()) {
      const rate = await measure(contender, (round + WARM_UP) * slice, slice)
      if (round >= 0) rates[lane]?.push(rate)
    }
  }
  const limit = rates[0] ?? []
  return contenders.map(({ by }, lane) => {
    const own = rates[lane] ?? []
    const ratio = median(own.map((rate, round) => rate / (limit[round] ?? Number.NaN)))
    return { work, by, value: median(own), unit: '/s', ratio }
  })
}

async function measure({ prepare, work }: Contender, from: number, count: number): Promise<number> {
  await prepare?.()
  const start = process.hrtime.bigint()
  for (let at = from; at < from + count; at++) {
    const result = work(at)
    if (result instanceof Promise) await result
  }
  return (count * 1e9) / Number(process.hrtime.bigint() - start)
}

function claimsOf(at: number) {
  const now = Math.floor(Date.now() / 1000)
  return {
    iss: ISSUER,
    relyingpartytrustid: TRUST,
    upn: `person${at}@contoso.test`,
    authinstant: now - 60,
    authmethod: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
    resource: 'https://crm.contoso.test/',
    sid: randomBytes(16).toString('base64url'),
    clientreqid: '6d3c4e5f-1111-4222-8333-444455556666',
  }
}

function openVerifier(certificate: string): EdgeTokenVerifier {
  return createEdgeTokenVerifier({ issuer: ISSUER, keys: { certificates: [certificate] } })
}

function itemAt<Item>(items: readonly Item[], at: number): Item {
  return items[at % items.length] as Item
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  printFigures(await benchEdgeToken())
}
