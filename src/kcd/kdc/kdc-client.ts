/**
 * One question to a realm: the request goes to its KDCs, one after the other, and the first answer counts. The next KDC is
 * asked as soon as one refuses, or when one keeps silent for a while; the silent one may still answer. Nothing here knows
 * what the octets mean, but for one answer that says "ask another".
 */
import type { LookupFunction } from 'node:net'
import { KdcErrorCode } from '../kdc-error-facts.ts'
import { KerberosError } from '../kerberos-error.ts'
import { decodeKrbError } from '../messages/krb-error.ts'
import { type KdcAddress, kdcAddressText } from './kdc-address.ts'
import { exchangeWithKdc } from './kdc-connection.ts'
import type { KdcDirectory } from './kdc-directory.ts'

export interface KdcClient {
  /**
   * Asks the KDCs of a realm.
   * @param signal ends it all; its reason is what the promise then rejects with.
   * @throws {KerberosError} `kdc-unreachable` where no KDC answered; `malformed`.
   */
  ask(realm: string, request: Uint8Array, signal: AbortSignal): Promise<Buffer>
}

export interface KdcClientOptions {
  readonly directory: KdcDirectory
  readonly lookup?: LookupFunction | undefined
  /** Milliseconds of silence before the next KDC is asked as well. */
  readonly patience: number
  /** Requests that may be under way; others wait. */
  readonly mostAtOnce: number
}

export function createKdcClient({ directory, lookup, patience, mostAtOnce }: KdcClientOptions): KdcClient {
  let underWay = 0
  const waiting: (() => void)[] = []

  /** Resolves when there is room for one more. */
  const enter = (signal: AbortSignal): Promise<void> => {
    if (underWay < mostAtOnce) {
      underWay++
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const go = () => {
        signal.removeEventListener('abort', aborted)
        resolve()
      }
      const aborted = () => {
        waiting.splice(waiting.indexOf(go), 1)
        reject(signal.reason)
      }
      signal.addEventListener('abort', aborted, { once: true })
      waiting.push(go)
    })
  }
  /** The place goes to the one that waits longest. */
  const leave = () => {
    const next = waiting.shift()
    if (next === undefined) underWay--
    else next()
  }

  return {
    ask: async (realm, request, signal) => {
      signal.throwIfAborted()
      await enter(signal)
      try {
        const addresses = await directory.locate(realm, signal)
        return await firstAnswer(realm, addresses, request, signal)
      } finally {
        leave()
      }
    },
  }

  function firstAnswer(
    realm: string,
    addresses: readonly KdcAddress[],
    request: Uint8Array,
    signal: AbortSignal,
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const over = new AbortController()
      const failures: Error[] = []
      let unavailable: Buffer | undefined
      let tried = 0
      let timer: NodeJS.Timeout | undefined
      const finish = (settle: () => void) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', aborted)
        over.abort(ANSWERED)
        settle()
      }
      const aborted = () => {
        // Whoever was asked and kept silent goes to the end of the queue for the next time.
        for (const address of addresses.slice(0, tried)) directory.failed(address)
        finish(() => reject(signal.reason))
      }
      const fail = (address: KdcAddress, failure: Error) => {
        if (over.signal.aborted) return
        directory.failed(address)
        failures.push(failure)
        if (tried < addresses.length) return tryNext()
        if (failures.length < tried) return
        if (unavailable !== undefined) return finish(() => resolve(unavailable as Buffer))
        finish(() => reject(unreachable(realm, failures)))
      }
      const tryNext = () => {
        clearTimeout(timer)
        const address = addresses[tried++]
        if (address === undefined) return
        if (tried < addresses.length) {
          timer = setTimeout(() => {
            directory.failed(address)
            tryNext()
          }, patience)
        }
        exchangeWithKdc(address, request, { lookup, signal: over.signal }).then(
          (answer) => {
            if (over.signal.aborted) return
            if (isUnavailable(answer)) {
              unavailable = answer
              return fail(
                address,
                new KerberosError('kdc-unreachable', `the KDC at ${kdcAddressText(address)} is out of service`),
              )
            }
            directory.answered(address)
            finish(() => resolve(answer))
          },
          (failure: Error) => {
            if (failure instanceof KerberosError && failure.code === 'kdc-unreachable') fail(address, failure)
            else if (!over.signal.aborted) finish(() => reject(failure))
          },
        )
      }
      signal.addEventListener('abort', aborted, { once: true })
      tryNext()
    })
  }
}

/** Made once: a reason of its own for each request would cost a stack trace. */
const ANSWERED = new KerberosError('kdc-unreachable', 'another KDC has answered')

function unreachable(realm: string, failures: readonly Error[]): KerberosError {
  const message = `no KDC of ${realm} answers: ${failures.map((failure) => failure.message).join('; ')}`
  const cause = failures.length === 1 ? failures[0] : new AggregateError(failures)
  return new KerberosError('kdc-unreachable', message, { cause, realm })
}

/** A KRB-ERROR that says that this KDC cannot serve now; any other one is an answer. */
function isUnavailable(answer: Buffer): boolean {
  // [APPLICATION 30]: a look at one octet spares decoding replies twice.
  if (answer[0] !== 0x7e) return false
  try {
    return decodeKrbError(answer).errorCode === KdcErrorCode.KDC_ERR_SVC_UNAVAILABLE
  } catch {
    return false
  }
}
