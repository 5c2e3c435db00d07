/** What stands behind `gatehouse demo` on the command line. */
import { isIP } from 'node:net'
import { parseArgs } from 'node:util'
import { CliError } from '../cli-error.ts'
import { isLoopback } from '../listeners/address-list.ts'

export interface DemoOptions {
  /** Undefined: the one of the data folder, or 8080. 0: one that is free. */
  readonly port: number | undefined
  /** Undefined: the one of the data folder, or 127.0.0.1. */
  readonly address: string | undefined
  /** Undefined: as the data folder has it, or without. */
  readonly tls: boolean | undefined
  /** Undefined: as the data folder has it, or without. */
  readonly kerberos?: boolean | undefined
  /** Undefined: a folder of its own that is removed in the end. */
  readonly data: string | undefined
}

/**
 * Reads the words behind `gatehouse demo`.
 * @throws {CliError} `usage` for a word or value that is not understood, `listen` for an address that is not loopback.
 */
export function parseDemoOptions(words: readonly string[]): DemoOptions {
  const { port, address, tls, kerberos, data } = parseWords(words)
  if (address !== undefined && isIP(address) === 0)
    throw new CliError('usage', `--address takes an IP address such as 127.0.0.1, not ${quoted(address)}`)
  if (address !== undefined) requireLoopback(address)
  if (data === '') throw new CliError('usage', '--data takes the path of a folder')
  return { port: port === undefined ? undefined : parsePort(port), address, tls, kerberos, data }
}

/**
 * Refuses to serve the demo where others could reach it.
 * @throws {CliError} `listen`
 */
export function requireLoopback(address: string): void {
  if (!isLoopback(address))
    throw new CliError(
      'listen',
      `the demo's passwords are known to everybody: it listens on loopback addresses only, not on ${quoted(address)}`,
    )
}

function parseWords(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowNegative: true,
      options: {
        port: { type: 'string' },
        address: { type: 'string' },
        data: { type: 'string' },
        tls: { type: 'boolean' },
        kerberos: { type: 'boolean' },
      },
    }).values
  } catch (cause) {
    const [said = ''] = cause instanceof Error ? cause.message.split(/\n|\. To specify/, 1) : []
    throw new CliError('usage', `${said.replace(/\.$/, '')}; see gatehouse demo --help`, { cause })
  }
}

function parsePort(text: string): number {
  // `--port 0.0.0.0:8080`, as other servers take it: what is wrong with it is the address.
  const address = /^\[?([\d.a-f:]+?)\]?:\d+$/i.exec(text)?.[1]
  if (address !== undefined && isIP(address) !== 0) requireLoopback(address)
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new CliError('usage', `--port takes a number from 0 to 65535, not ${quoted(text)}`)
  return port
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}
