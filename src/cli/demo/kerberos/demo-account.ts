/** The names of the demo in its own Kerberos realm. */
export const demoKerberos = {
  realm: 'CONTOSO.TEST',
  /** The account that the proxy gets tickets with. */
  principal: 'HTTP/gateway.contoso.test',
  /** Service principal name of the backend, and the host in it. */
  service: 'HTTP/intranet.contoso.test',
  host: 'intranet.contoso.test',
  /** Below the demo's folder. */
  keytab: 'kerberos/gateway.keytab',
} as const
