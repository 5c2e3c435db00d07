import { X509Certificate } from 'node:crypto'
import { EdgeTokenError } from './edge-token-error.ts'
import { readMetadataCertificates } from './federation-metadata.ts'
import { type DocumentFetch, fetchDocument } from './key-document.ts'
import { createKeySet, type KeySet } from './key-set.ts'
import { parseStrictJson } from './strict-json.ts'
import { keyOfCertificate, keysOfJwks, type VerificationKey } from './verification-key.ts'

/** Where a federation service's signing keys come from: exactly one of these. */
export type KeySourceOptions =
  /** Its FederationMetadata.xml; needs the package @xmldom/xmldom. */
  | { metadataUrl: string | URL }
  /** Its JWK Set. */
  | { jwksUri: string | URL }
  /** A JWK Set that is at hand and stays as it is. */
  | { jwks: { keys: readonly object[] } }
  /** Certificates that are at hand: PEM, DER, or base64 of DER as it stands in metadata. */
  | { certificates: readonly (X509Certificate | string | Uint8Array)[] }

/** The keys of a federation service, as they are now. */
export interface KeySource {
  /** The keys where they can be used without waiting. */
  ready(): KeySet | undefined
  /**
   * The keys, after waiting for them.
   * @throws {EdgeTokenError} `keys-unavailable`
   */
  load(): Promise<KeySet>
  /** Called for a token that names an unknown key: newer keys, where it was time to look for them and they came. */
  refreshed(): Promise<KeySet | undefined>
}

interface KeySourceParts {
  issuer: string
  fetch: DocumentFetch
  /** Milliseconds since 1970. */
  now: () => number
}

const REFRESH_AFTER = 3_600_000
const KEPT_AT_MOST = 7 * 86_400_000
const LONGEST_PAUSE = 30_000

/**
 * Opens a source of keys. Keys behind an address are fetched when first needed, and again
 *
 *     after an hour                          the next verification waits for it
 *     when a token names an unknown key      at most once in 30 s, so that a flood of those is not passed on
 *     after a failed attempt                 1, 2, 4 … 30 s later, in the background while the last good keys serve
 *
 * with one request in flight. The last good keys serve for 7 days.
 *
 * A document is trusted because of where it was fetched from: https, or the machine itself. The signature inside federation
 * metadata is not verified: it proves nothing when the keys are new, and after a compromised key was dropped at once no
 * verifier could know the key that signs now.
 * @throws {TypeError} for an option that is wrong, and for keys at hand none of which can be used.
 */
export function openKeySource(keys: KeySourceOptions, parts: KeySourceParts): KeySource {
  const kinds = ['metadataUrl', 'jwksUri', 'jwks', 'certificates']
  const given = typeof keys === 'object' && keys !== null ? kinds.filter((kind) => Object.hasOwn(keys, kind)) : []
  if (given.length !== 1) throw new TypeError(`keys must have exactly one of ${kinds.join(', ')}`)
  if ('jwks' in keys) return openStaticSource(keysOfJwks(keys.jwks), 'jwks')
  if ('certificates' in keys) return openStaticSource(keysOfCertificates(keys.certificates), 'certificates')
  if ('jwksUri' in keys) {
    const url = requireSecureUrl(keys.jwksUri, 'jwksUri')
    return openRemoteSource(async () => keysOfJwks(parseStrictJson(await fetchDocument(url, parts.fetch))), url, parts)
  }
  const url = requireSecureUrl(keys.metadataUrl, 'metadataUrl')
  const read = async () => {
    const certificates = await readMetadataCertificates(await fetchDocument(url, parts.fetch), parts)
    return certificates.flatMap((certificate) => keyOfCertificate(certificate) ?? [])
  }
  return openRemoteSource(read, url, parts)
}

function openStaticSource(keys: VerificationKey[], option: string): KeySource {
  if (keys.length === 0) throw new TypeError(`${option} holds no key that tokens could be verified with`)
  const keySet = createKeySet(keys)
  return { ready: () => keySet, load: async () => keySet, refreshed: async () => undefined }
}

