/** What is the same for everybody: keys and metadata for those who verify, pictures and styles of the pages, health. */
import type { SigningKeys } from '../keys/signing-keys.ts'
import type { Branding } from '../pages/branding.ts'
import { plainText, redirect } from './answer.ts'
import { answerWithDocument, type CachedDocument, cachedDocument } from './cached-document.ts'
import type { Endpoint } from './sts-application.ts'

/** Seconds that a cache may keep keys and metadata; a compromised key is to be gone from everywhere soon. */
const keysMaxAge = 60

export function publicEndpoints(parts: {
  branding: Branding
  metadata: () => string
  keys: Pick<SigningKeys, 'jwks'>
  ready: () => boolean
  portalPath: string
}): Endpoint[] {
  const { branding, ready, portalPath } = parts
  const metadata = remade(parts.metadata, (text) => cachedDocument(text, 'application/xml; charset=utf-8', keysMaxAge))
  const jwks = remade(
    () => parts.keys.jwks(),
    (keys) => cachedDocument(JSON.stringify(keys), 'application/json', keysMaxAge),
  )
  const document = (path: string, source: () => CachedDocument): Endpoint => ({
    path,
    get: ({ headers }) => answerWithDocument(source(), headers['if-none-match']),
  })
  return [
    document('/FederationMetadata/2007-06/FederationMetadata.xml', metadata),
    document('/adfs/discovery/keys', jwks),
    ...[...branding.documents].map(([path, asset]) => document(path, () => asset)),
    { path: '/healthz', get: () => plainText(200, 'ok') },
    { path: '/readyz', get: () => (ready() ? plainText(200, 'ready') : plainText(503, 'not ready')) },
    { path: '/robots.txt', get: () => plainText(200, 'User-agent: *\nDisallow: /') },
    { path: '/', get: () => redirect(302, portalPath) },
  ]
}

/** Makes a document again only when its source gives something else than last time. */
function remade<Source>(source: () => Source, make: (from: Source) => CachedDocument): () => CachedDocument {
  let last: { from: Source; document: CachedDocument } | undefined
  return () => {
    const from = source()
    if (last === undefined || last.from !== from) last = { from, document: make(from) }
    return last.document
  }
}
