/** The administration's wire, spoken by hand. */
import { type IncomingHttpHeaders, request } from 'node:http'

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface RawCall {
  readonly socketPath?: string
  readonly port?: number
  readonly method?: string
  readonly path?: string
  /** Name and value in turn, as they go over the wire; Host is not added. */
  readonly headers?: readonly string[]
  readonly body?: string | Uint8Array
}

/** Sends exactly this. */
export function sendRaw({
  socketPath,
  port,
  method = 'POST',
  path = '/operations/group.list',
  headers = [],
  body = '',
}: RawCall): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const where = socketPath === undefined ? { host: '127.0.0.1', port } : { socketPath }
    const sent = request(
      { ...where, method, path, headers: [...headers], setHost: false, agent: false },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
        response.on('error', reject)
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Calls an operation on a socket, well-formed. */
export async function callAdministration(
  socketPath: string,
  operation: string,
  input: unknown,
): Promise<{ status: number; result?: unknown; error?: { code: string; message: string } }> {
  const body = JSON.stringify(input)
  const headers = [
    'Host',
    'gatehouse',
    'Content-Type',
    'application/json',
    'Content-Length',
    String(Buffer.byteLength(body)),
  ]
  const answer = await sendRaw({ socketPath, path: `/operations/${operation}`, headers, body })
  return { status: answer.status, ...(JSON.parse(answer.body) as object) }
}