function openRemoteSource(read: () => Promise<VerificationKey[]>, url: string, { now }: KeySourceParts): KeySource {
  let keySet: KeySet | undefined
  let fetchedAt = 0
  let attemptedAt = 0
  let askedForUnknownAt = Number.NEGATIVE_INFINITY
  let failures = 0
  let failure: unknown
  let inFlight: Promise<void> | undefined

  // A clock that was set back makes everything due.
  const isWithin = (since: number, milliseconds: number) => now() >= since && now() - since < milliseconds
  const mayTryAgain = () =>
    failures === 0 || !isWithin(attemptedAt, Math.min(1_000 * 2 ** (failures - 1), LONGEST_PAUSE))

  /** Never rejects: how it went is in `failures`. */
  function refresh(): Promise<void> {
    inFlight ??= attempt().finally(() => {
      inFlight = undefined
    })
    return inFlight
  }

  async function attempt(): Promise<void> {
    attemptedAt = now()
    try {
      const keys = await read()
      if (keys.length === 0) throw new EdgeTokenError('keys-unavailable', 'the document holds no usable signing key')
      const latest = createKeySet(keys)
      // The same keys again: what was verified with them stays verified.
      if (latest.fingerprint !== keySet?.fingerprint) keySet = latest
      fetchedAt = now()
      failures = 0
      failure = undefined
    } catch (error) {
      failures++
      failure = error
    }
  }

  return {
    ready() {
      if (keySet === undefined) return undefined
      if (isWithin(fetchedAt, REFRESH_AFTER)) return keySet
      if (failures === 0 || !isWithin(fetchedAt, KEPT_AT_MOST)) return undefined
      if (mayTryAgain()) void refresh()
      return keySet
    },
    async load() {
      if (inFlight !== undefined || mayTryAgain()) await refresh()
      if (keySet !== undefined && isWithin(fetchedAt, KEPT_AT_MOST)) return keySet
      throw new EdgeTokenError('keys-unavailable', `no signing keys could be had from ${url}`, { cause: failure })
    },
    async refreshed() {
      if (inFlight === undefined) {
        if (!mayTryAgain() || isWithin(askedForUnknownAt, LONGEST_PAUSE)) return undefined
        askedForUnknownAt = now()
      }
      await refresh()
      return keySet
    },
  }
}

function keysOfCertificates(certificates: readonly (X509Certificate | string | Uint8Array)[]): VerificationKey[] {
  if (!Array.isArray(certificates)) throw new TypeError('certificates must be an array')
  return certificates.flatMap(parseCertificates).flatMap((certificate) => keyOfCertificate(certificate) ?? [])
}

function parseCertificates(certificate: unknown): X509Certificate[] {
  if (certificate instanceof X509Certificate) return [certificate]
  try {
    if (certificate instanceof Uint8Array) return [new X509Certificate(certificate)]
    const text = String(certificate)
    const pems = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
    return pems?.map((pem) => new X509Certificate(pem)) ?? [new X509Certificate(Buffer.from(text, 'base64'))]
  } catch (cause) {
    throw new TypeError('a certificate must be PEM, DER or base64 of DER', { cause })
  }
}

/** Keys decide who gets in: they come over https, or from this very machine. */
function requireSecureUrl(value: string | URL, option: string): string {
  const url = URL.canParse(String(value)) ? new URL(String(value)) : undefined
  if (url === undefined || url.username !== '' || url.password !== '') {
    throw new TypeError(`${option} must be an address without user info`)
  }
  const isSecure = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
  if (!isSecure) throw new TypeError(`${option} must be https, or http on the loopback interface`)
  return url.href
}

/** RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3; the WHATWG parser has brought addresses into their one form. */
function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '')
  return /^127(?:\.\d+){3}$/.test(name) || name === '[::1]' || name === 'localhost' || name.endsWith('.localhost')
}
