import type { CommandSpec } from './command.ts'
import { applicationCommands } from './commands/application.ts'
import { checkCommand } from './commands/check.ts'
import { groupCommands } from './commands/group.ts'
import { initCommand } from './commands/init.ts'
import { kerberosCommands } from './commands/kerberos.ts'
import { keyCommands } from './commands/keys.ts'
import { serveCommand } from './commands/serve.ts'
import { tokenCommands } from './commands/token.ts'
import { trustCommands } from './commands/trust.ts'
import { userCommands } from './commands/user.ts'
import { demoCommand } from './demo/demo-command.ts'

/** The one table of commands, in the order of the help. */
export const commands: readonly CommandSpec[] = [
  demoCommand,
  initCommand,
  serveCommand,
  checkCommand,
  ...userCommands,
  ...groupCommands,
  ...trustCommands,
  ...applicationCommands,
  ...keyCommands,
  ...tokenCommands,
  ...kerberosCommands,
]
