#!/usr/bin/env node
/** The `gatehouse` command. Nothing is imported before the version of Node.js is known to be one that can read it. */
import { keepYoungGenerationSmall } from './young-generation.ts'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`gatehouse needs Node.js 22.19 or newer; this is ${process.versions.node}\n`)
  process.exitCode = 1
} else {
  quietenWarnings()
  keepYoungGenerationSmall()
  const { main } = await import('./run.ts')
  process.exitCode = await main(process.argv.slice(2))
}

// Node 22 warns of SQLite on every start, which nobody at the terminal can act on.
function quietenWarnings(): void {
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (String(warning).includes('SQLite is an experimental feature')) return
    Reflect.apply(emitWarning, process, [warning, ...rest])
  }) as typeof process.emitWarning
}
