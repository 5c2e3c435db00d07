import { EdgeTokenError } from './edge-token-error.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Parses JSON whose meaning is the same for every reader: valid UTF-8 without a byte order mark, no member twice, no
 * member named `__proto__`, nothing nested deeper than `depth` (8 unless told).
 * @param bytes the text, its size already bounded by the caller.
 * @throws {EdgeTokenError} `malformed`
 * @see RFC 7515 §4 (member names must be unique), RFC 8259 §8.1
 */
export function parseStrictJson(bytes: Uint8Array, depth = 8): unknown {
  const text = decodeUtf8(bytes)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new EdgeTokenError('malformed', 'is not JSON', { cause })
  }
  const kept = countMembers(value, depth)
  // JSON.parse keeps the last of two members of one name: the text then holds more names than the value. The quick
  // count never counts too few, so only where it differs is the exact one asked.
  if (kept !== countNamesQuickly(text) && kept !== countNames(text)) {
    throw new EdgeTokenError('malformed', 'has a member twice')
  }
  return value
}

/** True for what a JSON object becomes; not for arrays and null. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function decodeUtf8(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  // The lenient decoder writes U+FFFD for every byte it cannot read; without one there was none.
  if (!text.includes('\ufffd')) return text
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new EdgeTokenError('malformed', 'is not UTF-8', { cause })
  }
}

function countMembers(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (depth === 0) throw new EdgeTokenError('malformed', 'is nested too deeply')
  if (Array.isArray(value)) {
    let members = 0
    for (const item of value) members += countMembers(item, depth - 1)
    return members
  }
  const names = Object.keys(value)
  let members = names.length
  for (const name of names) {
    if (name === '__proto__') throw new EdgeTokenError('malformed', 'has a member named __proto__')
    const member = (value as Record<string, unknown>)[name]
    if (typeof member === 'object') members += countMembers(member, depth - 1)
  }
  return members
}

/** Counts colons that stand behind a quotation mark: every member name ends so, and now and then a piece of a string. */
function countNamesQuickly(text: string): number {
  let names = 0
  for (let colon = text.indexOf(':'); colon !== -1; colon = text.indexOf(':', colon + 1)) {
    let before = colon - 1
    while (isBlank(text.charCodeAt(before))) before--
    if (text.charCodeAt(before) === 0x22) names++
  }
  return names
}

/** Counts the colons outside strings, of a text that is known to be JSON. */
function countNames(text: string): number {
  let names = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x3a) names++
    else if (code === 0x22) {
      for (at++; text.charCodeAt(at) !== 0x22; at++) if (text.charCodeAt(at) === 0x5c) at++
    }
  }
  return names
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}
