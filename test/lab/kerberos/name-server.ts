/** A name server on loopback that answers SRV queries: enough DNS (RFC 1035, RFC 2782) for finding a KDC. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { ServiceRecord } from '../../../src/kcd/kdc/kdc-directory.ts'

export interface NameServer {
  /** Address as `Resolver.setServers` takes it. */
  readonly address: string
  readonly queries: readonly string[]
  close(): void
}

const SRV = 33
const NO_SUCH_NAME = 3

/** @param zone records by the name that is asked for, in lower case. */
export async function startNameServer(zone: Readonly<Record<string, readonly ServiceRecord[]>>): Promise<NameServer> {
  const queries: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const { name, end } = readName(query, 12)
    queries.push(name)
    const records = zone[name.toLowerCase()]
    const head = Buffer.alloc(12)
    query.copy(head, 0, 0, 2)
    head.writeUInt16BE(0x8180 | (records === undefined ? NO_SUCH_NAME : 0), 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(records?.length ?? 0, 6)
    const question = query.subarray(12, end + 4)
    socket.send(Buffer.concat([head, question, ...(records ?? []).map(answerOf)]), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { address: `127.0.0.1:${socket.address().port}`, queries, close: () => socket.close() }
}

function answerOf({ name, port, priority, weight }: ServiceRecord): Buffer {
  const target = encodeName(name)
  const fixed = Buffer.alloc(12 + 6)
  fixed.writeUInt16BE(0xc00c, 0)
  fixed.writeUInt16BE(SRV, 2)
  fixed.writeUInt16BE(1, 4)
  fixed.writeUInt32BE(60, 6)
  fixed.writeUInt16BE(6 + target.length, 10)
  fixed.writeUInt16BE(priority, 12)
  fixed.writeUInt16BE(weight, 14)
  fixed.writeUInt16BE(port, 16)
  return Buffer.concat([fixed, target])
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '')
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]),
    Buffer.alloc(1),
  ])
}

function readName(octets: Buffer, from: number): { name: string; end: number } {
  const labels: string[] = []
  let at = from
  for (let length = octets.readUInt8(at); length > 0; length = octets.readUInt8(at)) {
    labels.push(octets.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), end: at + 1 }
}
