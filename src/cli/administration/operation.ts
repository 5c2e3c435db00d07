/**
 * An operation of the administration: a name, the schema of its input, and what it does to an open Gatehouse. The
 * running server and a command that works on the data folder run the very same ones ({@link operate}).
 */
import { z } from 'zod'
import type { FederationServer } from '../../sts/federation-server.ts'
import { CliError } from '../cli-error.ts'
import type { Gatehouse, ProxyParts } from '../gatehouse.ts'

export interface Operation<Input extends z.ZodType = z.ZodType, Output = unknown> {
  readonly input: Input
  /** Whether it changes something: then it is audited, and never runs beside another one that does. */
  readonly changes: boolean
  /** Whom or what it is about, for the audit trail; never a secret. */
  subject?(input: z.output<Input>): string
  /** Its answer is plain data that survives JSON: dates are ISO 8601 text. */
  run(gatehouse: Gatehouse, input: z.output<Input>): Output | Promise<Output>
}

/** Gives an operation its types. */
export function operation<Input extends z.ZodType, Output>(
  definition: Operation<Input, Output>,
): Operation<Input, Output> {
  return definition
}

/** Who does something, for the audit trail. */
export interface Operator {
  /** Operating system user, or what stands for it. */
  readonly who: string
  /** `command`, `socket`, or the address of the client. */
  readonly from: string
}

/** No input at all. */
export const nothing = z.strictObject({})

/** A word from a command line or a file: no control characters, so that one event is one line everywhere. */
export const word = (most: number) =>
  z
    .string()
    .min(1, 'must not be empty')
    .max(most, `must have at most ${most} characters`)
    .regex(/^\P{Cc}*$/u, 'must not hold control characters')

export const upn = word(1024)
export const groupName = word(256)
export const trustReference = word(1024)
/** Longer than any that is taken, so that the store says what it takes. */
export const password = z.string().max(65_536, 'must have at most 65,536 characters')

/** @throws {CliError} `role-missing` */
export function stsOf(gatehouse: Gatehouse): FederationServer {
  if (gatehouse.sts !== undefined) return gatehouse.sts
  throw new CliError(
    'role-missing',
    'this machine has no federation server: `roles` in its configuration does not name `sts`',
  )
}

/** @throws {CliError} `role-missing` */
export function proxyOf(gatehouse: Gatehouse): ProxyParts {
  if (gatehouse.proxy !== undefined) return gatehouse.proxy
  throw new CliError('role-missing', 'this machine has no proxy: `roles` in its configuration does not name `proxy`')
}
