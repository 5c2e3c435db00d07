/**
 * A federation server inside a program of your own: its people and trusts are managed by your code, its pages answered
 * by your HTTP server.
 *
 *     node examples/federation-server.ts [PORT]
 *
 * Sign in at the address that it prints, as alice@contoso.test with the password `example-password`.
 */
import { createSecretKey, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFederationServer } from '../src/sts/index.ts'

const port = Number(process.argv[2] ?? 8081)
const folder = await mkdtemp(join(tmpdir(), 'federation-server-'))
const federationServer = await createFederationServer({
  url: `http://sts.contoso.localhost:${port}`,
  folder,
  // Kept in a safe place of its own, so that what the folder holds can be opened again.
  masterKey: createSecretKey(randomBytes(32)),
  branding: { title: 'Contoso' },
})

const { people, trusts, url } = federationServer
await people.groups.add('Staff')
await people.add({ upn: 'alice@contoso.test', password: 'example-password', groups: ['Staff'] })
const trust = await trusts.add({ name: 'CRM', permit: { groups: ['Staff'] } })
await trusts.addPublishedAddress(trust.id, 'https://crm.contoso.test/')

const server = createServer(federationServer.app).listen(port, '127.0.0.1')
await once(server, 'listening')
console.log(`Sign in at ${url}/adfs/portal`)
console.log(
  `A proxy finds it by ${url}/FederationMetadata/2007-06/FederationMetadata.xml; the trust of CRM is ${trust.id}`,
)

const stop = async () => {
  server.close()
  server.closeIdleConnections()
  await federationServer.close()
  await rm(folder, { recursive: true })
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
