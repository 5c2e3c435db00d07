import { z } from 'zod'
import { configurationSchema } from './configuration.ts'

/** A key of the configuration and what may stand there: the part of JSON Schema that the schema comes down to. */
export interface Shape {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, Shape>>
  readonly additionalProperties?: boolean | Shape
  readonly required?: readonly string[]
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
}

let whole: Shape | undefined

/** The configuration's schema as plain data: for suggestions, environment variables and the reference. */
export function configurationShape(): Shape {
  whole ??= z.toJSONSchema(configurationSchema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as Shape
  return whole
}

/** The shape at a path; undefined where the path names nothing. */
export function shapeAt(
  path: readonly PropertyKey[],
  shape: Shape | undefined = configurationShape(),
): Shape | undefined {
  let at: Shape | undefined = shape
  for (const key of path) {
    if (typeof key === 'number') at = at?.items
    else
      at =
        at?.properties?.[String(key)] ??
        (typeof at?.additionalProperties === 'object' ? at.additionalProperties : undefined)
  }
  return at
}

/** `keepMeSignedIn` → `KEEP_ME_SIGNED_IN`. */
export function environmentWord(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
}
