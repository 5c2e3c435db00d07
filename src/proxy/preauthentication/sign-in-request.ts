/**
 * The address of the federation service that begins a round trip, with the parameters as a Windows Web Application Proxy
 * sends them, its casing included.
 * @see [MS-ADFSPIP] 3.13.5.2.1
 */
export function signInAddress(
  signInUrl: string,
  request: { proxyIdentifier: string; trustId: string; returnAddress: string; requestId: string },
): string {
  const { proxyIdentifier, trustId, returnAddress, requestId } = request
  const joint = signInUrl.includes('?') ? '&' : '?'
  const parameters = [
    ['version', '1.0'],
    ['action', 'signin'],
    ['realm', proxyIdentifier],
    ['appRealm', trustId],
    ['returnUrl', returnAddress],
    ['client-request-id', requestId],
  ]
  return signInUrl + joint + parameters.map(([name, value = '']) => `${name}=${encodeURIComponent(value)}`).join('&')
}
