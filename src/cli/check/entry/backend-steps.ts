import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { rootCertificates, TLSSocket } from 'node:tls'
import { type BackendNegotiation, KerberosError } from '../../../kcd/index.ts'
import { tlsServerEndPoint } from '../../../kcd/spnego/channel-binding.ts'
import { createLookup } from '../../../proxy/forwarding/name-resolution.ts'
import type { PublishedApplication } from '../../../proxy/published-application.ts'
import { reasonOf } from '../finding.ts'
import { type EntryStep, failed, ok, skipped, warning } from './entry-step.ts'

const timeout = 10_000

export interface BackendCheckOptions {
  readonly resolve: Readonly<Record<string, string>>
  /** Certificate authorities for backends, in PEM, beside the system's own. */
  readonly ca: readonly string[]
  /** SPN of a backend that takes Kerberos. */
  readonly spn: string | undefined
  /** Makes a token; undefined where no ticket could be had. */
  readonly begin: ((channelBinding: Uint8Array | undefined) => Promise<BackendNegotiation>) | undefined
}

/** Whether the backend answers, asks for Kerberos where it should, and takes the person's ticket. */
export async function backendSteps(
  application: PublishedApplication,
  { resolve, ca, spn, begin }: BackendCheckOptions,
): Promise<EntryStep[]> {
  const accepts = spn === undefined ? [] : [skipped('ticket at the backend', 'not tried')]
  const backend = openBackend(application, { resolve, ca })
  try {
    const first = await backend.ask(undefined)
    const reached = `${application.backendUrl} answers ${first.status}`
    if (spn === undefined) {
      const made = first.status >= 500 && first.status !== 501 ? warning : ok
      return [made('backend', reached)]
    }
    const asks = offersNegotiate(first)
    const reach = asks
      ? ok('backend', `${reached} and asks for Negotiate`)
      : warning(
          'backend',
          `${reached} and does not ask for Negotiate: ${first.status === 401 ? 'enable Kerberos there (IIS: provider Negotiate)' : 'it may let everybody in who reaches it'}`,
        )
    if (begin === undefined) return [reach, ...accepts]
    return [reach, await ticketStep(backend, await begin(first.channelBinding), spn)]
  } catch (error) {
    if (error instanceof KerberosError) return [failed('ticket at the backend', `${error.code}: ${error.message}`)]
    return [failed('backend', `${application.backendUrl} cannot be reached: ${reasonOf(error)}`), ...accepts]
  } finally {
    backend.close()
  }
}

async function ticketStep(backend: Backend, negotiation: BackendNegotiation, spn: string): Promise<EntryStep> {
  const step = 'ticket at the backend'
  const answer = await backend.ask(negotiation.value)
  try {
    const proof = negotiation.check(answer.negotiate)
    if (answer.status === 401) return failed(step, refused(spn))
    const said = `answers ${answer.status}${proof === 'proved' ? ' and proves that it is the service' : ''}`
    if (answer.status === 403) return warning(step, `${said}: it knows the person and does not let them in`)
    return answer.status >= 500 && answer.status !== 501 ? warning(step, said) : ok(step, said)
  } catch (error) {
    if (!(error instanceof KerberosError)) throw error
    const said = `${error.code}: ${error.message}`
    return failed(step, answer.status === 401 ? `${refused(spn)} Its answer: ${said}` : said)
  }
}

const refused = (spn: string) =>
  `the backend answers 401 to a good ticket for ${spn}: it runs as another account than the one with this SPN ` +
  `(setspn -Q ${spn}; IIS: useAppPoolCredentials for an application pool's own account), has an old keytab ` +
  '(klist -kte there), or its clock is off.'

interface BackendAnswer {
  readonly status: number
  readonly challenges: readonly string[]
  /** What stands behind `Negotiate `, where something does. */
  readonly negotiate: string | undefined
  readonly channelBinding: Uint8Array | undefined
}

interface Backend {
  ask(negotiate: string | undefined): Promise<BackendAnswer>
  close(): void
}

const offersNegotiate = ({ status, challenges }: BackendAnswer) =>
  status === 401 && challenges.some((challenge) => /(?:^|,)\s*negotiate\s*(?:,|$)/i.test(challenge))

function openBackend(
  application: PublishedApplication,
  { resolve, ca }: Pick<BackendCheckOptions, 'resolve' | 'ca'>,
): Backend {
  const url = new URL(application.backendUrl)
  const lookup = createLookup(resolve)
  const secure = url.protocol === 'https:'
  const options = { keepAlive: true, maxSockets: 1, timeout, lookup }
  const agent = secure
    ? new HttpsAgent({
        ...options,
        servername: url.hostname,
        rejectUnauthorized: application.backendServerCertificateValidation !== 'None',
        ...(ca.length === 0 ? {} : { ca: [...rootCertificates, ...ca] }),
      })
    : new HttpAgent(options)
  const host = application.disableTranslateUrlInRequestHeaders ? new URL(application.externalUrl).host : url.host
  const ask = (negotiate: string | undefined): Promise<BackendAnswer> =>
    new Promise((done, reject) => {
      const headers = {
        host,
        'user-agent': 'gatehouse app check',
        ...(negotiate === undefined ? {} : { authorization: `Negotiate ${negotiate}` }),
      }
      const request = (secure ? requestHttps : requestHttp)(url, { agent, headers, timeout }, (response) => {
        const channelBinding = channelBindingOf(response)
        response.resume()
        response.once('error', reject)
        response.once('end', () => done({ ...answerOf(response), channelBinding }))
      })
      request.once('timeout', () => request.destroy(new Error(`no answer within ${timeout / 1000} s`)))
      request.once('error', reject)
      request.end()
    })
  return { ask, close: () => agent.destroy() }
}

function answerOf({ statusCode = 0, headersDistinct }: IncomingMessage): Omit<BackendAnswer, 'channelBinding'> {
  const challenges = headersDistinct['www-authenticate'] ?? []
  const negotiate = challenges.flatMap((challenge) => /^negotiate\s+(\S+)$/i.exec(challenge)?.[1] ?? [])[0]
  return { status: statusCode, challenges, negotiate }
}

function channelBindingOf({ socket }: IncomingMessage): Uint8Array | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  const { raw } = socket.getPeerCertificate()
  return raw === undefined ? undefined : tlsServerEndPoint(raw)
}
