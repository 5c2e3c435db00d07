/**
 * Every key of the configuration from the environment: `GATEHOUSE_` and the key's path in capitals, words parted by
 * `_`, elements of a list by their number: `GATEHOUSE_STS_URL`, `GATEHOUSE_LISTENERS_0_PORT`. Lists of words are
 * written with commas, other lists and maps as YAML in one line. A variable that is empty counts as not there.
 */
import { parse } from 'yaml'
import { suggest } from '../suggestion.ts'
import type { Shape } from './shape.ts'
import { configurationShape, environmentWord } from './shape.ts'

const prefix = 'GATEHOUSE_'

// GATEHOUSE_CONFIG names the file. The others are what Kubernetes sets for a service that is called gatehouse.
const notOurs = /^GATEHOUSE_(CONFIG$|SERVICE_(HOST|PORT)|PORT$|PORT_\d+_)/

/** A key that the environment sets. */
export interface EnvironmentSetting {
  readonly name: string
  readonly path: readonly (string | number)[]
  readonly value: unknown
}

/** What the environment sets, shorter paths first, and what of it names no key. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): {
  settings: EnvironmentSetting[]
  problems: { name: string; message: string }[]
} {
  const settings: EnvironmentSetting[] = []
  const problems: { name: string; message: string }[] = []
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || notOurs.test(name) || text === undefined || text === '') continue
    const found = findKey(name.slice(prefix.length), configurationShape())
    if (found === undefined) {
      const near = suggest(name, knownNames(configurationShape(), 'GATEHOUSE'))
      problems.push({ name, message: `names no key of the configuration${near === undefined ? '' : `; ${near} does`}` })
      continue
    }
    const value = readValue(text, found.shape)
    if (value === undefined) problems.push({ name, message: 'is not readable as YAML' })
    else settings.push({ name, path: found.path, value: value.value })
  }
  settings.sort((a, b) => a.path.length - b.path.length || (a.name < b.name ? -1 : 1))
  return { settings, problems }
}

function findKey(rest: string, shape: Shape): { path: (string | number)[]; shape: Shape } | undefined {
  if (rest === '') return { path: [], shape }
  const index = shape.items === undefined ? null : /^(\d{1,2})(?:_|$)/.exec(rest)
  if (index?.[1] !== undefined && shape.items !== undefined) {
    const below = findKey(rest.slice(index[0].length), shape.items)
    return below && { path: [Number(index[1]), ...below.path], shape: below.shape }
  }
  for (const [key, property] of Object.entries(shape.properties ?? {})) {
    const word = environmentWord(key)
    if (rest !== word && !rest.startsWith(`${word}_`)) continue
    const below = findKey(rest.slice(word.length + 1), property)
    if (below !== undefined) return { path: [key, ...below.path], shape: below.shape }
  }
  return undefined
}

function knownNames(shape: Shape, name: string): string[] {
  const own = Object.entries(shape.properties ?? {}).flatMap(([key, property]) =>
    knownNames(property, `${name}_${environmentWord(key)}`),
  )
  const items = shape.items === undefined ? [] : knownNames(shape.items, `${name}_0`)
  return [name, ...own, ...items]
}

function readValue(text: string, shape: Shape): { value: unknown } | undefined {
  if (shape.anyOf?.some((choice) => choice.const === false) && text === 'false') return { value: false }
  switch (shape.type) {
    case 'boolean':
      return { value: text === 'true' ? true : text === 'false' ? false : text }
    case 'integer':
    case 'number':
      return { value: /^-?\d{1,15}$/.test(text) ? Number(text) : text }
    case 'array':
      if (!text.trimStart().startsWith('[')) return { value: text.split(',').map((part) => part.trim()) }
      return readYaml(text)
    case 'object':
      return readYaml(text)
    default:
      return { value: text }
  }
}

function readYaml(text: string): { value: unknown } | undefined {
  try {
    return { value: parse(text, { maxAliasCount: 0 }) as unknown }
  } catch {
    return undefined
  }
}

/**
 * Puts what the environment sets into the configuration as written.
 * @returns the environment variable's name by the path it set, and what could not be put where it belongs.
 */
export function applyEnvironment(
  raw: Record<string, unknown>,
  settings: readonly EnvironmentSetting[],
): { origins: Map<string, string>; problems: { name: string; message: string }[] } {
  const origins = new Map<string, string>()
  const problems: { name: string; message: string }[] = []
  for (const { name, path, value } of settings) {
    const message = put(raw, path, value)
    if (message === undefined) origins.set(path.join('.'), name)
    else problems.push({ name, message })
  }
  return { origins, problems }
}

function put(raw: Record<string, unknown>, path: readonly (string | number)[], value: unknown): string | undefined {
  let at: Record<string | number, unknown> = raw
  for (const [depth, key] of path.entries()) {
    if (Array.isArray(at) && typeof key === 'number' && key > at.length) {
      return `is number ${key}, but there ${at.length === 1 ? 'is one element' : `are ${at.length} elements`}; the next is ${at.length}`
    }
    if (depth === path.length - 1) {
      at[key] = value
      return undefined
    }
    const next = at[key] ?? (typeof path[depth + 1] === 'number' ? [] : {})
    if (typeof next !== 'object' || Array.isArray(next) !== (typeof path[depth + 1] === 'number')) {
      return `cannot be set: ${path.slice(0, depth + 1).join('.')} is something else in the file`
    }
    at[key] = next
    at = next as Record<string | number, unknown>
  }
  return undefined
}
