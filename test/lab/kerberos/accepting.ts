import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Program } from '../processes.ts'

const longestStart = 30_000

/** Resolves once something accepts connections at the loopback port; rejects with its output when the program ends before. */
export async function accepting(port: number, program: Program): Promise<void> {
  let over = ''
  program.ended.then(({ code, signal, stdout, stderr }) => {
    over = `ended (${code ?? signal}): ${stdout}${stderr}`
  })
  const end = performance.now() + longestStart
  while (performance.now() < end) {
    if (over !== '') throw new Error(`the program on port ${port} ${over}`)
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      await pause(10)
    } finally {
      socket.destroy()
    }
  }
  throw new Error(`nobody accepts connections on port ${port}: ${program.stderr()}`)
}
