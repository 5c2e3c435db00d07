/**
 * Passwords as argon2id (RFC 9106) with OWASP's parameters: 19 MiB, two passes, one lane, kept as PHC text. The work is
 * done by the `argon2` package where it is installed, else by node:crypto; both give the same bytes. At most two run
 * at once in a process, whoever asks: that bounds memory and leaves threads for signing.
 */
import { argon2 as nodeArgon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { StsError } from '../sts-error.ts'

/** Longest password in bytes of UTF-8; a longer one is refused before any work. */
export const longestPassword = 1024

interface Parameters {
  /** KiB */
  memory: number
  passes: number
  parallelism: number
}

interface StoredHash extends Parameters {
  salt: Buffer
  tag: Buffer
}

/** Derives the tag of a password; what the two implementations have in common. */
export type DeriveTag = (password: Buffer, hash: Omit<StoredHash, 'tag'> & { tagLength: number }) => Promise<Buffer>

const current: Parameters = { memory: 19_456, passes: 2, parallelism: 1 }
const saltLength = 16
const tagLength = 32

/**
 * Hashes a password for keeping.
 * @throws {StsError} `password-too-long`, `invalid-password` (empty, or not well-formed Unicode)
 */
export async function hashPassword(password: string): Promise<string> {
  const bytes = passwordBytes(password)
  if (bytes === 'too-long') {
    throw new StsError('password-too-long', `a password has at most ${longestPassword} bytes`)
  }
  if (bytes === undefined) throw new StsError('invalid-password', 'a password has at least one character')
  const salt = randomBytes(saltLength)
  const tag = await derive(bytes, { ...current, salt, tagLength })
  return phc({ ...current, salt, tag })
}

/**
 * Tells whether a password is the one that was hashed. It costs the same for every password of this hash.
 * @param password as `passwordBytes` returned it.
 */
export async function verifyPassword(hash: string, password: Buffer): Promise<boolean> {
  const stored = parsePhc(hash)
  const tag = await derive(password, { ...stored, tagLength: stored.tag.length })
  return timingSafeEqual(tag, stored.tag)
}

/** A hash with today's parameters that no password matches: the work for people who do not exist. */
export function unmatchableHash(): string {
  return phc({ ...current, salt: randomBytes(saltLength), tag: randomBytes(tagLength) })
}

/**
 * The bytes of a password that are hashed: composed form, UTF-8 (RFC 8265, OpaqueString), so that an accent typed on
 * another keyboard is the same accent.
 * @returns undefined for an empty one and for lone surrogates, which would all look alike in UTF-8.
 */
export function passwordBytes(password: string): Buffer | 'too-long' | undefined {
  // a code unit is at least a byte, so that a huge text is not even measured
  if (password.length > longestPassword || Buffer.byteLength(password) > longestPassword) return 'too-long'
  if (password.length === 0 || !password.isWellFormed()) return undefined
  return Buffer.from(password.normalize('NFC'))
}

function phc({ memory, passes, parallelism, salt, tag }: StoredHash): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`
}

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')

const phcPattern =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,88})\$([A-Za-z0-9+/]{22,88})$/

function parsePhc(hash: string): StoredHash {
  const [, memory, passes, parallelism, salt, tag] = phcPattern.exec(hash) ?? []
  if (salt === undefined || tag === undefined) {
    throw new StsError('store-unusable', 'a stored password hash is not argon2id')
  }
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
}

/** By node:crypto. */
export const deriveByNode: DeriveTag = (message, { salt, tagLength, memory, passes, parallelism }) =>
  new Promise((resolve, reject) =>
    nodeArgon2('argon2id', { message, nonce: salt, tagLength, memory, passes, parallelism }, (error, tag) =>
      error === null ? resolve(tag) : reject(error),
    ),
  )

/** By the `argon2` package; undefined where it is not installed. */
export async function loadNative(): Promise<DeriveTag | undefined> {
  try {
    const { hash, argon2id } = await import('argon2')
    return (password, { salt, tagLength: hashLength, memory: memoryCost, passes: timeCost, parallelism }) =>
      hash(password, { raw: true, type: argon2id, salt, hashLength, memoryCost, timeCost, parallelism })
  } catch {
    return undefined
  }
}

const atOnce = 2
let running = 0
const waiting: (() => void)[] = []
let implementation: Promise<DeriveTag> | undefined

const derive: DeriveTag = async (password, hash) => {
  if (running >= atOnce) await new Promise<void>((start) => waiting.push(start))
  else running++
  try {
    implementation ??= loadNative().then((native) => native ?? deriveByNode)
    return await (await implementation)(password, hash)
  } finally {
    // the place goes from hand to hand, so that nobody slips in between
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
}
