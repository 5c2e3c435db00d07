/**
 * An Express application that stands on the internet itself, with nobody getting past the first line of it unless the
 * federation service signed them in. No proxy is in between.
 *
 * Start the demo (`npm run demo -- --data /tmp/gatehouse`), then tell its federation service of this application, once:
 *
 *     gatehouse trust add Notes --permit-everyone --published-url http://notes.contoso.localhost:3000/ \
 *       --config /tmp/gatehouse/gatehouse.yaml
 *
 * and start this with the id that the command prints:
 *
 *     TRUST_ID=… node examples/express-preauth.ts
 */
import { createSecretKey, randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { Agent, fetch } from 'undici'
// In a program of your own: from 'gatehouse/proxy'
import { type ExpressRequest, expressPreauth } from '../src/proxy/index.ts'

const {
  METADATA_URL = 'http://sts.contoso.localhost:8080/FederationMetadata/2007-06/FederationMetadata.xml',
  TRUST_ID = '',
  EXTERNAL_URL = 'http://notes.contoso.localhost:3000/',
  PORT = new URL(EXTERNAL_URL).port,
} = process.env

// Browsers know that *.localhost is this machine, Node does not. With names in the DNS leave `fetch` out.
const loopback = new Agent({
  connect: { lookup: (_name, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]) },
})

const preauth = expressPreauth({
  applications: [
    { name: 'Notes', externalUrl: EXTERNAL_URL, trustId: TRUST_ID, identityHeaders: { 'X-Forwarded-User': 'upn' } },
  ],
  federationService: {
    metadataUrl: METADATA_URL,
    trusts: [{ id: TRUST_ID, name: 'Notes' }],
    fetch: (url, init) => fetch(url, { ...init, dispatcher: loopback }),
  },
  // One process, so a key of its own is enough: people sign in anew, silently, when it is started again.
  cookieKeys: [{ id: 'first', secret: createSecretKey(randomBytes(32)) }],
})

const app = express()
app.disable('x-powered-by')
app.use(preauth)
app.get('/', (request: ExpressRequest, response) => {
  const upn = request.preauthentication?.identity?.upn
  response.type('text').send(`Hello ${upn}. X-Forwarded-User says ${request.headers['x-forwarded-user']}.\n`)
})

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`Notes is ready: ${EXTERNAL_URL} (port ${(server.address() as AddressInfo).port})`)
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close(() => process.exit(0)))
