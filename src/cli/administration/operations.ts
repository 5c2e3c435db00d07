import type { z } from 'zod'
import { CliError } from '../cli-error.ts'
import type { Gatehouse } from '../gatehouse.ts'
import { appendAudit } from './audit-file.ts'
import type { Operation, Operator } from './operation.ts'
import { applicationOperations } from './operations/applications.ts'
import { entryOperations } from './operations/entry.ts'
import { keyOperations } from './operations/keys.ts'
import { peopleOperations } from './operations/people.ts'
import { serverOperations } from './operations/server.ts'
import { trustOperations } from './operations/trusts.ts'

/** The one table of what an administrator can do. */
export const operations = {
  ...peopleOperations,
  ...trustOperations,
  ...applicationOperations,
  ...entryOperations,
  ...keyOperations,
  ...serverOperations,
} as const

export type Operations = typeof operations
export type OperationName = keyof Operations
export type OperationInput<Name extends OperationName> = z.input<Operations[Name]['input']>
export type OperationOutput<Name extends OperationName> = Awaited<ReturnType<Operations[Name]['run']>>

/** Whether there is an operation of that name. */
export function isOperationName(name: string): name is OperationName {
  return Object.hasOwn(operations, name)
}

/**
 * Checks the input, runs the operation and writes a change into the audit trail, whatever came of it.
 * @param input what the caller gave; nothing about it is believed.
 * @throws {CliError} `unknown-operation`, `invalid-input`, `role-missing`; and the errors of the room that it works on.
 */
export async function operate<Name extends OperationName>(
  gatehouse: Gatehouse,
  name: Name,
  input: OperationInput<Name>,
  operator: Operator,
): Promise<OperationOutput<Name>> {
  const found: Operation | undefined = isOperationName(name) ? (operations[name] as Operation) : undefined
  if (found === undefined) throw new CliError('unknown-operation', 'there is no such operation')
  const parsed = found.input.safeParse(input)
  if (!parsed.success) {
    const lines = parsed.error.issues.map(
      ({ path, message }) => `${path.length === 0 ? '' : `${path.join('.')}: `}${message}`,
    )
    throw new CliError('invalid-input', lines.join('; ').slice(0, 2000))
  }
  if (!found.changes) return (await found.run(gatehouse, parsed.data)) as OperationOutput<Name>
  return (await inTurn(gatehouse, () => change(gatehouse, name, found, parsed.data, operator))) as OperationOutput<Name>
}

async function change(
  gatehouse: Gatehouse,
  name: string,
  found: Operation,
  input: unknown,
  operator: Operator,
): Promise<unknown> {
  const subject = found.subject?.(input)
  const what = subject === undefined ? name : `${name} ${subject}`
  try {
    const output = await found.run(gatehouse, input)
    await audit(gatehouse, { ...operator, what, result: 'success' })
    return output
  } catch (error) {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'internal'
    await audit(gatehouse, { ...operator, what, result: 'failure', code })
    throw error
  }
}

// One change at a time: an operation looks first and acts then, across two stores that know nothing of each other.
const lastChanges = new WeakMap<Gatehouse, Promise<unknown>>()

function inTurn<T>(gatehouse: Gatehouse, work: () => Promise<T>): Promise<T> {
  const turn = (lastChanges.get(gatehouse) ?? Promise.resolve()).then(work)
  lastChanges.set(
    gatehouse,
    turn.catch(() => {}),
  )
  return turn
}

interface Administration extends Operator {
  readonly what: string
  readonly result: 'success' | 'failure'
  readonly code?: string
}

async function audit(gatehouse: Gatehouse, event: Administration): Promise<void> {
  const whole = { at: new Date(), event: 'administration', ...event }
  if (gatehouse.sts !== undefined) {
    await gatehouse.sts.audit.record(whole)
    return
  }
  gatehouse.log.info({ audit: whole }, 'audit')
  await appendAudit(gatehouse.configuration.data, whole)
}
