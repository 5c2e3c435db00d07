/** What the command itself can have to say, before or beside the rooms that it drives. */
export type CliErrorCode =
  | 'usage'
  | 'configuration'
  | 'file'
  | 'file-exists'
  | 'host-uncovered'
  | 'kerberos-unconfigured'
  | 'not-permitted'
  | 'folder-in-use'
  | 'unreachable'
  | 'answer'
  | 'unknown-operation'
  | 'role-missing'
  | 'invalid-input'
  | 'trust-in-use'
  | 'token'
  | 'check'
  | 'listen'

/** One thing that is wrong with a configuration: where, which key, what. */
export interface Problem {
  /** `gatehouse.yaml:7`, or the name of an environment variable. */
  readonly where: string
  /** The key, `listeners.0.port`; '' for the whole. */
  readonly path: string
  readonly message: string
}

/** An error of the command: `message` is for the person at the terminal, a line per finding. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode
  /** For `configuration`: every problem there is. */
  readonly problems: readonly Problem[]

  constructor(code: CliErrorCode, message: string, options?: { cause?: unknown; problems?: readonly Problem[] }) {
    super(message, options)
    this.code = code
    this.problems = options?.problems ?? []
  }
}
