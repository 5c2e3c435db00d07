import type { Gatehouse } from '../gatehouse.ts'

/**
 * What `/healthz` and `/readyz` say on the doors of the administration, where a proxy that stands alone is watched; it
 * has no public name of its own. They tell nothing but the state, so they ask for no token.
 * @returns undefined for any other address.
 */
export function healthOf(
  { sts, proxy }: Gatehouse,
  method: string | undefined,
  path: string | undefined,
): { status: 200 | 503; text: string } | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined
  if (path === '/healthz') return { status: 200, text: 'ok' }
  if (path !== '/readyz') return undefined
  const ready = sts?.ready() !== false && proxy?.federationService.ready() !== false
  return ready ? { status: 200, text: 'ready' } : { status: 503, text: 'not ready' }
}
