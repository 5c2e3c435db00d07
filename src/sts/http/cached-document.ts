import { createHash } from 'node:crypto'
import type { Answer } from './answer.ts'

/** A document that is the same for everybody, with its ETag made once. */
export interface CachedDocument {
  readonly body: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Makes a document that is answered by its ETag alone when the client has it already.
 * @param maxAge seconds that a cache may keep it without asking; `'for-good'` when the address changes with the content.
 */
export function cachedDocument(
  text: string | Uint8Array,
  contentType: string,
  maxAge: number | 'for-good',
): CachedDocument {
  const body = typeof text === 'string' ? Buffer.from(text) : text
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  const cacheControl = maxAge === 'for-good' ? 'public, max-age=31536000, immutable' : `public, max-age=${maxAge}`
  return { body, headers: { 'content-type': contentType, etag, 'cache-control': cacheControl } }
}

/** Answers with the document, or 304 to a client that names its ETag (RFC 9110 §13.1.2). */
export function answerWithDocument(document: CachedDocument, ifNoneMatch: string | undefined): Answer {
  const { etag = '' } = document.headers
  const known = ifNoneMatch?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*')
  if (known === true) return { status: 304, headers: document.headers, body: '' }
  return { status: 200, headers: document.headers, body: document.body }
}
