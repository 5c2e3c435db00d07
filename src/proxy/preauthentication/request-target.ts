import { parseHost } from '../application-catalogue.ts'

/**
 * The origin-form of a request target. The absolute form is taken where it names the same host as the Host header (RFC
 * 9112 §3.2.2); it never chooses another one.
 * @returns undefined for anything else: another host, user info, `*`.
 */
export function originForm(target: string, host: string): string | undefined {
  if (target.startsWith('/')) return target
  const parts = /^https?:\/\/([^/?#\\@]+)((?:[/?].*)?)$/is.exec(target)
  const named = parts === null ? undefined : parseHost(parts[1] ?? '')
  if (named === undefined || named.authority !== parseHost(host)?.authority) return undefined
  const rest = parts?.[2] ?? ''
  return rest.startsWith('/') ? rest : `/${rest}`
}
