/**
 * From `gatehouse.yaml` and the environment to a {@link Configuration}: text → YAML with positions → values → schema.
 * Every problem of every step that can still be taken is told at once, with its line.
 */
import { open } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { Document, Node } from 'yaml'
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml'
import type { z } from 'zod'
import { CliError, type Problem } from '../cli-error.ts'
import { type Configuration, configurationSchema, pathKeys } from './configuration.ts'
import { crossCheck } from './cross-checks.ts'
import { applyEnvironment, readEnvironment } from './environment.ts'
import { issueProblems } from './issue-text.ts'

const sizeLimit = 262_144
const depthLimit = 16
const mostShown = 100

/**
 * Reads and checks a configuration.
 * @param options.file path of the YAML file; `gatehouse.yaml` in the working directory without it.
 * @param options.environment variables that override keys; the process's own without it.
 * @throws {CliError} `file` when it cannot be read, `configuration` with all `problems` when it does not hold.
 */
export async function loadConfiguration(
  options: { file?: string | undefined; environment?: Readonly<Record<string, string | undefined>> } = {},
): Promise<Configuration> {
  const environment = options.environment ?? process.env
  const file = resolve(options.file ?? (environment['GATEHOUSE_CONFIG'] || 'gatehouse.yaml'))
  return parseConfiguration(await readText(file), { file, environment })
}

/**
 * Checks a configuration that is at hand as text.
 * @param options.file the absolute path that relative paths and messages are made with; it is not read.
 * @throws {CliError} `configuration` with all `problems`.
 */
export function parseConfiguration(
  text: string,
  options: { file: string; environment?: Readonly<Record<string, string | undefined>> },
): Configuration {
  const { file, environment = {} } = options
  const name = basename(file)
  const problems: Problem[] = []
  const { values, positions } = readYaml(text, name, problems)
  // Of a text that is not YAML nothing further is known; whatever the schema said of it would be noise.
  if (positions.size === 0 && problems.length > 0) throw configurationError(file, problems)

  const { settings, problems: unknownVariables } = readEnvironment(environment)
  const { origins, problems: misplaced } = applyEnvironment(values, settings)
  for (const { name, message } of [...unknownVariables, ...misplaced]) problems.push({ where: name, path: '', message })

  // What a key that is not there, or is not known, is told with: the nearest thing above it that has a place.
  const place = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length >= 0; length--) {
      const key = path.slice(0, length).join('.')
      const where = origins.get(key) ?? positions.get(key)
      if (where !== undefined) return typeof where === 'string' ? where : `${name}:${where}`
    }
    return `${name}:1`
  }
  const parsed = configurationSchema.safeParse(values)
  const found = [
    ...(parsed.error?.issues ?? []).flatMap((issue) => issueProblems(issue, values)),
    ...crossCheck(values, file),
  ]
  for (const { path, message } of found) problems.push({ where: place(path), path: path.join('.'), message })

  if (!parsed.success || problems.length > 0) throw configurationError(file, problems)
  return freeze({ ...absolutePaths(parsed.data, dirname(file)), file }) as Configuration
}

function configurationError(file: string, problems: readonly Problem[]): CliError {
  const byLine = [...problems].sort((a, b) => lineOf(a) - lineOf(b))
  const shown = byLine.slice(0, mostShown)
  const lines = shown.map(({ where, path, message }) => `  ${where}: ${path === '' ? '' : `${path} `}${message}`)
  if (shown.length < problems.length) lines.push(`  … and ${problems.length - shown.length} more`)
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  return new CliError('configuration', `${file} has ${count}:\n${lines.join('\n')}`, { problems: shown })
}

const lineOf = ({ where }: Problem) => Number(/:(\d+)$/.exec(where)?.[1] ?? 0)

async function readText(file: string): Promise<string> {
  try {
    const handle = await open(file, 'r')
    try {
      const bytes = Buffer.alloc(sizeLimit + 1)
      let length = 0
      while (length < bytes.length) {
        const { bytesRead } = await handle.read(bytes, length, bytes.length - length, null)
        if (bytesRead === 0) break
        length += bytesRead
      }
      if (length > sizeLimit) throw new CliError('file', `${file} is larger than 256 KiB: not a configuration`)
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length))
    } finally {
      await handle.close()
    }
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    if (cause instanceof TypeError) throw new CliError('file', `${file} is not UTF-8 text`, { cause })
    const code = (cause as NodeJS.ErrnoException).code
    const why =
      code === 'ENOENT'
        ? 'is not there; `gatehouse init` makes one, `--config FILE` names another'
        : `cannot be read (${code})`
    throw new CliError(code === 'EACCES' ? 'not-permitted' : 'file', `${file} ${why}`, { cause })
  }
}

