import { EdgeTokenError } from './edge-token-error.ts'

/** The part of `fetch` that fetching a key document takes; the platform's own and undici's are of this shape. */
export type DocumentFetch = (
  url: string,
  init: { headers: Record<string, string>; redirect: 'error'; signal: AbortSignal },
) => Promise<{ readonly status: number; readonly body: AsyncIterable<Uint8Array> | null }>

const LARGEST_DOCUMENT = 1_048_576

/**
 * Fetches a document of keys: no redirects, 200 alone, at most 1 MiB, within `longestWait` milliseconds (5 s unless told)
 * from the first byte sent to the last one received.
 * @throws {EdgeTokenError} `keys-unavailable`, with what went wrong as its cause.
 */
export async function fetchDocument(url: string, fetch: DocumentFetch, longestWait = 5_000): Promise<Buffer> {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new EdgeTokenError('keys-unavailable', `no complete answer within ${longestWait / 1000} s`))
    }, longestWait)
  })
  try {
    // Raced, not only aborted: a fetch that is not the platform's may not heed its signal.
    return await Promise.race([receive(url, fetch, controller.signal), tooLate])
  } catch (cause) {
    if (cause instanceof EdgeTokenError) throw cause
    throw new EdgeTokenError('keys-unavailable', `${url} could not be fetched`, { cause })
  } finally {
    clearTimeout(timer)
    controller.abort()
  }
}

async function receive(url: string, fetch: DocumentFetch, signal: AbortSignal): Promise<Buffer> {
  const headers = { accept: 'application/json, application/xml, text/xml' }
  const response = await fetch(url, { headers, redirect: 'error', signal })
  if (response.status !== 200) throw new EdgeTokenError('keys-unavailable', `answered ${response.status}`)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > LARGEST_DOCUMENT) throw new EdgeTokenError('keys-unavailable', 'the document is over 1 MiB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
