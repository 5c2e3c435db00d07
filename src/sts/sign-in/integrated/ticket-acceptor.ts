/**
 * Takes Kerberos tickets for this server: the `kerberos` package over libgssapi, which checks the ticket, the clocks
 * (five minutes) and, in its replay cache ($KRB5RCACHEDIR, else $TMPDIR or /var/tmp), that no token is taken twice.
 * Each token gets a context of its own that is used once; the native work runs on the thread pool.
 *
 * libkrb5 reads the keytab named by KRB5_KTNAME, for the whole process: it is set once, here, and read anew with each
 * ticket, so that a keytab that was replaced needs no restart. A process that the system treats as privileged (set-uid,
 * file capabilities) has its environment ignored by libkrb5: give `node` ambient capabilities instead.
 *
 * Channel bindings (RFC 5929) are not checked, the package has no way to: hence the networks in clients-inside.ts.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { StsError } from '../../sts-error.ts'
import type { IntegratedSignInSettings } from './integrated-sign-in-options.ts'

/** What became of a token. */
export type AcceptedTicket =
  | { kind: 'accepted' /** `name@REALM`, escaped as Kerberos does. */; principal: string; reply: string | undefined }
  | { kind: 'refused'; code: 'negotiate-refused' | 'negotiate-busy' /** For the operator. */; reason?: string }

export interface TicketAcceptor {
  /** The realm of the service, as the keytab names it. */
  readonly realm: string
  /** @param token of Kerberos, base64. */
  accept(token: string): Promise<AcceptedTicket>
}

/** The part of the `kerberos` package that is used. */
export interface KerberosPackage {
  initializeServer(service: string): Promise<{
    readonly username: string | null
    readonly targetName: string | null
    readonly response: string | null
    readonly contextComplete: boolean
    step(token: string): Promise<unknown>
  }>
  principalDetails(service: string, host: string): Promise<string>
}

/** Threads of the pool that may work on tickets, of the four that passwords and files need as well. */
const mostAtOnce = 2
const mostWaiting = 64
const longestReason = 200

/**
 * Opens the keytab.
 * @param load finds the `kerberos` package; default `import('kerberos')`.
 * @throws {StsError} `integrated-sign-in`: the package is not installed, the keytab cannot be read, is open to others or
 *   holds no key of the service, or another keytab is in use in this process.
 */
export async function openTicketAcceptor(
  settings: Pick<IntegratedSignInSettings, 'keytab' | 'service' | 'host' | 'realm' | 'allowGroupReadableKeytab'>,
  load: () => Promise<{ default: KerberosPackage }> = () => import('kerberos'),
): Promise<TicketAcceptor> {
  const file = resolve(settings.keytab)
  await checkKeytab(file, settings)
  const kerberos = await loadKerberos(load)
  const giveUp = useKeytab(file)
  const principal = await principalIn(file, kerberos, settings).catch((error: unknown) => {
    giveUp()
    throw error
  })
  const realm = realmOf(principal)
  const inTurn = createTurns()

  async function accept(token: string): Promise<AcceptedTicket> {
    // Without a name, so that libkrb5 asks no DNS for another one; what the ticket is for is compared below.
    const context = await kerberos.initializeServer('')
    await context.step(token)
    const { username, targetName, response, contextComplete } = context
    if (!contextComplete || username === null) return { kind: 'refused', code: 'negotiate-refused' }
    if (targetName !== principal) {
      return { kind: 'refused', code: 'negotiate-refused', reason: readable(`a ticket for ${targetName}`) }
    }
    return { kind: 'accepted', principal: username, reply: response ?? undefined }
  }

  return {
    realm,
    async accept(token) {
      const result = inTurn(() => accept(token))
      if (result === undefined) return { kind: 'refused', code: 'negotiate-busy' }
      return result.catch((error: unknown) => ({
        kind: 'refused',
        code: 'negotiate-refused',
        reason: textOf(error),
      }))
    },
  }
}

