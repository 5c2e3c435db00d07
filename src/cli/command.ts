/**
 * What a command of `gatehouse` is: words, operands, options, examples, and what it does. The table of all of them is
 * `commands.ts`; `command-line.ts` reads a command line by it, `help.ts` writes its help.
 */
import type { Administration } from './administration/administration.ts'
import type { Configuration } from './configuration/configuration.ts'
import type { ExitCode } from './exit-code.ts'

export interface OptionSpec {
  /** Without dashes, words parted by `-`. */
  readonly name: string
  /** What the value is called in the help; absent: a switch. */
  readonly value?: string
  /** May be given more than once. */
  readonly many?: boolean
  readonly help: string
}

export interface OperandSpec {
  /** In capitals, as the help shows it. */
  readonly name: string
  readonly optional?: boolean
  readonly help: string
}

export interface Vocabulary {
  /** What an option is under that name, however it is spelt. */
  find(name: string): OptionSpec | undefined
  /** Every name, for suggestions. */
  readonly names: readonly string[]
  /** What the help lists. */
  readonly options: readonly OptionSpec[]
  /** What the help says below the list. */
  readonly help: string
}

export interface CommandSpec {
  /** `['user', 'add']`. */
  readonly words: readonly string[]
  /** One line, for the list of commands. */
  readonly summary: string
  /** More, where there is more to know. */
  readonly description?: string
  readonly operands?: readonly OperandSpec[]
  readonly options?: readonly OptionSpec[]
  /** Options that are handed on as they were written, to be understood by who knows their meaning. */
  readonly vocabulary?: Vocabulary
  /** Takes whatever follows as it stands: it reads its own command line. */
  readonly readsItself?: boolean
  /** Whole command lines without `gatehouse`. */
  readonly examples: readonly string[]
  run(call: Call): Promise<Answer> | Answer
}

/** A command line that fits its command. */
export interface Call {
  /** An operand, '' where an optional one is missing. */
  operand(name: string): string
  /** Whether an option was given; for a switch, whether it is on. */
  has(option: string): boolean
  /** The value of an option that was given. */
  text(option: string): string | undefined
  /** All values of an option, in their order. */
  list(option: string): readonly string[]
  /** The options of the command's other vocabulary: name as written to value, `true` for a switch. */
  readonly vocabulary: Readonly<Record<string, string | boolean | readonly string[]>>
  /** What follows, for a command that reads its own command line. */
  readonly rest: readonly string[]
  readonly json: boolean
  configuration(): Promise<Configuration>
  /** The path of `--config`, undefined without it. */
  readonly configurationFile: string | undefined
  administration(): Promise<Administration>
  readonly terminal: Terminal
}

/** What a command says: the same for a person and for a program. */
export interface Answer {
  /** For `--json`; undefined prints nothing. */
  readonly data: unknown
  /** For a person; '' says nothing. */
  readonly text: string
  /** Default 0. */
  readonly exitCode?: ExitCode
}

/** The streams and variables of the process that the command runs in. */
export interface Terminal {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly environment: Readonly<Record<string, string | undefined>>
}
