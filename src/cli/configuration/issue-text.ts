import type { z } from 'zod'
import { suggest } from '../suggestion.ts'
import type { ValueProblem } from './cross-checks.ts'
import { shapeAt } from './shape.ts'

type Issue = z.core.$ZodIssue

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
}

/** A finding of the schema in words for an operator: one problem per key that is wrong. Values are not repeated. */
export function issueProblems(issue: Issue, values: unknown): ValueProblem[] {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)))
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(shapeAt(path)?.properties ?? {})
    return issue.keys.map((key, index) => {
      // Of a hundred unknown keys none is a slip of the finger.
      const near = index < 100 ? suggest(key, known) : undefined
      const help =
        near === undefined ? (known.length === 0 ? '' : `; known: ${known.join(', ')}`) : `; did you mean \`${near}\`?`
      return { path: [...path, key], message: `is not a key${help}` }
    })
  }
  return [{ path, message: issueText(issue, valueAt(values, path)) }]
}

function issueText(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      if (value === undefined) return 'is missing'
      return typeof value === 'number' && issue.expected === 'int'
        ? 'must be a whole number'
        : `must be ${kinds[issue.expected] ?? issue.expected}`
    case 'invalid_value': {
      const choices = issue.values.map(String)
      const near = typeof value === 'string' ? suggest(value, choices) : undefined
      return `${value === undefined ? 'is missing; it' : 'must be'} ${value === undefined ? 'is one of' : 'one of'} ${choices.join(', ')}${near === undefined ? '' : `; did you mean \`${near}\`?`}`
    }
    case 'too_small':
      if (issue.origin === 'array') return 'must not be empty'
      return issue.origin === 'string'
        ? issue.message.startsWith('must')
          ? issue.message
          : 'must not be empty'
        : `must be at least ${issue.minimum}`
    case 'too_big':
      return issue.origin === 'string'
        ? `must have at most ${issue.maximum} characters`
        : issue.origin === 'array'
          ? `must have at most ${issue.maximum} elements`
          : `must be at most ${issue.maximum}`
    case 'invalid_key':
      return issue.issues[0]?.message ?? 'is not a key that is expected here'
    case 'invalid_union':
      return 'must be a path, or false'
    default:
      return issue.message
  }
}

function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  let at = values
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<PropertyKey, unknown>)[key]
  }
  return at
}
