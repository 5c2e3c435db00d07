import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** How to run a command on one core, where there are several. */
export function onCore(core: number): string[] {
  return availableParallelism() > 1 ? ['taskset', '-c', String(core)] : []
}

/** A program that listens; `memory` is in megabytes. */
export interface Started {
  port: number
  cookie?: string
  stop: () => Promise<void>
  memory: () => Promise<number>
}

/** Starts one of the programs beside this file and waits until it listens. */
export async function start(program: string, args: readonly string[], core: number): Promise<Started> {
  const file = new URL(`${program}.ts`, import.meta.url).pathname
  const [command, ...rest] = [...onCore(core), process.execPath, '--expose-gc', file, ...args]
  const child = spawn(command ?? '', rest, {
    stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const answer = <T>(): Promise<T> =>
    new Promise((resolve, reject) => {
      child.once('message', (message) => resolve(message as T))
      void ended.then(() => reject(new Error(`${program} ended`)))
    })
  const { port, cookie } = await answer<{ port: number; cookie?: string }>()
  return {
    port,
    ...(cookie === undefined ? {} : { cookie }),
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
    memory: async () => {
      // connections of the last run are still being closed, and lines of the log written
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      child.send('memory')
      return (await answer<{ megabytes: number }>()).megabytes
    },
  }
}