function readYaml(
  text: string,
  name: string,
  problems: Problem[],
): { values: Record<string, unknown>; positions: Map<string, number> } {
  const lines = new LineCounter()
  const positions = new Map<string, number>()
  const problem = (offset: number, path: string, message: string) =>
    problems.push({ where: `${name}:${lines.linePos(offset).line || 1}`, path, message })
  const nothing = { values: {}, positions }

  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'error',
  })
  const documents: Document.Parsed[] = Array.isArray(parsed) ? parsed : []
  const [document, more] = documents
  if (document === undefined) return nothing
  if (more !== undefined) problem(more.range[0], '', 'a second document begins; one is read')
  for (const error of [...document.errors, ...document.warnings].slice(0, 20)) {
    if (/call stack|stack overflow/i.test(error.message)) {
      problem(error.pos[0], '', 'is nested too deep')
      return nothing
    }
    problem(error.pos[0], '', yamlText(error.message))
  }
  if (document.errors.length > 0 || document.contents === null) return nothing

  const visit = (node: Node | null, path: readonly (string | number)[]): unknown => {
    const at = path.join('.')
    if (node === null) return null
    const offset = node.range?.[0] ?? 0
    if (!positions.has(at)) positions.set(at, lines.linePos(offset).line)
    if (path.length > depthLimit) return void problem(offset, at, 'is nested too deep')
    if (isAlias(node) || node.anchor !== undefined)
      return void problem(offset, at, 'uses an anchor or alias; write the value out')
    if (isSeq<Node | null>(node)) return node.items.map((item, index) => visit(item, [...path, index]))
    if (isMap<Node, Node | null>(node)) {
      const values: Record<string, unknown> = {}
      const seen = new Set<string>()
      for (const { key, value } of node.items) {
        const keyOffset = key.range?.[0] ?? offset
        if (!isScalar(key) || typeof key.value === 'object') {
          problem(keyOffset, at, 'has a key that is not a word')
          continue
        }
        const word = String(key.value)
        if (word === '__proto__') {
          problem(keyOffset, at, 'has a key `__proto__`, which names nothing here')
          continue
        }
        // Looked for here and not by the parser, which compares each key with every other.
        if (seen.has(word)) {
          problem(keyOffset, [...path, word].join('.'), 'is there twice')
          continue
        }
        seen.add(word)
        positions.set([...path, word].join('.'), lines.linePos(keyOffset).line)
        const result = visit(value, [...path, word])
        // A key with nothing behind it is one that was left out, as in a file where its lines are commented out.
        if (result !== null) values[word] = result
      }
      return values
    }
    if (!isScalar(node)) return undefined
    return typeof node.value === 'bigint' ? Number(node.value) : node.value
  }
  const values = visit(document.contents, [])
  if (typeof values === 'object' && values !== null && !Array.isArray(values))
    return { values: values as Record<string, unknown>, positions }
  problem(0, '', 'is not a map of keys: expected lines such as `roles: [sts, proxy]`')
  return nothing
}

// The first line says it; what follows in the parser's text draws the place.
const yamlText = (message: string) => message.split('\n', 1)[0]?.replace(/:$/, '') ?? 'is not YAML'

function absolutePaths(
  values: z.output<typeof configurationSchema>,
  folder: string,
): z.output<typeof configurationSchema> {
  const convert = (value: unknown, path: readonly string[]): unknown => {
    const [key, ...rest] = path
    if (key === undefined) return typeof value === 'string' ? resolve(folder, value) : value
    if (key === '[]') return Array.isArray(value) ? value.map((item: unknown) => convert(item, rest)) : value
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return value
    return { ...value, [key]: convert((value as Record<string, unknown>)[key], rest) }
  }
  return pathKeys.reduce<unknown>(convert, values) as z.output<typeof configurationSchema>
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(Object.freeze(value))) freeze(part)
  return value
}
