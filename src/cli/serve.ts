/**
 * The server: a Gatehouse with listeners in front of it and the administration beside it. Ends on SIGTERM and SIGINT
 * after what is in flight has finished; a second signal ends it at once.
 */

import type { KerberosDelegator } from '../kcd/index.ts'
import { openAdministration } from './administration/administration-server.ts'
import type { Gatehouse } from './gatehouse.ts'
import { readCertificateAuthorities } from './gatehouse.ts'
import { type OpenListener, openListeners } from './listeners/listener.ts'
import type { Site } from './listeners/site.ts'
import { siteOf } from './listeners/site.ts'
import { letYoungGenerationGrow } from './young-generation.ts'

/** A server that accepts requests. */
export interface RunningGatehouse {
  readonly gatehouse: Gatehouse
  readonly addresses: readonly OpenListener[]
  /**
   * Stops accepting, finishes what is in flight, closes the Gatehouse. More than once does no harm.
   * @param options.deadline seconds for what is in flight; default the configuration's `shutdownTimeout`.
   */
  close(options?: { deadline?: number }): Promise<void>
}

/**
 * Puts an open Gatehouse into service: sites, listeners, administration, in this order. When it fails, what was begun is
 * closed again, and so is the Gatehouse.
 */
export async function startServing(gatehouse: Gatehouse): Promise<RunningGatehouse> {
  const { configuration, log, sts, proxy } = gatehouse
  const closers: ((deadline: number) => Promise<void>)[] = [() => gatehouse.close()]
  const closeAll = async (deadline: number) => {
    for (const close of closers.toReversed()) {
      try {
        await close(deadline)
      } catch (error) {
        log.error({ err: error }, 'did not close cleanly')
      }
    }
  }
  try {
    const sites: Site[] = []
    if (sts !== undefined) sites.push(siteOf(sts.url, sts.app, { requestTimeout: 30 }))
    if (proxy !== undefined) {
      const { createWebApplicationProxy } = await import('../proxy/web-application-proxy.ts')
      const delegator = configuration.kerberos === undefined ? undefined : await openDelegator(gatehouse)
      if (delegator !== undefined) closers.push(() => delegator.close())
      const application = createWebApplicationProxy({
        store: proxy.store,
        federationService: proxy.federationService,
        resolve: configuration.resolve,
        trustedProxies: configuration.listeners.flatMap(({ trustedProxies }) => trustedProxies),
        backendCa: await readCertificateAuthorities(configuration),
        ...(delegator === undefined ? {} : { delegator }),
        ...delegationOf(configuration),
        ...(configuration.proxy === undefined ? {} : { acceptanceWindow: configuration.proxy.acceptanceWindow }),
        audit: (event) => (sts === undefined ? log.info({ audit: event }, 'audit') : sts.audit.record(event)),
        log,
      })
      // Begun together with the listeners' end, so that open WebSockets and event streams do not hold it up.
      let ended: Promise<void> | undefined
      const end = () => {
        ended ??= application.close({ graceful: true, timeout: configuration.shutdownTimeout * 1000 })
        return ended
      }
      closers.push(end)
      sites.push(Object.assign(application, { closing: () => void end() }))
    }
    const listeners = await openListeners({ listeners: configuration.listeners, sites, log })
    closers.push((deadline) => listeners.close({ deadline }))
    // Last, because a command that reaches the socket takes the server for one that serves.
    const administration = await openAdministration(gatehouse)
    closers.push(() => administration.close())
    letYoungGenerationGrow()
    let closing: Promise<void> | undefined
    return {
      gatehouse,
      addresses: listeners.addresses,
      close({ deadline = configuration.shutdownTimeout } = {}) {
        closing ??= closeAll(deadline)
        return closing
      },
    }
  } catch (error) {
    await closeAll(0)
    throw error
  }
}

async function openDelegator({ configuration, log }: Gatehouse): Promise<KerberosDelegator> {
  const account = await import('./kerberos/delegation-account.ts')
  const delegator = await account.openDelegator(configuration)
  log.info({ realm: delegator.realm, principal: configuration.kerberos?.principal }, 'Kerberos delegation')
  return delegator
}

/** The proxy's own list of services, for what asks whether a person may be delegated. */
function delegationOf({ kerberos }: Gatehouse['configuration']): { delegation?: { services: readonly string[] } } {
  return kerberos?.services === undefined ? {} : { delegation: { services: kerberos.services } }
}

/**
 * Listens for SIGTERM and SIGINT from now on, so that one that comes while the server starts is not lost.
 * @returns resolves with the name of the first one; the next one ends the process at once with status 1.
 */
export function firstSignal(): Promise<string> {
  return new Promise((resolve) => {
    const onSignal = (name: string) => {
      resolve(name)
      for (const each of signals) {
        process.removeListener(each, onSignal)
        process.on(each, () => process.exit(1))
      }
    }
    for (const each of signals) process.on(each, onSignal)
  })
}

const signals = ['SIGTERM', 'SIGINT'] as const
