/**
 * Gatehouse as `gatehouse serve` runs it: both roles, listeners, access log; with so many published applications, their
 * backend reached by Kerberos on request.
 */
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseConfiguration } from '../../src/cli/configuration/configuration-file.ts'
import { openGatehouse } from '../../src/cli/gatehouse.ts'
import { createLog } from '../../src/cli/log.ts'
import { startServing } from '../../src/cli/serve.ts'
import { delegationDigest } from '../../src/edge-token/delegation.ts'
import { sealAccessCookie } from '../../src/edge-token/index.ts'
import { parsePublishedApplication } from '../../src/proxy/published-application.ts'
import { createMasterKey } from '../../src/sts/keys/master-key.ts'
import { freePort } from '../start.ts'
import { ready, told } from './contender.ts'

const { folder, upn, kerberos, kerberosMode, spn } = told
const port = await freePort()
await mkdir(folder, { recursive: true })
createMasterKey(join(folder, 'master.key'))
const text = `
roles: [sts, proxy]
data: data
masterKeyFile: master.key
resolve: { '*.contoso.localhost': 127.0.0.1 }
listeners: [{ address: 127.0.0.1, port: ${port}, protocol: http }]
sts: { url: 'http://sts.contoso.localhost:${port}' }
${kerberos === undefined ? '' : `kerberos: ${kerberos}`}
`
const configuration = parseConfiguration(text, { file: join(folder, 'gatehouse.yaml') })
const gatehouse = await openGatehouse(configuration, { log: createLog({ level: 'info', destination: 'stderr' }) })
const { sts, proxy } = gatehouse
if (sts === undefined || proxy === undefined) throw new Error('both roles are measured')

const trust = await sts.trusts.add({ name: 'CRM', claimsAware: false, permit: { everyone: true, groups: [] } })
const { store } = proxy
const publish = (name: string, at: string) =>
  store.publish(
    parsePublishedApplication({
      name,
      externalUrl: `http://${at}:${port}/`,
      backendUrl: `http://inner.contoso.localhost:${told.backend}/`,
      preauthentication: 'adfs',
      trustId: trust.id,
      identityHeaders: { 'X-Forwarded-User': 'upn' },
      ...(kerberos === undefined ? {} : { backendServerAuthenticationSPN: spn, kerberosMode }),
    }),
  )
const host = 'app.contoso.localhost'
const others = Array.from({ length: Number(told.applications) - 1 }, (_, at) =>
  publish(`app ${at}`, `app${at}.contoso.localhost`),
)
await Promise.all([publish('crm', host), ...others])
await startServing(gatehouse)

const session = {
  upn,
  relyingPartyTrust: trust.id,
  sessionId: randomBytes(16).toString('base64url'),
  issuedAt: new Date(),
  expiresAt: new Date(Date.now() + 3_600_000),
  headers: { upn },
  ...(kerberos === undefined ? {} : { delegation: [delegationDigest(trust.id, spn)] }),
}
const application = store.application('crm')?.id ?? ''
const value = sealAccessCookie(session, { keys: store.cookieKeys(), application, host })
ready(port, { cookie: `EdgeAccessCookie=${value}; theme=dark; ASP.NET_SessionId=${randomBytes(18).toString('hex')}` })
