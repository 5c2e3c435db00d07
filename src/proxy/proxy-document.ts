import { createSecretKey, type KeyObject } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { seal, unseal } from '../edge-token/sealing.ts'
import { writeDurably } from './durable-file.ts'
import { ProxyError } from './proxy-error.ts'
import { emptyState, insert, type ProxyState, type RingKey, requireFree } from './proxy-state.ts'
import { parsePublishedApplication } from './published-application.ts'

const FORMAT = 'gatehouse-proxy'
const SCHEMA = 1

/** The text of the document; undefined where there is none yet. @throws {ProxyError} `store-unusable` */
export async function readDocument(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unusable(file, `it cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause)
  }
}

/**
 * Reads the document.
 * @param sealing the key that cookie keys are sealed under.
 * @throws {ProxyError} `store-unusable` (damaged, foreign, another master key), `newer-schema`
 */
export function parseDocument(text: string, file: string, sealing: KeyObject): ProxyState {
  let document: { format?: unknown; schema?: unknown; version?: unknown; applications?: unknown; cookieKeys?: unknown }
  try {
    document = Object(JSON.parse(text))
  } catch (cause) {
    throw unusable(file, 'it is damaged, not a JSON document', cause)
  }
  if (document.format !== FORMAT) throw unusable(file, 'it is not a document of this proxy')
  if (typeof document.schema === 'number' && document.schema > SCHEMA)
    throw new ProxyError(
      'newer-schema',
      `${file} was written by a newer version (schema ${document.schema}, this one knows ${SCHEMA})`,
    )
  const { version, applications, cookieKeys } = document
  if (
    document.schema !== SCHEMA ||
    !Number.isSafeInteger(version) ||
    !Array.isArray(applications) ||
    !Array.isArray(cookieKeys)
  )
    throw unusable(file, 'it is damaged')
  try {
    const ring = cookieKeys.map((written) => unsealKey(Object(written), sealing, file))
    const [sealingKey] = ring
    if (sealingKey === undefined || sealingKey.retiredAt !== undefined) throw unusable(file, 'it holds no cookie key')
    const state = emptyState(version as number, ring)
    for (const input of applications) {
      const application = parsePublishedApplication(input)
      requireFree(state, application)
      insert(state, application)
    }
    return state
  } catch (cause) {
    if (cause instanceof ProxyError && cause.code === 'store-unusable') throw cause
    throw unusable(file, `it is damaged: ${cause instanceof Error ? cause.message : 'not understood'}`, cause)
  }
}

function unsealKey(
  written: { id?: unknown; sealed?: unknown; retiredAt?: unknown },
  sealing: KeyObject,
  file: string,
): RingKey {
  const { id, sealed, retiredAt } = written
  if (
    typeof id !== 'string' ||
    typeof sealed !== 'string' ||
    (retiredAt !== undefined && typeof retiredAt !== 'string')
  )
    throw unusable(file, 'a cookie key in it is damaged')
  const secret = unseal(sealing, Buffer.from(sealed, 'base64url'), `cookie-key|${id}`)
  if (secret?.length !== 32) throw unusable(file, 'its cookie keys do not open with this master key')
  const retired = retiredAt === undefined ? undefined : Date.parse(retiredAt)
  if (Number.isNaN(retired)) throw unusable(file, 'a cookie key in it is damaged')
  return { id, secret: createSecretKey(secret), retiredAt: retired }
}

/** Writes the document; on disk when this resolves. @throws {ProxyError} `store-unusable` */
export async function saveDocument(file: string, state: ProxyState, sealing: KeyObject): Promise<void> {
  const document = {
    format: FORMAT,
    schema: SCHEMA,
    version: state.version,
    applications: [...state.applications.values()],
    cookieKeys: state.ring.map(({ id, secret, retiredAt }) => ({
      id,
      ...(retiredAt === undefined ? {} : { retiredAt: new Date(retiredAt).toISOString() }),
      sealed: seal(sealing, secret.export(), `cookie-key|${id}`).toString('base64url'),
    })),
  }
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeDurably(file, `${JSON.stringify(document, undefined, 1)}\n`)
  } catch (cause) {
    throw unusable(file, `it cannot be written (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})`, cause)
  }
}

/** What a crash between writing and renaming left behind. */
export async function removeLeftovers(file: string): Promise<void> {
  const folder = dirname(file)
  const leftovers = (await readdir(folder)).filter(
    (name) => name.startsWith(`${basename(file)}.`) && name.endsWith('.tmp'),
  )
  await Promise.all(leftovers.map((name) => rm(join(folder, name), { force: true })))
}

function unusable(file: string, message: string, cause?: unknown): ProxyError {
  return new ProxyError('store-unusable', `${file}: ${message}`, { cause })
}
