import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-code.ts'
import { table } from '../text.ts'

/** `gatehouse check` */
export const checkCommand: CommandSpec = {
  words: ['check'],
  summary: 'prove the chain: names, certificates, keys, metadata, every application and its backend',
  description: 'One line per finding. Ends with 1 when something failed; warnings do not count. Prints no secrets.',
  examples: ['check', 'check --json', 'check --config /etc/gatehouse/gatehouse.yaml'],
  async run(call) {
    const { checkGatehouse } = await import('../check/check.ts')
    const findings = await checkGatehouse(await call.configuration(), await call.administration())
    const failed = findings.filter(({ result }) => result === 'failed').length
    const warnings = findings.filter(({ result }) => result === 'warning').length
    const rows = findings.map(({ result, area, subject, detail }) => [result, area, subject, detail])
    const sum =
      failed === 0 && warnings === 0
        ? 'all good'
        : `${failed} failed, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`
    return {
      data: { findings, failed, warnings },
      text: [...table(rows), '', sum].join('\n'),
      exitCode: failed === 0 ? exitCodes.success : exitCodes.failure,
    }
  },
}
