/**
 * `npm run bench [-- --json] [-- --only edge-token,proxy]`: ours, the peers and the limit in one run. Medians and ratios
 * are what counts; machines differ. Exit status 0 whatever the figures are: this measures, it does not judge.
 */
import { parseArgs } from 'node:util'
import { type Figure, printFigures } from './figure.ts'

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false }, only: { type: 'string' } } })

const suites: Record<string, () => Promise<Figure[]>> = {
  'edge-token': async () => (await import('./edge-token.ts')).benchEdgeToken(),
  proxy: async () => (await import('./proxy.ts')).benchProxy(),
  kerberos: async () => (await import('./kerberos.ts')).benchKerberos(),
  'sign-in': async () => (await import('./sign-in.ts')).benchSignIn(),
  start: async () => (await import('./start.ts')).benchStart(),
}

const wanted = values.only?.split(',') ?? Object.keys(suites)
const unknown = wanted.filter((name) => !(name in suites))
if (unknown.length > 0) {
  console.error(`bench: no suite '${unknown.join("', '")}'; there are ${Object.keys(suites).join(', ')}`)
  process.exit(2)
}

const figures: Figure[] = []
for (const name of wanted) {
  const suite = suites[name]
  if (suite === undefined) continue
  const measured = await suite()
  figures.push(...measured)
  if (!values.json) printFigures(measured)
}
if (values.json) console.log(JSON.stringify({ node: process.version, figures }, null, 2))
