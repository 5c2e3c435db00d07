import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createKerberosDelegator } from '../src/kcd/index.ts'
import { gatewayPrincipal, openExampleRealm } from '../test/lab/kerberos/example-realm.ts'
import { type Figure, printFigures } from './figure.ts'
import { benchCachedTicket } from './kerberos/cached-ticket.ts'
import { addPeople, benchColdTicket, benchTicketMemory } from './kerberos/cold-ticket.ts'
import { benchProxiedKerberos } from './kerberos/proxied-request.ts'

/**
 * Constrained delegation against a real MIT KDC on this machine: cached tickets, cold ones, what they take of memory,
 * and what they cost a proxied request.
 */
export async function benchKerberos(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'))
  const realm = await openExampleRealm(folder)
  try {
    await addPeople(realm)
    const open = () =>
      createKerberosDelegator({
        realm: realm.realm,
        kdcs: [realm.kdc],
        principal: gatewayPrincipal,
        keytab: realm.gatewayKeytab,
        timeout: 60,
      })
    const delegator = open()
    const cached = await benchCachedTicket(delegator, realm)
    await delegator.close()
    const cold = await benchColdTicket(open, realm)
    const memory = await benchTicketMemory(open)
    return [...cached, ...cold, ...memory, ...(await benchProxiedKerberos(realm, open))]
  } finally {
    await realm.close()
    await rm(folder, { recursive: true, force: true })
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) printFigures(await benchKerberos())