async function loadKerberos(load: () => Promise<{ default: KerberosPackage }>): Promise<KerberosPackage> {
  try {
    return (await load()).default
  } catch (cause) {
    throw failure(
      'the optional package kerberos is not installed or does not load. It is built when Gatehouse is installed, if ' +
        "Kerberos' headers are there (Debian: apt-get install libkrb5-dev g++ make python3): install them, then run npm install again",
      cause,
    )
  }
}

let keytabOfProcess: string | undefined

/** @returns what undoes it, for a keytab that turns out to be of no use. */
function useKeytab(file: string): () => void {
  if (keytabOfProcess === file) return () => undefined
  if (keytabOfProcess !== undefined) {
    throw failure(`this process takes tickets by the keytab ${keytabOfProcess} already, and can do so by one alone`)
  }
  const before = process.env['KRB5_KTNAME']
  keytabOfProcess = file
  process.env['KRB5_KTNAME'] = `FILE:${file}`
  return () => {
    keytabOfProcess = undefined
    if (before === undefined) delete process.env['KRB5_KTNAME']
    else process.env['KRB5_KTNAME'] = before
  }
}

/** The principal of the service as the keytab has it, with its realm. */
async function principalIn(
  file: string,
  kerberos: KerberosPackage,
  { service, host, realm }: Pick<IntegratedSignInSettings, 'service' | 'host' | 'realm'>,
): Promise<string> {
  const principal = await kerberos.principalDetails(service, host).catch((cause: unknown) => {
    throw failure(`the keytab ${file} gives no key of ${service}/${host}: ${textOf(cause)}`, cause)
  })
  if (realm === undefined || realmOf(principal) === realm) return principal
  throw failure(`the keytab ${file} has keys of ${principal}, not in the realm ${realm}`)
}

const realmOf = (principal: string) => principal.slice(principal.lastIndexOf('@') + 1)

async function checkKeytab(
  file: string,
  { allowGroupReadableKeytab }: Pick<IntegratedSignInSettings, 'allowGroupReadableKeytab'>,
): Promise<void> {
  let handle: FileHandle | undefined
  try {
    handle = await open(file)
    const { mode } = await handle.stat()
    const credentials = process.env['CREDENTIALS_DIRECTORY']
    const groupMayRead = allowGroupReadableKeytab || (credentials !== undefined && dirname(file) === credentials)
    if ((mode & (groupMayRead ? 0o037 : 0o077)) === 0 || process.platform === 'win32') return
    const bits = (mode & 0o777).toString(8).padStart(4, '0')
    throw failure(
      `the keytab ${file} has mode ${bits}: others may use it. Run chmod ${groupMayRead ? 640 : 600} ${file}`,
    )
  } catch (cause) {
    throw cause instanceof StsError ? cause : failure(`the keytab ${file} cannot be read`, cause)
  } finally {
    await handle?.close()
  }
}

/** Lets so many work at once and so many wait; answers undefined to whoever comes on top of that. */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> | undefined {
  let working = 0
  const waiting: (() => void)[] = []
  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    if (working >= mostAtOnce) await new Promise<void>((resolve) => waiting.push(resolve))
    else working += 1
    try {
      return await work()
    } finally {
      // The place goes to the next one, or is given back.
      const next = waiting.shift()
      if (next === undefined) working -= 1
      else next()
    }
  }
  return (work) => (waiting.length >= mostWaiting ? undefined : run(work))
}

/** A library's text as one short line. */
const textOf = (error: unknown) => readable(error instanceof Error ? error.message : String(error))

const readable = (text: string) => text.replace(/\p{Cc}+/gu, ' ').slice(0, longestReason)

const failure = (message: string, cause?: unknown) =>
  new StsError('integrated-sign-in', `integrated sign-in: ${message}`, cause === undefined ? undefined : { cause })
