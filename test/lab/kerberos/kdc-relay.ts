/** A relay before a KDC that records what passes and may answer in the KDC's place: what someone on the way can do. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type KdcMessage = 'AS-REQ' | 'TGS-REQ' | 'other'

export interface Passing {
  readonly kind: KdcMessage
  readonly request: Buffer
  /** What the KDC says; asks it when called. */
  readonly honest: () => Promise<Buffer>
}

/** The answer (framed by the relay), raw octets (as they are), or nothing at all. */
export type RelayedAnswer = Buffer | { readonly raw: Buffer } | 'silence' | 'close'

export interface KdcRelay {
  /** Address as a delegator takes it. */
  readonly kdc: string
  readonly requests: readonly { readonly kind: KdcMessage; readonly request: Buffer }[]
  /** From now on requests are answered like this. */
  answer(how: (passing: Passing) => RelayedAnswer | Promise<RelayedAnswer>): void
  close(): Promise<void>
}

/** @param target KDC that honest answers come from; undefined: there is none. */
export async function startKdcRelay(target?: string): Promise<KdcRelay> {
  const requests: { kind: KdcMessage; request: Buffer }[] = []
  const honestly = ({ honest }: Passing): Promise<RelayedAnswer> => honest()
  let how: (passing: Passing) => RelayedAnswer | Promise<RelayedAnswer> = honestly
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    readMessage(socket).then(async (request) => {
      if (request === undefined) return
      const kind = request[0] === 0x6a ? 'AS-REQ' : request[0] === 0x6c ? 'TGS-REQ' : 'other'
      requests.push({ kind, request })
      const answer = await how({ kind, request, honest: () => askKdc(target, request) })
      if (answer === 'silence') return
      if (answer === 'close') return socket.destroy()
      socket.end(Buffer.isBuffer(answer) ? framed(answer) : answer.raw)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    kdc: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (next) => {
      how = next
    },
    close: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** Length, then the message (RFC 4120 §7.2.2). */
export function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(message.length)
  return Buffer.concat([head, message])
}

async function askKdc(target: string | undefined, request: Buffer): Promise<Buffer> {
  const [host, port] = (target ?? '').split(':')
  const socket = connect(Number(port), host)
  socket.write(framed(request))
  const answer = await readMessage(socket)
  socket.destroy()
  if (answer === undefined) throw new Error('the KDC behind the relay has closed the connection')
  return answer
}

async function readMessage(socket: Socket): Promise<Buffer | undefined> {
  let have = Buffer.alloc(0)
  for await (const piece of socket.iterator({ destroyOnReturn: false })) {
    have = Buffer.concat([have, piece as Buffer])
    if (have.length >= 4 && have.length >= 4 + have.readUInt32BE()) return have.subarray(4, 4 + have.readUInt32BE())
  }
  return undefined
}
