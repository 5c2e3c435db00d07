/**
 * Where the administration of a data folder is found: a Unix socket in it, and perhaps a loopback address beside. Both
 * the server and the command work it out from the configuration alone.
 */
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'
import type { Configuration } from '../configuration/configuration.ts'

/** A door of the administration. */
export type AdministrationEndpoint =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'address'; readonly address: string; readonly port: number; readonly tokenFile: string }

/** Bytes that a socket's path may have on Linux, its closing zero not counted; macOS has 103. */
const longestSocketPath = process.platform === 'linux' ? 107 : 103

/** What a caller on the socket sends as Host, which on an address is `address:port`. */
export const socketHost = 'gatehouse'

/**
 * The doors in the order in which a command tries them.
 * @throws {CliError} `configuration` for a socket whose path is too long, `not-permitted` for a foreign folder in its place.
 */
export function administrationEndpoints(configuration: Configuration): AdministrationEndpoint[] {
  const { socket, address, port, tokenFile } = configuration.administration
  const endpoints: AdministrationEndpoint[] = []
  if (socket !== false) endpoints.push({ kind: 'socket', path: socketPath(socket, configuration.data) })
  if (address !== undefined && port !== undefined && tokenFile !== undefined) {
    endpoints.push({ kind: 'address', address, port, tokenFile })
  }
  return endpoints
}

function socketPath(configured: string | undefined, data: string): string {
  const path = configured ?? join(data, 'gatehouse.sock')
  if (Buffer.byteLength(path) <= longestSocketPath) return path
  if (configured !== undefined) {
    throw new CliError(
      'configuration',
      `administration.socket: a socket's path has at most ${longestSocketPath} bytes, this one has more: ${path}`,
    )
  }
  return join(privateFolder(), `${createHash('sha256').update(realPath(data)).digest('hex').slice(0, 24)}.sock`)
}

// The same folder has one name, whichever link it was reached by.
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

// A folder that only this user can look into: in a shared one somebody else could put his own socket first.
function privateFolder(): string {
  const { XDG_RUNTIME_DIR } = process.env
  const { uid } = userInfo()
  const shared = XDG_RUNTIME_DIR === undefined || XDG_RUNTIME_DIR === '' ? tmpdir() : XDG_RUNTIME_DIR
  const folder = join(shared, `gatehouse-${uid}`)
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new CliError('file', `the folder ${folder} for the administration socket cannot be made`, { cause })
    }
  }
  const found = lstatSync(folder)
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new CliError(
      'not-permitted',
      `the folder ${folder} for the administration socket is not private to this user; set administration.socket`,
    )
  }
  return folder
}
