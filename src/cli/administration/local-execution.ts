import type { Configuration } from '../configuration/configuration.ts'
import { openGatehouse } from '../gatehouse.ts'
import { createLog } from '../log.ts'
import type { Operator } from './operation.ts'
import { type OperationInput, type OperationName, type OperationOutput, operate } from './operations.ts'

/**
 * Runs one operation without a server: opens the data folder under its lock, operates, closes.
 * @throws {CliError} `folder-in-use` at once when another process has the folder; and what the operation throws.
 */
export async function runOnDataFolder<Name extends OperationName>(
  configuration: Configuration,
  name: Name,
  input: OperationInput<Name>,
  operator: Operator,
): Promise<OperationOutput<Name>> {
  // The command's own output is what the person reads; only what went wrong beside it is worth a line.
  const log = createLog({ level: 'error', destination: 'stderr' })
  const gatehouse = await openGatehouse(configuration, { log })
  try {
    const output = await operate(gatehouse, name, input, operator)
    return JSON.parse(JSON.stringify(output ?? null)) as OperationOutput<Name>
  } finally {
    await gatehouse.close()
  }
}
