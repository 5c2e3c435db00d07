/** What the federation service adds to an address, cut out again. */
export interface RoundTripParameters {
  /** The query with its leading `?`, or '', without them; the rest byte for byte. */
  readonly query: string
  /** The token; undefined where there was not exactly one. */
  readonly token: string | undefined
  readonly requestId: string | undefined
}

/**
 * Cuts `authToken`, and the `client-request-id` that came with it, out of a query, by text: nothing is decoded and
 * encoded again. Names count as they are spelt here. The request id is the last one: an application may have its own.
 * @param query with its leading `?`, or ''.
 * @returns undefined where there is no `authToken`: the query is then the application's own affair.
 */
export function cutRoundTrip(query: string): RoundTripParameters | undefined {
  if (!query.includes('authToken')) return undefined
  const pairs = query.slice(1).split('&')
  const tokens = pairs.filter((pair) => nameOf(pair) === 'authToken')
  if (tokens.length === 0) return undefined
  const requestIdAt = pairs.findLastIndex((pair) => nameOf(pair) === 'client-request-id')
  const kept = pairs.filter((pair, at) => nameOf(pair) !== 'authToken' && at !== requestIdAt).join('&')
  return {
    query: kept === '' ? '' : `?${kept}`,
    token: tokens.length === 1 ? tokens[0]?.slice('authToken='.length) : undefined,
    requestId: requestIdAt === -1 ? undefined : pairs[requestIdAt]?.slice('client-request-id='.length),
  }
}

function nameOf(pair: string): string {
  const at = pair.indexOf('=')
  return at === -1 ? pair : pair.slice(0, at)
}
