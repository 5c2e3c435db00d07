/**
 * What a command sees of the administration: {@link Administration.call}. Behind it stands the running server, reached
 * through its socket, or, when none runs, the operation itself on the data folder under its exclusive lock.
 *
 *     connect ──▶ answered ───────────────────────────▶ result
 *        │ nobody listens (no socket, or a dead server's)
 *        ▼
 *     lock ──▶ taken: open, operate, close ───────────▶ result
 *        │ in use: a server is starting or ending, or another command is at work
 *        └──▶ from the beginning, until the patience is at its end
 */
import { request as httpRequest } from 'node:http'
import { userInfo } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { CliError } from '../cli-error.ts'
import type { Configuration } from '../configuration/configuration.ts'
import { readBearerToken } from './bearer-token.ts'
import { type AdministrationEndpoint, administrationEndpoints, socketHost } from './endpoint.ts'
import { type AdministrationAnswer, operationPath, operatorHeader, RemoteError } from './message.ts'
import type { OperationInput, OperationName, OperationOutput } from './operations.ts'

export interface Administration {
  /** @throws {RemoteError} what the operation threw; {CliError} `unreachable`, `folder-in-use`, `not-permitted`, `answer` */
  call<Name extends OperationName>(name: Name, input: OperationInput<Name>): Promise<OperationOutput<Name>>
}

const defaultPatience = 10_000
const answerTimeout = 60_000

/**
 * The administration of a configuration's data folder.
 * @param options.patience milliseconds to wait for a data folder that is in use by a process that does not serve.
 */
export function administrationOf(configuration: Configuration, options: { patience?: number } = {}): Administration {
  const { patience = defaultPatience } = options
  const endpoints = administrationEndpoints(configuration)
  const call = async (name: OperationName, input: never): Promise<unknown> => {
    const end = performance.now() + patience
    for (;;) {
      for (const endpoint of endpoints) {
        const answer = await ask(endpoint, name, input)
        if (answer !== undefined) return answer.result
      }
      try {
        return await runLocally(configuration, name, input)
      } catch (error) {
        const inUse = error instanceof CliError && error.code === 'folder-in-use'
        if (!inUse || performance.now() >= end) throw error
      }
      await delay(50)
    }
  }
  return { call: call as Administration['call'] }
}

/** Whether a server answers for this configuration. */
export async function isServing(configuration: Configuration): Promise<boolean> {
  for (const endpoint of administrationEndpoints(configuration)) {
    if ((await ask(endpoint, 'server.show', {})) !== undefined) return true
  }
  return false
}

/** The person at the terminal: the user of the operating system, and who became it by sudo. */
export function operatorName(): string {
  const { SUDO_USER } = process.env
  const { username } = userInfo()
  return SUDO_USER === undefined || SUDO_USER === '' ? username : `${username} (${SUDO_USER})`
}

async function runLocally<Name extends OperationName>(
  configuration: Configuration,
  name: Name,
  input: OperationInput<Name>,
): Promise<OperationOutput<Name>> {
  const { runOnDataFolder } = await import('./local-execution.ts')
  return runOnDataFolder(configuration, name, input, { who: operatorName(), from: 'command' })
}

// Codes of a connection that says: there is no server behind this.
const nobody = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR'])

/** The server's answer; undefined when none is there. */
async function ask(
  endpoint: AdministrationEndpoint,
  name: string,
  input: unknown,
): Promise<{ result: unknown } | undefined> {
  const where = endpoint.kind === 'socket' ? endpoint.path : `${endpoint.address} port ${endpoint.port}`
  let reply: { status: number; body: string }
  try {
    reply = await post(endpoint, name, JSON.stringify(input))
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    if (nobody.has(code)) return undefined
    if (cause instanceof CliError) throw cause
    if (code === 'EACCES' || code === 'EPERM') {
      throw new CliError(
        'not-permitted',
        `the socket ${where} belongs to another user: run the command as the one that runs the server`,
        { cause },
      )
    }
    throw new CliError(
      'unreachable',
      `the server at ${where} did not answer (${code || (cause as Error).message}); whether the change was made is not known`,
      { cause },
    )
  }
  const answer = parseAnswer(reply.body)
  if (answer === undefined) throw new CliError('answer', `what answers at ${where} is not a gatehouse server`)
  if ('error' in answer) throw new RemoteError(answer.error)
  return answer
}

function post(endpoint: AdministrationEndpoint, name: string, body: string): Promise<{ status: number; body: string }> {
  const headers: Record<string, string | number> = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    [operatorHeader]: encodeURIComponent(operatorName()),
  }
  const target =
    endpoint.kind === 'socket'
      ? { socketPath: endpoint.path, headers: { ...headers, host: socketHost } }
      : {
          host: endpoint.address,
          port: endpoint.port,
          headers: { ...headers, authorization: `Bearer ${readBearerToken(endpoint.tokenFile)}` },
        }
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { ...target, method: 'POST', path: `${operationPath}${name}`, agent: false, timeout: answerTimeout },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
        response.on('error', reject)
      },
    )
    request.on('timeout', () => request.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })))
    request.on('error', reject)
    request.end(body)
  })
}

function parseAnswer(body: string): AdministrationAnswer | undefined {
  try {
    const answer: unknown = JSON.parse(body)
    if (typeof answer !== 'object' || answer === null) return undefined
    if ('result' in answer) return { result: answer.result }
    if (!('error' in answer) || typeof answer.error !== 'object' || answer.error === null) return undefined
    const { name, code, message } = answer.error as Record<string, unknown>
    return { error: { name: String(name), code: String(code), message: String(message) } }
  } catch {
    return undefined
  }
}
