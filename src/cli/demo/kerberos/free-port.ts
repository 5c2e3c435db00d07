import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** A port of the loopback interface that nobody listens on now; the wanted one, where it is free. */
export async function freePort(wanted = 0): Promise<number> {
  const server = createServer()
  try {
    await once(server.listen({ host: '127.0.0.1', port: wanted }), 'listening')
  } catch (error) {
    if (wanted === 0) throw error
    return freePort()
  }
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
